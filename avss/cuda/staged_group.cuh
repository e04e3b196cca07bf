// Sums over workers of values on the device by way of the host: where NCCL is missing, and for the emulator.
#pragma once

#include <avss/cuda/device_memory.cuh>
#include <avss/dist/device_group.hpp>
#include <avss/dist/worker_group.hpp>
#include <cstddef>
#include <span>
#include <vector>

namespace avss {

// Every sum waits for the device, and for the members of `over`, which must live as long. B: cuda_backend.
template <class B = cuda_backend>
class staged_group final : public device_group<B> {
 public:
  explicit staged_group(worker_group& over) : over_(over) {}

  int rank() const override { return over_.rank(); }
  int size() const override { return over_.size(); }
  void sum(const B& on, std::span<float> values) override { add(on, values, floats_); }
  void sum(const B& on, std::span<double> values) override { add(on, values, doubles_); }

 private:
  template <class T>
  void add(const B& on, std::span<T> values, std::vector<T>& here) {
    if (values.empty()) return;
    if (here.size() < values.size()) here.resize(values.size());
    const std::span<T> copy(here.data(), values.size());
    detail::copy_to_host(on, copy.data(), values.data(), values.size_bytes());
    over_.sum(copy);
    detail::copy_to_device(on, values.data(), copy.data(), values.size_bytes());
  }

  worker_group& over_;
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace avss
