// RTFS-Net at the paper's sizes, 4 and 12 passes of the block, 2 s at 16 kHz. The passes are no part of the type: both are
// compiled once.
#include "benchmarks/cuda/rtfsnet_case.hpp"

namespace avss::bench {

void run_rtfsnet(const request& r, const report& tell) {
  constexpr auto net = presets::rtfsnet_4;
  const dim_t length = r.tiny ? 9600 : 2 * net.sample_rate;
  for (const int passes : {4, 12})
    for (const bool trains : {false, true})
      for (const dim_t size : {1, 4, 32})
        rtfsnet_case<net>(r, "rtfsnet_" + std::to_string(passes) + (r.tiny ? "/tiny" : "/2s"), trains, length, size, passes,
                          rtfsnet_macs(length, passes), tell);
}

}  // namespace avss::bench
