// What lies in a backend's memory, in the host's.
#pragma once

#include <avss/core/placement.hpp>
#include <span>
#include <vector>

namespace avss::test {

template <class Engine, class T = typename Engine::T>
std::vector<T> host_copy(Engine& e, std::span<T> array) {
  std::vector<T> host;
  look(e.backend(), std::span<const T>(array), [&](std::span<const T> values) { host.assign(values.begin(), values.end()); });
  return host;
}

}  // namespace avss::test
