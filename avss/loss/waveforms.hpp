// What the parts of an objective read and write, and how a part that is a ratio of energies is run.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/op/separation_loss.hpp>
#include <avss/op/spectrum.hpp>
#include <cstdint>

namespace avss {

// The spectra [batch, sources, 2, frames, bins] that a network made its estimates of, before their inverse transform, which
// loses what no waveform has.
template <class T>
struct own_spectra {
  op::framing framing{};  // its batch is that of items and sources; 0: there are none
  const T* estimate = nullptr;
  T* d_estimate = nullptr;  // added to, where that of the waveforms is wanted

  bool there() const { return framing.batch > 0; }
  // Numbers of a source.
  dim_t size() const { return 2 * framing.frames() * framing.bins(); }
};

// estimate, target, d_estimate [batch, sources, length].
template <class T>
struct waveforms {
  dim_t batch = 0, sources = 0, length = 0;
  const T* estimate = nullptr;
  const T* target = nullptr;
  T* d_estimate = nullptr;  // assigned; null: not wanted
  bool add = false;         // to d_estimate, whatever the slot
  own_spectra<T> spectra{};
};

// Where the parts of an objective leave their results, in the backend's memory; part k has the slot k. The part with slot 0
// assigns the gradients, the others add to them.
struct part_results {
  double* value = nullptr;              // [parts]
  std::int32_t* permutation = nullptr;  // [parts, B, S] the estimate for each target; for a part without: 0, 1, ...
};

// Memory for n values of another type than the context's, until the enclosing frame ends.
template <class U, class C>
U* scratch_of(C& ctx, dim_t n) {
  using T = typename C::T;
  const dim_t room = (n * static_cast<dim_t>(sizeof(U)) + static_cast<dim_t>(sizeof(T)) - 1) / static_cast<dim_t>(sizeof(T));
  return static_cast<U*>(static_cast<void*>(ctx.scratch(shape<dyn>(room)).data));
}

// [B, S, S] -10 log10 of the ratio of every estimate i and target j, in the backend's memory, and with `results` the rest of
// what op::energy_ratio says.
template <class C>
double* run_ratio(C& ctx, const waveforms<typename C::T>& w, const ratio_rule& rule, bool zero_mean, bool permute,
                  double weight, dim_t slot, const part_results& results) {
  using T = typename C::T;
  if (!(rule.eps > 0)) fail("the eps of a separation loss must be positive, not ", rule.eps);
  double* const moments = scratch_of<double>(ctx, w.batch * moment_layout{w.sources}.size());
  double* const pairs = scratch_of<double>(ctx, w.batch * w.sources * w.sources);
  double* const coefficient = w.d_estimate ? scratch_of<double>(ctx, w.batch * w.sources * 3) : nullptr;
  ctx.run(op::pair_moments<T>{w.batch, w.sources, w.length, w.estimate, w.target, zero_mean, moments});
  ctx.run(op::energy_ratio<T>{w.batch, w.sources, moments, rule, permute, weight, slot, pairs, results.permutation,
                              results.value, coefficient});
  if (w.d_estimate)
    ctx.run(op::pair_gradient<T>{w.batch, w.sources, w.length, w.estimate, w.target, slot, results.permutation, coefficient,
                                 w.d_estimate, slot > 0 || w.add});
  return pairs;
}

}  // namespace avss
