#include "tools/models/lip_embedder.hpp"

#include <avss/core/error.hpp>

#include "tools/models/device.hpp"

namespace avss::tools {

// Each in a translation unit of its own.
std::unique_ptr<lip_embedder> make_lip_relu(int workers);
std::unique_ptr<lip_embedder> make_lip_prelu(int workers);
std::unique_ptr<lip_embedder> make_lip_swish(int workers);

std::unique_ptr<lip_embedder> make_lip_embedder(image_curve activation, int workers, const compute& on) {
  if (lip_on_device(on)) return installed_device()->make_lip(activation, workers, on.precision);
  switch (activation) {
    case image_curve::relu: return make_lip_relu(workers);
    case image_curve::prelu: return make_lip_prelu(workers);
    case image_curve::swish: return make_lip_swish(workers);
    case image_curve::identity: break;
  }
  fail("no lip-reading encoder has the activation ", name_of(activation), "; choose relu, prelu or swish");
}

}  // namespace avss::tools
