// The definition of every operation as a backend that trains beside a device: it links no oneDNN, as programs must that run
// elsewhere. Element type float.
#pragma once

#include <avss/dist/worker_group.hpp>
#include <avss/reference/backend.hpp>

namespace avss::testing {

struct host_definition : reference<float> {
  worker_group* group = nullptr;  // of none
};

}  // namespace avss::testing
