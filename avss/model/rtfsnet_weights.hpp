// Weights of RTFS-Net in every published layout.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/rtfsnet_layouts.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/model/weights.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

inline bool any_name(const tensor_dict& weights, std::string_view part) {
  return std::any_of(weights.entries.begin(), weights.entries.end(),
                     [&](const named_tensor& e) { return e.name.find(part) != std::string::npos; });
}

// The value at a path of keys, or nullptr.
inline const checkpoint_value* find_path(const checkpoint_value& tree, std::span<const std::string_view> path) {
  const checkpoint_value* at = &tree;
  for (std::string_view key : path)
    if (at) at = at->find(key);
  return at;
}

// A whole number, however it is stored: an integer, 12.0, "12".
inline std::optional<std::int64_t> whole_number(const checkpoint_value& v) {
  if (const auto n = v.integer()) return n;
  if (const auto x = v.number(); x && *x == std::floor(*x) && std::abs(*x) < 1e6) return static_cast<std::int64_t>(*x);
  std::int64_t n = 0;
  if (!v.is_text()) return std::nullopt;
  const std::string_view text = v.text();
  const auto end = std::from_chars(text.data(), text.data() + text.size(), n);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? std::optional(n) : std::nullopt;
}

}  // namespace detail

// The number of passes that a file says it was trained with: the paper's code stores it beside the weights, a run of training
// here and save_weights() too, and the reference project stores one less. None where it says nothing; throws error where it is
// no whole number.
inline std::optional<std::int64_t> told_passes(const checkpoint_value& metadata, const std::string& origin) {
  constexpr std::string_view args[] = {"model_args", "audio_params", "repeats"},
                             config[] = {"training_config", "audionet", "audio_params", "repeats"},
                             own[] = {"config", "model", "passes"}, beside[] = {"passes"},
                             blocks[] = {"config", "model", "num_rtfs_blocks"};
  const auto number_at = [&](std::span<const std::string_view> path) -> std::optional<std::int64_t> {
    const checkpoint_value* v = detail::find_path(metadata, path);
    if (!v || v->is_none()) return std::nullopt;
    if (const auto n = detail::whole_number(*v)) return n;
    fail(origin, ": the number of passes that it says it was trained with (", path.back(),
         ") is no whole number; save its weights alone, and give the number as model.passes");
  };
  for (const auto& path : {std::span<const std::string_view>(args), std::span<const std::string_view>(config),
                           std::span<const std::string_view>(own), std::span<const std::string_view>(beside)})
    if (const auto n = number_at(path)) return n;
  const auto n = number_at(blocks);
  return n && *n < std::numeric_limits<std::int64_t>::max() ? *n + 1 : n;
}

// What of a configuration the weights contradict, by their names (in the network's own terms) and by what the file says of
// itself: one sentence, "" if nothing. The number of passes is not in the weights, nor is the axis of the attention.
inline std::string contradictions(const rtfsnet_config& c, const tensor_dict& weights, const checkpoint_value& metadata,
                                  const std::string& origin) {
  if (detail::any_name(weights, "rtfs_block_list.")) return "its passes have weights of their own, which this network's share";
  if (const bool lstm = detail::any_name(weights, ".rnn.weight_hh_l0"); lstm != (c.rnn == recurrence::lstm))
    return std::string("it holds ") + (lstm ? "LSTMs and the network has SRUs" : "SRUs and the network has LSTMs");
  if (const bool norm = detail::any_name(weights, ".projection.full_layer.3."); norm != c.projection_norm)
    return std::string("behind the blocks' projections it has ") +
           (norm ? "a normalisation and the network has none"
                 : "no normalisation, as the weights of 2023, and the network has one");
  if (const auto passes = told_passes(metadata, origin); passes && *passes != c.passes)
    return "it was trained with " + std::to_string(*passes) + " passes and the network makes " + std::to_string(c.passes);
  constexpr std::string_view own[] = {"config", "model", "attention"}, beside[] = {"attention"};
  const std::string ours = name_of(c.attention);
  const checkpoint_value* said = detail::find_path(metadata, own);
  if (!said) said = detail::find_path(metadata, beside);
  if (said && said->is_text() && said->text() != ours)
    return "it was trained with attention over " + printable(said->text()) + " and the network attends over " + ours;
  return "";
}

// Loads a file's weights, in whatever layout they are, and returns that layout. Strict: throws error with the complete list of
// what is missing, unexpected, of another shape or not finite; then nothing was changed.
template <rtfsnet_config S, class B>
layout load_weights(av_engine<RtfsNet<S>, B>& to, const loaded_weights& file, const std::string& origin) {
  const rtfsnet_weights w = to_rtfsnet(file.tensors, origin);
  rtfsnet_config ours = S;
  ours.passes = to.net().passes();
  if (const std::string differ = contradictions(ours, w.tensors, file.metadata, origin); !differ.empty())
    fail(origin, ": weights of another network: ", differ, "; choose the configuration that the file was made with");
  set_weights(to, w.tensors, origin, &w.source);
  return w.source;
}

template <rtfsnet_config S, class B>
layout load_weights(av_engine<RtfsNet<S>, B>& to, const std::string& path) {
  return load_weights(to, read_weights_file(path), path);
}

// BatchNorm's counters become whole numbers, as they are in PyTorch.
inline tensor_dict with_whole_counters(tensor_dict weights) {
  for (named_tensor& e : weights.entries)
    if (e.name.ends_with("num_batches_tracked")) {
      const std::int64_t count = static_cast<std::int64_t>(e.value.values<double>().at(0));
      e.value = tensor::of<std::int64_t>({}, std::span(&count, 1));
    }
  return weights;
}

// Writes the weights in the names of a layout ("2024", which are the network's own, "2023", "reference"), and what cannot be
// seen in them, the number of passes and the axis of attention: a PyTorch file that torch.load reads, with the weights in
// "state_dict" and the rest as in a checkpoint's "config", or safetensors if the path ends in .safetensors. The file is written
// whole or not at all.
template <rtfsnet_config S, class B>
void save_weights(av_engine<RtfsNet<S>, B>& from, const std::string& path, std::string_view layout_name = "2024") {
  tensor_dict theirs = from_canonical(rtfsnet_layout(layout_name), with_whole_counters(get_weights(from)));
  const std::int64_t passes = from.net().passes();
  const char* const axis = name_of(S.attention);
  if (path.ends_with(".safetensors"))
    return write_safetensors(path, theirs, {{"passes", std::to_string(passes)}, {"attention", axis}});
  using value = checkpoint_value;
  const auto dict = [](const char* key, value v) { return value::dict({{value(key), std::move(v)}}); };
  const value model = value::dict({{value("passes"), value(passes)}, {value("attention"), value(axis)}});
  write_pytorch(path, value::dict({{value("state_dict"), value::state_dict(std::move(theirs))},
                                   {value("config"), dict("model", model)}}));
}

}  // namespace avss
