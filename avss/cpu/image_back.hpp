// The way back through images and their convolutions. See op/image_back.hpp for the formulas.
#pragma once

#include <algorithm>
#include <avss/cpu/backend.hpp>
#include <avss/cpu/dnnl_conv_back.hpp>
#include <avss/cpu/image.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/image_back.hpp>
#include <span>

namespace avss {
namespace cpu_kernel {

// d curved / dx at x.
template <class V>
[[gnu::always_inline]] inline V curve_slope(image_curve form, V x, V slope) {
  const V one = V{} + 1.f;
  switch (form) {
    case image_curve::identity: break;
    case image_curve::relu: return x > 0.f ? one : V{};
    case image_curve::prelu: return x > 0.f ? one : slope;
    case image_curve::swish: {
      const V s = simd::sigmoid(x);
      return s * (one + x * (one - s));
    }
  }
  return one;
}

struct conv_back_scratch {
  conv_back_scratch(carver& m, const cpu& backend, const op::image_conv_bwd<float>& o)
      : groups(std::clamp<dim_t>(o.n.images / 4, 1, 8)),
        weights_back(o.n, o.kernel, first(1, o.n.images)),
        last_back(o.n, o.kernel, o.n.images - first(groups - 1, o.n.images)),
        data_back(o.n, o.kernel),
        values((weights_back.packed_bytes() + 63) / 64 * 16),
        each((std::max({weights_back.scratch_bytes(), last_back.scratch_bytes(), data_back.scratch_bytes()}) + 63) / 64 * 64),
        packed(m.take<float>(static_cast<dim_t>((data_back.packed_bytes() + 3) / 4))),
        dpacked(m.take<float>(groups * static_cast<dim_t>(values))),
        scratch(m.take<std::byte>(backend.threads * static_cast<dim_t>(each))) {}

  // The first image of a group, by the number of images alone: all groups have as many, but for the last, which has the rest.
  dim_t first(dim_t group, dim_t images) const { return group * (images / groups); }

  dim_t groups;
  dnnl_conv_weights_back weights_back, last_back;
  dnnl_conv_data_back data_back;
  std::size_t values, each;  // floats of a group's gradient; bytes of a worker's scratch memory
  float *packed, *dpacked;
  std::byte* scratch;
};

// The bent and its parts, for one vector of channels.
template <class V>
struct norm_back_channel {
  [[gnu::always_inline]] norm_back_channel(const op::image_norm_bwd<float>& o, dim_t c)
      : mean(simd::load<V>(o.mean + c)),
        rstd(simd::load<V>(o.rstd + c)),
        gamma(simd::load<V>(o.gamma + c)),
        beta(simd::load<V>(o.beta + c)),
        slope(value_or_zero<V>(o.bend.slope, c)) {}
  [[gnu::always_inline]] V normed(const float* x) const { return (simd::load<V>(x) - mean) * rstd; }
  V mean, rstd, gamma, beta, slope;
};

// Bends the gradient of one image back, in place, and sums it: sums [3, C], of d, of d times the normalised, of the slope's.
inline void bend_image_back(const op::image_norm_bwd<float>& o, dim_t image, double* sums) {
  const dim_t C = o.n.channels, plane = o.n.plane(), base = image * o.n.each();
  simd::for_each(C, [&](auto v, dim_t c) {
    using V = decltype(v);
    constexpr dim_t lanes = sizeof(V) / sizeof(float), run = 64;  // sums of short runs in float, of these in double
    const norm_back_channel<V> of(o, c);
    for (dim_t l = 0; l < lanes; ++l) sums[c + l] = sums[C + c + l] = sums[2 * C + c + l] = 0;
    for (dim_t start = 0; start < plane; start += run) {
      V plain{}, weighted{}, slopes{};
      for (dim_t p = start; p < std::min(plane, start + run); ++p) {
        const dim_t at = base + p * C + c;
        const V h = of.normed(o.x + at);
        V bent = of.gamma * h + of.beta;
        if (o.plus) bent += simd::load<V>(o.plus + at);
        V d = simd::load<V>(o.d + at);
        if (o.bend.form == image_curve::prelu) slopes += bent > 0.f ? V{} : d * bent;
        d *= curve_slope(o.bend.form, bent, of.slope);
        simd::store(o.d + at, d);
        plain += d;
        weighted += d * h;
      }
      float parts[3][lanes];
      simd::store(parts[0], plain), simd::store(parts[1], weighted), simd::store(parts[2], slopes);
      for (dim_t k = 0; k < 3; ++k)
        for (dim_t l = 0; l < lanes; ++l) sums[k * C + c + l] += static_cast<double>(parts[k][l]);
    }
  });
}

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::unstack_frames<float>& o, void*) {
  const dim_t plane = o.height * o.width;
  const op::stack_frames<float> there{o.clip, o.height, o.width, o.taps, 0, o.frames, nullptr, nullptr};
  // Frame i was seen by frame i + k as its tap's neighbour -k: neighbours are mutual.
  for_pieces(backend, o.frames, [&](dim_t i, int) {
    float* const dx = o.dx + i * plane;
    std::fill(dx, dx + plane, 0.f);
    for (dim_t k = 0; k < o.taps; ++k) {
      const dim_t by = there.neighbour(i, o.taps - 1 - k);
      for (dim_t p = 0; by >= 0 && p < plane; ++p) dx[p] += o.dy[(by * plane + p) * o.taps + k];
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::image_conv_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::conv_back_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::image_conv_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const conv_back_scratch s(memory, backend, o);
  const dim_t size = o.kernel.over(o.n).each(), images = o.n.images;
  const auto own = [&](int worker) { return s.scratch + static_cast<std::size_t>(worker) * s.each; };
  for_pieces(backend, s.groups, [&](dim_t g, int worker) {
    const dim_t first = s.first(g, images);
    const dnnl_conv_weights_back& back = g + 1 == s.groups ? s.last_back : s.weights_back;
    back.run(o.x + first * o.n.each(), o.dy + first * size, s.dpacked + static_cast<std::size_t>(g) * s.values, own(worker));
  });
  const dim_t values = static_cast<dim_t>(s.weights_back.packed_bytes() / sizeof(float));
  constexpr dim_t block = 4096;
  for_pieces(backend, (values + block - 1) / block, [&](dim_t i, int) {
    const dim_t first = i * block, n = std::min(block, values - first);
    for (dim_t g = 1; g < s.groups; ++g)
      for (dim_t j = first; j < first + n; ++j) s.dpacked[j] += s.dpacked[g * static_cast<dim_t>(s.values) + j];
  });
  const serial_gemm one_thread;
  s.weights_back.add_to(s.dpacked, o.dweight);
  if (!o.dx) return;
  s.data_back.pack(o.weight, s.packed);
  for_pieces(backend, images,
             [&](dim_t i, int worker) { s.data_back.run(o.dy + i * size, s.packed, o.dx + i * o.n.each(), own(worker)); });
}

inline std::size_t scratch_bytes(const cpu&, const op::image_norm_bwd<float>& o) {
  return static_cast<std::size_t>(3 * (o.n.images + 1) * o.n.channels) * sizeof(double);
}

inline void execute(cpu& backend, const op::image_norm_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t C = o.n.channels, N = o.n.images;
  double *const all = static_cast<double*>(scratch), *const parts = all + 3 * C;
  for_pieces(backend, N, [&](dim_t i, int) { bend_image_back(o, i, parts + i * 3 * C); });
  std::fill(all, all + 3 * C, 0.);
  for (dim_t i = 0; i < N; ++i)
    for (dim_t j = 0; j < 3 * C; ++j) all[j] += parts[i * 3 * C + j];
  for (dim_t c = 0; c < C; ++c) {
    o.dbeta[c] += static_cast<float>(all[c]);
    o.dgamma[c] += static_cast<float>(all[C + c]);
    if (o.bend.form == image_curve::prelu) o.dslope[c] += static_cast<float>(all[2 * C + c]);
  }
  if (backend.group && !o.fixed) backend.group->sum(std::span<double>(all, static_cast<std::size_t>(2 * C)));
  // From here on the two means, as floats.
  float* const means = reinterpret_cast<float*>(parts);
  const double share = o.fixed ? 0 : 1 / static_cast<double>(N * o.n.plane() * backend.workers());
  for (dim_t j = 0; j < 2 * C; ++j) means[j] = static_cast<float>(all[j] * share);
  for_pieces(backend, N, [&](dim_t i, int) {
    simd::for_each(C, [&](auto v, dim_t c) {
      using V = decltype(v);
      const norm_back_channel<V> of(o, c);
      const V gain = of.gamma * of.rstd, mean1 = simd::load<V>(means + c), mean2 = simd::load<V>(means + C + c);
      for (dim_t p = 0, at = i * o.n.each() + c; p < o.n.plane(); ++p, at += C)
        simd::store(o.dx + at, gain * (simd::load<V>(o.d + at) - (mean1 + of.normed(o.x + at) * mean2)));
    });
  });
}

inline void execute(cpu& backend, const op::image_max_bwd<float>& o, void*) {
  const dim_t C = o.n.channels;
  const op::image_size out = op::image_max<float>::kernel(C).over(o.n);
  for_pieces(backend, o.n.images, [&](dim_t i, int) {
    const float *const x = o.x + i * o.n.each(), *const dy = o.dy + i * out.each();
    float* const dx = o.dx + i * o.n.each();
    std::fill(dx, dx + o.n.each(), 0.f);
    for (dim_t h = 0; h < out.height; ++h)
      for (dim_t w = 0; w < out.width; ++w) {
        const dim_t h0 = std::max<dim_t>(0, 2 * h - 1), h1 = std::min(o.n.height, 2 * h + 2);
        const dim_t w0 = std::max<dim_t>(0, 2 * w - 1), w1 = std::min(o.n.width, 2 * w + 2);
        const auto each = [&](auto&& body) {  // body(offset, its number in the window)
          float k = 0;
          for (dim_t a = h0; a < h1; ++a)
            for (dim_t b = w0; b < w1; ++b) body((a * o.n.width + b) * C, k++);
        };
        simd::for_each(C, [&](auto v, dim_t c) {
          using V = decltype(v);
          V top = simd::load<V>(x + (h0 * o.n.width + w0) * C + c), from{};
          each([&](dim_t at, float k) {
            const V one = simd::load<V>(x + at + c);
            from = one > top ? V{} + k : from;
            top = one > top ? one : top;
          });
          const V d = simd::load<V>(dy + (h * out.width + w) * C + c);
          each([&](dim_t at, float k) { simd::store(dx + at + c, simd::load<V>(dx + at + c) + (from == k ? d : V{})); });
        });
      }
  });
}

inline void execute(cpu& backend, const op::image_mean_bwd<float>& o, void*) {
  const dim_t C = o.n.channels, plane = o.n.plane();
  const float share = 1.f / static_cast<float>(plane);
  for_pieces(backend, o.n.images, [&](dim_t i, int) {
    float* const dx = o.dx + i * o.n.each();
    for (dim_t c = 0; c < C; ++c) dx[c] = o.dy[c * o.pitch + i] * share;
    for (dim_t p = 1; p < plane; ++p) std::copy(dx, dx + C, dx + p * C);
  });
}

}  // namespace avss
