// Extents: those known to the type and those known to the object, in one type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace avss {

using dim_t = std::int64_t;

// An extent that varies from call to call: batch, frames.
inline constexpr dim_t dyn = -1;

// Extents of an array, outermost first. shape<dyn, 64, dyn>{B, T} is [B, 64, T]: the object is given the varying
// extents only, in their order.
template <dim_t... D>
struct shape {
  static constexpr std::size_t rank = sizeof...(D);
  static constexpr std::array<dim_t, rank> statics{D...};
  static constexpr std::size_t n_dynamic = (std::size_t{0} + ... + (D == dyn ? 1 : 0));

  // The static extent of axis A, or dyn.
  template <std::size_t A>
  static constexpr dim_t fixed = statics[A];

  std::array<dim_t, rank> extents{D...};

  constexpr shape() = default;
  template <class... N>
  requires(sizeof...(N) == n_dynamic && n_dynamic > 0) constexpr explicit shape(N... n) {
    const std::array<dim_t, n_dynamic> given{static_cast<dim_t>(n)...};
    std::size_t next = 0;
    for (std::size_t a = 0; a < rank; ++a)
      if (statics[a] == dyn) extents[a] = given[next++];
  }

  constexpr dim_t operator[](std::size_t axis) const { return extents[axis]; }
  constexpr dim_t size() const {
    dim_t n = 1;
    for (dim_t e : extents) n *= e;
    return n;
  }
  friend constexpr bool operator==(const shape&, const shape&) = default;
};

// "[2, 64, 4001]", for messages.
template <dim_t... D>
std::string to_string(const shape<D...>& s) {
  std::string text = "[";
  for (std::size_t a = 0; a < s.rank; ++a) text += (a ? ", " : "") + std::to_string(s[a]);
  return text + "]";
}

}  // namespace avss
