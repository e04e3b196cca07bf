// Pointwise convolution and linear layer: a matrix product over the channels.
#pragma once

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/layer/named.hpp>
#include <avss/op/pointwise.hpp>

namespace avss {

struct pointwise_spec {
  dim_t in, out;
  bool bias = true;
};

// y[b,o,...] = bias[o] + sum_i weight[o,i] x[b,i,...]
// x [B, in, ...]   y [B, out, ...]   weight [out, in, 1]   bias [out]
template <pointwise_spec S>
struct pointwise {
  static constexpr dim_t n_in = S.in, n_out = S.out;
  static constexpr bool has_bias = S.bias;

  pointwise_params<n_out, n_in, has_bias> params;

  template <class X>
  using fit = channels<n_in, extent_of<X, 1>>;
  template <class X>
  using out_shape = with_channels<X, n_out>;
  template <class X>
  static constexpr out_shape<X> out(X x) {
    return set_channels<n_out>(x);
  }

  template <class X, class T>
  struct saved {
    view<X, T> x;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<pointwise, X, Y>) {
      s.x = x;
      op::pointwise_fwd<T> o{x.dim(0), n_in, frames_of(x.extents), x.data, {}, 1, {}, {}};
      o.target[0] = {n_out, ctx.value(params.weight), ctx.value(params.bias), nullptr, y.data};
      ctx.run(o);
    } else {
      refuse<pointwise, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<pointwise, X, Y>) {
      op::pointwise_bwd<T> o{dx.dim(0), n_in, frames_of(dx.extents), {}, false, 1, {}, {}};
      o.input.x = s.x.data;
      o.input.df = dx.data;
      o.target[0] = {n_out, ctx.value(params.weight), dy.data, ctx.gradient(params.weight), ctx.gradient(params.bias)};
      ctx.run(o);
    } else {
      refuse<pointwise, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", params);
  }
};

struct linear_spec {
  dim_t in, out;
  bool bias = true;
};

// y = x W^T + b      x [N, in]   y [N, out]   weight [out, in]   bias [out]
template <linear_spec S>
struct linear {
  static constexpr dim_t n_in = S.in, n_out = S.out;
  static constexpr bool has_bias = S.bias;

  param<n_out, n_in> weight;
  optional_param<has_bias, param<n_out>> bias;

  template <class X>
  using fit = and_fit<axes<2, static_cast<int>(X::rank)>, channels<n_in, extent_of<X, 1>>>;
  template <class X>
  using out_shape = with_channels<X, n_out>;
  template <class X>
  static constexpr out_shape<X> out(X x) {
    return set_channels<n_out>(x);
  }

  template <class X, class T>
  struct saved {
    view<X, T> x;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<linear, X, Y>) {
      s.x = x;
      op::pointwise_fwd<T> o{x.dim(0), n_in, 1, x.data, {}, 1, {}, {}};
      o.target[0] = {n_out, ctx.value(weight), ctx.value(bias), nullptr, y.data};
      ctx.run(o);
    } else {
      refuse<linear, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<linear, X, Y>) {
      op::pointwise_bwd<T> o{dx.dim(0), n_in, 1, {}, false, 1, {}, {}};
      o.input.x = s.x.data;
      o.input.df = dx.data;
      o.target[0] = {n_out, ctx.value(weight), dy.data, ctx.gradient(weight), ctx.gradient(bias)};
      ctx.run(o);
    } else {
      refuse<linear, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace avss
