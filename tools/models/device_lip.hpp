// Lip-reading encoders on a device.
#pragma once

#include <avss/cuda/precision.hpp>
#include <memory>

#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

std::unique_ptr<lip_embedder> make_lip_on_device(image_curve activation, int workers, product_precision precision);

}  // namespace avss::tools
