// Layers side by side on one input: their results added, or joined along the channels.
#pragma once

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/core/slots.hpp>
#include <avss/op/copy.hpp>
#include <string>
#include <utility>

namespace avss {

namespace detail {

// What sum and concatenation have in common. The layers' names are 0, 1, ...
template <class... L>
class branches {
 public:
  template <class X, class T>
  struct saved {
    slots<typename L::template saved<X, T>...> layers;
  };

  template <std::size_t I>
  auto& layer() {
    return get<I>(layers_);
  }
  template <std::size_t I>
  const auto& layer() const {
    return get<I>(layers_);
  }

  template <class V>
  void visit(V&& v) {
    each([&]<std::size_t I>() { v(std::to_string(I), get<I>(layers_)); });
  }

 protected:
  template <class Body>
  static constexpr void each(Body&& body) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body.template operator()<I>(), ...); }
    (std::index_sequence_for<L...>{});
  }

  template <class X>
  using first_shape = typename std::remove_cvref_t<decltype(get<0>(std::declval<slots<L...>&>()))>::template out_shape<X>;

  // dx = the gradient of layer I for the first, added for the others.
  template <std::size_t I, class C, class Y, class X, class T>
  void backward_one(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    const auto frame = ctx.frame();
    const view<X, T> own = I == 0 ? dx : ctx.scratch(dx.extents);
    get<I>(layers_).backward(ctx, dy, own, get<I>(s.layers));
    const dim_t n = dx.size();
    if (I > 0) ctx.run(op::copy<T>{1, n, n, n, own.data, dx.data, true});
  }

  slots<L...> layers_;

  // Last, so that clang, too, has the other members and prints nothing else.
  static_assert(sizeof...(L) >= 1, "avss: branching needs at least one branch");
  static_assert(sizeof...(L) <= 20, "avss: more than 20 branches compile slowly: name and nest groups of them");
};

}  // namespace detail

// y = sum of the layers' results, which are of one shape.
template <class... L>
class branch_sum : public detail::branches<L...> {
  using base = detail::branches<L...>;

 public:
  template <class X>
  using out_shape = typename base::template first_shape<X>;
  template <class X>
  using fit = and_fit<typename L::template fit<X>..., same_branches<out_shape<X>, typename L::template out_shape<X>>...>;
  template <class X>
  static constexpr out_shape<X> out(X x) {
    out_shape<X> y{};
    if constexpr (compatible<branch_sum, X>) {
      base::each([&]<std::size_t I>() {
        const auto made = std::remove_cvref_t<decltype(std::declval<base>().template layer<I>())>::out(x);
        if (I > 0 && made != y) fail("the branches of a sum make ", to_string(y), " and ", to_string(made));
        y = made;
      });
    } else {
      refuse<branch_sum, X>();
    }
    return y;
  }
  template <class X, class T>
  using saved = typename base::template saved<X, T>;

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<branch_sum, X, Y>) {
      base::each([&]<std::size_t I>() {
        const auto frame = ctx.frame();
        const view<Y, T> own = I == 0 ? y : ctx.scratch(y.extents);
        this->template layer<I>().forward(ctx, x, own, get<I>(s.layers));
        const dim_t n = y.size();
        if (I > 0) ctx.run(op::copy<T>{1, n, n, n, own.data, y.data, true});
      });
    } else {
      refuse<branch_sum, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<branch_sum, X, Y>) {
      base::each([&]<std::size_t I>() { this->template backward_one<I>(ctx, dy, dx, s); });
    } else {
      refuse<branch_sum, X, Y>();
    }
  }
};

// y [B, C_0 + C_1 + ..., ...]: the layers' results [B, C_i, ...] one after another along the channels.
template <class... L>
class branch_concat : public detail::branches<L...> {
  using base = detail::branches<L...>;

 public:
  template <class X>
  using out_shape =
      with_channels<typename base::template first_shape<X>, (extent_of<typename L::template out_shape<X>, 1> + ...)>;
  template <class X>
  using fit = and_fit<typename L::template fit<X>...,
                      same_but_channels<typename base::template first_shape<X>, typename L::template out_shape<X>>...>;
  template <class X>
  static constexpr out_shape<X> out(X x) {
    constexpr dim_t all = extent_of<out_shape<X>, 1>;
    out_shape<X> y{};
    if constexpr (compatible<branch_concat, X>) {
      base::each([&]<std::size_t I>() {
        const auto made = set_channels<all>(std::remove_cvref_t<decltype(std::declval<base>().template layer<I>())>::out(x));
        if (I > 0 && made != y) fail("joined branches make ", to_string(y), " and ", to_string(made), ", channels aside");
        y = made;
      });
    } else {
      refuse<branch_concat, X>();
    }
    return y;
  }
  template <class X, class T>
  using saved = typename base::template saved<X, T>;

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<branch_concat, X, Y>) {
      const dim_t whole = y.size() / y.dim(0);
      dim_t at = 0;
      base::each([&]<std::size_t I>() {
        const auto frame = ctx.frame();
        const auto own = ctx.scratch(this->template layer<I>().out(x.extents));
        this->template layer<I>().forward(ctx, x, own, get<I>(s.layers));
        const dim_t part = own.size() / own.dim(0);
        ctx.run(op::copy<T>{y.dim(0), part, part, whole, own.data, offset(y.data, at), false});
        at += part;
      });
    } else {
      refuse<branch_concat, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<branch_concat, X, Y>) {
      const dim_t whole = dy.size() / dy.dim(0);
      dim_t at = 0;
      base::each([&]<std::size_t I>() {
        const auto frame = ctx.frame();
        const auto own = ctx.scratch(this->template layer<I>().out(dx.extents));
        const dim_t part = own.size() / own.dim(0);
        ctx.run(op::copy<T>{dy.dim(0), part, whole, part, offset(dy.data, at), own.data, false});
        const view<std::remove_cvref_t<decltype(own.extents)>, const T> down = own;
        this->template backward_one<I>(ctx, down, dx, s);
        at += part;
      });
    } else {
      refuse<branch_concat, X, Y>();
    }
  }

 private:
  // Null stays null while memory is planned.
  template <class T>
  static T* offset(T* p, dim_t n) {
    return p ? p + n : p;
  }
};

}  // namespace avss
