// Networks without weights for tests of what surrounds them.
#pragma once

#include <avss/model/separator.hpp>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

// Any function as a network; remembers the lengths that it was given.
class function_separator : public separator {
 public:
  using function = std::function<void(std::span<const float> mixture, std::span<float> estimates)>;

  function_separator(int rate, int sources, function f, dim_t receptive_field = 1)
      : info_{"fake", rate, sources, 0, receptive_field}, f_(std::move(f)) {}
  const separator_info& info() const override { return info_; }
  void load(const loaded_weights&, const std::string&) override {}
  void save(const std::string&, const std::string&) override {}
  void separate(std::span<const float> mixture, std::span<float> estimates) override {
    lengths.push_back(mixture.size());
    f_(mixture, estimates);
  }
  std::size_t planned_bytes(dim_t) const override { return 0; }

  std::vector<std::size_t> lengths;

 private:
  separator_info info_;
  function f_;
};

// The part of x below a cut-off that falls with `half`, a moving average of 2 half + 1 samples; x less it is the rest.
inline std::vector<float> low_part(std::span<const float> x, int half) {
  const int n = static_cast<int>(x.size());
  std::vector<float> y(x.size());
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int k = std::max(0, i - half); k <= std::min(n - 1, i + half); ++k) sum += x[static_cast<std::size_t>(k)];
    y[static_cast<std::size_t>(i)] = static_cast<float>(sum / (2 * half + 1));
  }
  return y;
}

// Splits a mixture into its low and high part, in an order, at levels and with signs that change from call to call.
inline function_separator splitter(int rate, std::uint32_t seed, bool restless = true, int half = 4) {
  return function_separator(rate, 2, [=, random = lcg(seed)](std::span<const float> x, std::span<float> y) mutable {
    const std::vector<float> low = low_part(x, half);
    const bool swap = restless && random() > 0;
    const double gains[] = {restless ? 5 * random() + 0.01 : 1, restless ? 0.3 * random() + 0.01 : 1};
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i + (swap ? x.size() : 0)] = static_cast<float>(gains[0] * low[i]);
      y[i + (swap ? 0 : x.size())] = static_cast<float>(gains[1] * (x[i] - low[i]));
    }
  });
}

}  // namespace avss::testing
