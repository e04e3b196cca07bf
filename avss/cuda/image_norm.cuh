// Normalisation of images by the statistics of their channels, with the curve behind it, and its way back, on the device.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/cuda/worker_sums.cuh>
#include <avss/op/image.hpp>
#include <avss/op/image_back.hpp>
#include <avss/reference/image_back.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// Pixels of which a block makes sums.
inline constexpr dim_t pixel_chunk = 512;
inline constexpr dim_t pixel_chunks(const op::image_size& n) { return blocks_for(n.images * n.plane(), pixel_chunk); }

// body(i, c, sums) for every value: partial [chunks, C, Body::sums]. A warp goes along 32 channels of one pixel.
template <class Body>
struct pixel_pass {
  static constexpr int threads = 256, sums = Body::sums;
  static constexpr bool cooperates = true;
  Body body;
  dim_t pixels, channels;
  double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    constexpr int warps = threads / 32;
    const dim_t tiles = blocks_for(channels, 32), chunk = t.block() / tiles, first = chunk * pixel_chunk;
    const int lane = t.index() % 32, warp = t.index() / 32;
    const dim_t c = t.block() % tiles * 32 + lane;
    double sum[sums] = {};
    if (c < channels)
      for (dim_t p = first + warp; p < first + pixel_chunk && p < pixels; p += warps) body(p * channels + c, c, sum);
    double* const shared = t.template shared<double>();
    for (int k = 0; k < sums; ++k) shared[k * threads + t.index()] = sum[k];
    t.sync();
    if (warp > 0 || c >= channels) return;
    for (int k = 0; k < sums; ++k) {
      for (int w = 1; w < warps; ++w) sum[k] += shared[k * threads + w * 32 + lane];
      partial[(chunk * channels + c) * sums + k] = sum[k];
    }
  }
};

// finish(c, sums) with the sums over all chunks.
template <int N, class Finish>
struct join_pixels {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  Finish finish;
  dim_t chunks, channels;
  const double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t c = t.block() * threads + t.index();
    if (c >= channels) return;
    double sum[N] = {};
    for (dim_t i = 0; i < chunks; ++i)
      for (int k = 0; k < N; ++k) sum[k] += partial[(i * channels + c) * N + k];
    finish(c, sum);
  }
};

// Sums over the pixels of each channel.
template <class Body>
class pixel_sums {
 public:
  pixel_sums(carver& m, const op::image_size& n) : partial_(m.take<double>(pixel_chunks(n) * n.channels * Body::sums)) {}
  template <class Finish>
  void run(const cuda_backend& backend, const char* name, const op::image_size& n, const Body& body,
           const Finish& finish) const {
    using pass = pixel_pass<Body>;
    using joined = join_pixels<Body::sums, Finish>;
    launch(backend, name, pass{body, n.images * n.plane(), n.channels, partial_}, pixel_chunks(n) * blocks_for(n.channels, 32),
           static_cast<std::size_t>(pass::threads * Body::sums) * sizeof(double));
    launch(backend, name, joined{finish, pixel_chunks(n), n.channels, partial_}, blocks_for(n.channels, joined::threads));
  }

 private:
  double* partial_;
};

struct image_square_body {
  static constexpr int sums = 2;
  const float* x;
  AVSS_DEVICE void operator()(dim_t i, dim_t, double (&sum)[2]) const {
    const double v = x[i];
    sum[0] += v;
    sum[1] += v * v;
  }
};

struct keep_image_sums {
  double* to;  // [C, 2]
  AVSS_DEVICE void operator()(dim_t c, const double (&sum)[2]) const {
    for (int k = 0; k < 2; ++k) to[c * 2 + k] = sum[k];
  }
};

struct finish_image_moments {
  double count, eps;
  float *mean, *rstd;
  AVSS_DEVICE void operator()(dim_t c, const double (&sum)[2]) const {
    const double m = sum[0] / count, variance = sum[1] / count - m * m;
    mean[c] = static_cast<float>(m);
    rstd[c] = static_cast<float>(1 / std::sqrt((variance > 0 ? variance : 0) + eps));
  }
};

// BatchNorm's statistics are of the images of all workers that share a batch.
struct image_moments_scratch {
  image_moments_scratch(const cuda_backend& backend, carver& m, const op::image_size& n)
      : sums(m, n), all(m.take<double>(backend.group ? n.channels * 2 : 0)) {}
  pixel_sums<image_square_body> sums;
  double* all;  // [C, 2]
};

struct image_norm_body {
  op::image_norm<float> o;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I c = i % static_cast<I>(o.n.channels);
    const float v = o.gamma[c] * (o.x[i] - o.mean[c]) * o.rstd[c] + o.beta[c] + (o.add ? o.y[i] : 0.f);
    o.y[i] = ref::curved(o.bend.form, v, o.bend.slope ? o.bend.slope[c] : 0.f);
  }
};

// d becomes the gradient before the curve. Sums: of it, of it times the normalised value, and the slope's gradient.
struct image_unbend_body {
  static constexpr int sums = 3;
  op::image_norm_bwd<float> o;
  AVSS_DEVICE void operator()(dim_t i, dim_t c, double (&sum)[3]) const {
    const float normed = (o.x[i] - o.mean[c]) * o.rstd[c];
    const float bent = o.gamma[c] * normed + o.beta[c] + (o.plus ? o.plus[i] : 0.f), d = o.d[i];
    if (o.bend.form == image_curve::prelu && !(bent > 0)) sum[2] += static_cast<double>(d) * bent;
    const float before = d * ref::curve_slope(o.bend.form, bent, o.bend.slope ? o.bend.slope[c] : 0.f);
    o.d[i] = before;
    sum[0] += before;
    sum[1] += static_cast<double>(before) * normed;
  }
};

struct finish_image_gradients {
  op::image_norm_bwd<float> o;
  double count;
  double* means;  // [C, 2]
  AVSS_DEVICE void operator()(dim_t c, const double (&sum)[3]) const {
    o.dbeta[c] += static_cast<float>(sum[0]);
    o.dgamma[c] += static_cast<float>(sum[1]);
    if (o.bend.form == image_curve::prelu) o.dslope[c] += static_cast<float>(sum[2]);
    for (int k = 0; k < 2; ++k) means[c * 2 + k] = o.fixed ? 0 : sum[k] / count;
  }
};

struct image_norm_back_body {
  op::image_norm_bwd<float> o;
  const double* means;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I c = i % static_cast<I>(o.n.channels);
    const float normed = (o.x[i] - o.mean[c]) * o.rstd[c];
    o.dx[i] = static_cast<float>(o.gamma[c] * o.rstd[c] * (o.d[i] - means[c * 2] - normed * means[c * 2 + 1]));
  }
};

struct image_norm_bwd_scratch {
  image_norm_bwd_scratch(carver& m, const op::image_size& n) : sums(m, n), means(m.take<double>(n.channels * 2)) {}
  pixel_sums<image_unbend_body> sums;
  double* means;
};

struct fold_norm_body {
  op::fold_norm<float> o;
  AVSS_DEVICE void operator()(dim_t c) const {
    const double gain = o.gamma[c] / std::sqrt(static_cast<double>(o.running_var[c]) + o.eps);
    o.gain[c] = static_cast<float>(gain);
    o.offset[c] = static_cast<float>(o.beta[c] - gain * o.running_mean[c]);
  }
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend& backend, const op::image_moments<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::image_moments_scratch(backend, m, o.n); });
}

inline void execute(cuda_backend& backend, const op::image_moments<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const image_moments_scratch s(backend, memory, o.n);
  const finish_image_moments finish{static_cast<double>(o.n.images * o.n.plane() * backend.workers()), o.eps, o.mean, o.rstd};
  const char* const name = "moments of images";
  if (!backend.group) return s.sums.run(backend, name, o.n, image_square_body{o.x}, finish);
  s.sums.run(backend, name, o.n, image_square_body{o.x}, keep_image_sums{s.all});
  sum_over_workers(backend, s.all, o.n.channels * 2);
  pass_values(backend, name, 0, o.n.channels, finish_kept<finish_image_moments>{finish, s.all});
}

inline void execute(cuda_backend& backend, const op::image_norm<float>& o, void*) {
  cuda_kernel::pass_values(backend, "norm of images", 0, o.n.size(), cuda_kernel::image_norm_body{o});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::image_norm_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::image_norm_bwd_scratch(m, o.n); });
}

inline void execute(cuda_backend& backend, const op::image_norm_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const image_norm_bwd_scratch s(memory, o.n);
  const bool shared = backend.group && !o.fixed;
  const double count = static_cast<double>(o.n.images * o.n.plane() * (shared ? backend.workers() : 1));
  s.sums.run(backend, "gradient sums of images", o.n, image_unbend_body{o}, finish_image_gradients{o, count, s.means});
  if (shared) sum_over_workers(backend, s.means, o.n.channels * 2);
  pass_values(backend, "back through the norm of images", 0, o.n.size(), image_norm_back_body{o, s.means});
}

inline void execute(cuda_backend& backend, const op::fold_norm<float>& o, void*) {
  cuda_kernel::pass_values(backend, "norm as gain and offset", 0, o.channels, cuda_kernel::fold_norm_body{o});
}

}  // namespace avss
