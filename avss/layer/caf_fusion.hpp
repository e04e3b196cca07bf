// Cross-dimensional attention fusion of sound and sight (section 3.4 of the RTFS-Net paper, arXiv:2309.17189).
#pragma once

#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/fusion.hpp>

namespace avss {

struct caf_fusion_spec {
  dim_t channels;        // of the sound
  dim_t video_channels;  // a multiple of them
  dim_t heads;
};

//   gate = relu(BatchNorm(scale(a)))   value = BatchNorm(scale(a))      one scale a channel
//   key  = N(conv(v))                  weights = softmax over time of the heads' mean of N(conv(v))     grouped by channel
//   y    = gate key + value weights    both stretched to the frames of the sound, the same for all bins
// a [B / share, channels, T, F]   v [B, video_channels, Tv, 1]   y [B, channels, T, F], see op/fusion.hpp for `share`.
template <caf_fusion_spec S>
struct caf_fusion {
  static constexpr dim_t channels = S.channels, video_channels = S.video_channels, heads = S.heads;
  static constexpr dim_t per_group = S.video_channels / S.channels;
  static_assert(S.video_channels % S.channels == 0, "avss: fusion needs video channels that are a multiple of the sound's");
  using map = map_shape<channels>;
  using video_map = map_shape<video_channels>;

  struct scale {
    conv_params<false, channels, 1, 1, 1> conv;
    block_norm_params<channels, block_norm::batch> norm;
    template <class V>
    void visit(V&& v) {
      v("full_layer.2", conv);
      v("full_layer.3", norm);
    }
  };
  template <dim_t Out>
  struct grouped {
    conv_params<true, Out, per_group, 1> conv;
    block_norm_params<Out, block_norm::global> norm;
    template <class V>
    void visit(V&& v) {
      v("full_layer.2", conv);
      v("full_layer.3", norm);
    }
  };
  scale gate, value;
  grouped<channels * heads> attention;
  grouped<channels> key;

  template <class T>
  struct saved {
    op::fusion_fwd<T> fused;
    bool fixed = true;
    const T* video = nullptr;
    T *key_raw, *attention_raw;
    op::map_norm<T> f_key, f_attention;
    T *key, *weights;  // [B, channels, Tv]
  };

  template <class C, class T>
  void forward(C& ctx, view<map, T> a, dim_t share, view<video_map, T> v, view<map, T> y, const pass_rules& rules,
               saved<T>& s) const {
    const auto frame = ctx.frame();
    const dim_t batch = v.dim(0), video_frames = v.dim(2);
    const shape<dyn, dyn, dyn> narrow(batch, channels, video_frames);
    s.video = v.data;
    s.fixed = !rules.batch_statistics;
    s.key = ctx.hold(narrow).data;
    s.weights = ctx.hold(narrow).data;
    s.f_key = sight(ctx, key, v, s.key_raw, rules);
    ctx.run(op::map_norm_fwd<T>{{batch, channels, video_frames}, s.key_raw, s.f_key, nullptr, s.key});
    s.f_attention = sight(ctx, attention, v, s.attention_raw, rules);
    {
      const auto inner = ctx.frame();
      const auto normed = ctx.scratch(shape<dyn, dyn, dyn>(batch, channels * heads, video_frames));
      ctx.run(
          op::map_norm_fwd<T>{{batch, channels * heads, video_frames}, s.attention_raw, s.f_attention, nullptr, normed.data});
      ctx.run(op::head_softmax_fwd<T>{batch, channels, heads, video_frames, normed.data, s.weights});
    }
    s.fused = {size_of(y), share,     video_frames, a.data, hear(ctx, gate, a, rules, share), hear(ctx, value, a, rules, share),
               s.key,      s.weights, y.data};
    ctx.run(s.fused);
  }

  // da [B / share, channels, T, F] and dv [B, video_channels, Tv, 1] are assigned.
  template <class C, class T>
  void backward(C& ctx, view<map, const T> dy, view<map, T> da, view<video_map, T> dv, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const dim_t batch = dv.dim(0), video_frames = dv.dim(2);
    const shape<dyn, dyn, dyn> narrow(batch, channels, video_frames);
    T* const dkey = ctx.scratch(narrow).data;
    T* const dweights = ctx.scratch(narrow).data;
    T* const dattention = ctx.scratch(shape<dyn, dyn, dyn>(batch, channels * heads, video_frames)).data;
    ctx.run(op::fusion_bwd<T>{s.fused, s.fixed, dy.data, da.data, dkey, dweights, branch_gradients(ctx, gate),
                              branch_gradients(ctx, value)});
    ctx.run(op::head_softmax_bwd<T>{batch, channels, heads, video_frames, s.weights, dweights, dattention});
    sight_back(ctx, key, s, s.key_raw, s.f_key, dkey, dv, false);
    sight_back(ctx, attention, s, s.attention_raw, s.f_attention, dattention, dv, true);
  }

  template <class V>
  void visit(V&& v) {
    v("key_embed", gate);
    v("value_embed", value);
    v("attention_embed", attention);
    v("resize", key);
  }

 private:
  template <class C, class T>
  static op::fusion_branch<T> hear(C& ctx, const scale& p, view<map, T> a, const pass_rules& rules, dim_t share) {
    const shape<dyn> each(channels);
    const op::fusion_branch<T> f{ctx.value(p.conv.weight), ctx.value(p.norm.weight), ctx.value(p.norm.bias),
                                 ctx.hold(each).data, ctx.hold(each).data};
    if (rules.batch_statistics) {
      ctx.run(op::fusion_moments<T>{size_of(a), map_eps, a.data, f});
      count_batch(ctx, p.norm, share * a.size() / channels, f.mean, f.rstd);
    } else {
      use_running(ctx, p.norm, f.mean, f.rstd);
    }
    return f;
  }
  template <class C>
  static op::fusion_branch_grad<typename C::T> branch_gradients(const C& ctx, const scale& p) {
    return {ctx.gradient(p.conv.weight), ctx.gradient(p.norm.weight), ctx.gradient(p.norm.bias)};
  }

  template <class C, dim_t Out, class T>
  static op::map_norm<T> sight(C& ctx, const grouped<Out>& p, view<video_map, T> v, T*& raw, const pass_rules& rules) {
    raw = ctx.hold(shape<dyn, dyn, dyn>(v.dim(0), Out, v.dim(2))).data;
    ctx.run(op::grouped_pointwise_fwd<T>{v.dim(0), channels, per_group, Out / channels, v.dim(2), v.data,
                                         ctx.value(p.conv.weight), ctx.value(p.conv.bias), raw});
    return make_block_norm(ctx, p.norm, op::map_size{v.dim(0), Out, v.dim(2)}, raw, rules);
  }
  // d: of the normed result, used up.
  template <class C, dim_t Out, class T>
  static void sight_back(C& ctx, const grouped<Out>& p, const saved<T>& s, const given<T>* raw, const op::map_norm<T>& f,
                         given<T>* d, view<video_map, T> dv, bool accumulate) {
    const op::map_size n{dv.dim(0), Out, dv.dim(2)};
    ctx.run(op::map_norm_bwd<T>{n, raw, f, d, gradients_of(ctx, p.norm), d, false});
    ctx.run(op::grouped_pointwise_bwd<T>{dv.dim(0), channels, per_group, Out / channels, dv.dim(2), s.video,
                                         ctx.value(p.conv.weight), d, dv.data, accumulate, ctx.gradient(p.conv.weight),
                                         ctx.gradient(p.conv.bias)});
  }
};

}  // namespace avss
