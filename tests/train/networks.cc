#include "tests/train/networks.hpp"

namespace avss::testing {

std::unique_ptr<trainable> make_tiny(const separation_training& t) {
  return std::make_unique<convtasnet_trainable<presets::convtasnet_tiny>>("convtasnet_tiny", t);
}
std::unique_ptr<trainable> make_overfit(const separation_training& t) {
  return std::make_unique<convtasnet_trainable<overfit_config>>("overfit", t);
}

}  // namespace avss::testing
