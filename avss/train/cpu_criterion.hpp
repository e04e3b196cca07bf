// A chosen_loss on the CPU. Include it in one translation unit: all losses are compiled there.
#pragma once

#include <avss/cpu/copy.hpp>
#include <avss/cpu/distance_loss.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/spectrum.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/criterion.hpp>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace avss {

class cpu_criterion final : public criterion {
 public:
  explicit cpu_criterion(chosen_loss loss) : loss_(std::move(loss)) {}

  double run(cpu& backend, arena& memory, const waveforms<float>& w, double weight, loss_detail& detail) const override {
    const std::size_t bytes = measured(backend, w);
    if (memory.measures() || memory.capacity() < bytes) memory = arena(bytes);
    memory.reset();
    context<cpu> ctx(backend, memory, pass::train);
    chosen_loss scaled = loss_;
    scaled.weight *= weight;
    return avss::evaluate(ctx, scaled, w, &detail) / weight;
  }
  std::size_t planned_bytes(const cpu& backend, waveforms<float> sizes) const override {
    float wanted = 0;  // a gradient is
    sizes.d_estimate = &wanted;
    return measured(backend, sizes);
  }
  bool takes_spectra() const override { return loss_.takes_spectra(); }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    if (!loss_.sum.empty()) loss_.describe([&](const std::string& name, double) { all.push_back(name); }, 1);
    return all;
  }
  bool permutes() const override { return loss_.permutes(); }

 private:
  std::size_t measured(const cpu& backend, const waveforms<float>& w) const {
    arena plan;
    context<measure<cpu>> dry({backend}, plan, pass::train);
    avss::evaluate(dry, loss_, w);
    return plan.peak();
  }

  chosen_loss loss_;
};

}  // namespace avss
