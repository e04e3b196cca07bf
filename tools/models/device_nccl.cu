// Workers of whom each has a device, by NCCL: linked into the tools by --config=cuda with --config=mpi.
#include <algorithm>
#include <avss/cuda/nccl_group.cuh>
#include <avss/dist/meeting.hpp>
#include <vector>

#include "tools/models/device_entry.hpp"

namespace avss::tools {
namespace {

// The device that a worker would take, as a number of 53 bits, which a double holds; 0: there is none for it.
double device_taken(int local_rank) {
  int n = 0;
  if (cudaGetDeviceCount(&n) != cudaSuccess || nccl_group::device_for(local_rank, n) >= n) {
    (void)cudaGetLastError();
    return 0;
  }
  cudaDeviceProp p{};
  cuda_check(cudaGetDeviceProperties(&p, nccl_group::device_for(local_rank, n)), "the device's properties");
  return static_cast<double>((detail::hash_of({p.uuid.bytes, sizeof p.uuid.bytes}) >> 11) | 1);
}

// Whether each worker has a device of its own. Collective.
bool devices_suffice(worker_group& group) {
  group_meeting met(group);
  std::byte nothing{};
  met.share({&nothing, 1});
  std::vector<double> devices(static_cast<std::size_t>(group.size()));
  devices[static_cast<std::size_t>(group.rank())] = device_taken(met.local_rank());
  group.sum(devices);
  std::sort(devices.begin(), devices.end());
  return devices.front() > 0 && std::adjacent_find(devices.begin(), devices.end()) == devices.end();
}

[[maybe_unused]] const bool installed = (
    installed_join() = [](worker_group& group) -> std::unique_ptr<worker_group> {
      if (!devices_suffice(group)) return nullptr;
      return std::make_unique<nccl_group>(std::make_unique<group_meeting>(group));
    },
    true);

}  // namespace
}  // namespace avss::tools
