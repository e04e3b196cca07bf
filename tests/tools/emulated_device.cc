// The tools' device as the emulator has it, with their smallest networks. Links into a tool in the place of device_cuda.cu.
#include "tools/models/device_convtasnet.hpp"
#include "tools/models/device_criterion.inl"
#include "tools/models/device_rtfsnet.hpp"

AVSS_CONVTASNET_DEVICE_ENTRY(convtasnet_tiny)
AVSS_RTFSNET_DEVICE_ENTRY(rtfsnet_tiny)

namespace avss::tools {
namespace {

const device_entry* const all[] = {&convtasnet_tiny_on_device, &rtfsnet_tiny_on_device};
const device_models models{all, [] { return std::string(); }, [] { return std::string("the emulator"); },
                           [] { return emulated::device_memory::all().total(); }, nullptr};
[[maybe_unused]] const bool installed = (installed_device() = &models, true);

}  // namespace
}  // namespace avss::tools
