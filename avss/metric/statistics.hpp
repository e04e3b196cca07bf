// What many values say together: mean, quantiles, and how far the mean of a few files can be trusted.
#pragma once

#include <algorithm>
#include <avss/core/parallel.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace avss {

struct confidence_interval {
  double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();
};

struct bootstrap_options {
  std::size_t resamples = 10000;
  double level = 0.95;  // of confidence, between 0 and 1
  std::uint64_t seed = 1;
  int threads = 1;  // changes no result
};

// NaN for none. The values are added from the first to the last.
inline double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(values.size());
}

// The value below which a share p of them lies, 0 <= p <= 1, interpolated as numpy.quantile does by default (type 7 of
// Hyndman and Fan, "Sample quantiles in statistical packages", 1996). `sorted` ascends; NaN for none.
inline double quantile_of_sorted(std::span<const double> sorted, double p) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = std::clamp(p, 0., 1.) * static_cast<double>(sorted.size() - 1), whole = std::floor(place);
  const std::size_t i = static_cast<std::size_t>(whole), next = std::min(i + 1, sorted.size() - 1);
  return sorted[i] + (sorted[next] - sorted[i]) * (place - whole);
}

// The interval of the mean by the percentile bootstrap (Efron 1979): as many values as there are, drawn with replacement, have
// a mean; of `resamples` such means the interval holds the middle part. Resample r draws the values of numbers
//   floor(w n / 2^32),  w the 32-bit words of Philox blocks 0, 1, ... with key (seed, r) and n the number of values
// so a result depends on values, their order, resamples and seed alone. NaN for fewer than two values: one file says nothing
// about others. Up to 2^32 values.
inline confidence_interval bootstrap_mean(std::span<const double> values, const bootstrap_options& o = {}) {
  if (values.size() < 2 || o.resamples == 0) return {};
  const std::uint64_t n = values.size();
  std::vector<double> means(o.resamples);
  parallel_for(o.threads, static_cast<dim_t>(o.resamples), [&](dim_t r, int) {
    const philox_key key{static_cast<std::uint32_t>(o.seed), static_cast<std::uint32_t>(r)};
    const std::uint32_t seed_high = static_cast<std::uint32_t>(o.seed >> 32);
    double sum = 0;
    for (std::uint64_t i = 0; i < n; i += 4) {
      const philox_counter words =
          philox4x32({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(i >> 34), seed_high, 0}, key);
      for (std::uint64_t k = 0; k < 4 && i + k < n; ++k) sum += values[static_cast<std::size_t>(words[k] * n >> 32)];
    }
    means[static_cast<std::size_t>(r)] = sum / static_cast<double>(n);
  });
  std::sort(means.begin(), means.end());
  return {quantile_of_sorted(means, (1 - o.level) / 2), quantile_of_sorted(means, (1 + o.level) / 2)};
}

// All of them NaN for no values.
struct value_summary {
  std::size_t count = 0;
  double mean = mean_of({}), median = mean, first_quartile = mean, third_quartile = mean, least = mean, most = mean;
  confidence_interval interval;  // of the mean
};

// Values that are not finite are left out.
inline value_summary summarise(std::span<const double> values, const bootstrap_options& o = {}) {
  std::vector<double> finite;
  for (const double v : values)
    if (std::isfinite(v)) finite.push_back(v);
  value_summary s;
  s.count = finite.size();
  s.mean = mean_of(finite);
  s.interval = bootstrap_mean(finite, o);
  std::sort(finite.begin(), finite.end());
  const auto at = [&](double p) { return quantile_of_sorted(finite, p); };
  s.least = at(0), s.first_quartile = at(0.25), s.median = at(0.5), s.third_quartile = at(0.75), s.most = at(1);
  return s;
}

// Values of the same files by two systems. Pairs with a value that is not finite are left out.
struct paired_summary {
  std::size_t better = 0, worse = 0, equal = 0;  // files in which the first is the larger, the smaller
  double first = mean_of({}), second = first;    // means
  value_summary difference;                      // first less second, file by file
};

// Both of one length.
inline paired_summary summarise_pairs(std::span<const double> first, std::span<const double> second,
                                      const bootstrap_options& o = {}) {
  paired_summary s;
  std::vector<double> a, b, difference;
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    if (!std::isfinite(first[i]) || !std::isfinite(second[i])) continue;
    a.push_back(first[i]), b.push_back(second[i]), difference.push_back(first[i] - second[i]);
    (first[i] > second[i] ? s.better : first[i] < second[i] ? s.worse : s.equal) += 1;
  }
  s.first = mean_of(a), s.second = mean_of(b);
  s.difference = summarise(difference, o);
  return s;
}

// The numbers of the `most` smallest values, the smallest first and equal ones in their order; what is not finite is left out.
inline std::vector<std::size_t> smallest(std::span<const double> values, std::size_t most) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  order.resize(std::min(most, order.size()));
  return order;
}

}  // namespace avss
