// MACs of the networks that are measured, out of a plan: no device is needed.
#include <avss/dsp/video_frames.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/engine.hpp>
#include <avss/model/model_cost.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/rtfsnet.hpp>

#include "benchmarks/cuda/cases.hpp"

namespace avss::bench {
namespace {

using noting = noted<reference<float>>;

template <class Net, class Plan>
double macs(const Net& net, cost_ledger& ledger, Plan&& plan) {
  double sum = 0;
  for (const part_cost& p : planned_cost(net, ledger, Net::parts::of_parameter, plan)) sum += p.macs;
  return sum;
}

}  // namespace

double convtasnet_macs(dim_t length) {
  cost_ledger ledger;
  engine<ConvTasNet<presets::convtasnet_torchaudio>, noting> e({{}, &ledger});
  return macs(e.net(), ledger, [&] { e.planned_bytes(pass::infer, 1, length); });
}

double rtfsnet_macs(dim_t length, int passes) {
  using net = RtfsNet<presets::rtfsnet_4>;
  cost_ledger ledger;
  av_engine<net, noting> e({{}, &ledger}, net(passes));
  return macs(e.net(), ledger, [&] { e.bytes_of_inference({1, length, 1, lip_frames_of(length, net::config.sample_rate)}); });
}

}  // namespace avss::bench
