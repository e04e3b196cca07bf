// What layers demand of the arrays that they are given, each demand one readable sentence at compile time.
#pragma once

#include <avss/core/shape.hpp>
#include <cstddef>
#include <type_traits>

namespace avss {

// Every layer has a member `template <class X> using fit`, one of the types below: ok says whether it takes an array of the
// shape X; completing `demand` prints the sentence, once in a translation unit, with the numbers in the type's name.

struct fits {
  static constexpr bool ok = true;
  struct demand {};
};

template <dim_t Expected, dim_t Got>
struct channels {
  static constexpr bool ok = Expected == Got;
  struct demand {
    static_assert(ok, "avss: a layer is given another number of channels than it takes, see channels<Expected, Got>");
  };
};

template <int Expected, int Got>
struct axes {
  static constexpr bool ok = Expected == Got;
  struct demand {
    static_assert(ok, "avss: a layer is given an array with another number of axes than it takes, see axes<Expected, Got>");
  };
};

template <class Given, class Made>
struct keeps_shape {
  static constexpr bool ok = std::is_same_v<Given, Made>;
  struct demand {
    static_assert(ok, "avss: what is added to its input or repeated must keep the shape, see keeps_shape<Given, Made>");
  };
};

template <class First, class Other>
struct same_branches {
  static constexpr bool ok = std::is_same_v<First, Other>;
  struct demand {
    static_assert(ok, "avss: branches that are summed must make one shape, see same_branches<First, Other>");
  };
};

template <class Made, class Given>
struct result_shape {
  static constexpr bool ok = std::is_same_v<Made, Given>;
  struct demand {
    static_assert(ok, "avss: a layer is given an output of another shape than it makes, see result_shape<Made, Given>");
  };
};

// A convolution that keeps the length with as many zeros before as behind.
template <dim_t Kernel, bool Causal>
struct odd_kernel {
  static constexpr bool ok = Causal || Kernel % 2 == 1;
  struct demand {
    static_assert(ok, "avss: a convolution along time that is not causal needs an odd kernel, see odd_kernel<Kernel, Causal>");
  };
};

namespace detail {
template <bool FirstOk, class First, class Then>
struct both_fit {
  using type = Then;
};
template <class First, class Then>
struct both_fit<false, First, Then> {
  using type = First;
};
template <class Fit>
struct fit_box {
  using type = Fit;
};
template <class First, class Then>
fit_box<typename both_fit<First::ok, First, Then>::type> operator&(fit_box<First>, fit_box<Then>);
}  // namespace detail

// The first of several fits that is not ok.
template <class... Fit>
using and_fit = typename decltype((detail::fit_box<fits>{} & ... & detail::fit_box<Fit>{}))::type;

// The static extent of axis A of the shape X; 0 where X has no such axis.
template <class X, std::size_t A>
inline constexpr dim_t extent_of = [] {
  if constexpr (A < X::rank)
    return X::template fixed<A>;
  else
    return dim_t{0};
}();

namespace detail {
template <class X, dim_t C>
struct replace_channels {
  using type = shape<>;  // of an array without channels, which no layer takes
};
template <dim_t B, dim_t Was, dim_t... Rest, dim_t C>
struct replace_channels<shape<B, Was, Rest...>, C> {
  using type = shape<B, C, Rest...>;
};
}  // namespace detail

// X [B, C', ...] with C channels.
template <class X, dim_t C>
using with_channels = typename detail::replace_channels<X, C>::type;

template <class First, class Other>
struct same_but_channels {
  static constexpr bool ok = std::is_same_v<with_channels<First, 0>, with_channels<Other, 0>>;
  struct demand {
    static_assert(ok, "avss: branches that are joined must agree in all but the channels, see same_but_channels<First, Other>");
  };
};

// with_channels for an object.
template <dim_t C, class X>
constexpr with_channels<X, C> set_channels(const X& x) {
  with_channels<X, C> y;
  y.extents = x.extents;
  y.extents[1] = C;
  return y;
}

// Product of the extents behind the channels: [B, C, T] -> T, [B, C, T, F] -> T F, [B, C] -> 1.
template <class X>
constexpr dim_t frames_of(const X& x) {
  dim_t n = 1;
  for (std::size_t a = 2; a < X::rank; ++a) n *= x[a];
  return n;
}

namespace detail {
template <class Layer, class X, class Y>
struct joint {
  using takes = typename Layer::template fit<X>;
  using makes = result_shape<typename Layer::template out_shape<X>, Y>;
  using type = and_fit<takes, makes>;
};
template <class Layer, class X>
struct joint<Layer, X, void> {
  using type = typename Layer::template fit<X>;
};
}  // namespace detail

// Whether Layer takes X and, if Y is given, makes Y.
template <class Layer, class X, class Y = void>
inline constexpr bool compatible = detail::joint<Layer, X, Y>::type::ok;

// Prints the sentence that says why not. A layer's functions do this in place of their work, so it is all that is printed.
template <class Layer, class X, class Y = void>
constexpr void refuse() {
  [[maybe_unused]] typename detail::joint<Layer, X, Y>::type::demand said;
}

}  // namespace avss
