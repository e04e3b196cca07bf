// For the device by nvcc, for the emulator by every other compiler.
#include <avss/cuda/copy.cuh>
#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/spectrum.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/train/objective_criterion.hpp>

#include "tools/models/device_criterion.hpp"

namespace avss::tools {

std::shared_ptr<const criterion_on<cuda_backend>> make_device_criterion(const chosen_loss& loss) {
  return criterion_for<cuda_backend>(loss);
}

}  // namespace avss::tools
