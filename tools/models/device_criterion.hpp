// The losses on the device, compiled once for all networks.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/loss/chosen.hpp>
#include <avss/train/criterion.hpp>
#include <memory>

namespace avss::tools {

std::shared_ptr<const criterion_on<cuda_backend>> make_device_criterion(const chosen_loss& loss);

}  // namespace avss::tools
