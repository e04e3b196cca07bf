// RTFS-Net (Pegg, Li, Hu 2024, arXiv:2309.17189): the voice of a face out of a mixture, in the time-frequency domain.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/part.hpp>
#include <avss/layer/caf_fusion.hpp>
#include <avss/layer/injection.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/layer/rtfs_block.hpp>
#include <avss/layer/rtfs_global.hpp>
#include <avss/layer/s3_mask.hpp>
#include <avss/layer/stft_coder.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/spectrum.hpp>
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
  using encoder = stft_encoder<S.channels, S.encoder_act_norm>;
  using bottleneck = map_bottleneck<S.channels>;
  using mask = s3_mask<S.channels>;
  using decoder = stft_decoder<S.channels, S.decoder_bias>;
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

  // passes: runs of the audio block [R], the first of them before the fusion. Throws error.
  explicit RtfsNet(int passes = S.passes) : passes_(static_cast<std::size_t>(passes)) {
    if (passes < 1 || passes > most_passes) fail("RTFS-Net makes 1 to ", most_passes, " passes, not ", passes);
    extent_ = assign_offsets(*this);
  }

  int passes() const { return static_cast<int>(passes_); }

  // See core/part.hpp.
  struct parts {
    static constexpr const char* encoder = "STFT encoder";
    static constexpr const char* bottleneck = "bottleneck";
    static constexpr const char* block = "RTFS block";
    static constexpr const char* video = "VP block";
    static constexpr const char* fusion = "CAF";
    static constexpr const char* mask = "S3 mask";
    static constexpr const char* decoder = "decoder";

    // Of the parameter that visit() gives that name.
    static const char* of_parameter(std::string_view name) {
      if (name.starts_with("encoder.")) return encoder;
      if (name.starts_with("audio_bottleneck.")) return bottleneck;
      if (name.starts_with("refinement_module.audio_net.")) return block;
      if (name.starts_with("refinement_module.video_net.")) return video;
      if (name.starts_with("refinement_module.crossmodal_fusion.")) return fusion;
      return name.starts_with("mask_generator.") ? mask : decoder;
    }
  };

  param_extent extent() const { return extent_; }

  // Of the spectra of `rows` voices: as many frames as the network makes of a mixture of `length` samples. Throws error where
  // that is too short.
  static op::framing framing_of(dim_t rows, dim_t length) { return frame(rows, length); }

  template <class T>
  struct saved {
    pass_rules rules;
    op::framing framing;
    dim_t share = 1;         // faces of a mixture
    view<map, T> e, a0, a1;  // what the encoder, the bottleneck and the first block make
    typename encoder::template saved<T> encoded;
    typename bottleneck::template saved<T> narrowed;
    typename audio_block::template saved<T> first;
    typename video_block::template saved<T> video;
    typename fusion::template saved<T> fused;
    view<video_map, T> faces;                 // as given
    std::array<view<map, T>, most_passes> a;  // the fusion's result, then those of the later passes
    std::array<typename audio_block::template saved<T>, most_passes> passes;
    typename mask::template saved<T> masked;
    // The spectrum of the estimates [B S, 2, frames, bins]; when training, losses may look at it.
    view<spectrum_shape, T> spectrum;
    T* to_spectrum = nullptr;  // not null: where it is to be, and where it stays in inference
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
    s.e = ctx.hold(full);
    {
      const auto part = part_of(ctx, parts::encoder);
      encoder_.forward(ctx, s.framing, x.data, s.e, s.encoded);
    }
    s.a0 = ctx.hold(full);
    {
      const auto part = part_of(ctx, parts::bottleneck);
      bottleneck_.forward(ctx, s.e, s.a0, rules, s.narrowed);
    }
    s.a1 = ctx.hold(full);
    run_block(ctx, s.a0, nullptr, 1, s.a1, rules, s.first);
  }

  // v [B S, video_channels, Tv]   y [B, S, T]
  template <class C, class T>
  void see_and_separate(C& ctx, view<faces_shape, T> v, view<estimate_shape, T> y, saved<T>& s) const {
    const auto whole = ctx.frame();
    check_faces(v.extents, y.extents, s.framing);
    s.share = y.dim(1);
    s.faces = {v.data, video_map(v.dim(0), v.dim(2), 1)};
    const map full(v.dim(0), s.framing.frames(), bins);
    s.a[0] = ctx.hold(full);
    {
      const auto inner = ctx.frame();
      const view<video_map, T> seen = ctx.hold(s.faces.extents);
      {
        const auto part = part_of(ctx, parts::video);
        video_.forward(ctx, s.faces, nullptr, 1, seen, s.rules, s.video);
      }
      const auto part = part_of(ctx, parts::fusion);
      fusion_.forward(ctx, s.a1, s.share, seen, s.a[0], s.rules, s.fused);
    }
    for (std::size_t i = 1; i < passes_; ++i) {
      s.a[i] = ctx.training() ? ctx.keep(full) : s.a[i - 1];
      run_block(ctx, s.a[i - 1], s.a0.data, s.share, s.a[i], s.rules, s.passes[i]);
    }

    const spectrum_shape spectrum(v.dim(0), s.framing.frames());
    s.spectrum = s.to_spectrum ? view<spectrum_shape, T>{s.to_spectrum, spectrum} : ctx.hold(spectrum);
    const auto inner = ctx.frame();
    const view<map, T> z = ctx.scratch(full);
    {
      const auto part = part_of(ctx, parts::mask);
      mask_.forward(ctx, s.a[passes_ - 1], s.e, s.share, z, s.masked);
    }
    const auto part = part_of(ctx, parts::decoder);
    decoder_.forward(ctx, of_faces(s), covered(s), z, s.spectrum.data, y.data);
  }

  // dy [B, S, T]: dL/dy. dspectrum [B S, 2, frames, bins]: dL/dspectrum beside that, or null. dx [B, T], dv [B S, channels,
  // Tv]: assigned, or not wanted if their data are null. The context's gradients are added to. What forward kept is used up.
  template <class C, class T>
  void backward(C& ctx, view<estimate_shape, const given<T>> dy, const given<T>* dspectrum, view<mixture_shape, T> dx,
                view<faces_shape, T> dv, const saved<T>& s) const {
    const auto whole = ctx.frame();
    const map full = s.a[0].extents, single = s.a0.extents;
    const view<map, T> de = ctx.scratch(single), da0 = ctx.scratch(single), da1 = ctx.scratch(single);
    {
      const auto frame = ctx.frame();
      const view<map, T> da = ctx.scratch(full);
      {
        const auto inner = ctx.frame();
        const view<map, T> dz = ctx.scratch(full);
        mask_.again(ctx, da, s.masked);  // z, in memory that is free until then
        decoder_.backward(ctx, of_faces(s), covered(s), dy.data, dspectrum, da, dz);
        mask_.backward(ctx, dz, da, de, s.masked);
      }
      for (std::size_t i = passes_ - 1; i > 0; --i)
        block_backward(ctx, s.a[i - 1], s.a0.data, s.share, da, da0.data, i + 1 < passes_, s.rules, s.passes[i]);
      const view<video_map, T> dseen = ctx.scratch(s.faces.extents);
      fusion_.backward(ctx, view<map, const T>(da), da1, dseen, s.fused);
      video_.backward(ctx, dseen, nullptr, false, s.video);
      const dim_t size = dv.size();
      if (dv.data) ctx.run(op::copy<T>{1, size, size, size, dseen.data, dv.data, false});
    }
    block_backward(ctx, s.a0, nullptr, 1, da1, nullptr, false, s.rules, s.first);
    const dim_t size = da0.size();
    if (passes_ > 1) ctx.run(op::copy<T>{1, size, size, size, da0.data, da1.data, true});
    bottleneck_.backward(ctx, da1, de, s.narrowed);
    encoder_.backward(ctx, de, dx.data, s.encoded);
  }

  template <class V>
  void visit(V&& v) {
    v("encoder.conv", encoder_);
    v("audio_bottleneck", bottleneck_);
    v("refinement_module.audio_net.blocks", audio_);
    v("refinement_module.video_net.blocks", video_);
    v("refinement_module.crossmodal_fusion.fusion_module.audio_lstm", fusion_);
    v("mask_generator.mask_generator", mask_);
    v("decoder.decoder", decoder_);
  }

 private:
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

  // One pass; with rules.recompute nothing of it is kept.
  template <class C, class T>
  void run_block(C& ctx, view<map, T> x, const given<T>* plus, dim_t share, view<map, T> y, const pass_rules& rules,
                 typename audio_block::template saved<T>& s) const {
    const auto part = part_of(ctx, parts::block);
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

  encoder encoder_;
  bottleneck bottleneck_;
  audio_block audio_;
  video_block video_;
  fusion fusion_;
  mask mask_;
  decoder decoder_;
  std::size_t passes_;
  param_extent extent_;
};

}  // namespace avss
