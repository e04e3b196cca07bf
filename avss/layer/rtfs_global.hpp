// What RTFS-Net's blocks do to their smallest maps: one layer after another.
#pragma once

#include <avss/core/context.hpp>
#include <avss/layer/dual_path.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/layer/tf_attention.hpp>
#include <avss/layer/video_attention.hpp>

namespace avss {

struct audio_global_spec {
  recurrence kind;
  dim_t channels, window, hidden;  // of the recurrent networks, see dual_path
  int layers;
  tf_attention_spec attention;
};

// Of the sound: a recurrent network along the bins, one along the frames, then attention. x, y [B, channels, T, F]
template <audio_global_spec S>
struct audio_global {
  using map = map_shape<S.channels>;
  using bins_layer = dual_path<dual_path_spec{S.kind, S.channels, S.window, S.hidden, S.layers, true}>;
  using frames_layer = dual_path<dual_path_spec{S.kind, S.channels, S.window, S.hidden, S.layers, false}>;
  using attention_layer = tf_attention<S.attention>;

  bins_layer along_bins;
  frames_layer along_frames;
  attention_layer attention;

  template <class T>
  struct saved {
    typename bins_layer::template saved<T> along_bins;
    typename frames_layer::template saved<T> along_frames;
    typename attention_layer::template saved<T> attention;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    const view<map, T> first = ctx.hold(x.extents), second = ctx.training() ? ctx.keep(x.extents) : first;
    along_bins.forward(ctx, x, first, rules, s.along_bins);
    along_frames.forward(ctx, first, second, rules, s.along_frames);
    attention.forward(ctx, second, y, rules, s.attention);
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    attention.backward(ctx, d, s.attention);
    along_frames.backward(ctx, d, s.along_frames);
    along_bins.backward(ctx, d, s.along_bins);
  }

  template <class V>
  void visit(V&& v) {
    v("0", along_bins);
    v("1", along_frames);
    v("2", attention);
  }
};

// Of the video: self-attention, then a feed-forward network. x, y [B, channels, T, 1]
template <video_attention_spec S>
struct video_global {
  using map = map_shape<S.channels>;

  video_self_attention<S> attention;
  video_feed_forward<S> feed_forward;

  template <class T>
  struct saved {
    typename video_self_attention<S>::template saved<T> attention;
    typename video_feed_forward<S>::template saved<T> feed_forward;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    const view<map, T> between = ctx.hold(x.extents);
    attention.forward(ctx, x, between, rules, s.attention);
    feed_forward.forward(ctx, between, y, rules, s.feed_forward);
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    feed_forward.backward(ctx, d, s.feed_forward);
    attention.backward(ctx, d, s.attention);
  }

  template <class V>
  void visit(V&& v) {
    v("0.MHSA", attention);
    v("0.FFN", feed_forward);
  }
};

}  // namespace avss
