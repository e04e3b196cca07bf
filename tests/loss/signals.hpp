// Estimates that tests make anew, and a context without a network to evaluate losses in.
#pragma once

#include <avss/core/context.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <cstdint>
#include <limits>
#include <tests/support/two_speakers.hpp>
#include <vector>

namespace avss::testing {

using signal_shape = shape<dyn, dyn, dyn>;

// A small problem [B, S, T]: noisy, mixed, shifted copies of random targets.
template <class T>
struct problem {
  signal_shape extents;
  std::vector<T> estimate, target, gradient;

  problem(dim_t batch, dim_t sources, dim_t length, std::uint32_t seed, double noise = 0.4)
      : extents(batch, sources, length), gradient(static_cast<std::size_t>(extents.size()), nan()) {
    const auto a = lcg(seed, static_cast<std::size_t>(extents.size())), b = lcg(seed + 1, a.size());
    target.assign(a.begin(), a.end());
    for (dim_t i = 0; i < batch; ++i)
      for (dim_t s = 0; s < sources; ++s)
        for (dim_t t = 0; t < length; ++t) {
          const auto at = [&](dim_t source) { return static_cast<std::size_t>((i * sources + source) * length + t); };
          estimate.push_back(static_cast<T>(0.8 * a[at((s + 1) % sources)] + 0.3 * a[at(s)] + noise * b[at(s)] + 0.05));
        }
  }

  static constexpr T nan() { return std::numeric_limits<T>::quiet_NaN(); }
  view<signal_shape, T> e() { return {estimate.data(), extents}; }
  view<signal_shape, const T> s() const { return {target.data(), extents}; }
  view<signal_shape, T> d() { return {gradient.data(), extents}; }
};

// Calls body(ctx) twice: planning the memory, and with as much as was planned.
template <class B, class Body>
void planned(B backend, Body&& body) {
  arena planning;
  context<measure<B>> dry({backend}, planning, pass::train);
  body(dry);
  arena memory(planning.peak());
  context<B> ctx(backend, memory, pass::train);
  body(ctx);
}

template <class B, class L, class T>
double loss_of(B backend, const L& loss, problem<T>& p, loss_detail* detail = nullptr) {
  double value = 0;
  planned(backend, [&](auto& ctx) { value = evaluate(ctx, loss, p.e(), p.s(), p.d(), detail); });
  return value;
}

}  // namespace avss::testing
