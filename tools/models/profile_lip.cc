// Compiled for each preset: AVSS_PRESET.
#include <algorithm>
#include <avss/dsp/video_frames.hpp>
#include <avss/lipreading.hpp>
#include <avss/model/model_cost.hpp>
#include <vector>

#include "tools/models/profile_preset.hpp"

namespace avss::tools {

// The encoder sees one face after another.
template <>
model_cost profile_preset<preset_id::AVSS_PRESET>(const profile_request& r) {
  using net = LipEncoder<presets::AVSS_PRESET>;
  using engine = lip_engine<net, noted<cpu>>;
  constexpr int rate = 16000;  // of the sound that the frames go with
  cost_ledger ledger;
  engine e({cpu(r.threads), &ledger});
  init_params(e.net(), 1, e.values(), e.state());
  e.prepare(r.side, r.side, r.batch_statistics);
  const dim_t length = samples_of(r, rate), frames = std::max<dim_t>(1, length * lip_frame_rate / rate);
  model_cost cost = cost_of(rate, length, r.faces, r);
  cost.parts = planned_cost(e.net(), ledger, net::parts::of_parameter, [&] { (void)e.planned_bytes(1); });
  for (part_cost& p : cost.parts) p.macs *= static_cast<double>(frames * r.faces);
  cost.inference_bytes = e.planned_bytes(frames);
  cost.training_bytes =
      lip_trainer<net, cpu>(cpu(r.threads)).planned_bytes({1, frames, r.side, r.side}, image_rules::training(), false);
  const std::vector<float> clip = hum(frames * r.side * r.side);
  std::vector<float> features(static_cast<std::size_t>(net::features * frames));
  typename engine::workspace work;
  add_times(cost.parts, ledger, r.repeats, [&] {
    for (dim_t face = 0; face < r.faces; ++face) e.embed(work, clip, features);
  });
  return cost;
}

}  // namespace avss::tools
