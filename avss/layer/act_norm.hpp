// PReLU, and normalisation over channels, as layers of their own.
#pragma once

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/layer/named.hpp>
#include <avss/op/act_norm.hpp>

namespace avss {

// y = x > 0 ? x : weight x, one slope for all values.   x, y of any shape; weight [1]
struct prelu {
  prelu_params params;

  template <class X>
  using fit = fits;
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
    if constexpr (compatible<prelu, X, Y>) {
      s.x = x;
      ctx.run(op::act_norm_fwd<T>{1, 1, x.size(), x.data, {ctx.value(params.weight)}, y.data});
    } else {
      refuse<prelu, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<prelu, X, Y>) {
      op::act_norm_grad<T> g{};
      g.f.slope = ctx.value(params.weight);
      g.x = s.x.data;
      g.df = const_cast<T*>(dy.data);  // only read: dx lies elsewhere
      g.dslope = ctx.gradient(params.weight);
      ctx.run(op::act_norm_bwd<T>{1, 1, dx.size(), g, dx.data, false});
    } else {
      refuse<prelu, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", params);
  }
};

struct channel_norm_spec {
  dim_t channels;
  norm_kind kind = norm_kind::global;
  double eps = 1e-8;
};

// y = weight (x - mean) / sqrt(variance + eps) + bias, the moments as norm_kind says.
// x, y [B, C, ...]: all axes behind the channels count as frames   weight, bias [C]
template <channel_norm_spec S>
struct channel_norm {
  static constexpr dim_t n_channels = S.channels;
  static constexpr norm_kind kind = S.kind;

  norm_params<n_channels> params;

  template <class X>
  using fit = avss::channels<n_channels, extent_of<X, 1>>;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }

  template <class X, class T>
  struct saved {
    view<X, T> x;
    norm_stats<T> stats;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<channel_norm, X, Y>) {
      const dim_t batch = x.dim(0), frames = frames_of(x.extents);
      s = {x, hold_stats(ctx, kind, batch, frames)};
      const op::act_norm<T> f = make_act_norm(ctx, absent{}, params, kind, S.eps, s.stats);
      ctx.run(op::moments<T>{batch, n_channels, frames, x.data, f});
      ctx.run(op::act_norm_fwd<T>{batch, n_channels, frames, x.data, f, y.data});
    } else {
      refuse<channel_norm, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<channel_norm, X, Y>) {
      const dim_t batch = dx.dim(0), frames = frames_of(dx.extents);
      const auto frame = ctx.frame();
      const op::act_norm<T> f = make_act_norm(ctx, absent{}, params, kind, S.eps, s.stats);
      T* const df = const_cast<T*>(dy.data);  // only read: dx lies elsewhere
      const op::act_norm_grad<T> g = make_act_norm_grad(ctx, absent{}, params, f, s.x.data, df, batch, frames);
      ctx.run(op::act_norm_close<T>{batch, n_channels, frames, g});
      ctx.run(op::act_norm_bwd<T>{batch, n_channels, frames, g, dx.data, false});
    } else {
      refuse<channel_norm, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", params);
  }

  // Last, so that clang, too, has the other members and prints nothing else.
  static_assert(kind != norm_kind::none, "avss: a normalisation layer needs a kind other than none");
};

}  // namespace avss
