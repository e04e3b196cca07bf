// What training minimises: a loss, or a weighted sum of losses whose parts can be logged by name.
//
//   constexpr auto objective = weighted{pit{si_snr{}}, 1.0} + weighted{snr{}, 0.1};
//   const double loss = evaluate(ctx, objective, estimate, target, d_estimate, &detail);
#pragma once

#include <avss/loss/waveforms.hpp>
#include <avss/op/to_host.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace avss {

// A loss is a value with
//   parts                                        how many values it has
//   run(ctx, input, weight, slot, results)       executes it: value (unweighted) and weight times the gradient
//   describe(f, weight)                          calls f(name, weight) for every part, in the order of the slots
template <class L>
struct weighted {
  static constexpr dim_t parts = L::parts;
  L loss;
  double weight;

  constexpr weighted(L l, double w) : loss(l), weight(w) {}

  template <class C, class In>
  void run(C& ctx, const In& in, double outer, dim_t slot, const part_results& results) const {
    loss.run(ctx, in, outer * weight, slot, results);
  }
  template <class C, class In>
  void pairs(C& ctx, const In& in, double scale, bool accumulate, double* out) const {
    loss.pairs(ctx, in, scale * weight, accumulate, out);
  }
  template <class F>
  void describe(F&& part, double outer) const {
    loss.describe(part, outer * weight);
  }
};

template <class A, class B>
struct loss_sum {
  static constexpr dim_t parts = A::parts + B::parts;
  A first;
  B second;

  template <class C, class In>
  void run(C& ctx, const In& in, double weight, dim_t slot, const part_results& results) const {
    first.run(ctx, in, weight, slot, results);
    second.run(ctx, in, weight, slot + A::parts, results);
  }
  template <class C, class In>
  void pairs(C& ctx, const In& in, double scale, bool accumulate, double* out) const {
    first.pairs(ctx, in, scale, accumulate, out);
    second.pairs(ctx, in, scale, true, out);
  }
  template <class F>
  void describe(F&& part, double weight) const {
    first.describe(part, weight);
    second.describe(part, weight);
  }
};

template <class A, class B>
constexpr loss_sum<weighted<A>, weighted<B>> operator+(const weighted<A>& a, const weighted<B>& b) {
  return {a, b};
}
template <class A, class B, class L>
constexpr loss_sum<loss_sum<A, B>, weighted<L>> operator+(const loss_sum<A, B>& a, const weighted<L>& b) {
  return {a, b};
}

// The parts of an evaluated objective. Reuse one object: its memory is kept.
struct loss_detail {
  struct part {
    std::string name;
    double weight = 1;
    double value = 0;                       // not weighted
    std::vector<std::int32_t> permutation;  // [B, S] the estimate for each target
  };
  std::vector<part> parts;
};

namespace detail {

// Known by the type, or, of an objective that was chosen at run time, by the object.
template <class L>
dim_t parts_of(const L& objective) {
  if constexpr (requires { L::parts; })
    return L::parts;
  else
    return objective.count();
}

}  // namespace detail

// Executes the objective, with in.d_estimate its gradient too; then f(results, parts) sees what has been queued: values of the
// parts [parts] and their permutations [parts, B, S] in the backend's memory, until f returns. `In` is waveforms<T> or derives
// from it.
template <class C, class L, class In, class F>
requires(std::is_base_of_v<waveforms<typename C::T>, In>) void run_objective(C& ctx, const L& objective, const In& in, F&& f) {
  if (in.batch < 1 || in.sources < 1 || in.length < 1)
    fail("a loss needs at least one item, source and sample, not [", in.batch, ", ", in.sources, ", ", in.length, "]");
  const auto frame = ctx.frame();
  const dim_t parts = detail::parts_of(objective);
  const part_results results{scratch_of<double>(ctx, parts), scratch_of<std::int32_t>(ctx, parts * in.batch * in.sources)};
  objective.run(ctx, in, 1.0, 0, results);
  f(results, parts);
}

// The sum of the weighted parts, whose values these are; they are told to `detail`, if any, without permutations.
template <class L>
double sum_of_parts(const L& objective, std::span<const double> value, loss_detail* detail = nullptr) {
  if (detail) detail->parts.resize(value.size());
  double total = 0;
  std::size_t k = 0;
  objective.describe(
      [&](const std::string& name, double weight) {
        if (detail) detail->parts[k] = {name, weight, value[k], {}};
        total += weight * value[k++];
      },
      1.0);
  return total;
}

// The sum of the weighted parts, in double; with in.d_estimate the gradient too.
template <class C, class L, class In>
requires(std::is_base_of_v<waveforms<typename C::T>, In>) double evaluate(C& ctx, const L& objective, const In& in,
                                                                          loss_detail* detail = nullptr) {
  std::vector<double> value;
  std::vector<std::int32_t> all;
  run_objective(ctx, objective, in, [&](const part_results& results, dim_t parts) {
    value.resize(static_cast<std::size_t>(parts));
    ctx.run(op::to_host<double>{parts, results.value, value.data()});
    if (!detail) return;
    all.resize(value.size() * static_cast<std::size_t>(in.batch * in.sources));
    ctx.run(op::to_host<std::int32_t>{static_cast<dim_t>(all.size()), results.permutation, all.data()});
  });
  const double total = sum_of_parts(objective, value, detail);
  if (detail)
    for (std::size_t k = 0; k < value.size(); ++k) {
      const auto of = std::span<const std::int32_t>(all).subspan(k * (all.size() / value.size()), all.size() / value.size());
      detail->parts[k].permutation.assign(of.begin(), of.end());
    }
  return total;
}

namespace detail {

template <class C, class Est, class A, class Tgt, class B>
waveforms<typename C::T> make_waveforms(const C&, view<Est, A> estimate, view<Tgt, B> target) {
  static_assert(Est::rank == 3 && Tgt::rank == 3, "avss: a separation loss takes [batch, sources, samples]");
  for (std::size_t a = 0; a < 3; ++a)
    if (estimate.dim(a) != target.dim(a))
      fail("the loss got estimates ", to_string(estimate.extents), " and targets ", to_string(target.extents),
           "; their shapes must be equal");
  return {estimate.dim(0), estimate.dim(1), estimate.dim(2), estimate.data, target.data, nullptr};
}

}  // namespace detail

// estimate, target [B, S, T].
template <class C, class L, class Est, class A, class Tgt, class B>
double evaluate(C& ctx, const L& objective, view<Est, A> estimate, view<Tgt, B> target, loss_detail* detail = nullptr) {
  return evaluate(ctx, objective, detail::make_waveforms(ctx, estimate, target), detail);
}

// d_estimate [B, S, T]: assigned dL/d_estimate.
template <class C, class L, class Est, class A, class Tgt, class B>
double evaluate(C& ctx, const L& objective, view<Est, A> estimate, view<Tgt, B> target, view<Est, typename C::T> d_estimate,
                loss_detail* detail = nullptr) {
  auto in = detail::make_waveforms(ctx, estimate, target);
  if (!(d_estimate.extents == estimate.extents))
    fail("the loss got estimates ", to_string(estimate.extents), " and their gradient ", to_string(d_estimate.extents));
  in.d_estimate = d_estimate.data;
  return evaluate(ctx, objective, in, detail);
}

// result [B, S, S]: the loss of every estimate i against every target j, for metrics. `loss` is one of energy_ratio.hpp.
template <class C, class L, class Est, class A, class Tgt, class B>
void pairwise(C& ctx, const L& loss, view<Est, A> estimate, view<Tgt, B> target, double* result) {
  const auto in = detail::make_waveforms(ctx, estimate, target);
  const auto frame = ctx.frame();
  const part_results results{scratch_of<double>(ctx, 1), scratch_of<std::int32_t>(ctx, in.batch * in.sources)};
  const double* pairs = run_ratio(ctx, in, loss.rule(), loss.subtracts_mean(), false, 1, 0, results);
  ctx.run(op::to_host<double>{in.batch * in.sources * in.sources, pairs, result});
}

}  // namespace avss
