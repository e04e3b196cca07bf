// Small results on their way to the host.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/op/to_host.hpp>
#include <cstring>

namespace avss {

template <class U>
void execute(cuda_backend& backend, const op::to_host<U>& o, void*) {
  const std::size_t bytes = static_cast<std::size_t>(o.size) * sizeof(U);
#if defined(__CUDACC__)
  backend.ready_to_block();
  cuda_check(cudaMemcpyAsync(o.to, o.from, bytes, cudaMemcpyDeviceToHost, backend.stream()), "a copy of ", bytes,
             " bytes to the host");
  backend.wait();
#else
  (void)backend;
  const emulated::device_access access;
  ++emulated::traffic::of_thread().waits;
  std::memcpy(o.to, o.from, bytes);
#endif
}

}  // namespace avss
