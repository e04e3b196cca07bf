// Distances as losses on the CPU: a row a thread, each summed in its own order, so that threads change no bit.
#pragma once

#include <algorithm>
#include <avss/core/parallel.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/op/distance_loss.hpp>
#include <avss/reference/distance_loss.hpp>

namespace avss {

inline void execute(cpu& backend, const op::distance<float>& o, void*) {
  parallel_for(backend.threads, o.batch * o.sources * o.sources, [&](dim_t i, int) { ref::distance_entry(o, i); });
}
inline void execute(cpu& backend, const op::distance_gradient<float>& o, void*) {
  parallel_for(backend.threads, o.batch * o.sources, [&](dim_t r, int) { ref::distance_gradient_row(o, r); });
}
inline void execute(cpu&, const op::pair_mean<float>& o, void*) { ref::pair_mean(o); }
inline void execute(cpu&, const op::add_pairs<float>& o, void*) { ref::add_pairs(o); }
inline void execute(cpu&, const op::choose_sources<float>& o, void*) { ref::choose_sources(o); }
inline void execute(cpu&, const op::place_permutation<float>& o, void*) { ref::place_permutation(o); }
inline void execute(cpu&, const op::clear<float>& o, void*) { std::fill_n(o.to, o.n, 0.f); }
inline void execute(cpu& backend, const op::permute_sources<float>& o, void*) {
  parallel_for(backend.threads, o.batch * o.sources, [&](dim_t r, int) { ref::permute_sources_row(o, r); });
}

}  // namespace avss
