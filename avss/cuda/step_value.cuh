// A value that changes from step to step, where kernels of a captured graph read it.
#pragma once

#include <avss/cuda/device_memory.cuh>
#include <type_traits>

namespace avss {
namespace cuda_kernel {

template <class T>
struct put_value {
  static constexpr int threads = 32;
  static constexpr bool cooperates = false;
  T value;
  T* to;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    if (t.index() == 0) *to = value;
  }
};

}  // namespace cuda_kernel

// Set before a step, in order with it on the stream and without waiting:
//   step_value<random_stream> stream(backend, random_stream(seed, "dropout", step));
//   rules.dropout_at = stream.data();
//   for (...) { stream.set(backend, random_stream(seed, "dropout", ++step)); graphs.run(key, ...); }
template <class T>
class step_value {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 1024, "avss: a step's value is copied as a kernel's argument");

 public:
  step_value(const cuda_backend& on, const T& value) : there_(1, "a value of a step") { set(on, value); }

  // Device memory, the same for as long as this lives.
  const T* data() const { return there_.data(); }
  void set(const cuda_backend& on, const T& value) const {
    cuda_kernel::launch(on, "value of a step", cuda_kernel::put_value<T>{value, there_.data()}, 1);
  }

 private:
  device_buffer<T> there_;
};

}  // namespace avss
