// The device's backend as a tool's settings have it.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/dist/device_group.hpp>
#include <avss/dist/worker_group.hpp>

namespace avss::tools {

// group: as installed_join() made it, or null.
inline cuda_backend device_backend(product_precision precision, worker_group* group) {
  cuda_backend backend(precision);
  backend.group = dynamic_cast<device_group<cuda_backend>*>(group);
  if (group && !backend.group) fail("workers of a host's group cannot train on devices");
  return backend;
}

}  // namespace avss::tools
