// Compiled for each preset: AVSS_PRESET.
#include <algorithm>
#include <avss/cpu/rtfsnet.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/model_cost.hpp>
#include <avss/model/rtfsnet.hpp>
#include <vector>

#include "tools/models/profile_preset.hpp"

namespace avss::tools {

template <>
model_cost profile_preset<preset_id::AVSS_PRESET>(const profile_request& r) {
  using net = RtfsNet<presets::AVSS_PRESET>;
  constexpr int rate = net::config.sample_rate;
  cost_ledger ledger;
  av_engine<net, noted<cpu>> e({cpu(r.threads), &ledger}, net(r.passes > 0 ? r.passes : net::config.passes));
  const dim_t length = samples_of(r, rate);
  const av_size n{1, length, r.faces, std::max(net::shortest_video(), length * lip_frame_rate / rate)};
  model_cost cost = cost_of(rate, length, r.faces, r);
  cost.parts = planned_cost(e.net(), ledger, net::parts::of_parameter, [&] { cost.inference_bytes = e.bytes_of_inference(n); });
  cost.training_bytes = e.bytes_of_training(n, {.batch_statistics = true});
  init_params(e.net(), 1, e.values(), e.state());
  const std::vector<float> mixture = hum(length), video = hum(n.faces * net::video_channels * n.video_frames);
  std::vector<float> voices(static_cast<std::size_t>(n.faces * length));
  add_times(cost.parts, ledger, r.repeats, [&] { e.separate(n, mixture, video, voices); });
  return cost;
}

}  // namespace avss::tools
