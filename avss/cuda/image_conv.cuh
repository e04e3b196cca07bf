// Convolutions of images and their way back on the device, as matrix products: as many images at a time as a bounded memory
// for their unfolded taps allows.
//   U [pixels of the result, in taps]: what a pixel is made of, in the order of a weight [out, in, size, size]
//   y = U W'; dW = dy' U; dx = fold(dy W), fold the adjoint of U
#pragma once

#include <algorithm>
#include <avss/cuda/passes.cuh>
#include <avss/cuda/product.cuh>
#include <avss/op/image.hpp>
#include <avss/op/image_back.hpp>
#include <avss/reference/image.hpp>

namespace avss {
namespace cuda_kernel {

// Where the unfolded taps of some images lie.
struct unfolded_images {
  op::image_size n, out;
  op::image_kernel k;
  float* taps;  // [pixels of the result, columns]
  AVSS_DEVICE dim_t columns() const { return n.channels * k.size * k.size; }
};

// i: of the unfolded taps.
struct unfold_images_body {
  unfolded_images u;
  const float* x;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I columns = static_cast<I>(u.columns()), size = static_cast<I>(u.k.size), taps = size * size;
    const I width = static_cast<I>(u.out.width), height = static_cast<I>(u.out.height);
    const I column = i % columns, pixel = i / columns, row = pixel / width, tap = column % taps;
    const dim_t from_h = row % height * u.k.stride + tap / size - u.k.pad,
                from_w = pixel % width * u.k.stride + tap % size - u.k.pad;
    const bool inside = from_h >= 0 && from_h < u.n.height && from_w >= 0 && from_w < u.n.width;
    const dim_t at = (row / height * u.n.height + from_h) * u.n.width + from_w;
    u.taps[i] = inside ? x[at * u.n.channels + column / taps] : 0.f;
  }
};

// dx[i] = the sum over the taps that saw it.
struct fold_images_body {
  unfolded_images u;
  float* dx;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I channels = static_cast<I>(u.n.channels), width = static_cast<I>(u.n.width), height = static_cast<I>(u.n.height);
    const I size = static_cast<I>(u.k.size), pad = static_cast<I>(u.k.pad), stride = static_cast<I>(u.k.stride);
    const I c = i % channels, pixel = i / channels, w = pixel % width, row = pixel / width, h = row % height;
    const dim_t image = row / height, columns = u.columns();
    float sum = 0;
    for (I kh = 0; kh < size; ++kh) {
      const I down = h + pad - kh;
      if (down < 0 || down % stride != 0 || down / stride >= u.out.height) continue;
      for (I kw = 0; kw < size; ++kw) {
        const I right = w + pad - kw;
        if (right < 0 || right % stride != 0 || right / stride >= u.out.width) continue;
        const dim_t to = (image * u.out.height + down / stride) * u.out.width + right / stride;
        sum += u.taps[to * columns + (c * size + kh) * size + kw];
      }
    }
    dx[i] = sum;
  }
};

// y = bend(y + offset), i: of y [pixels, out].
struct image_bend_body {
  dim_t out;
  const float* offset;  // or null
  const float* slope;   // or null
  image_curve form;
  float* y;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I c = i % static_cast<I>(out);
    y[i] = ref::curved(form, y[i] + (offset ? offset[c] : 0.f), slope ? slope[c] : 0.f);
  }
};

struct gained_weights_body {
  dim_t each;                  // values of an output channel
  const float *weight, *gain;  // gain: or null
  float* packed;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    packed[i] = gain ? weight[i] * gain[i / static_cast<I>(each)] : weight[i];
  }
};

// Images that are unfolded together: floats of their taps.
inline constexpr dim_t most_unfolded = dim_t{8} << 20;

class unfolding {
 public:
  // n.images: of all.
  unfolding(carver& m, const op::image_size& n, const op::image_kernel& k) : n_(n), k_(k) {
    const dim_t each = std::max<dim_t>(1, k.over(n).plane() * columns());
    group_ = std::clamp<dim_t>(most_unfolded / each, 1, std::max<dim_t>(1, n.images));
    taps_ = m.take<float>(group_ * each);
    workspace_ = m.take<std::byte>(cuda_backend::product_workspace);
  }
  dim_t columns() const { return n_.channels * k_.taps(); }
  // body(first image, unfolded_images) for each group.
  template <class Body>
  void groups(Body&& body) const {
    for (dim_t first = 0; first < n_.images; first += group_) {
      op::image_size some = n_;
      some.images = std::min(group_, n_.images - first);
      body(first, unfolded_images{some, k_.over(some), k_, taps_});
    }
  }
  void unfold(const cuda_backend& backend, const unfolded_images& u, const float* x) const {
    pass_values(backend, "taps of images", 0, u.out.images * u.out.plane() * columns(), unfold_images_body{u, x});
  }
  matrix taps() const { return {taps_, columns()}; }
  void* workspace() const { return workspace_; }

 private:
  op::image_size n_;
  op::image_kernel k_;
  dim_t group_;
  float* taps_;
  void* workspace_;
};

inline unfolding unfolding_of(carver& m, const op::image_conv<float>& o) {
  op::image_size n = o.plan.n;
  n.images = o.images;
  return {m, n, o.plan.kernel};
}

}  // namespace cuda_kernel

inline dim_t packed_values(const cuda_backend&, const op::image_conv_plan& p) {
  return p.kernel.out * p.n.channels * p.kernel.taps();
}

inline void execute(cuda_backend& backend, const op::pack_image_conv<float>& o, void*) {
  const dim_t each = o.plan.n.channels * o.plan.kernel.taps();
  cuda_kernel::pass_values(backend, "weights of images", 0, o.plan.kernel.out * each,
                           cuda_kernel::gained_weights_body{each, o.weight, o.gain, o.packed});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::image_conv<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::unfolding_of(m, o); });
}

inline void execute(cuda_backend& backend, const op::image_conv<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const unfolding f = unfolding_of(memory, o);
  const dim_t out = o.plan.kernel.out, columns = f.columns();
  f.groups([&](dim_t first, const unfolded_images& u) {
    const dim_t pixels = u.out.images * u.out.plane();
    float* const y = o.y + first * u.out.each();
    f.unfold(backend, u, o.x + first * u.n.each());
    multiply(backend, {pixels, out, columns, 1, f.taps(), {o.packed, columns, 0, true}, y, 0, o.plan.add ? 1.f : 0.f},
             f.workspace());
    if (o.plan.offset || o.plan.form != image_curve::identity)
      pass_values(backend, "offset and curve of images", 0, pixels * out,
                  image_bend_body{out, o.plan.offset ? o.offset : nullptr, o.slope, o.plan.form, y});
  });
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::image_conv_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::unfolding(m, o.n, o.kernel); });
}

inline void execute(cuda_backend& backend, const op::image_conv_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const unfolding f(memory, o.n, o.kernel);
  const dim_t out = o.kernel.out, columns = f.columns();
  f.groups([&](dim_t first, const unfolded_images& u) {
    const dim_t pixels = u.out.images * u.out.plane();
    const float* const dy = o.dy + first * u.out.each();
    f.unfold(backend, u, o.x + first * u.n.each());
    multiply(backend, {out, columns, pixels, 1, {dy, out, 0, true}, f.taps(), o.dweight, 0, 1.f}, f.workspace());
    if (!o.dx) return;
    multiply(backend, {pixels, columns, out, 1, {dy, out}, {o.weight, columns}, u.taps, 0}, f.workspace());
    pass_values(backend, "sums of taps of images", 0, u.n.size(), fold_images_body{u, o.dx + first * u.n.each()});
  });
}

}  // namespace avss
