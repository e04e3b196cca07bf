// RTFS-Net's weights as its authors' code of 2024 and of 2023 and the reference project save them. The network's own names
// are those of 2024. Sources: the state_dicts of those projects' models.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/io/layout.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/tensor.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

inline const std::string rtfs_audio = "refinement_module.audio_net.blocks.", rtfs_video = "refinement_module.video_net.blocks.",
                         rtfs_fusion = "refinement_module.crossmodal_fusion.fusion_module.audio_lstm.";

inline layout rtfsnet_2024() { return {"2024", {rtfs_audio + "gateway.full_layer.2.weight"}, {}}; }

// sru 3.0.0.dev6 kept its matrices in a linear layer, transposed.
inline layout rtfsnet_2023() {
  layout l{"2023",
           {rtfs_audio + "gateway.full_layer.2.weight", rtfs_audio + "globalatt.0.rnn.rnn_lst.0.transform_module.weight"},
           {}};
  for (const char* path : {"globalatt.0.", "globalatt.1."}) {
    const std::string rnn = rtfs_audio + path + "rnn.rnn_lst.{i}.";
    l.rules.push_back({rnn + "transform_module.weight", rnn + "weight", "o i", "i o"});
  }
  l.others_are_ours = true;
  return l;
}

// One name of theirs and ours for weight and bias each.
inline void add_weight_bias(layout& l, const std::string& theirs, const std::string& ours) {
  for (const char* leaf : {"weight", "bias"}) l.rules.push_back({theirs + leaf, ours + leaf});
}

// `axes` of the gains, theirs and ours.
inline void add_gains(layout& l, const std::string& theirs, const std::string& ours, const std::string& their_axes,
                      const std::string& our_axes) {
  l.rules.push_back({theirs + "weight", ours + "gamma", their_axes, our_axes});
  l.rules.push_back({theirs + "bias", ours + "beta", their_axes, our_axes});
}

// What the blocks over sound and video have in common.
inline void add_reference_block(layout& l, const std::string& t, const std::string& o) {
  add_weight_bias(l, t + "scaling_conv.", o + "gateway.full_layer.2.");
  l.rules.push_back({t + "prelu.weight", o + "gateway.full_layer.4.weight"});
  add_weight_bias(l, t + "downsampling.downsampling_conv.", o + "projection.full_layer.2.");
  add_weight_bias(l, t + "downsampling.gln.", o + "projection.full_layer.3.norm.");
  l.rules.push_back({t + "downsampling.prelu.weight", o + "projection.full_layer.4.weight"});
  add_weight_bias(l, t + "downsampling.compression_convs.{i}.0.", o + "downsample_layers.{i}.full_layer.2.");
  add_weight_bias(l, t + "downsampling.compression_convs.{i}.1.", o + "downsample_layers.{i}.full_layer.3.norm.");
  const std::pair<const char*, const char*> groups[] = {{"upsampling.tf_ar_fusion_layers.{i}.", "fusion_layers.{i}."},
                                                        {"upsampling.tf_ar_residual_layers.{i}.", "concat_layers.{i}."}};
  const std::pair<const char*, const char*> units[] = {
      {"w1", "global_gate."}, {"w2", "local_embedding."}, {"w3", "global_embedding."}};
  for (const auto& [their_group, our_group] : groups)
    for (const auto& [w, unit] : units) {
      l.rules.push_back({t + their_group + w + ".weight", o + our_group + unit + "full_layer.2.weight"});
      add_weight_bias(l, t + their_group + w + "_norm.", o + our_group + unit + "full_layer.3.norm.");
    }
  add_weight_bias(l, t + "upsampling_conv.", o + "residual_conv.full_layer.2.");
}

// The recurrent networks and the attention of the block over sound.
inline void add_reference_global(layout& l) {
  const std::pair<const char*, const char*> paths[] = {{"rtfs_block.dual_path1.", "globalatt.0."},
                                                       {"rtfs_block.dual_path2.", "globalatt.1."}};
  for (const auto& [t, o] : paths) {
    const std::string ours = rtfs_audio + o;
    add_gains(l, std::string(t) + "ln.", ours + "norm.", "c", "1 c 1 1");
    for (const char* name : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
      for (const char* end : {"", "_reverse"}) {
        const std::string leaf = std::string("rnn.") + name + "_l{i}" + end;
        l.rules.push_back({t + leaf, ours + leaf});
      }
    add_weight_bias(l, std::string(t) + "conv_transpose.", ours + "linear.");
  }
  const std::pair<const char*, const char*> units[] = {
      {"qs.{i}.", "Queries.{i}."}, {"ks.{i}.", "Keys.{i}."}, {"vs.{i}.", "Values.{i}."}, {"out_proj.", "attn_concat_proj."}};
  for (const auto& [t, o] : units) {
    const std::string theirs = std::string("rtfs_block.attn.") + t, ours = rtfs_audio + "globalatt.2." + o;
    add_weight_bias(l, theirs + "conv.", ours + "conv.");
    l.rules.push_back({theirs + "prelu.weight", ours + "act.weight"});
    add_gains(l, theirs + "normalization.ln.", ours + "norm.", "c f", "1 c 1 f");
  }
}

inline void add_reference_video_attention(layout& l) {
  const std::string mhsa = rtfs_video + "globalatt.0.MHSA.", ffn = rtfs_video + "globalatt.0.FFN.";
  add_weight_bias(l, "vp.attn.ln1.", mhsa + "norm1.");
  add_weight_bias(l, "vp.attn.ln2.", mhsa + "norm2.");
  for (const char* leaf : {"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"})
    l.rules.push_back({std::string("vp.attn.attention.") + leaf, mhsa + "attention." + leaf});
  const std::pair<const char*, const char*> units[] = {{"0.", "encoder.full_layer.2."},
                                                       {"1.", "encoder.full_layer.3.norm."},
                                                       {"2.", "refiner.full_layer.2."},
                                                       {"5.", "decoder.full_layer.2."},
                                                       {"6.", "decoder.full_layer.3.norm."}};
  for (const auto& [t, o] : units) add_weight_bias(l, std::string("vp.attn.ffn.") + t, ffn + o);
}

inline layout rtfsnet_reference() {
  layout l{"reference", {"rtfs_block.scaling_conv.weight"}, {{"encoder.conv.0.weight", "encoder.conv.full_layer.2.weight"}}};
  add_weight_bias(l, "encoder.conv.2.", "encoder.conv.full_layer.3.norm.");
  add_weight_bias(l, "audio_bottleneck.0.", "audio_bottleneck.full_layer.0.norm.");
  add_weight_bias(l, "audio_bottleneck.2.", "audio_bottleneck.full_layer.2.");
  add_reference_block(l, "rtfs_block.", rtfs_audio);
  add_reference_global(l);
  add_reference_block(l, "vp.", rtfs_video);
  add_reference_video_attention(l);
  const std::pair<const char*, const char*> scales[] = {{"caf.gate_conv.", "key_embed."}, {"caf.value_conv.", "value_embed."}};
  for (const auto& [t, o] : scales) {
    l.rules.push_back({std::string(t) + "0.weight", rtfs_fusion + o + "full_layer.2.weight"});
    for (const char* leaf : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
      l.rules.push_back({std::string(t) + "1." + leaf, rtfs_fusion + o + "full_layer.3." + leaf});
  }
  const std::pair<const char*, const char*> grouped[] = {{"caf.attention_conv.", "attention_embed."},
                                                         {"caf.resize_conv.", "resize."}};
  for (const auto& [t, o] : grouped) {
    add_weight_bias(l, std::string(t) + "0.", rtfs_fusion + o + "full_layer.2.");
    add_weight_bias(l, std::string(t) + "1.", rtfs_fusion + o + "full_layer.3.norm.");
  }
  l.rules.push_back({"s3.trunk.0.weight", "mask_generator.mask_generator.0.weight"});
  add_weight_bias(l, "s3.trunk.1.", "mask_generator.mask_generator.1.full_layer.2.");
  add_weight_bias(l, "decoder.decoder.", "decoder.decoder.");
  return l;
}

}  // namespace detail

// All layouts: "2024", "2023", "reference".
inline const std::array<layout, 3>& rtfsnet_layouts() {
  static const std::array<layout, 3> all{detail::rtfsnet_2024(), detail::rtfsnet_2023(), detail::rtfsnet_reference()};
  return all;
}

// The layout of that name. Throws avss::error for an unknown name.
inline const layout& rtfsnet_layout(std::string_view name) {
  std::string known;
  for (const layout& l : rtfsnet_layouts()) {
    if (l.name == name) return l;
    known += (known.empty() ? "" : ", ") + l.name;
  }
  fail("no RTFS-Net layout is called ", printable(name), "; choose one of: ", known);
}

struct rtfsnet_weights {
  layout source;        // the layout of the file
  tensor_dict tensors;  // in the network's own names and shapes
};

// Recognises the layout by the names and translates. A trainer's file holds the lip-reading network beside this one
// ("video_model." beside "audio_model."): it is left out. Throws avss::error.
inline rtfsnet_weights to_rtfsnet(tensor_dict weights, const std::string& origin) {
  constexpr std::string_view ours = "audio_model.";
  std::vector<named_tensor>& all = weights.entries;
  if (std::any_of(all.begin(), all.end(), [&](const named_tensor& e) { return e.name.starts_with(ours); })) {
    std::erase_if(all, [](const named_tensor& e) { return e.name.starts_with("video_model."); });
    strip_prefixes(weights, std::array{ours});
  }
  strip_prefixes(weights);
  const layout* known = recognise(rtfsnet_layouts(), weights);
  if (!known) {
    std::string first;
    for (std::size_t i = 0; i < all.size() && i < 3; ++i) first += (i ? ", " : "") + printable(all[i].name);
    fail(origin, ": not the weights of an RTFS-Net: names such as ", first,
         " belong to none of the layouts 2024, 2023, reference; choose another file or model");
  }
  return {*known, to_canonical(*known, std::move(weights))};
}

}  // namespace avss
