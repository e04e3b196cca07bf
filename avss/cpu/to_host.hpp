// Small results for the host, which has them already.
#pragma once

#include <algorithm>
#include <avss/cpu/backend.hpp>
#include <avss/op/to_host.hpp>

namespace avss {

template <class U>
void execute(cpu&, const op::to_host<U>& o, void*) {
  std::copy_n(o.from, o.size, o.to);
}

}  // namespace avss
