// An objective on a backend as a criterion. Its operations are compiled where this is instantiated: include the backend's
// headers of them first.
#pragma once

#include <avss/core/placement.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/train/criterion.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace avss {

namespace detail {

template <class L>
inline constexpr bool is_permuted = false;
template <class L>
inline constexpr bool is_permuted<pit<L>> = true;

}  // namespace detail

// Objective: a loss, permuted or not, or one that is put together at run time and then says itself whether it permutes and
// whether it takes spectra, and has its weight and its sum to look at.
template <class Objective, class B = cpu>
class objective_criterion final : public criterion_on<B> {
 public:
  explicit objective_criterion(Objective objective) : objective_(std::move(objective)) {}

  using values = typename criterion_on<B>::values;

  void run(B& backend, arena& memory, const waveforms<float>& w, double weight, values& to) const override {
    const std::size_t bytes = measured(backend, w);
    if (memory.measures() || memory.capacity() < bytes) {
      placement<B>::before_release(backend);
      memory = arena();  // gives the old one back first
      memory = placement<B>::make_arena(bytes);
    }
    memory.reset();
    context<B> ctx(backend, memory, pass::train);
    run_objective(ctx, scaled(weight), w, [&](const part_results& results, dim_t parts) {
      to.send(backend, {results.value, static_cast<std::size_t>(parts)});
    });
  }
  double look(const B& backend, values& from, loss_detail& detail) const override {
    return sum_of_parts(objective_, from.get(backend), &detail);
  }
  std::size_t planned_bytes(const B& backend, waveforms<float> sizes) const override {
    float wanted = 0;  // a gradient is
    sizes.d_estimate = &wanted;
    return measured(backend, sizes);
  }
  bool takes_spectra() const override {
    if constexpr (of_run_time) return objective_.takes_spectra();
    return false;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    if constexpr (of_run_time) {
      if (!objective_.sum.empty()) objective_.describe([&](const std::string& name, double) { all.push_back(name); }, 1);
    }
    return all;
  }
  bool permutes() const override {
    if constexpr (of_run_time)
      return objective_.permutes();
    else
      return detail::is_permuted<Objective>;
  }

 private:
  static constexpr bool of_run_time = requires(const Objective& o) { o.takes_spectra(); };

  auto scaled(double weight) const {
    if constexpr (of_run_time) {
      Objective by = objective_;
      by.weight *= weight;
      return by;
    } else {
      return weighted{objective_, weight};
    }
  }
  std::size_t measured(const B& backend, const waveforms<float>& w) const {
    arena plan;
    context<measure<B>> dry({backend}, plan, pass::train);
    run_objective(dry, objective_, w, [](const part_results&, dim_t) {});
    return plan.peak();
  }

  Objective objective_;
};

template <class B = cpu, class Objective>
std::shared_ptr<const criterion_on<B>> criterion_for(Objective objective) {
  return std::make_shared<const objective_criterion<Objective, B>>(std::move(objective));
}

}  // namespace avss
