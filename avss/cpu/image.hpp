// Images and their convolutions. See op/image.hpp for the formulas.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/cpu/image_conv.hpp>
#include <avss/cpu/image_curve.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/image.hpp>
#include <cmath>
#include <span>
#include <vector>

namespace avss {
namespace cpu_kernel {

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

inline std::size_t scratch_bytes(const cpu&, const op::image_moments<float>& o) {
  return static_cast<std::size_t>(2 * (o.n.images + 1) * o.n.channels) * sizeof(double);
}

inline void execute(cpu& backend, const op::image_moments<float>& o, void* scratch) {
  const dim_t C = o.n.channels, N = o.n.images;
  double *const all = static_cast<double*>(scratch), *const spread = all + C, *const mean = spread + C,
                *const square = mean + N * C;
  for_pieces(backend, N, [&](dim_t i, int) {
    cpu_kernel::plane_moments(o.n.plane(), C, o.x + i * o.n.each(), mean + i * C, square + i * C);
  });
  // Of the images of all workers, of which each has as many.
  const double images = static_cast<double>(N * backend.workers());
  const auto sum = [&](double* to, auto&& of) {
    for (dim_t c = 0; c < C; ++c) {
      to[c] = 0;
      for (dim_t i = 0; i < N; ++i) to[c] += of(c, i * C + c);
    }
    if (backend.group) backend.group->sum(std::span<double>(to, static_cast<std::size_t>(C)));
  };
  sum(all, [&](dim_t, dim_t at) { return mean[at] / images; });
  sum(spread, [&](dim_t c, dim_t at) {
    const double d = mean[at] - all[c];
    return square[at] / static_cast<double>(o.n.plane()) + d * d;
  });
  for (dim_t c = 0; c < C; ++c) {
    o.mean[c] = static_cast<float>(all[c]);
    o.rstd[c] = static_cast<float>(1 / std::sqrt(spread[c] / images + o.eps));
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
