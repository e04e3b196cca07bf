// A network on the device: parameters, inputs, results and working memory there, the checkpoint's numbers here.
#pragma once

#include <avss/core/context.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/model/engine.hpp>
#include <cstddef>
#include <span>
#include <utility>

namespace avss {

// Separates on the device. Parameters are those of host() when refresh() was last called. Arrays grow to the largest shape
// met; nothing is allocated for a shape that fits. One thread at a time.
template <class Net>
class device_engine {
 public:
  explicit device_engine(cuda_backend backend = {}) : host_(std::move(backend)) {}

  // The network with its numbers in host memory, where weights are read into; its own separate() must not be used.
  engine<Net, cuda_backend>& host() { return host_; }

  // Takes the numbers of host() to the device.
  void refresh() {
    put(values_, host_.values());
    put(state_, host_.state());
    ready_ = true;
  }

  // mixtures [batch, length] -> estimates [batch, sources, length], both in host memory.
  void separate(std::span<const float> mixtures, std::span<float> estimates, dim_t batch = 1) {
    const dim_t length = host_.checked_length(mixtures.size(), estimates.size(), batch);
    if (!ready_) refresh();
    reserve(batch, length);
    detail::copy_to_device(host_.backend(), mixtures_.data(), mixtures.data(), mixtures.size_bytes());
    context<cuda_backend> ctx(host_.backend(), memory_, pass::infer, values_.span(), {}, state_.span());
    typename Net::template saved<float> saved;
    host_.net().forward(ctx, {mixtures_.data(), typename Net::mixture_shape(batch, length)},
                        {estimates_.data(), typename Net::estimate_shape(batch, length)}, saved);
    detail::copy_to_host(host_.backend(), estimates.data(), estimates_.data(), estimates.size_bytes());
  }

 private:
  void put(device_buffer<float>& to, std::span<const float> from) {
    if (to.size() != from.size()) to = device_buffer<float>(from.size(), "the network's parameters");
    to.upload(host_.backend(), from);
  }
  void reserve(dim_t batch, dim_t length) {
    const std::size_t need = host_.planned_bytes(pass::infer, batch, length), n = static_cast<std::size_t>(batch * length);
    if (memory_.measures() || memory_.capacity() < need) {
      memory_ = arena();  // gives the old one back first
      memory_ = device_arena(need);
    }
    memory_.reset();
    grow(mixtures_, n, "the mixtures");
    grow(estimates_, n * static_cast<std::size_t>(Net::sources), "the estimates");
  }
  static void grow(device_buffer<float>& a, std::size_t n, const char* what) {
    if (a.size() >= n) return;
    a = device_buffer<float>();
    a = device_buffer<float>(n, what);
  }

  engine<Net, cuda_backend> host_;
  arena memory_;
  device_buffer<float> values_, state_, mixtures_, estimates_;
  bool ready_ = false;
};

}  // namespace avss
