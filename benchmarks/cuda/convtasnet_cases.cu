// torchaudio's Conv-TasNet, 4 s at 8 kHz.
#include "benchmarks/cuda/convtasnet_case.hpp"

namespace avss::bench {

void run_convtasnet(const request& r, const report& tell) {
  constexpr auto net = presets::convtasnet_torchaudio;
  const dim_t length = r.tiny ? 400 : 4 * net.sample_rate;
  for (const bool trains : {false, true})
    for (const dim_t size : {1, 4, 32})
      convtasnet_case<net>(r, r.tiny ? "convtasnet/tiny" : "convtasnet/4s", trains, length, size, convtasnet_macs(length),
                           tell);
}

}  // namespace avss::bench
