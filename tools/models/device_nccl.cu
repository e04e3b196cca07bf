// Workers of whom each has a device, by NCCL: linked into the tools by --config=cuda with --config=mpi.
#include <avss/cuda/nccl_group.cuh>
#include <avss/dist/meeting.hpp>

#include "tools/models/device_entry.hpp"

namespace avss::tools {
namespace {

[[maybe_unused]] const bool installed =
    (installed_join() = [](worker_group& group) -> std::unique_ptr<worker_group> {
      return std::make_unique<nccl_group>(std::make_unique<group_meeting>(group));
    },
     true);

}  // namespace
}  // namespace avss::tools
