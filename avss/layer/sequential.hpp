// Layers one after another.
#pragma once

#include <algorithm>
#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/core/slots.hpp>
#include <string>
#include <utility>

namespace avss {

namespace detail {

// Where composition stands: the shape that the next layer gets, and those that the layers before got. Folded with >> over
// the layers; where one does not fit, `stopped` runs through.
template <class Last, class... Inputs>
struct chain {};
template <class Fit>
struct stopped {};
template <class Layer>
struct link {};

template <class Last, class... Inputs, class Layer>
auto operator>>(chain<Last, Inputs...>, link<Layer>) {
  if constexpr (Layer::template fit<Last>::ok)
    return chain<typename Layer::template out_shape<Last>, Inputs..., Last>{};
  else
    return stopped<typename Layer::template fit<Last>>{};
}
template <class Fit, class Layer>
stopped<Fit> operator>>(stopped<Fit>, link<Layer>);

// The same chain, taken apart: how it fits, its last shape, the shapes of all joints and what the layers save.
template <class Chain, class... L>
struct chain_parts;
template <class Last, class... Inputs, class... L>
struct chain_parts<chain<Last, Inputs...>, L...> {
  using fit = fits;
  using last = Last;
  using joints = slots<Inputs..., Last>;
  template <class T>
  using saved = slots<typename L::template saved<Inputs, T>...>;
};
template <class Fit, class... L>
struct chain_parts<stopped<Fit>, L...> {
  using fit = Fit;
  using last = shape<>;
  template <class T>
  using saved = slots<>;
};

}  // namespace detail

// y = last(... second(first(x))). A name of its own keeps symbols and messages short:
//   struct bottleneck : sequential<pointwise<pointwise_spec{64, 16}>, prelu> {};
// The layers' names are 0, 1, ... as in PyTorch; layer<I>() is there for a visit() with better ones.
template <class... L>
class sequential {
  template <class X>
  using parts = detail::chain_parts<decltype((detail::chain<X>{} >> ... >> detail::link<L>{})), L...>;
  static constexpr std::size_t n = sizeof...(L);

 public:
  template <class X>
  using fit = typename parts<X>::fit;
  template <class X>
  using out_shape = typename parts<X>::last;
  template <class X>
  static constexpr out_shape<X> out(X x) {
    if constexpr (compatible<sequential, X>) {
      return get<n>(joints_of(x));
    } else {
      refuse<sequential, X>();
      return {};
    }
  }

  template <class X, class T>
  struct saved {
    typename parts<X>::template saved<T> layers;
  };

  template <std::size_t I>
  auto& layer() {
    return get<I>(layers_);
  }
  template <std::size_t I>
  const auto& layer() const {
    return get<I>(layers_);
  }

  template <class C, class X, class T, class Y>
  void forward(C& ctx, view<X, T> x, view<Y, T> y, saved<X, T>& s) const {
    if constexpr (compatible<sequential, X, Y>) {
      const auto frame = ctx.frame();
      const auto joints = joints_of(x.extents);
      // Kept for the way back; otherwise two buffers take turns.
      T* at[n + 1] = {x.data};
      each([&]<std::size_t I>() {
        if (I + 1 < n && ctx.training()) at[I + 1] = ctx.keep(get<I + 1>(joints)).data;
      });
      if (!ctx.training()) take_turns(ctx, joints, at);
      at[n] = y.data;
      each([&]<std::size_t I>() {
        const auto inner = ctx.frame();
        get<I>(layers_).forward(ctx, joint<I>(at, joints), joint<I + 1>(at, joints), get<I>(s.layers));
      });
    } else {
      refuse<sequential, X, Y>();
    }
  }

  template <class C, class X, class T, class Y>
  void backward(C& ctx, view<Y, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    if constexpr (compatible<sequential, X, Y>) {
      const auto frame = ctx.frame();
      const auto joints = joints_of(dx.extents);
      T* at[n + 1] = {dx.data};
      take_turns(ctx, joints, at);
      each([&]<std::size_t Back>() {
        constexpr std::size_t I = n - 1 - Back;
        const auto inner = ctx.frame();
        const auto d = joint<I + 1>(at, joints);
        using D = view<typename std::remove_cvref_t<decltype(d)>::shape_type, const T>;
        get<I>(layers_).backward(ctx, D{I + 1 == n ? dy.data : d.data, d.extents}, joint<I>(at, joints), get<I>(s.layers));
      });
    } else {
      refuse<sequential, X, Y>();
    }
  }

  template <class V>
  void visit(V&& v) {
    each([&]<std::size_t I>() { v(std::to_string(I), get<I>(layers_)); });
  }

 private:
  template <class Body>
  static constexpr void each(Body&& body) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body.template operator()<I>(), ...); }
    (std::index_sequence_for<L...>{});
  }

  // The shapes at the joints, from the input's.
  template <class X>
  static constexpr auto joints_of(const X& x) {
    typename parts<X>::joints joints{};
    get<0>(joints) = x;
    [&]<std::size_t... I>(std::index_sequence<I...>) { ((get<I + 1>(joints) = L::out(get<I>(joints))), ...); }
    (std::index_sequence_for<L...>{});
    return joints;
  }

  template <std::size_t I, class T, class Joints>
  static auto joint(T* const* at, const Joints& joints) {
    using S = std::remove_cvref_t<decltype(get<I>(joints))>;
    return view<S, T>{at[I], get<I>(joints)};
  }

  // Scratch memory for the inner joints: odd and even ones take turns.
  template <class C, class T, class Joints>
  static void take_turns(C& ctx, const Joints& joints, T** at) {
    dim_t size[2] = {0, 0};
    each([&]<std::size_t I>() {
      if (I > 0) size[I % 2] = std::max(size[I % 2], get<I>(joints).size());
    });
    T* const buffer[2] = {ctx.scratch(shape<dyn>(size[0])).data, ctx.scratch(shape<dyn>(size[1])).data};
    for (std::size_t i = 1; i < n; ++i) at[i] = buffer[i % 2];
  }

  slots<L...> layers_;

  // Last, so that clang, too, has the other members and prints nothing else.
  static_assert(sizeof...(L) >= 1, "avss: a sequence needs at least one layer");
  static_assert(sizeof...(L) <= 20, "avss: a sequence of more than 20 layers compiles slowly: name and nest its groups");
};

}  // namespace avss
