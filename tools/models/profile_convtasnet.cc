// Compiled for each preset: AVSS_PRESET.
#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/engine.hpp>
#include <avss/model/model_cost.hpp>
#include <vector>

#include "tools/models/profile_preset.hpp"

namespace avss::tools {

template <>
model_cost profile_preset<preset_id::AVSS_PRESET>(const profile_request& r) {
  using net = ConvTasNet<presets::AVSS_PRESET>;
  cost_ledger ledger;
  engine<net, noted<cpu>> e({cpu(r.threads), &ledger});
  const dim_t length = samples_of(r, net::config.sample_rate);
  model_cost cost = cost_of(net::config.sample_rate, length, 0, r);
  cost.parts = planned_cost(e.net(), ledger, net::parts::of_parameter,
                            [&] { cost.inference_bytes = e.planned_bytes(pass::infer, 1, length); });
  cost.training_bytes = e.planned_bytes(pass::train, 1, length);
  init_params(e.net(), 1, e.values(), e.state());
  const std::vector<float> mixture = hum(length);
  std::vector<float> estimates(mixture.size() * static_cast<std::size_t>(net::sources));
  add_times(cost.parts, ledger, r.repeats, [&] { e.separate(mixture, estimates); });
  return cost;
}

}  // namespace avss::tools
