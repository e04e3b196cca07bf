// What RTFS-Net does to the smallest maps of the video: self-attention of the frames and a feed-forward network.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/attention.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/pointwise.hpp>
#include <avss/op/sequence.hpp>
#include <cmath>

namespace avss {

struct video_attention_spec {
  dim_t channels, heads;
  bool stored_positions;  // the table of positions is part of the weights, 10000 frames long
  bool dense;             // the feed-forward network's convolution along time: all channels to all; otherwise depthwise
  bool bias;              // of its other two convolutions
  double dropout = 0.1;   // of attention weights, of what attention makes, and of whole branches
};

inline constexpr dim_t stored_frames = 10000;

// s = LayerNorm(x) + positions;  a = LayerNorm(multi-head attention(s) + s);  y = x + a         x, y [B, channels, T, 1]
template <video_attention_spec S>
struct video_self_attention {
  static constexpr dim_t channels = S.channels, heads = S.heads;
  static_assert(S.channels % S.heads == 0, "avss: attention's channels must be a multiple of its heads");
  using map = map_shape<channels>;

  // Packed as PyTorch's MultiheadAttention: queries, keys, values.
  struct projections {
    param<3 * channels, channels> in_proj_weight;
    param<3 * channels> in_proj_bias;
    struct output {
      param<channels, channels> weight;
      param<channels> bias;
      static constexpr init_rule initial(std::string_view leaf) {
        return leaf == "bias" ? init_rule{init_rule::kind::constant, 0} : init_rule{};
      }
      template <class V>
      void visit(V&& v) {
        v("weight", weight);
        v("bias", bias);
      }
    } out_proj;

    static constexpr init_rule initial(std::string_view leaf) {
      return leaf == "in_proj_bias" ? init_rule{init_rule::kind::constant, 0} : init_rule{init_rule::kind::xavier_uniform, 1};
    }
    template <class V>
    void visit(V&& v) {
      v("in_proj_weight", in_proj_weight);
      v("in_proj_bias", in_proj_bias);
      v("out_proj", out_proj);
    }
  };
  struct position_params {
    state<1, stored_frames, channels> pe;
    static constexpr init_rule initial(std::string_view) { return {init_rule::kind::positions, 1}; }
    template <class V>
    void visit(V&& v) {
      v("pe", pe);
    }
  };

  norm_params<channels> norm1;
  optional_param<S.stored_positions, position_params> positions;
  projections attention;
  norm_params<channels> norm2;

  template <class T>
  struct saved {
    op::walk walk;
    const T* x = nullptr;
    op::map_norm<T> f1, f2;
    T *sequence, *qkv, *weights, *attended, *summed;  // all but the weights [T, B, ...]
    op::dropout_rule drop_weights, drop_values, drop_path;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    s.walk = {size_of(x), false};
    s.x = x.data;
    s.drop_weights = rules.drop(S.dropout, "MHSA.weights");
    s.drop_values = rules.drop(S.dropout, "MHSA.values");
    s.drop_path = rules.drop(S.dropout, "MHSA.path");
    const dim_t batch = x.dim(0), frames = x.dim(2);
    const shape<dyn, dyn, dyn> narrow(frames, batch, channels);

    s.f1 = make_map_norm(ctx, norm_over::position, s.walk.n, s.x, ctx.value(norm1.weight), ctx.value(norm1.bias));
    s.sequence = ctx.hold(narrow).data;
    ctx.run(op::to_sequences<T>{s.walk, x.data, s.f1, table(ctx, frames), s.sequence});
    s.qkv = ctx.hold(shape<dyn, dyn, dyn>(frames, batch, 3 * channels)).data;
    ctx.run(op::window_linear_fwd<T>{linear(s, 3 * channels), false, s.sequence, ctx.value(attention.in_proj_weight),
                                     ctx.value(attention.in_proj_bias), s.qkv});
    s.weights = ctx.hold(shape<dyn, dyn, dyn>(batch * heads, frames, frames)).data;
    s.attended = ctx.hold(narrow).data;
    ctx.run(op::attention_fwd<T>{size(s), s.qkv, part(s.qkv, 1), part(s.qkv, 2), s.weights, s.attended, s.drop_weights});
    s.summed = ctx.hold(narrow).data;
    ctx.run(op::window_linear_fwd<T>{linear(s, channels), false, s.attended, ctx.value(attention.out_proj.weight),
                                     ctx.value(attention.out_proj.bias), s.summed});
    ctx.run(op::dropout<T>{1, narrow.size(), 1, s.drop_values, s.summed, s.sequence, s.summed, batch * channels});
    s.f2 = make_map_norm(ctx, norm_over::item, rows(s), s.summed, ctx.value(norm2.weight), ctx.value(norm2.bias));
    T* const normed = ctx.scratch(narrow).data;
    ctx.run(op::map_norm_fwd<T>{rows(s), s.summed, s.f2, nullptr, normed});
    ctx.run(op::dropout<T>{frames, batch, channels, s.drop_path, normed, nullptr, normed});
    ctx.run(op::from_sequences<T>{s.walk, normed, x.data, y.data});
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const dim_t batch = d.dim(0), frames = d.dim(2);
    const shape<dyn, dyn, dyn> narrow(frames, batch, channels);
    T* const dsummed = ctx.scratch(narrow).data;
    T* const dother = ctx.scratch(narrow).data;  // of what attention made, then of the sequence
    T* const dqkv = ctx.scratch(shape<dyn, dyn, dyn>(frames, batch, 3 * channels)).data;
    ctx.run(op::to_sequences<T>{s.walk, d.data, {}, nullptr, dsummed});
    ctx.run(op::dropout<T>{frames, batch, channels, s.drop_path, dsummed, nullptr, dsummed});
    ctx.run(op::map_norm_bwd<T>{
        rows(s), s.summed, s.f2, dsummed, {ctx.gradient(norm2.weight), ctx.gradient(norm2.bias)}, dsummed, false});
    {
      const auto inner = ctx.frame();
      T* const dmade = ctx.scratch(narrow).data;
      ctx.run(op::dropout<T>{1, narrow.size(), 1, s.drop_values, dsummed, nullptr, dmade, batch * channels});
      ctx.run(op::window_linear_bwd<T>{linear(s, channels), false, s.attended, ctx.value(attention.out_proj.weight), dmade,
                                       dother, false, ctx.gradient(attention.out_proj.weight),
                                       ctx.gradient(attention.out_proj.bias)});
    }
    ctx.run(op::attention_bwd<T>{size(s), s.qkv, part(s.qkv, 1), part(s.qkv, 2), s.weights, dother, dqkv, part(dqkv, 1),
                                 part(dqkv, 2), s.drop_weights});
    // The sequence was read by the sum, too: its gradient is added to.
    ctx.run(op::window_linear_bwd<T>{linear(s, 3 * channels), false, s.sequence, ctx.value(attention.in_proj_weight), dqkv,
                                     dsummed, true, ctx.gradient(attention.in_proj_weight),
                                     ctx.gradient(attention.in_proj_bias)});
    ctx.run(op::from_sequences<T>{s.walk, dsummed, nullptr, dother});
    ctx.run(
        op::map_norm_bwd<T>{s.walk.n, s.x, s.f1, dother, {ctx.gradient(norm1.weight), ctx.gradient(norm1.bias)}, d.data, true});
  }

  template <class V>
  void visit(V&& v) {
    v("norm1", norm1);
    v("pos_enc", positions);
    v("attention", attention);
    v("norm2", norm2);
  }

 private:
  template <class C>
  const typename C::T* table(C& ctx, dim_t frames) const {
    if constexpr (S.stored_positions) {
      if (frames > stored_frames)
        fail("the network's table of positions ends at ", stored_frames, " frames and ", frames,
             " are given: use shorter windows");
      return ctx.value(positions.pe);
    } else {
      const auto made = ctx.scratch(shape<dyn, channels>(frames));
      ctx.run(op::position_table<typename C::T>{frames, channels, made.data});
      return made.data;
    }
  }

  template <class T>
  static op::window_size linear(const saved<T>& s, dim_t out) {
    return {s.walk.n.frames, s.walk.n.batch, channels, 1, out};
  }
  // Each step of each sequence as an item of its own: LayerNorm over the last axis.
  template <class T>
  static op::map_size rows(const saved<T>& s) {
    return {s.walk.n.frames * s.walk.n.batch, channels, 1, 1};
  }
  template <class T>
  static op::attention_size size(const saved<T>& s) {
    constexpr dim_t width = channels / heads;
    const dim_t batch = s.walk.n.batch;
    const op::vector_strides packed{3 * channels, width, batch * 3 * channels};
    return {batch,  heads,  s.walk.n.frames,
            width,  width,  1 / std::sqrt(static_cast<double>(width)),
            packed, packed, {channels, width, batch * channels}};
  }
  // Keys and values behind the queries; null stays null while memory is planned.
  template <class T>
  static T* part(T* qkv, dim_t n) {
    return qkv ? qkv + n * channels : qkv;
  }
};

// u = N(conv1x1(x)), channels -> 2 channels;  v = relu(conv3(u)) along time;  y = x + N(conv1x1(v)).  N: norm of whole items
template <video_attention_spec S>
struct video_feed_forward {
  static constexpr dim_t channels = S.channels, wide = 2 * S.channels, kernel = 3;
  using map = map_shape<channels>;

  template <dim_t Out, dim_t In>
  struct unit {
    conv_params<S.bias, Out, In, 1> conv;
    block_norm_params<Out, block_norm::global> norm;
    template <class V>
    void visit(V&& v) {
      v("full_layer.2", conv);
      v("full_layer.3", norm);
    }
  };
  unit<wide, channels> encoder;
  conv_params<true, wide, S.dense ? wide : 1, kernel> refiner;
  unit<channels, wide> decoder;

  template <class T>
  struct saved {
    op::map_size n, inner;
    const T* x = nullptr;
    T *first, *u, *second, *v, *third;  // before and after the norm, the ReLU, the norm
    op::map_norm<T> f_first, f_third;
    op::dropout_rule drop_inner, drop_path;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    s.n = size_of(x);
    s.inner = {s.n.batch, wide, s.n.frames, s.n.bins};
    s.x = x.data;
    s.drop_inner = rules.drop(S.dropout, "FFN.inner");
    s.drop_path = rules.drop(S.dropout, "FFN.path");
    for (T** p : {&s.first, &s.u, &s.second, &s.v}) *p = ctx.hold(shape<dyn>(s.inner.size())).data;
    s.third = ctx.hold(x.extents).data;

    s.f_first = unit_forward(ctx, encoder, s.n, s.inner, s.x, s.first, rules);
    ctx.run(op::map_norm_fwd<T>{s.inner, s.first, s.f_first, nullptr, s.u});
    if constexpr (S.dense)
      ctx.run(
          op::conv2d_fwd<T>{s.inner, wide, slide(s), false, s.u, ctx.value(refiner.weight), ctx.value(refiner.bias), s.second});
    else
      ctx.run(op::depthwise2d_fwd<T>{s.inner, slide(s), s.u, ctx.value(refiner.weight), ctx.value(refiner.bias), s.second});
    ctx.run(op::map_norm_fwd<T>{s.inner, s.second, only_bend(op::bend<T>{curve::relu}), nullptr, s.v});
    ctx.run(op::dropout<T>{1, s.n.batch, s.inner.size() / s.n.batch, s.drop_inner, s.v, nullptr, s.v});

    s.f_third = unit_forward(ctx, decoder, s.inner, s.n, s.v, s.third, rules);
    T* const made = ctx.scratch(x.extents).data;
    ctx.run(op::map_norm_fwd<T>{s.n, s.third, s.f_third, nullptr, made});
    ctx.run(op::dropout<T>{1, s.n.batch, s.n.size() / s.n.batch, s.drop_path, made, x.data, y.data});
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* const dthird = ctx.scratch(d.extents).data;
    T* const dv = ctx.scratch(shape<dyn>(s.inner.size())).data;
    T* const du = ctx.scratch(shape<dyn>(s.inner.size())).data;
    ctx.run(op::dropout<T>{1, s.n.batch, s.n.size() / s.n.batch, s.drop_path, d.data, nullptr, dthird});
    unit_backward(ctx, decoder, s.inner, s.n, s.v, s.third, s.f_third, dthird, dv, false);
    ctx.run(op::dropout<T>{1, s.n.batch, s.inner.size() / s.n.batch, s.drop_inner, dv, nullptr, dv});
    ctx.run(op::map_norm_bwd<T>{s.inner, s.second, only_bend(op::bend<T>{curve::relu}), dv, {}, dv, false});
    if constexpr (S.dense)
      ctx.run(op::conv2d_bwd<T>{s.inner, wide, slide(s), false, s.u, ctx.value(refiner.weight), dv, du,
                                ctx.gradient(refiner.weight), ctx.gradient(refiner.bias)});
    else
      ctx.run(op::depthwise2d_bwd<T>{s.inner, slide(s), s.u, ctx.value(refiner.weight), dv, du, false,
                                     ctx.gradient(refiner.weight), ctx.gradient(refiner.bias)});
    unit_backward(ctx, encoder, s.n, s.inner, s.x, s.first, s.f_first, du, d.data, true);
  }

  template <class V>
  void visit(V&& v) {
    v("encoder", encoder);
    v("refiner.full_layer.2", refiner);
    v("decoder", decoder);
  }

 private:
  template <class T>
  static op::sliding slide(const saved<T>& s) {
    return {kernel, 1, 1, 1, (kernel - 1) / 2, 0, s.n.frames, s.n.bins};
  }

  template <class C, class U, class T = typename C::T>
  static op::map_norm<T> unit_forward(C& ctx, const U& p, const op::map_size& in, const op::map_size& out, const given<T>* x,
                                      given<T>* raw, const pass_rules& rules) {
    op::pointwise_fwd<T> o{in.batch, in.channels, in.plane(), x, {}, 1, {}, {}};
    o.target[0] = {out.channels, ctx.value(p.conv.weight), ctx.value(p.conv.bias), nullptr, raw};
    ctx.run(o);
    return make_block_norm(ctx, p.norm, out, raw, rules);
  }
  // d: of the unit's result, used up.
  template <class C, class U, class T>
  static void unit_backward(C& ctx, const U& p, const op::map_size& in, const op::map_size& out, const given<T>* x,
                            const given<T>* raw, const op::map_norm<T>& f, given<T>* d, given<T>* dx, bool accumulate) {
    ctx.run(op::map_norm_bwd<T>{out, raw, f, d, gradients_of(ctx, p.norm), d, false});
    op::pointwise_bwd<T> o{in.batch, in.channels, in.plane(), {}, accumulate, 1, {}, {}};
    o.input.x = x;
    o.input.df = dx;
    o.target[0] = {out.channels, ctx.value(p.conv.weight), d, ctx.gradient(p.conv.weight), ctx.gradient(p.conv.bias)};
    ctx.run(o);
  }
};

}  // namespace avss
