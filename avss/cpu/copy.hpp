// Moving arrays.
#pragma once

#include <algorithm>
#include <avss/core/parallel.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/copy.hpp>
#include <cstring>

namespace avss {

// Long rows are cut into pieces, so that one row keeps all cores busy.
inline void execute(cpu& backend, const op::copy<float>& o, void*) {
  constexpr dim_t piece = 1 << 14;
  const dim_t pieces = (o.n + piece - 1) / piece;
  parallel_for(o.rows * pieces > 1 ? backend.threads : 1, o.rows * pieces, [&](dim_t i, int) {
    const dim_t row = i / pieces, first = i % pieces * piece, n = std::min(piece, o.n - first);
    const float* from = o.from + row * o.from_pitch + first;
    float* to = o.to + row * o.to_pitch + first;
    if (!o.accumulate) {
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
      return;
    }
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      simd::store(to + t, simd::load<V>(to + t) + simd::load<V>(from + t));
    });
  });
}

}  // namespace avss
