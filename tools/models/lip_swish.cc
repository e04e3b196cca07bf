#include <avss/cpu/lipreading.hpp>

#include "tools/models/lip_embedder_of.hpp"

namespace avss::tools {

std::unique_ptr<lip_embedder> make_lip_swish(int workers) {
  return std::make_unique<lip_embedder_of<presets::lip_swish, cpu>>(workers, cpu(1));
}

}  // namespace avss::tools
