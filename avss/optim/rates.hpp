// What a schedule decides and an optimiser obeys.
#pragma once

#include <optional>

namespace avss {

struct rates {
  double lr;
  std::optional<double> momentum{};  // Adam's beta1, SGD's momentum; without: as the optimiser was configured
};

}  // namespace avss
