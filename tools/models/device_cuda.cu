// The tools' CUDA device: linked into them by --config=cuda.
#include <avss/cuda/device.cuh>

#include "tools/models/device_entry.hpp"
#include "tools/models/device_lip.hpp"

namespace avss::tools {

// Adding a network: its preset in the lists of BUILD and here.
#define AVSS_SMALL_DEVICE_MODELS(entry) entry(convtasnet_small) entry(convtasnet_tiny) entry(rtfsnet_small) entry(rtfsnet_tiny)
#if defined(AVSS_DEVICE_SMALL)
#define AVSS_DEVICE_MODELS(entry) AVSS_SMALL_DEVICE_MODELS(entry)
#else
#define AVSS_DEVICE_MODELS(entry)                                                                                              \
  AVSS_SMALL_DEVICE_MODELS(entry)                                                                                              \
  entry(convtasnet) entry(convtasnet_asteroid) entry(convtasnet_asteroid16k) entry(convtasnet_asteroid3) entry(convtasnet_cpu) \
      entry(convtasnet_kaituoxu) entry(convtasnet_paper) entry(convtasnet_paper_causal) entry(convtasnet_torchaudio)           \
          entry(convtasnet_torchaudio_sigmoid) entry(rtfsnet) entry(rtfsnet_4) entry(rtfsnet_4_2023) entry(rtfsnet_time)
#endif

#define AVSS_DECLARE(name) extern const device_entry name##_on_device;
AVSS_DEVICE_MODELS(AVSS_DECLARE)
#undef AVSS_DECLARE

namespace {

#define AVSS_LIST(name) &name##_on_device,
const device_entry* const all[] = {AVSS_DEVICE_MODELS(AVSS_LIST)};
#undef AVSS_LIST

cudaDeviceProp properties() {
  int device = 0;
  cudaDeviceProp p{};
  cuda_check(cudaGetDevice(&device), "the device that is in use");
  cuda_check(cudaGetDeviceProperties(&p, device), "the device's properties");
  return p;
}

const device_models models{all, [] { return cuda_problem(); }, [] { return std::string(properties().name); },
                           [] { return properties().totalGlobalMem; }, make_lip_on_device};
[[maybe_unused]] const bool installed = (installed_device() = &models, true);

}  // namespace
}  // namespace avss::tools
