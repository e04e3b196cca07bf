#include <avss/cuda/lipreading.cuh>

#include "tools/models/device_lip.hpp"
#include "tools/models/lip_embedder_of.hpp"

namespace avss::tools {

std::unique_ptr<lip_embedder> make_lip_on_device(image_curve activation, int workers, product_precision precision) {
  const auto made = [&]<lip_encoder_config S>() -> std::unique_ptr<lip_embedder> {
    return std::make_unique<lip_embedder_of<S, cuda_backend>>(workers, cuda_backend(precision));
  };
  switch (activation) {
    case image_curve::relu: return made.template operator()<presets::lip_relu>();
    case image_curve::prelu: return made.template operator()<presets::lip_prelu>();
    case image_curve::swish: return made.template operator()<presets::lip_swish>();
    case image_curve::identity: break;
  }
  fail("no lip-reading encoder has the activation ", name_of(activation), "; choose relu, prelu or swish");
}

}  // namespace avss::tools
