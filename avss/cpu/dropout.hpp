// Dropout.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/dropout.hpp>

namespace avss {

inline void execute(cpu& backend, const op::dropout<float>& o, void*) {
  constexpr dim_t block = 256;
  const dim_t rows = o.outer * o.groups;
  // Items lie side by side in each run of draws, those of all workers in the whole batch's.
  const dim_t run = o.run > 0 ? o.run : o.groups, before = backend.first_draw(run), others = (backend.workers() - 1) * run;
  const auto draw = [&](dim_t g) { return g + before + (others > 0 ? g / run * others : 0); };
  for_pieces(backend, (rows + block - 1) / block, [&](dim_t i, int) {
    for (dim_t r = i * block; r < std::min((i + 1) * block, rows); ++r) {
      const float factor = o.rule.factor<float>(draw(r % o.groups));
      simd::for_each(o.inner, [&](auto v, dim_t t) {
        using V = decltype(v);
        const dim_t at = r * o.inner + t;
        const V y = simd::load<V>(o.x + at) * factor;
        simd::store(o.y + at, o.plus ? y + simd::load<V>(o.plus + at) : y);
      });
    }
  });
}

}  // namespace avss
