// Convolutions of images. See op/image.hpp for the formulas.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/cpu/dnnl_conv.hpp>
#include <avss/cpu/image_curve.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/cpu/winograd_images.hpp>
#include <avss/op/image.hpp>

namespace avss {

namespace cpu_kernel {

// A scratchpad for each thread, in whole cache lines.
inline std::size_t conv_scratch_each(const dnnl_conv& conv) { return (conv.scratch_bytes() + 63) / 64 * 64; }

inline void run_dnnl(cpu& backend, const op::image_conv<float>& o, void* scratch) {
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

// How many images go through a Winograd convolution together. Where the weights fit the second-level cache or nearly so, few
// do, whose values at the points fit there, too: a thread takes such a group from beginning to end. Large weights are read
// once for many images, and threads share each step.
struct winograd_share {
  explicit winograd_share(const winograd_layout& l, dim_t all) {
    constexpr dim_t cache = dim_t{1} << 18, most = 32;  // floats; images
    steps = l.packed() > 4 * cache;
    images = std::min(all, steps ? most : std::clamp<dim_t>(cache / winograd_group::values(l, 1), 1, most));
    each = (winograd_group::values(l, images) + simd::lanes - 1) / simd::lanes * simd::lanes;
  }
  bool steps;    // shared by the threads; otherwise they share groups
  dim_t images;  // of a group
  dim_t each;    // floats for one
};

inline void run_winograd(cpu& backend, const op::image_conv<float>& o, float* scratch) {
  const winograd_layout layout(o.plan);
  const winograd_share share(layout, o.images);
  const auto group = [&](dim_t first, float* memory) {
    return winograd_group(layout, o, first, std::min(share.images, o.images - first), memory);
  };
  if (!share.steps)
    return for_pieces(backend, (o.images + share.images - 1) / share.images, [&](dim_t i, int worker) {
      const winograd_group g = group(i * share.images, scratch + worker * share.each);
      for (dim_t j = 0; j < g.images(); ++j) g.enter(j);
      for (dim_t j = 0; j < g.products(); ++j) g.multiply(j);
      for (dim_t j = 0; j < g.images(); ++j) g.leave(j);
    });
  for (dim_t first = 0; first < o.images; first += share.images) {
    const winograd_group g = group(first, scratch);
    for_pieces(backend, g.images(), [&](dim_t j, int) { g.enter(j); });
    for_pieces(backend, g.products(), [&](dim_t j, int) { g.multiply(j); });
    for_pieces(backend, g.images(), [&](dim_t j, int) { g.leave(j); });
  }
}

}  // namespace cpu_kernel

inline dim_t packed_values(const cpu&, const op::image_conv_plan& p) {
  using namespace cpu_kernel;
  if (winograd_layout::pays(p)) return winograd_layout(p).packed();
  return static_cast<dim_t>((dnnl_conv(p).packed_bytes() + sizeof(float) - 1) / sizeof(float));
}

inline std::size_t scratch_bytes(const cpu&, const op::pack_image_conv<float>& o) {
  if (cpu_kernel::winograd_layout::pays(o.plan)) return 0;
  return static_cast<std::size_t>(o.plan.kernel.out * o.plan.n.channels * o.plan.kernel.taps()) * sizeof(float);
}

inline void execute(cpu& backend, const op::pack_image_conv<float>& o, void* scratch) {
  using namespace cpu_kernel;
  if (winograd_layout::pays(o.plan)) {
    const winograd_layout l(o.plan);
    return for_pieces(backend, l.panels(), [&](dim_t p, int) { pack_winograd_panel(l, p, o.weight, o.gain, o.packed); });
  }
  const serial_gemm one_thread;
  if (!o.gain) return dnnl_conv(o.plan).pack(o.weight, o.packed);
  const dim_t out = o.plan.kernel.out, each = o.plan.n.channels * o.plan.kernel.taps();
  float* const scaled = static_cast<float*>(scratch);
  for (dim_t c = 0; c < out; ++c)
    for (dim_t i = 0; i < each; ++i) scaled[c * each + i] = o.weight[c * each + i] * o.gain[c];
  dnnl_conv(o.plan).pack(scaled, o.packed);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::image_conv<float>& o) {
  using namespace cpu_kernel;
  if (winograd_layout::pays(o.plan)) {
    const winograd_share share(winograd_layout(o.plan), o.images);
    return static_cast<std::size_t>((share.steps ? 1 : backend.threads) * share.each) * sizeof(float);
  }
  return static_cast<std::size_t>(backend.threads) * conv_scratch_each(dnnl_conv(o.plan));
}

inline void execute(cpu& backend, const op::image_conv<float>& o, void* scratch) {
  if (cpu_kernel::winograd_layout::pays(o.plan)) return cpu_kernel::run_winograd(backend, o, static_cast<float*>(scratch));
  cpu_kernel::run_dnnl(backend, o, scratch);
}

}  // namespace avss
