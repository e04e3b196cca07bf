// Augmentations out of augmentations:
//   constexpr auto varied = chain{each_source{gain{}}, sometimes{0.5, low_pass{}}, one_of{polarity_inversion{}, clipping{}}};
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace avss {

namespace detail {

template <class A>
inline constexpr bool never_in_sources = requires {
  requires A::never_in_sources;
};

template <std::size_t I, class A>
struct placed_augmentation {
  A what;
};

template <class Indices, class... A>
struct augmentations_of;

// Several values, by number.
template <std::size_t... I, class... A>
struct augmentations_of<std::index_sequence<I...>, A...> : placed_augmentation<I, A>... {
  constexpr explicit augmentations_of(A... what) : placed_augmentation<I, A>{std::move(what)}... {}

  // body(number, augmentation) for all.
  template <class Body>
  constexpr void each(Body&& body) const {
    (body(std::uint64_t{I}, static_cast<const placed_augmentation<I, A>&>(*this).what), ...);
  }
};

template <class... A>
using augmentations = augmentations_of<std::index_sequence_for<A...>, A...>;

// Whether all of several change mixture and targets alike.
template <class All>
constexpr bool all_alike(const All& all) {
  bool result = true;
  all.each([&](std::uint64_t, const auto& a) { result = result && a.alike(); });
  return result;
}

}  // namespace detail

// One after the other.
template <augmentation... A>
struct chain {
  static constexpr bool never_in_sources = (... || detail::never_in_sources<A>);
  detail::augmentations<A...> parts;

  constexpr explicit chain(A... a) : parts(std::move(a)...) {}
  constexpr bool alike() const { return detail::all_alike(parts); }
  void check(const sound_kind& kind) const {
    parts.each([&](std::uint64_t, const auto& a) { a.check(kind); });
    detail::keep_step(kind, "a chain of augmentations", moves(kind));
  }
  double moves(const sound_kind& kind) const {
    double sum = 0;
    parts.each([&](std::uint64_t, const auto& a) { sum += detail::moves_of(a, kind); });
    return sum;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    parts.each([&](std::uint64_t i, const auto& a) { a.apply(x, random.sub(i)); });
  }
};

// To a share `p` of the items.
template <augmentation A>
struct sometimes {
  static constexpr bool never_in_sources = detail::never_in_sources<A>;
  double p;
  A what;

  constexpr sometimes(double p, A what) : p(p), what(std::move(what)) {}
  constexpr bool alike() const { return what.alike(); }
  void check(const sound_kind& kind) const {
    if (!(0 <= p && p <= 1)) fail("a probability of ", p, " is given; expected 0 to 1");
    what.check(kind);
  }
  double moves(const sound_kind& kind) const { return detail::moves_of(what, kind); }
  void apply(const sound_item& x, const random_stream& random) const {
    if (random.uniform(0) < p) what.apply(x, random.sub("what"));
  }
};

// One of several for an item, each equally often.
template <augmentation... A>
struct one_of {
  static_assert(sizeof...(A) > 0, "avss: one_of needs an augmentation to choose");
  static constexpr bool never_in_sources = (... || detail::never_in_sources<A>);
  detail::augmentations<A...> parts;

  constexpr explicit one_of(A... a) : parts(std::move(a)...) {}
  constexpr bool alike() const { return detail::all_alike(parts); }
  void check(const sound_kind& kind) const {
    parts.each([&](std::uint64_t, const auto& a) { a.check(kind); });
  }
  double moves(const sound_kind& kind) const {
    double most = 0;
    parts.each([&](std::uint64_t, const auto& a) { most = std::max(most, detail::moves_of(a, kind)); });
    return most;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const std::uint64_t chosen = random.below(sizeof...(A), 0);
    parts.each([&](std::uint64_t i, const auto& a) {
      if (i == chosen) a.apply(x, random.sub(i));
    });
  }
};

// To each voice by itself, with random numbers of its own, before mixing: targets change, and the mixture is their new sum.
// What a mixture has beside its targets (the other voice where one is the target, or noise) counts as one voice more, unless it
// is 60 dB below the mixture, as rounding is.
template <augmentation A>
struct each_source {
  static_assert(!detail::never_in_sources<A>,
                "avss: each_source is given an augmentation that changes mixtures alone (noise, lost chunks, masks, clipping); "
                "it would spoil the targets");
  A what;

  constexpr explicit each_source(A what) : what(std::move(what)) {}
  constexpr bool alike() const { return true; }
  void check(const sound_kind& kind) const {
    if (!what.alike())
      fail(
          "each source: noise, lost chunks, masks and clipping change the mixture alone, and would spoil the targets; put "
          "them ",
          "beside it");
    what.check(kind);
  }
  double moves(const sound_kind& kind) const { return detail::moves_of(what, kind); }
  void apply(const sound_item& x, const random_stream& random) const {
    const std::size_t sources = x.sources();
    std::vector<float> rest(x.mixture.begin(), x.mixture.end());
    std::vector<float> sum(x.length());
    add_up(x, sum);
    for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= sum[i];
    const bool other = detail::power(rest) > 1e-6 * detail::power(x.mixture);
    for (std::size_t s = 0; s < sources; ++s) what.apply({x.target(s), {}, x.rate, x.faces}, random.sub(s));
    if (other) what.apply({rest, {}, x.rate, x.faces}, random.sub(sources));
    add_up(x, x.mixture);
    for (std::size_t i = 0; i < rest.size(); ++i) x.mixture[i] += rest[i];
  }

 private:
  static void add_up(const sound_item& x, std::span<float> sum) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (std::size_t s = 0; s < x.sources(); ++s) {
      const std::span<const float> target = x.target(s);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = s == 0 ? target[i] : sum[i] + target[i];
    }
  }
};

}  // namespace avss
