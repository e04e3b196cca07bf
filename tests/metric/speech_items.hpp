// The separated speech-like signals of tests/golden/make_speech_metrics_golden.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

struct speech_item {
  using signal = std::vector<double>;
  using views = std::vector<std::span<const double>>;

  std::string name;
  int rate = 0;
  std::vector<signal> targets, estimates;  // the last estimate is the mixture

  static views of(const std::vector<signal>& signals) { return {signals.begin(), signals.end()}; }

  // k: the item's number, from 0
  static speech_item make(std::uint32_t k, std::string name, int rate, std::uint32_t sources, std::size_t length) {
    speech_item x{std::move(name), rate, {}, {}};
    for (std::uint32_t j = 0; j < sources; ++j) {
      const signal u = noise<double>(length + 1, 100 * (k + 1) + j, 0.5);
      signal s(length);
      for (std::size_t n = 0; n < length; ++n) {
        const double swell = std::max(0., std::sin(2 * std::numbers::pi * (2.3 + 0.8 * j) * static_cast<double>(n) / rate + j));
        s[n] = (u[n + 1] + 0.6 * u[n]) * swell * swell;
      }
      x.targets.push_back(std::move(s));
    }
    for (std::uint32_t j = 0; j < sources; ++j) {
      const signal &s = x.targets[j], &other = x.targets[(j + 1) % sources];
      signal e = noise<double>(length, 1000 + 100 * k + j, 0.01);
      for (std::size_t n = 0; n < length; ++n) e[n] += 0.8 * s[n] + 0.3 * (n < 5 ? 0 : s[n - 5]) + 0.1 * other[n];
      x.estimates.push_back(std::move(e));
    }
    x.estimates.push_back(noise<double>(length, 50 + k, 0.001));
    for (const signal& s : x.targets)
      for (std::size_t n = 0; n < length; ++n) x.estimates.back()[n] += s[n];
    return x;
  }

  static std::vector<speech_item> all() {
    return {make(0, "two", 16000, 2, 24000), make(1, "three", 8000, 3, 12000), make(2, "ten", 10000, 2, 9001),
            make(3, "cd", 44100, 2, 40000)};
  }
};

}  // namespace avss::testing
