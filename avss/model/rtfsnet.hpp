// RTFS-Net (Pegg, Li, Hu 2024, arXiv:2309.17189): the voice of a face out of a mixture, in the time-frequency domain.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/layer/caf_fusion.hpp>
#include <avss/layer/injection.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/layer/rtfs_block.hpp>
#include <avss/layer/rtfs_global.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/fusion.hpp>
#include <avss/op/map_norm.hpp>
#include <avss/op/pointwise.hpp>
#include <avss/op/spectrum.hpp>
#include <cmath>
#include <string_view>

namespace avss {

// x [B, T] mixtures, v [B S, video_channels, Tv] the features of S faces for each mixture, mixture by mixture
//   ->  y [B, S, T] the voices of the faces.
//
// What does not depend on the video is computed once for a mixture: hear() makes it, see_and_separate() the rest for all faces;
// forward() is one after the other. All passes share the block's code and weights: their number is data.
template <rtfsnet_config S>
class RtfsNet {
 public:
  static constexpr rtfsnet_config config = S;
  static constexpr dim_t window = S.window, hop = S.hop, bins = S.window / 2 + 1, channels = S.channels, hidden = S.hidden;
  static constexpr dim_t video_channels = S.video_channels;
  static constexpr int most_passes = 32;
  static_assert(S.passes >= 1 && S.passes <= most_passes, "avss: RTFS-Net takes 1 to 32 passes");
  static_assert(S.window % 2 == 0 && 2 * S.hop == S.window, "avss: RTFS-Net's hop must be half of its window");
  static_assert(S.channels % 2 == 0, "avss: RTFS-Net's channels are real and imaginary halves: their number must be even");

  using mixture_shape = shape<dyn, dyn>;
  using faces_shape = shape<dyn, video_channels, dyn>;
  using estimate_shape = shape<dyn, dyn, dyn>;
  using spectrum_shape = shape<dyn, 2, dyn, bins>;

  // Bins of the smallest maps of a block.
  static constexpr dim_t smallest_bins = [] {
    dim_t n = bins;
    for (int i = 1; i < S.levels; ++i) n = halved(n, S.kernel);
    return n;
  }();
  static_assert(smallest_bins >= S.rnn_window, "avss: RTFS-Net's smallest maps have fewer bins than its recurrent window");

  using sound_global =
      audio_global<audio_global_spec{S.rnn,
                                     S.hidden,
                                     S.rnn_window,
                                     S.rnn_hidden,
                                     S.rnn_layers,
                                     {S.hidden, smallest_bins, S.attention_heads, S.attention_channels, S.attention}}>;
  using sight_global = video_global<video_attention_spec{S.video_hidden, S.video_heads, S.stored_positions,
                                                         S.feed_forward_dense, S.feed_forward_bias}>;
  using audio_block =
      rtfs_block<rtfs_block_spec{S.channels, S.hidden, S.kernel, S.levels, 2, block_norm::global, S.projection_norm},
                 sound_global>;
  using video_block = rtfs_block<rtfs_block_spec{S.video_channels, S.video_hidden, S.video_kernel, S.video_levels, 1,
                                                 S.video_norm, S.projection_norm},
                                 sight_global>;
  using fusion = caf_fusion<caf_fusion_spec{S.channels, S.video_channels, S.fusion_heads}>;
  using map = map_shape<channels>;
  using video_map = map_shape<video_channels>;

  // Samples of the shortest mixture: with fewer, the recurrent network along the frames would have no window. Shorter ones are
  // taken where tail_rule::padded pads them.
  static constexpr dim_t shortest_mixture() {
    for (dim_t frames = 1;; ++frames)
      if (audio_block::smallest({1, hidden, frames, bins}).frames >= S.rnn_window && (frames - 1) * hop > window / 2)
        return (frames - 1) * hop;
  }
  // Frames of the shortest video: every level has one.
  static constexpr dim_t shortest_video() {
    for (dim_t frames = 1;; ++frames)
      if (video_block::smallest({1, S.video_hidden, frames, 1}).frames >= 1) return frames;
  }

  RtfsNet() { extent_ = assign_offsets(*this); }

  param_extent extent() const { return extent_; }

  template <class T>
  struct saved {
    pass_rules rules;
    op::framing framing;
    dim_t share = 1;              // faces of a mixture
    view<map, T> raw, e, a0, a1;  // the encoder's convolution and result, the bottleneck's, the first block's
    op::map_norm<T> f_encoder, f_bottleneck;
    T* spec = nullptr;
    typename audio_block::template saved<T> first;
    typename video_block::template saved<T> video;
    typename fusion::template saved<T> fused;
    view<video_map, T> faces;                 // as given
    std::array<view<map, T>, most_passes> a;  // the fusion's result, then those of the later passes
    std::array<typename audio_block::template saved<T>, most_passes> passes;
    T* mask = nullptr;
    // The spectrum of the estimates [B S, 2, frames, bins]; when training, losses may look at it.
    view<spectrum_shape, T> spectrum;
  };

  template <class C, class T>
  void forward(C& ctx, view<mixture_shape, T> x, view<faces_shape, T> v, view<estimate_shape, T> y, const pass_rules& rules,
               saved<T>& s) const {
    const auto whole = ctx.frame();  // inference leaves nothing behind
    hear(ctx, x, rules, s);
    see_and_separate(ctx, v, y, s);
  }

  // The encoder, the bottleneck and the first pass. In inference what it makes lies in the enclosing frame.
  template <class C, class T>
  void hear(C& ctx, view<mixture_shape, T> x, const pass_rules& rules, saved<T>& s) const {
    s.rules = rules;
    s.framing = frame(x.dim(0), x.dim(1));
    const map full(x.dim(0), s.framing.frames(), bins);
    const op::map_size n{x.dim(0), channels, s.framing.frames(), bins};
    s.spec = ctx.hold(spectrum_shape(x.dim(0), s.framing.frames())).data;
    ctx.run(op::stft_fwd<T>{s.framing, x.data, s.spec});
    s.e = s.raw = ctx.hold(full);
    ctx.run(op::conv2d_fwd<T>{spectrum_size(n), channels, square(n), false, s.spec, ctx.value(encoder_.conv.weight), nullptr,
                              s.raw.data});
    if constexpr (S.encoder_act_norm) {
      s.f_encoder = make_map_norm(ctx, norm_over::item, n, s.raw.data, ctx.value(encoder_.norm.norm.weight),
                                  ctx.value(encoder_.norm.norm.bias), op::bend<T>{curve::relu});
      if (ctx.training()) s.e = ctx.keep(full);
      ctx.run(op::map_norm_fwd<T>{n, s.raw.data, s.f_encoder, nullptr, s.e.data});
    }

    s.a0 = ctx.hold(full);
    s.f_bottleneck = make_map_norm(ctx, norm_over::item, n, s.e.data, ctx.value(bottleneck_norm_.norm.weight),
                                   ctx.value(bottleneck_norm_.norm.bias), {}, op::bend<T>{curve::relu});
    s.a1 = ctx.hold(full);  // until the first pass: what the bottleneck's convolution reads
    ctx.run(op::map_norm_fwd<T>{n, s.e.data, s.f_bottleneck, nullptr, s.a1.data});
    op::pointwise_fwd<T> o{n.batch, channels, n.plane(), s.a1.data, {}, 1, {}, {}};
    o.target[0] = {channels, ctx.value(bottleneck_.weight), ctx.value(bottleneck_.bias), nullptr, s.a0.data};
    ctx.run(o);
    run_block(ctx, s.a0, nullptr, 1, s.a1, s.rules, s.first);
  }

  // v [B S, video_channels, Tv]   y [B, S, T]
  template <class C, class T>
  void see_and_separate(C& ctx, view<faces_shape, T> v, view<estimate_shape, T> y, saved<T>& s) const {
    const auto whole = ctx.frame();
    check_faces(v.extents, y.extents, s.framing);
    s.share = y.dim(1);
    s.faces = {v.data, video_map(v.dim(0), v.dim(2), 1)};
    const map full(v.dim(0), s.framing.frames(), bins);
    const op::map_size n{v.dim(0), channels, s.framing.frames(), bins};
    s.a[0] = ctx.hold(full);
    {
      const auto inner = ctx.frame();
      const view<video_map, T> seen = ctx.hold(s.faces.extents);
      video_.forward(ctx, s.faces, nullptr, 1, seen, s.rules, s.video);
      fusion_.forward(ctx, s.a1, s.share, seen, s.a[0], s.rules, s.fused);
    }
    for (std::size_t i = 1; i < passes; ++i) {
      s.a[i] = ctx.training() ? ctx.keep(full) : s.a[i - 1];
      run_block(ctx, s.a[i - 1], s.a0.data, s.share, s.a[i], s.rules, s.passes[i]);
    }

    s.mask = ctx.hold(full).data;
    op::pointwise_fwd<T> o{n.batch, channels, n.plane(), s.a[passes - 1].data, {}, 1, {}, {}};
    o.f.slope = ctx.value(mask_.act.weight);
    o.target[0] = {channels, ctx.value(mask_.conv.weight), ctx.value(mask_.conv.bias), nullptr, s.mask};
    ctx.run(o);
    s.spectrum = ctx.hold(spectrum_shape(n.batch, n.frames));
    const auto inner = ctx.frame();
    T* const z = ctx.training() ? ctx.scratch(full).data : s.mask;
    ctx.run(masked(s, n, z));
    ctx.run(op::conv2d_fwd<T>{n, 2, square(n), true, z, ctx.value(decoder_.weight), ctx.value(decoder_.bias), s.spectrum.data});
    ctx.run(op::istft_fwd<T>{of_faces(s), covered(s), s.spectrum.data, y.data});
  }

  // dy [B, S, T]: dL/dy. dspectrum [B S, 2, frames, bins]: dL/dspectrum beside that, or null. dx [B, T], dv [B S, channels,
  // Tv]: assigned, or not wanted if their data are null. The context's gradients are added to. What forward kept is used up.
  template <class C, class T>
  void backward(C& ctx, view<estimate_shape, const given<T>> dy, const given<T>* dspectrum, view<mixture_shape, T> dx,
                view<faces_shape, T> dv, const saved<T>& s) const {
    const auto whole = ctx.frame();
    const op::map_size n{s.faces.dim(0), channels, s.framing.frames(), bins};
    const op::map_size mixture{n.batch / s.share, channels, n.frames, bins};
    const map full(n.batch, n.frames, bins), single(mixture.batch, n.frames, bins);
    const view<map, T> de = ctx.scratch(single), da0 = ctx.scratch(single), da1 = ctx.scratch(single);
    {
      const auto frame = ctx.frame();
      const view<map, T> da = ctx.scratch(full);
      mask_backward(ctx, n, dy, dspectrum, da, de, s);
      for (std::size_t i = passes - 1; i > 0; --i)
        block_backward(ctx, s.a[i - 1], s.a0.data, s.share, da, da0.data, i + 1 < passes, s.rules, s.passes[i]);
      const view<video_map, T> dseen = ctx.scratch(s.faces.extents);
      fusion_.backward(ctx, view<map, const T>(da), da1, dseen, s.fused);
      video_.backward(ctx, dseen, nullptr, false, s.video);
      const dim_t size = dv.size();
      if (dv.data) ctx.run(op::copy<T>{1, size, size, size, dseen.data, dv.data, false});
    }
    block_backward(ctx, s.a0, nullptr, 1, da1, nullptr, false, s.rules, s.first);
    const dim_t size = da0.size();
    if (passes > 1) ctx.run(op::copy<T>{1, size, size, size, da0.data, da1.data, true});
    encoder_backward(ctx, mixture, da1, da0, de, dx, s);
  }

  template <class V>
  void visit(V&& v) {
    v("encoder.conv", encoder_);
    v("audio_bottleneck.full_layer.0", bottleneck_norm_);
    v("audio_bottleneck.full_layer.2", bottleneck_);
    v("refinement_module.audio_net.blocks", audio_);
    v("refinement_module.video_net.blocks", video_);
    v("refinement_module.crossmodal_fusion.fusion_module.audio_lstm", fusion_);
    v("mask_generator.mask_generator", mask_);
    v("decoder.decoder", decoder_);
  }

 private:
  static constexpr std::size_t passes = static_cast<std::size_t>(S.passes);

  // From and to spectra: drawn as the published code draws them.
  template <bool Bias, dim_t Out, dim_t In>
  struct spectrum_conv : conv_params<Bias, Out, In, 3, 3> {
    static constexpr init_rule initial(std::string_view) { return {init_rule::kind::xavier_uniform, 1}; }
  };
  struct encoder_params {
    spectrum_conv<false, channels, 2> conv;
    optional_param<S.encoder_act_norm, block_norm_params<channels, block_norm::global>> norm;
    template <class V>
    void visit(V&& v) {
      v("full_layer.2", conv);
      v("full_layer.3", norm);
    }
  };
  // weight [channels, 2, 3, 3], bias [2]
  struct decoder_params {
    param<channels, 2, 3, 3> weight;
    optional_param<S.decoder_bias, param<2>> bias;
    static init_rule initial(std::string_view leaf) {
      if (leaf == "bias") return {init_rule::kind::uniform, 1 / std::sqrt(18.0)};
      return {init_rule::kind::xavier_uniform, 1};
    }
    template <class V>
    void visit(V&& v) {
      v("weight", weight);
      v("bias", bias);
    }
  };
  struct mask_params {
    prelu_params act;
    conv_params<true, channels, channels, 1, 1> conv;
    template <class V>
    void visit(V&& v) {
      v("0", act);
      v("1.full_layer.2", conv);
    }
  };

  static op::framing frame(dim_t batch, dim_t length) {
    const dim_t whole = std::max((length + hop - 1) / hop * hop, shortest_mixture());
    if (S.tail != tail_rule::padded && length < shortest_mixture())
      fail("mixtures of ", length, " samples are given and this network takes no fewer than ", shortest_mixture(),
           ": append silence");
    return {batch, length, S.tail == tail_rule::padded ? whole : length, window, hop};
  }
  template <class T>
  static op::framing of_faces(const saved<T>& s) {
    op::framing n = s.framing;
    n.batch = s.faces.dim(0);
    return n;
  }
  template <class T>
  static dim_t covered(const saved<T>& s) {
    return S.tail == tail_rule::silent ? s.framing.given / hop * hop : s.framing.given;
  }
  static void check_faces(const faces_shape& v, const estimate_shape& y, const op::framing& n) {
    if (y[0] != n.batch || y[1] < 1 || y[0] * y[1] != v[0] || y[2] != n.given)
      fail("features ", to_string(v), " and estimates ", to_string(y), " do not go with mixtures [", n.batch, ", ", n.given,
           "]: features [B S, ...] of S faces a mixture and estimates [B, S, samples] are expected");
    if (v[2] < shortest_video())
      fail("a video of ", v[2], " frames is given and this network takes no fewer than ", shortest_video(),
           ": use a longer one, or repeat its last frame");
  }

  static op::map_size spectrum_size(const op::map_size& n) { return {n.batch, 2, n.frames, n.bins}; }
  static op::sliding square(const op::map_size& n) { return {3, 3, 1, 1, 1, 1, n.frames, n.bins}; }

  template <class T>
  static op::complex_mask_fwd<T> masked(const saved<T>& s, const op::map_size& n, T* z) {
    return {n.batch, s.share, channels, n.plane(), s.mask, s.e.data, z};
  }

  // One pass; with rules.recompute nothing of it is kept.
  template <class C, class T>
  void run_block(C& ctx, view<map, T> x, const given<T>* plus, dim_t share, view<map, T> y, const pass_rules& rules,
                 typename audio_block::template saved<T>& s) const {
    if (rules.recompute && ctx.training()) {
      const auto guard = ctx.without_keeping();
      audio_.forward(ctx, x, plus, share, y, rules, s);
    } else {
      audio_.forward(ctx, x, plus, share, y, rules, s);
    }
  }
  template <class C, class T>
  void block_backward(C& ctx, view<map, T> x, const given<T>* plus, dim_t share, view<map, T> d, given<T>* dplus, bool add_plus,
                      const pass_rules& rules, const typename audio_block::template saved<T>& s) const {
    if (!rules.recompute) return audio_.backward(ctx, d, dplus, add_plus, s);
    const auto kept = ctx.kept_frame();
    typename audio_block::template saved<T> again;
    {
      const auto frame = ctx.frame();
      audio_.forward(ctx, x, plus, share, ctx.scratch(x.extents), rules, again, false);
    }
    audio_.backward(ctx, d, dplus, add_plus, again);
  }

  // From the estimates to da = dL/d(the last pass's result) and de = dL/de, both assigned.
  template <class C, class T>
  void mask_backward(C& ctx, const op::map_size& n, view<estimate_shape, const given<T>> dy, const given<T>* dspectrum,
                     view<map, T> da, view<map, T> de, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const dim_t spectrum_values = s.spectrum.size();
    T* const dspec = ctx.scratch(s.spectrum.extents).data;
    ctx.run(op::istft_bwd<T>{of_faces(s), covered(s), dy.data, dspec});
    if (dspectrum) ctx.run(op::copy<T>{1, spectrum_values, spectrum_values, spectrum_values, dspectrum, dspec, true});
    T* const z = da.data;  // made anew
    T* const dz = ctx.scratch(da.extents).data;
    ctx.run(masked(s, n, z));
    ctx.run(op::conv2d_bwd<T>{n, 2, square(n), true, z, ctx.value(decoder_.weight), dspec, dz, ctx.gradient(decoder_.weight),
                              ctx.gradient(decoder_.bias)});
    ctx.run(op::complex_mask_bwd<T>{n.batch, s.share, channels, n.plane(), s.mask, s.e.data, dz, dz, de.data});
    op::pointwise_bwd<T> o{n.batch, channels, n.plane(), {}, false, 1, {}, {}};
    o.input.f.slope = ctx.value(mask_.act.weight);
    o.input.x = s.a[passes - 1].data;
    o.input.df = da.data;
    o.input.dslope = ctx.gradient(mask_.act.weight);
    o.target[0] = {channels, ctx.value(mask_.conv.weight), dz, ctx.gradient(mask_.conv.weight), ctx.gradient(mask_.conv.bias)};
    ctx.run(o);
    ctx.run(op::act_norm_bwd<T>{n.batch, channels, n.plane(), o.input, da.data, false});
  }

  // d: of the bottleneck's result. `room` is a map to work in. de is added to, and used up.
  template <class C, class T>
  void encoder_backward(C& ctx, const op::map_size& n, view<map, T> d, view<map, T> room, view<map, T> de,
                        view<mixture_shape, T> dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* const read = ctx.scratch(d.extents).data;  // by the bottleneck's convolution, made anew
    ctx.run(op::map_norm_fwd<T>{n, s.e.data, s.f_bottleneck, nullptr, read});
    op::pointwise_bwd<T> o{n.batch, channels, n.plane(), {}, false, 1, {}, {}};
    o.input.x = read;
    o.input.df = room.data;
    o.target[0] = {channels, ctx.value(bottleneck_.weight), d.data, ctx.gradient(bottleneck_.weight),
                   ctx.gradient(bottleneck_.bias)};
    ctx.run(o);
    ctx.run(op::map_norm_bwd<T>{n, s.e.data, s.f_bottleneck, room.data, gradients_of(ctx, bottleneck_norm_), de.data, true});
    if constexpr (S.encoder_act_norm)
      ctx.run(op::map_norm_bwd<T>{n, s.raw.data, s.f_encoder, de.data, gradients_of(ctx, encoder_.norm), de.data, false});
    T* const dspec = ctx.scratch(spectrum_shape(n.batch, n.frames)).data;
    ctx.run(op::conv2d_bwd<T>{spectrum_size(n), channels, square(n), false, s.spec, ctx.value(encoder_.conv.weight), de.data,
                              dx.data ? dspec : nullptr, ctx.gradient(encoder_.conv.weight), nullptr});
    if (dx.data) ctx.run(op::stft_bwd<T>{s.framing, dspec, dx.data});
  }

  encoder_params encoder_;
  block_norm_params<channels, block_norm::global> bottleneck_norm_;
  conv_params<true, channels, channels, 1, 1> bottleneck_;
  audio_block audio_;
  video_block video_;
  fusion fusion_;
  mask_params mask_;
  decoder_params decoder_;
  param_extent extent_;
};

}  // namespace avss
