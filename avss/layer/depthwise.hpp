// Depthwise convolution along time, as a layer of its own.
#pragma once

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/layer/named.hpp>
#include <avss/op/depthwise.hpp>

namespace avss {

struct depthwise_spec {
  dim_t channels, kernel;
  dim_t dilation = 1;
  bool bias = true;
  bool causal = false;  // zeros before the first frame only
};

// y[b,c,t] = bias[c] + sum_k weight[c,k] x[b,c, t + k dilation - left], zero-padded to keep the length.
// x, y [B, C, T]   weight [C, 1, kernel]   bias [C]
template <depthwise_spec S>
struct depthwise {
  static constexpr dim_t n_channels = S.channels, kernel = S.kernel, dilation = S.dilation;
  static constexpr bool has_bias = S.bias, causal = S.causal;
  static constexpr dim_t left = (kernel - 1) * dilation / (causal ? 1 : 2);
  static_assert(sizeof(typename odd_kernel<kernel, causal>::demand) > 0);

  depthwise_params<n_channels, kernel, has_bias> params;

  template <class X>
  using fit = and_fit<axes<3, static_cast<int>(X::rank)>, avss::channels<n_channels, extent_of<X, 1>>>;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }

  template <class X, class T>
  struct saved {
    view<X, T> x;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<depthwise, X, Y>) {
      s.x = x;
      ctx.run(op::depthwise_fwd<T>{x.dim(0),
                                   n_channels,
                                   x.dim(2),
                                   kernel,
                                   dilation,
                                   left,
                                   x.data,
                                   {},
                                   ctx.value(params.weight),
                                   ctx.value(params.bias),
                                   y.data});
    } else {
      refuse<depthwise, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<depthwise, X, Y>) {
      op::act_norm_grad<T> output{}, input{};
      output.df = const_cast<T*>(dy.data);  // only read: dx lies elsewhere
      input.x = s.x.data;
      input.df = dx.data;
      ctx.run(op::depthwise_bwd<T>{dx.dim(0), n_channels, dx.dim(2), kernel, dilation, left, output, ctx.value(params.weight),
                                   ctx.gradient(params.weight), ctx.gradient(params.bias), input});
    } else {
      refuse<depthwise, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", params);
  }
};

}  // namespace avss
