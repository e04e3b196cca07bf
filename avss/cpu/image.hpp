// Images and their convolutions. See op/image.hpp for the formulas.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/cpu/dnnl_conv.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/image.hpp>
#include <cmath>
#include <vector>

namespace avss {
namespace cpu_kernel {

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

// Means and sums of squared distances from them, of one image's channels [2, C]: the second pass finds the image in the cache.
inline void plane_moments(dim_t plane, dim_t C, const float* x, double* mean, double* square) {
  simd::for_each(C, [&](auto v, dim_t c) {
    using V = decltype(v);
    constexpr dim_t lanes = sizeof(V) / sizeof(float), run = 64;  // sums of short runs in float, of these in double
    const auto total = [&](auto&& of, double* to) {
      for (dim_t l = 0; l < lanes; ++l) to[l] = 0;
      for (dim_t first = 0; first < plane; first += run) {
        V sum{};
        for (dim_t p = first; p < std::min(plane, first + run); ++p) sum += of(simd::load<V>(x + p * C + c));
        float parts[lanes];
        simd::store(parts, sum);
        for (dim_t l = 0; l < lanes; ++l) to[l] += parts[l];
      }
    };
    total([](V a) { return a; }, mean + c);
    float near[lanes];
    for (dim_t l = 0; l < lanes; ++l) near[l] = static_cast<float>(mean[c + l] /= static_cast<double>(plane));
    const V m = simd::load<V>(near);
    total([&](V a) { return (a - m) * (a - m); }, square + c);
  });
}

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::stack_frames<float>& o, void*) {
  const dim_t plane = o.height * o.width;
  for_pieces(backend, o.frames, [&](dim_t i, int) {
    float* const y = o.y + i * plane * o.taps;
    for (dim_t k = 0; k < o.taps; ++k) {
      const dim_t from = o.neighbour(i, k);
      const float* const x = from >= 0 ? o.x + from * plane : nullptr;
      for (dim_t p = 0; p < plane; ++p) y[p * o.taps + k] = x ? x[p] : 0.f;
    }
  });
}

inline dim_t packed_values(const cpu&, const op::image_conv_plan& p) {
  return static_cast<dim_t>((cpu_kernel::dnnl_conv(p).packed_bytes() + sizeof(float) - 1) / sizeof(float));
}

inline std::size_t scratch_bytes(const cpu&, const op::pack_image_conv<float>& o) {
  return static_cast<std::size_t>(o.plan.kernel.out * o.plan.n.channels * o.plan.kernel.taps()) * sizeof(float);
}

inline void execute(cpu&, const op::pack_image_conv<float>& o, void* scratch) {
  const serial_gemm one_thread;
  if (!o.gain) return cpu_kernel::dnnl_conv(o.plan).pack(o.weight, o.packed);
  const dim_t out = o.plan.kernel.out, each = o.plan.n.channels * o.plan.kernel.taps();
  float* const scaled = static_cast<float*>(scratch);
  for (dim_t c = 0; c < out; ++c)
    for (dim_t i = 0; i < each; ++i) scaled[c * each + i] = o.weight[c * each + i] * o.gain[c];
  cpu_kernel::dnnl_conv(o.plan).pack(scaled, o.packed);
}

namespace cpu_kernel {

// A scratchpad for each thread, in whole cache lines.
inline std::size_t conv_scratch_each(const dnnl_conv& conv) { return (conv.scratch_bytes() + 63) / 64 * 64; }

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::image_conv<float>& o) {
  return static_cast<std::size_t>(backend.threads) * cpu_kernel::conv_scratch_each(cpu_kernel::dnnl_conv(o.plan));
}

inline void execute(cpu& backend, const op::image_conv<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dnnl_conv conv(o.plan);
  const std::size_t each = conv_scratch_each(conv);
  const op::image_size& n = o.plan.n;
  const op::image_size out = o.plan.kernel.over(n);
  for_pieces(backend, o.images, [&](dim_t i, int worker) {
    float* const y = o.y + i * out.each();
    conv.run(o.x + i * n.each(), o.packed, o.offset, y,
             static_cast<std::byte*>(scratch) + static_cast<std::size_t>(worker) * each);
    if (o.plan.form != image_curve::prelu) return;
    for (dim_t p = 0; p < out.plane(); ++p)
      simd::for_each(out.channels, [&](auto v, dim_t c) {
        using V = decltype(v);
        simd::store(y + p * out.channels + c,
                    curved(image_curve::prelu, simd::load<V>(y + p * out.channels + c), simd::load<V>(o.slope + c)));
      });
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::image_moments<float>& o) {
  return static_cast<std::size_t>(2 * o.n.images * o.n.channels) * sizeof(double);
}

inline void execute(cpu& backend, const op::image_moments<float>& o, void* scratch) {
  const dim_t C = o.n.channels, N = o.n.images;
  double *const mean = static_cast<double*>(scratch), *const square = mean + N * C;
  for_pieces(backend, N, [&](dim_t i, int) {
    cpu_kernel::plane_moments(o.n.plane(), C, o.x + i * o.n.each(), mean + i * C, square + i * C);
  });
  for (dim_t c = 0; c < C; ++c) {
    double all = 0, spread = 0;
    for (dim_t i = 0; i < N; ++i) all += mean[i * C + c] / static_cast<double>(N);
    for (dim_t i = 0; i < N; ++i) {
      const double d = mean[i * C + c] - all;
      spread += square[i * C + c] / static_cast<double>(o.n.plane()) + d * d;
    }
    o.mean[c] = static_cast<float>(all);
    o.rstd[c] = static_cast<float>(1 / std::sqrt(spread / static_cast<double>(N) + o.eps));
  }
}

inline void execute(cpu& backend, const op::image_norm<float>& o, void*) {
  const dim_t C = o.n.channels;
  for_pieces(backend, o.n.images, [&](dim_t i, int) {
    for (dim_t p = i * o.n.plane(); p < (i + 1) * o.n.plane(); ++p)
      simd::for_each(C, [&](auto v, dim_t c) {
        using V = decltype(v);
        const auto each = [&](const float* from) { return simd::load<V>(from + c); };
        float* const y = o.y + p * C + c;
        V a = each(o.gamma) * ((simd::load<V>(o.x + p * C + c) - each(o.mean)) * each(o.rstd)) + each(o.beta);
        if (o.add) a += simd::load<V>(y);
        simd::store(y, cpu_kernel::curved(o.bend.form, a, cpu_kernel::value_or_zero<V>(o.bend.slope, c)));
      });
  });
}

inline void execute(cpu&, const op::fold_norm<float>& o, void*) {
  for (dim_t c = 0; c < o.channels; ++c) {
    const double gain = o.gamma[c] / std::sqrt(static_cast<double>(o.running_var[c]) + o.eps);
    o.gain[c] = static_cast<float>(gain);
    o.offset[c] = static_cast<float>(o.beta[c] - gain * o.running_mean[c]);
  }
}

inline void execute(cpu& backend, const op::image_max<float>& o, void*) {
  const dim_t C = o.n.channels;
  const op::image_size out = op::image_max<float>::kernel(C).over(o.n);
  for_pieces(backend, o.n.images, [&](dim_t i, int) {
    const float* const x = o.x + i * o.n.each();
    float* const y = o.y + i * out.each();
    for (dim_t h = 0; h < out.height; ++h)
      for (dim_t w = 0; w < out.width; ++w) {
        const dim_t h0 = std::max<dim_t>(0, 2 * h - 1), h1 = std::min(o.n.height, 2 * h + 2);
        const dim_t w0 = std::max<dim_t>(0, 2 * w - 1), w1 = std::min(o.n.width, 2 * w + 2);
        simd::for_each(C, [&](auto v, dim_t c) {
          using V = decltype(v);
          V top = simd::load<V>(x + (h0 * o.n.width + w0) * C + c);
          for (dim_t a = h0; a < h1; ++a)
            for (dim_t b = w0; b < w1; ++b) {
              const V one = simd::load<V>(x + (a * o.n.width + b) * C + c);
              top = one > top ? one : top;
            }
          simd::store(y + (h * out.width + w) * C + c, top);
        });
      }
  });
}

inline void execute(cpu& backend, const op::image_mean<float>& o, void*) {
  const dim_t C = o.n.channels, plane = o.n.plane();
  const float share = 1.f / static_cast<float>(plane);
  for_pieces(backend, o.n.images, [&](dim_t i, int) {
    const float* const x = o.x + i * o.n.each();
    for (dim_t c = 0; c < C; ++c) {
      float sum = 0;
      for (dim_t p = 0; p < plane; ++p) sum += x[p * C + c];
      o.y[c * o.pitch + i] = sum * share;
    }
  });
}

}  // namespace avss
