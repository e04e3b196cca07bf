// Small results for the host, which has them already.
#pragma once

#include <algorithm>
#include <avss/op/to_host.hpp>
#include <avss/reference/backend.hpp>

namespace avss {

template <class T, class U>
void execute(reference<T>&, const op::to_host<U>& o, void*) {
  std::copy_n(o.from, o.size, o.to);
}

}  // namespace avss
