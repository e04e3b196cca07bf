// Between the list of networks that can be profiled and the translation unit that each has.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/model/model_cost.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tools/models/profiles.hpp"

namespace avss::tools {

// Adding a network: its name here and in BUILD.
#define AVSS_PROFILES(entry)                                                                                                   \
  entry(convtasnet) entry(convtasnet_asteroid) entry(convtasnet_asteroid16k) entry(convtasnet_asteroid3) entry(convtasnet_cpu) \
      entry(convtasnet_kaituoxu) entry(convtasnet_paper) entry(convtasnet_paper_causal) entry(convtasnet_small)                \
          entry(convtasnet_tiny) entry(convtasnet_torchaudio) entry(convtasnet_torchaudio_sigmoid) entry(rtfsnet)              \
              entry(rtfsnet_time) entry(rtfsnet_4) entry(rtfsnet_4_2023) entry(rtfsnet_small) entry(rtfsnet_tiny)              \
                  entry(lip_prelu) entry(lip_relu) entry(lip_swish)

#define AVSS_NAME(name) name,
enum class preset_id { AVSS_PROFILES(AVSS_NAME) };
#undef AVSS_NAME

// Defined in the preset's translation unit.
template <preset_id>
model_cost profile_preset(const profile_request& request);
#define AVSS_DECLARE(name) \
  template <>              \
  model_cost profile_preset<preset_id::name>(const profile_request& request);
AVSS_PROFILES(AVSS_DECLARE)
#undef AVSS_DECLARE

// At least one sample. Throws error.
inline dim_t samples_of(const profile_request& r, int rate) {
  if (!(r.seconds > 0) || r.seconds > 3600) fail("seconds: expected more than 0 and at most 3600, found ", r.seconds);
  return std::max<dim_t>(1, std::llround(r.seconds * rate));
}

inline model_cost cost_of(int rate, dim_t length, dim_t faces, const profile_request& r) {
  model_cost cost;
  cost.sample_rate = rate;
  cost.length = length;
  cost.faces = faces;
  cost.threads = r.threads;
  return cost;
}

// Something to work on: sines of slowly growing pitch.
inline std::vector<float> hum(dim_t n) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i % 16000);
    x[i] = static_cast<float>(0.1 * std::sin(0.01 * t * (1 + 1e-4 * t)));
  }
  return x;
}

}  // namespace avss::tools
