// Permutation-invariant training of any loss that can say what each estimate costs against each target.
//
// Such a loss has, besides what objective.hpp asks for,
//   pairs(ctx, w, scale, accumulate, out)   out [B, S, S] (+)= scale times the loss of estimate i against target j
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/loss/waveforms.hpp>
#include <avss/op/distance_loss.hpp>
#include <cstdint>

namespace avss {

namespace detail {

// The estimates' spectra in the order of the targets, and room for their gradient.
template <class C, class T>
void order_spectra(C& ctx, const waveforms<T>& w, const std::int32_t* chosen, own_spectra<T>& ordered) {
  const dim_t numbers = w.batch * w.sources * w.spectra.size();
  T* const estimate = ctx.scratch(shape<dyn>(numbers)).data;
  ctx.run(op::permute_sources<T>{w.batch, w.sources, w.spectra.size(), chosen, w.spectra.estimate, false, false, estimate});
  ordered.estimate = estimate;
  if (!w.d_estimate) return;
  ordered.d_estimate = ctx.scratch(shape<dyn>(numbers)).data;
  ctx.run(op::clear<T>{numbers, ordered.d_estimate});
}

}  // namespace detail

// One permutation an item, by the whole of `loss`, which has `parts` parts; each of them is told which it was.
template <class C, class L>
void run_permuted(C& ctx, const L& loss, dim_t parts, const waveforms<typename C::T>& w, double weight, dim_t slot,
                  const part_results& results) {
  using T = typename C::T;
  if (w.sources > max_assignment) fail("a permutation of ", w.sources, " sources is asked for; at most ", max_assignment);
  const auto frame = ctx.frame();
  const dim_t rows = w.batch * w.sources;
  std::int32_t* const chosen = scratch_of<std::int32_t>(ctx, rows);
  {
    const auto of_pairs = ctx.frame();
    double* const pairs = scratch_of<double>(ctx, rows * w.sources);
    loss.pairs(ctx, w, 1, false, pairs);
    ctx.run(op::choose_sources<T>{w.batch, w.sources, pairs, chosen});
  }
  T* const estimate = ctx.scratch(shape<dyn>(rows * w.length)).data;
  ctx.run(op::permute_sources<T>{w.batch, w.sources, w.length, chosen, w.estimate, false, false, estimate});
  waveforms<T> ordered = w;
  ordered.estimate = estimate;
  if (w.d_estimate) {
    T* const room = ctx.scratch(shape<dyn>(rows * w.length)).data;
    if (room) ordered.d_estimate = room;  // null while memory is measured, and a gradient is wanted nevertheless
    // The parts' own gradients start at zero, whatever their slots say about assigning.
    ctx.run(op::clear<T>{rows * w.length, ordered.d_estimate});
  }
  ordered.add = true;
  if (w.spectra.there()) detail::order_spectra(ctx, w, chosen, ordered.spectra);
  loss.run(ctx, ordered, weight, slot, results);
  ctx.run(op::place_permutation<T>{w.batch, w.sources, slot, parts, chosen, results.permutation});
  if (w.d_estimate)
    ctx.run(op::permute_sources<T>{w.batch, w.sources, w.length, chosen, ordered.d_estimate, true, slot > 0 || w.add,
                                   w.d_estimate});
  if (w.d_estimate && w.spectra.there())
    ctx.run(op::permute_sources<T>{w.batch, w.sources, w.spectra.size(), chosen, ordered.spectra.d_estimate, true, true,
                                   w.spectra.d_estimate});
}

}  // namespace avss
