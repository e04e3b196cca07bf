// Weights of Conv-TasNet in every published layout.
#pragma once

#include <avss/io/convtasnet_layouts.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/engine.hpp>
#include <avss/model/weights.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace avss {
namespace detail {

// Compares what a file says of its network with a configuration, key by key; what it leaves out is not compared.
class claims {
 public:
  claims(const checkpoint_value& said, std::string prefix) : said_(said), prefix_(std::move(prefix)) {}

  void number(std::string_view key, double ours) {
    const checkpoint_value* v = said_.find(key);
    if (v && v->number() && *v->number() != ours) differ(key, joined(*v->number()), joined(ours));
  }
  void flag(std::string_view key, bool ours) {
    const checkpoint_value* v = said_.find(key);
    if (v && v->boolean() && *v->boolean() != ours) differ(key, *v->boolean() ? "true" : "false", ours ? "true" : "false");
  }
  // `none` is how we call what the file says with None.
  void word(std::string_view key, std::string_view ours, std::string_view none = "none") {
    const checkpoint_value* v = said_.find(key);
    if (!v) return;
    const std::string theirs = v->is_text() ? v->text() : std::string(none);
    if (theirs != ours) differ(key, printable(theirs), std::string(ours));
  }
  const std::string& differences() const { return all_; }

 private:
  void differ(std::string_view key, const std::string& theirs, const std::string& ours) {
    all_ += (all_.empty() ? "" : "; ") + prefix_ + std::string(key) + " is " + theirs + " in the file and " + ours +
            " in the network";
  }

  const checkpoint_value& said_;
  std::string prefix_, all_;
};

inline std::string_view word_of(activation a) {
  constexpr std::string_view words[] = {"linear", "relu", "sigmoid", "softmax"};
  return words[static_cast<int>(a)];
}
inline std::string_view word_of(norm_kind k) {
  constexpr std::string_view words[] = {"none", "gLN", "cLN", "cgLN"};
  return words[static_cast<int>(k)];
}

}  // namespace detail

// What the names and shapes of a file do not show, the activation of the masks above all, some files say beside them
// (asteroid's model_args, kaituoxu's top level). Returns how that differs from `c`, "" if it does not.
inline std::string contradictions(const convtasnet_config& c, const checkpoint_value& metadata) {
  if (const checkpoint_value* args = metadata.find("model_args")) {
    detail::claims said(*args, "model_args.");
    said.number("sample_rate", c.sample_rate);
    said.number("n_src", static_cast<double>(c.sources));
    said.number("n_filters", static_cast<double>(c.filters));
    said.number("kernel_size", static_cast<double>(c.window));
    said.number("stride", static_cast<double>(c.stride));
    said.word("mask_act", detail::word_of(c.mask), "linear");
    said.word("norm_type", detail::word_of(c.norm));
    said.word("encoder_activation", detail::word_of(c.encoder_activation), "linear");
    said.flag("causal", c.causal);
    return said.differences();
  }
  if (metadata.find("mask_nonlinear")) {
    detail::claims said(metadata, "");
    said.word("mask_nonlinear", detail::word_of(c.mask));
    said.word("norm_type", detail::word_of(c.norm));
    said.number("causal", c.causal);
    said.flag("causal", c.causal);
    said.number("X", c.blocks);
    said.number("R", c.repeats);
    return said.differences();
  }
  return "";
}

// asteroid and kaituoxu name the depthwise convolution of a causal network differently; the others' names do not tell.
// Returns how that differs from `c`, "" if it does not.
inline std::string contradictions(const convtasnet_config& c, const layout& l) {
  if (!l.name.starts_with("asteroid") && !l.name.starts_with("kaituoxu")) return "";
  const bool causal = l.name.ends_with("(causal)");
  if (causal == c.causal) return "";
  return std::string("its names are those of a ") + (causal ? "causal" : "non-causal") + " network and this one is " +
         (c.causal ? "causal" : "not");
}

// Loads a file's weights, in whatever layout they are, and returns that layout. Throws error: see set_weights.
template <convtasnet_config S, class B>
layout load_weights(engine<ConvTasNet<S>, B>& to, const loaded_weights& file, const std::string& origin) {
  const convtasnet_weights w = to_convtasnet(file.tensors, file.metadata, origin);
  for (const std::string& differ : {contradictions(S, file.metadata), contradictions(S, w.source)})
    if (!differ.empty())
      fail(origin, ": weights of another network: ", differ, "; choose the configuration that the file was made with");
  set_weights(to, w.tensors, origin, &w.source);
  return w.source;
}

template <convtasnet_config S, class B>
layout load_weights(engine<ConvTasNet<S>, B>& to, const std::string& path) {
  return load_weights(to, read_weights_file(path), path);
}

// Writes the weights in the names of a layout ("torchaudio", which are the network's own, "asteroid", "asteroid (causal)",
// "kaituoxu", "kaituoxu (causal)", "reference"): a PyTorch file that torch.load reads, or safetensors if the path ends in
// .safetensors. The file is written whole or not at all.
template <convtasnet_config S, class B>
void save_weights(engine<ConvTasNet<S>, B>& from, const std::string& path, std::string_view layout_name = "torchaudio") {
  const layout to = convtasnet_layout(layout_name, S.blocks);
  if (const std::string differ = contradictions(S, to); !differ.empty())
    fail(path, ": the layout '", layout_name, "' does not fit: ", differ, "; choose '", S.causal ? "NAME (causal)" : "NAME",
         "'");
  tensor_dict theirs = from_canonical(to, get_weights(from));
  if (path.ends_with(".safetensors"))
    write_safetensors(path, theirs);
  else
    write_pytorch(path, std::move(theirs));
}

}  // namespace avss
