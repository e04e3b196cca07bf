// The gateway of a block, the complex mask and the weights of several heads, on the device. Where several items share one, the
// gradients of what they share are summed by whoever owns it, item after item.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/cuda/softmax.cuh>
#include <avss/op/fusion.hpp>

namespace avss {
namespace cuda_kernel {

// The place of a value in an array with one item for `share` of the others.
AVSS_DEVICE inline dim_t shared_place(const op::map_size& n, dim_t share, const place& at) {
  return (at.b / share * n.channels + at.c) * n.plane() + at.t;
}

template <class Gateway>
AVSS_DEVICE inline float gateway_input(const Gateway& o, const place& at) {
  return o.plus ? o.x[at.i] + o.plus[shared_place(o.n, o.share, at)] : o.x[at.i];
}

struct gateway_body {
  static constexpr int sums = 0;
  op::gateway_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const float v = o.weight[at.c] * gateway_input(o, at) + o.bias[at.c];
    o.y[at.i] = v > 0 ? v : *o.slope * v;
  }
};

// Sums: dweight, dbias, dslope.
struct gateway_back_body {
  static constexpr int sums = 3;
  op::gateway_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[3]) const {
    const float x = gateway_input(o, at), v = o.weight[at.c] * x + o.bias[at.c], d = o.d[at.i];
    if (!(v > 0)) sum[2] += static_cast<double>(d) * v;
    const float dv = v > 0 ? d : *o.slope * d;
    sum[0] += static_cast<double>(dv) * x;
    sum[1] += dv;
    o.d[at.i] = dv * o.weight[at.c];
  }
};

// place: of dplus.
struct gateway_plus_body {
  static constexpr int sums = 0;
  op::gateway_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    float sum = o.accumulate ? o.dplus[at.i] : 0.f;
    for (dim_t k = 0; k < o.share; ++k) sum += o.d[((at.b * o.share + k) * o.n.channels + at.c) * o.n.plane() + at.t];
    o.dplus[at.i] = sum;
  }
};

// place: of a real part, its imaginary one `half` behind.
struct complex_mask_body {
  static constexpr int sums = 0;
  op::complex_mask_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t half = o.channels / 2 * o.plane, re = at.b * 2 * half + at.t, im = re + half;
    const dim_t e = at.b / o.share * 2 * half + at.t;
    const float m_re = o.mask[re] < 0 ? 0.f : o.mask[re], m_im = o.mask[im] < 0 ? 0.f : o.mask[im];
    const float e_re = o.e[e], e_im = o.e[e + half];
    o.z[re] = e_re * m_re - e_im * m_im;
    o.z[im] = e_re * m_im + e_im * m_re;
  }
};

// place: of a real part of e.
struct complex_mask_back_body {
  static constexpr int sums = 0;
  op::complex_mask_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t half = o.channels / 2 * o.plane, e = at.b * 2 * half + at.t;
    const float e_re = o.e[e], e_im = o.e[e + half];
    float de_re = 0, de_im = 0;
    for (dim_t b = at.b * o.share; b < (at.b + 1) * o.share; ++b) {
      const dim_t re = b * 2 * half + at.t, im = re + half;
      const float v_re = o.mask[re], v_im = o.mask[im], d_re = o.dz[re], d_im = o.dz[im];
      const float m_re = v_re < 0 ? 0.f : v_re, m_im = v_im < 0 ? 0.f : v_im;
      de_re += d_re * m_re + d_im * m_im;
      de_im += d_im * m_re - d_re * m_im;
      o.dmask[re] = v_re > 0 ? d_re * e_re + d_im * e_im : 0.f;
      o.dmask[im] = v_im > 0 ? d_im * e_re - d_re * e_im : 0.f;
    }
    o.de[e] = de_re;
    o.de[e + half] = de_im;
  }
};

struct head_mean_body {
  static constexpr int sums = 0;
  op::head_softmax_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    float sum = 0;
    for (dim_t h = 0; h < o.heads; ++h) sum += o.x[(at.c * o.heads + h) * o.frames + at.t];
    o.y[at.i] = sum / static_cast<float>(o.heads);
  }
};

// dx of every head from d [rows, frames], and before that d := dy.
struct head_back_body {
  static constexpr int sums = 0;
  op::head_softmax_bwd<float> o;
  const float* d;
  AVSS_DEVICE void operator()(const place& at, double*) const { o.dx[at.i] = d[at.c / o.heads * o.frames + at.t]; }
};
struct head_gradient_body {
  static constexpr int sums = 0;
  const float* dy;
  float* d;
  AVSS_DEVICE void operator()(const place& at, double*) const { d[at.i] = dy[at.i]; }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::gateway_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "gateway", o.n.batch, o.n.channels, o.n.plane(), cuda_kernel::gateway_body{o});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::gateway_bwd<float>& o) {
  return layout_bytes([&](carver& m) { m.take<double>(o.n.batch * o.n.channels * cuda_kernel::row_pieces(o.n.plane()) * 3); });
}

inline void execute(cuda_backend& backend, const op::gateway_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  double* const partial = static_cast<double*>(scratch);
  pass_rows(backend, "back through a gateway", o.n.batch, o.n.channels, o.n.plane(), gateway_back_body{o}, partial,
            endings_of(ending{rows_of::channel, add_sums<3>{partial, {o.dweight, o.dbias, nullptr}}},
                       add_total(partial, 3, 2, o.dslope)));
  if (o.dplus)
    pass_rows(backend, "gradient of what a gateway adds", o.n.batch / o.share, o.n.channels, o.n.plane(), gateway_plus_body{o});
}

inline void execute(cuda_backend& backend, const op::complex_mask_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "complex mask", o.batch, 1, o.channels / 2 * o.plane, cuda_kernel::complex_mask_body{o});
}

inline void execute(cuda_backend& backend, const op::complex_mask_bwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "back through a complex mask", o.batch / o.share, 1, o.channels / 2 * o.plane,
                         cuda_kernel::complex_mask_back_body{o});
}

inline void execute(cuda_backend& backend, const op::head_softmax_fwd<float>& o, void*) {
  using namespace cuda_kernel;
  const dim_t rows = o.batch * o.channels;
  pass_rows(backend, "means of heads", 1, rows, o.frames, head_mean_body{o});
  over_softmax_rows(backend, "softmax of heads", softmax_rows{rows, o.frames, 1.f, o.y});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::head_softmax_bwd<float>& o) {
  return layout_bytes([&](carver& m) { m.take<float>(o.batch * o.channels * o.frames); });
}

inline void execute(cuda_backend& backend, const op::head_softmax_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  const dim_t rows = o.batch * o.channels;
  float* const d = static_cast<float*>(scratch);
  pass_rows(backend, "gradient of heads", 1, rows, o.frames, head_gradient_body{o.dy, d});
  over_softmax_rows(backend, "back through the softmax of heads",
                    softmax_rows_back{rows, o.frames, 1 / static_cast<float>(o.heads), o.y, d});
  pass_rows(backend, "back through the means of heads", 1, rows * o.heads, o.frames, head_back_body{o, d});
}

}  // namespace avss
