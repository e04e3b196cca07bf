// Self-attention of the frames of a map, as RTFS-Net has it (after TF-GridNet).
#pragma once

#include <array>
#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/attention.hpp>
#include <avss/op/pointwise.hpp>
#include <cmath>
#include <string>

namespace avss {

// What attends to what. `time`: in each head, the frames of an item to each other, as the paper has it. `heads`: at each
// frame, the heads of an item to each other, as the reference project computes it; weights of the one are useless to the other.
enum class attention_axis { time, heads };
constexpr const char* name_of(attention_axis a) { return a == attention_axis::time ? "time" : "heads"; }

struct tf_attention_spec {
  dim_t channels, bins, heads;
  dim_t query_channels;  // of a head's queries and keys
  attention_axis axis = attention_axis::time;
};

// With N = LayerNorm over the channels and bins of a frame, and for each head
//   Q, K = N(prelu(conv1x1(x)))  [query_channels]      V = N(prelu(conv1x1(x)))  [channels / heads]
// flattened to one vector a frame: y = x + N(prelu(conv1x1(attention of all heads, joined along the channels))).
// x, y [B, channels, T, bins]
template <tf_attention_spec S>
struct tf_attention {
  static constexpr dim_t channels = S.channels, bins = S.bins, query_channels = S.query_channels;
  static constexpr std::size_t heads = static_cast<std::size_t>(S.heads);
  static constexpr dim_t value_channels = S.channels / S.heads;
  static_assert(S.heads >= 1 && S.heads <= op::most_heads, "avss: attention over frames takes 1 to 8 heads");
  static_assert(S.channels % S.heads == 0, "avss: attention's channels must be a multiple of its heads");
  using map = map_shape<channels>;

  // conv1x1, PReLU, LayerNorm
  template <dim_t Out>
  struct unit {
    conv_params<true, Out, channels, 1, 1> conv;
    prelu_params act;
    gain_params<1, Out, 1, bins> norm;

    template <class V>
    void visit(V&& v) {
      v("conv", conv);
      v("act", act);
      v("norm", norm);
    }
  };

  std::array<unit<query_channels>, heads> queries, keys;
  std::array<unit<value_channels>, heads> values;
  unit<channels> project;

  template <class T>
  struct saved {
    // One of the three kinds: what its norm was applied to, and the vectors [B, heads, T, width] that came out.
    struct kind {
      op::head_norm_fwd<T> norm;
      T* vectors;
    };
    op::map_size n;
    const T* x = nullptr;
    T* raw = nullptr;  // results of all heads' convolutions
    kind q, k, v;
    T* weights = nullptr;
    T* joined = nullptr;     // [B, channels, T, bins]
    T* projected = nullptr;  // likewise, before PReLU
    op::map_norm<T> f;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules&, saved<T>& s) const {
    const auto frame = ctx.frame();
    s.n = size_of(x);
    s.x = x.data;
    s.raw = ctx.hold(raw_shape(s)).data;
    op::stacked_pointwise_fwd<T> stacked{s.n.batch, channels, s.n.plane(), x.data, 0, {}, s.raw};
    const auto add = [&](const auto& units) {
      for (const auto& u : units)
        stacked.parts[static_cast<std::size_t>(stacked.n++)] = {u.conv.bias.size, ctx.value(u.conv.weight),
                                                                ctx.value(u.conv.bias)};
    };
    add(queries), add(keys), add(values);
    ctx.run(stacked);

    const dim_t q_values = S.heads * query_channels * s.n.plane();
    s.q = norm_heads(ctx, queries, s, 0);
    s.k = norm_heads(ctx, keys, s, q_values);
    s.v = norm_heads(ctx, values, s, 2 * q_values);
    s.weights = ctx.hold(weights_shape(s)).data;
    T* const result = ctx.scratch(x.extents).data;
    ctx.run(op::attention_fwd<T>{size(s), s.q.vectors, s.k.vectors, s.v.vectors, s.weights, result});
    s.joined = ctx.hold(x.extents).data;
    ctx.run(op::swap_axes<T>{s.n.batch * S.heads, s.n.frames, value_channels, bins, result, s.joined});

    s.projected = ctx.hold(x.extents).data;
    op::pointwise_fwd<T> conv{s.n.batch, channels, s.n.plane(), s.joined, {}, 1, {}, {}};
    conv.target[0] = {channels, ctx.value(project.conv.weight), ctx.value(project.conv.bias), nullptr, s.projected};
    ctx.run(conv);
    s.f = make_map_norm(ctx, norm_over::frame, s.n, s.projected, ctx.value(project.norm.gamma), ctx.value(project.norm.beta),
                        op::bend<T>{curve::prelu, ctx.value(project.act.weight)});
    ctx.run(op::map_norm_fwd<T>{s.n, s.projected, s.f, x.data, y.data});
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* const djoined = ctx.scratch(d.extents).data;
    T* const dother = ctx.scratch(d.extents).data;  // of the projection, then of the attention's result
    ctx.run(op::map_norm_bwd<T>{
        s.n,
        s.projected,
        s.f,
        d.data,
        {ctx.gradient(project.norm.gamma), ctx.gradient(project.norm.beta), ctx.gradient(project.act.weight)},
        dother,
        false});
    op::pointwise_bwd<T> conv{s.n.batch, channels, s.n.plane(), {}, false, 1, {}, {}};
    conv.input.x = s.joined;
    conv.input.df = djoined;
    conv.target[0] = {channels, ctx.value(project.conv.weight), dother, ctx.gradient(project.conv.weight),
                      ctx.gradient(project.conv.bias)};
    ctx.run(conv);
    ctx.run(op::swap_axes<T>{s.n.batch * S.heads, value_channels, s.n.frames, bins, djoined, dother});

    T* const draw = ctx.scratch(raw_shape(s)).data;
    const dim_t q_values = S.heads * query_channels * s.n.plane();
    {
      const auto inner = ctx.frame();
      T* const dq = ctx.scratch(vectors_shape(s, query_channels)).data;
      T* const dk = ctx.scratch(vectors_shape(s, query_channels)).data;
      T* const dv = ctx.scratch(vectors_shape(s, value_channels)).data;
      ctx.run(op::attention_bwd<T>{size(s), s.q.vectors, s.k.vectors, s.v.vectors, s.weights, dother, dq, dk, dv});
      unnorm_heads(ctx, queries, s.q, dq, draw, 0);
      unnorm_heads(ctx, keys, s.k, dk, draw, q_values);
      unnorm_heads(ctx, values, s.v, dv, draw, 2 * q_values);
    }
    op::stacked_pointwise_bwd<T> stacked{s.n.batch, channels, s.n.plane(), s.x, 0, {}, draw, d.data};
    const auto add = [&](const auto& units) {
      for (const auto& u : units)
        stacked.parts[static_cast<std::size_t>(stacked.n++)] = {u.conv.bias.size, ctx.value(u.conv.weight),
                                                                ctx.gradient(u.conv.weight), ctx.gradient(u.conv.bias)};
    };
    add(queries), add(keys), add(values);
    ctx.run(stacked);
  }

  template <class V>
  void visit(V&& v) {
    const auto each = [&](const char* name, auto& units) {
      for (std::size_t h = 0; h < heads; ++h) v(name + std::to_string(h), units[h]);
    };
    each("Queries.", queries);
    each("Keys.", keys);
    each("Values.", values);
    v("attn_concat_proj", project);
  }

 private:
  static constexpr dim_t raw_channels = 2 * S.heads * query_channels + channels;

  template <class T>
  static shape<dyn, dyn, dyn, dyn> raw_shape(const saved<T>& s) {
    return shape<dyn, dyn, dyn, dyn>(s.n.batch, raw_channels, s.n.frames, bins);
  }
  template <class T>
  static shape<dyn, dyn, dyn, dyn> vectors_shape(const saved<T>& s, dim_t head_channels) {
    return shape<dyn, dyn, dyn, dyn>(s.n.batch, S.heads, s.n.frames, head_channels * bins);
  }
  template <class T>
  static shape<dyn, dyn, dyn> weights_shape(const saved<T>& s) {
    const op::attention_size n = size(s);
    return shape<dyn, dyn, dyn>(n.outer * n.inner, n.length, n.length);
  }

  template <class T>
  static op::attention_size size(const saved<T>& s) {
    const dim_t T_ = s.n.frames, width = query_channels * bins, value_width = value_channels * bins;
    const double scale = 1 / std::sqrt(static_cast<double>(width));
    if constexpr (S.axis == attention_axis::time) {
      const auto lie = [&](dim_t w) { return op::vector_strides{T_ * w, 0, w}; };
      return {s.n.batch * S.heads, 1, T_, width, value_width, scale, lie(width), lie(value_width), lie(value_width)};
    } else {
      const auto lie = [&](dim_t w) { return op::vector_strides{S.heads * T_ * w, w, T_ * w}; };
      return {s.n.batch, T_, S.heads, width, value_width, scale, lie(width), lie(value_width), lie(value_width)};
    }
  }

  // Null stays null while memory is planned.
  template <class T>
  static T* offset(T* p, dim_t n) {
    return p ? p + n : p;
  }

  template <class C, class Units, class T>
  static typename saved<T>::kind norm_heads(C& ctx, const Units& units, const saved<T>& s, dim_t first) {
    constexpr dim_t head_channels = std::remove_cvref_t<decltype(units[0].conv.bias)>::size;
    const shape<dyn, dyn, dyn> stats(s.n.batch, S.heads, s.n.frames);
    op::head_norm_fwd<T> norm{{s.n.batch, S.heads, head_channels, s.n.frames, bins, raw_channels * s.n.plane()},
                              map_eps,
                              offset(s.raw, first),
                              {},
                              {},
                              {},
                              ctx.hold(stats).data,
                              ctx.hold(stats).data,
                              ctx.hold(vectors_shape(s, head_channels)).data};
    for (std::size_t h = 0; h < heads; ++h) {
      norm.slope[h] = ctx.value(units[h].act.weight);
      norm.gamma[h] = ctx.value(units[h].norm.gamma);
      norm.beta[h] = ctx.value(units[h].norm.beta);
    }
    ctx.run(norm);
    return {norm, norm.y};
  }

  template <class C, class Units, class Kind, class T>
  static void unnorm_heads(C& ctx, const Units& units, const Kind& kind, const T* dy, T* draw, dim_t first) {
    op::head_norm_bwd<T> back{kind.norm, dy, offset(draw, first), {}, {}, {}};
    for (std::size_t h = 0; h < heads; ++h) {
      back.dslope[h] = ctx.gradient(units[h].act.weight);
      back.dgamma[h] = ctx.gradient(units[h].norm.gamma);
      back.dbeta[h] = ctx.gradient(units[h].norm.beta);
    }
    ctx.run(back);
  }
};

}  // namespace avss
