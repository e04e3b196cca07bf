// y = x + body(x), and a body that is applied several times with the same weights.
#pragma once

#include <array>
#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/op/copy.hpp>

namespace avss {

// y = x + body(x). The parameters keep the body's names.
template <class Body>
struct residual {
  Body body;

  template <class X>
  using fit = and_fit<typename Body::template fit<X>, keeps_shape<X, typename Body::template out_shape<X>>>;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }

  template <class X, class T>
  struct saved {
    typename Body::template saved<X, T> body;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<residual, X, Y>) {
      body.forward(ctx, x, y, s.body);
      const dim_t n = x.size();
      ctx.run(op::copy<T>{1, n, n, n, x.data, y.data, true});
    } else {
      refuse<residual, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<residual, X, Y>) {
      body.backward(ctx, dy, dx, s.body);
      const dim_t n = dx.size();
      ctx.run(op::copy<T>{1, n, n, n, dy.data, dx.data, true});
    } else {
      refuse<residual, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", body);
  }
};

// y = body(body(... x)), N times with the same weights, whose gradients add up. The parameters keep the body's names.
template <int N, class Body>
struct repeat_shared {
  static_assert(N >= 1, "avss: a body is repeated at least once");

  Body body;

  template <class X>
  using fit = and_fit<typename Body::template fit<X>, keeps_shape<X, typename Body::template out_shape<X>>>;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }

  template <class X, class T>
  struct saved {
    std::array<typename Body::template saved<X, T>, N> passes;
  };

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<repeat_shared, X, Y>) {
      const auto frame = ctx.frame();
      // Kept for the way back; otherwise two buffers take turns.
      const bool keep = ctx.training();
      const view<X, T> turns[2] = {keep || N < 2 ? x : ctx.scratch(x.extents), keep || N < 3 ? x : ctx.scratch(x.extents)};
      view<X, T> from = x;
      for (int i = 0; i < N; ++i) {
        const view<X, T> to = i + 1 == N ? view<X, T>{y.data, x.extents} : keep ? ctx.keep(x.extents) : turns[i % 2];
        const auto inner = ctx.frame();
        body.forward(ctx, from, to, s.passes[static_cast<std::size_t>(i)]);
        from = to;
      }
    } else {
      refuse<repeat_shared, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<repeat_shared, X, Y>) {
      const auto frame = ctx.frame();
      const view<X, T> turns[2] = {N < 3 ? dx : ctx.scratch(dx.extents), N < 2 ? dx : ctx.scratch(dx.extents)};
      view<X, const T> from = dy;
      for (int i = N; i-- > 0;) {
        const view<X, T> to = i == 0 ? dx : turns[i % 2];
        const auto inner = ctx.frame();
        body.backward(ctx, from, to, s.passes[static_cast<std::size_t>(i)]);
        from = to;
      }
    } else {
      refuse<repeat_shared, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    v("", body);
  }
};

}  // namespace avss
