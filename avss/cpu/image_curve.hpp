// The curves of images, sixteen channels or one at a time.
#pragma once

#include <avss/cpu/simd.hpp>
#include <avss/op/image.hpp>

namespace avss::cpu_kernel {

template <class V>
[[gnu::always_inline]] inline V curved(image_curve form, V x, V slope) {
  switch (form) {
    case image_curve::identity: break;
    case image_curve::relu: return x < 0.f ? V{} : x;  // a NaN stays one
    case image_curve::prelu: return x > 0.f ? x : x * slope;
    case image_curve::swish: return x * simd::sigmoid(x);
  }
  return x;
}

template <class V>
[[gnu::always_inline]] inline V value_or_zero(const float* p, dim_t c) {
  return p ? simd::load<V>(p + c) : V{};
}

}  // namespace avss::cpu_kernel
