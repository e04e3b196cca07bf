// Conv-TasNet's weights as torchaudio, asteroid, kaituoxu and the reference project publish them. The network's own names
// are torchaudio's, with optional extras: encoder.bias, decoder.bias, the last block's res_out, no convolution biases
// and no skip_out (kaituoxu). Sources: the state_dicts of those projects' models.
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/layout.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/tensor.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

inline void add_pair(layout& l, const std::string& theirs, const std::string& ours) {
  l.rules.push_back({theirs + "weight", ours + "weight"});
  l.rules.push_back({theirs + "bias", ours + "bias"});
}

// gamma and beta for weight and bias; `axes` of theirs.
inline void add_norm(layout& l, const std::string& theirs, const std::string& ours, const std::string& axes = "c") {
  l.rules.push_back({theirs + "gamma", ours + "weight", axes, "c"});
  l.rules.push_back({theirs + "beta", ours + "bias", axes, "c"});
}

inline const std::string convtasnet_block = "mask_generator.conv_layers.{i}.";

// Signatures leave out the encoder and the decoder, so that where these are missing matching can say so.
inline layout torchaudio_convtasnet() { return {"torchaudio", {"mask_generator.input_conv.weight"}, {}}; }

// A causal depthwise convolution is wrapped together with the module that cuts its padding off.
inline layout asteroid_convtasnet(bool causal) {
  const std::string depthwise = causal ? "shared_block.3.0." : "shared_block.3.";
  layout l{causal ? "asteroid (causal)" : "asteroid",
           {"masker.bottleneck.1.weight", "masker.TCN.0." + depthwise + "weight"},
           {{"encoder.filterbank._filters", "encoder.weight"}, {"decoder.filterbank._filters", "decoder.weight"}}};
  add_norm(l, "masker.bottleneck.0.", "mask_generator.input_norm.");
  add_pair(l, "masker.bottleneck.1.", "mask_generator.input_conv.");
  const std::string t = "masker.TCN.{i}.", o = convtasnet_block + "conv_layers.";
  add_pair(l, t + "shared_block.0.", o + "0.");
  l.rules.push_back({t + "shared_block.1.weight", o + "1.weight"});
  add_norm(l, t + "shared_block.2.", o + "2.");
  add_pair(l, t + depthwise, o + "3.");
  l.rules.push_back({t + "shared_block.4.weight", o + "4.weight"});
  add_norm(l, t + "shared_block.5.", o + "5.");
  add_pair(l, t + "res_conv.", convtasnet_block + "res_out.");
  add_pair(l, t + "skip_conv.", convtasnet_block + "skip_out.");
  l.rules.push_back({"masker.mask_net.0.weight", "mask_generator.output_prelu.weight"});
  add_pair(l, "masker.mask_net.1.", "mask_generator.output_conv.");
  return l;
}

// Blocks by repeat and place, no biases, gains with unit axes, a decoder that is a linear layer. When causal, a module
// that cuts the padding takes index 1 behind the depthwise convolution.
inline layout kaituoxu_convtasnet(bool causal) {
  const auto inner = [causal](int place) { return std::to_string(place + (causal && place > 0 ? 1 : 0)); };
  const std::string t = "separator.network.2.{i/X}.{i%X}.net.", o = convtasnet_block + "conv_layers.";
  layout l{causal ? "kaituoxu (causal)" : "kaituoxu",
           {"separator.network.1.weight", "separator.network.2.0.0.net.3.net." + inner(3) + ".weight"},
           {{"encoder.conv1d_U.weight", "encoder.weight"},
            {"separator.network.1.weight", "mask_generator.input_conv.weight"},
            {t + "0.weight", o + "0.weight"},
            {t + "1.weight", o + "1.weight"},
            {t + "3.net.0.weight", o + "3.weight"},
            {t + "3.net." + inner(1) + ".weight", o + "4.weight"},
            {t + "3.net." + inner(3) + ".weight", convtasnet_block + "res_out.weight"},
            {"separator.network.3.weight", "mask_generator.output_conv.weight"},
            {"decoder.basis_signals.weight", "decoder.weight", "l n", "n 1 l"}}};
  add_norm(l, "separator.network.0.", "mask_generator.input_norm.", "1 c 1");
  add_norm(l, t + "2.", o + "2.", "1 c 1");
  add_norm(l, t + "3.net." + inner(2) + ".", o + "5.", "1 c 1");
  return l;
}

inline layout reference_convtasnet() {
  layout l{"reference", {"tcn_module.bottleneck.weight"}, {}};
  add_pair(l, "encoder.", "encoder.");
  add_pair(l, "decoder.", "decoder.");
  add_pair(l, "tcn_module.layer_norm.", "mask_generator.input_norm.");
  add_pair(l, "tcn_module.bottleneck.", "mask_generator.input_conv.");
  const std::string t = "tcn_module.tcn.{i}.";
  for (const char* place : {"0.", "2.", "3.", "5."})
    add_pair(l, t + "common_part." + place, convtasnet_block + "conv_layers." + place);
  for (const char* place : {"1.weight", "4.weight"})
    l.rules.push_back({t + "common_part." + place, convtasnet_block + "conv_layers." + place});
  for (const char* end : {"res_out.", "skip_out."}) add_pair(l, t + end, convtasnet_block + end);
  l.rules.push_back({"tcn_module.output.0.weight", "mask_generator.output_prelu.weight"});
  add_pair(l, "tcn_module.output.1.", "mask_generator.output_conv.");
  return l;
}

}  // namespace detail

// All layouts: "torchaudio", "asteroid", "asteroid (causal)", "kaituoxu", "kaituoxu (causal)", "reference".
inline const std::array<layout, 6>& convtasnet_layouts() {
  static const std::array<layout, 6> all{detail::torchaudio_convtasnet(),   detail::asteroid_convtasnet(false),
                                         detail::asteroid_convtasnet(true), detail::kaituoxu_convtasnet(false),
                                         detail::kaituoxu_convtasnet(true), detail::reference_convtasnet()};
  return all;
}

// The layout of that name. `blocks_per_repeat` (X) matters to kaituoxu's only. Throws avss::error for an unknown name.
inline layout convtasnet_layout(std::string_view name, dim_t blocks_per_repeat) {
  std::string known;
  for (const layout& l : convtasnet_layouts()) {
    if (l.name == name) {
      layout chosen = l;
      chosen.period = blocks_per_repeat;
      return chosen;
    }
    known += known.empty() ? "" : ", ";
    known += l.name;
  }
  fail("no Conv-TasNet layout is called ", printable(name), "; choose one of: ", known);
}

struct convtasnet_weights {
  layout source;        // the layout of the file, with its X
  tensor_dict tensors;  // in the network's own names and shapes
};

// Recognises the layout by the names, after stripping wrapper prefixes, and translates. `metadata` is the top of the file's
// tree (may be none): kaituoxu's X is checked against it. Throws avss::error.
inline convtasnet_weights to_convtasnet(tensor_dict weights, const checkpoint_value& metadata, const std::string& origin) {
  strip_prefixes(weights);
  const layout* known = recognise(convtasnet_layouts(), weights);
  if (!known) {
    std::string first;
    for (std::size_t i = 0; i < weights.entries.size() && i < 3; ++i)
      first += (i ? ", " : "") + printable(weights.entries[i].name);
    fail(origin, ": not the weights of a Conv-TasNet: names such as ", first,
         " belong to none of the layouts torchaudio, asteroid, kaituoxu, reference; choose another file or model");
  }
  convtasnet_weights result{*known, {}};
  if (const auto period = period_of(*known, weights)) {
    result.source.period = *period;
    const checkpoint_value* declared = metadata.find("X");
    if (declared && declared->integer() && *declared->integer() != *period)
      fail(origin, ": damaged ", known->name, " file: it declares X=", *declared->integer(), " blocks a repeat and holds ",
           *period, "; save it again");
  }
  result.tensors = to_canonical(result.source, std::move(weights));
  return result;
}

}  // namespace avss
