// What a map_norm does to values that stand side by side: the parts that kernels on maps are made of.
#pragma once

#include <avss/cpu/act_norm.hpp>
#include <avss/op/map_norm.hpp>

namespace avss::cpu_kernel {

using map_norm = op::map_norm<float>;

// x > 0 ? x : slope x, which is identity with slope 1 and ReLU with slope 0; or the sigmoid.
struct bent {
  explicit bent(const op::bend<float>& b)
      : sigmoid(b.form == curve::sigmoid),
        slope(b.form == curve::prelu  ? *b.slope
              : b.form == curve::relu ? 0.f
                                      : 1.f) {}

  template <class V>
  [[gnu::always_inline]] V operator()(V x) const {
    if (sigmoid) return simd::sigmoid(x);
    return x > 0.f ? x : x * slope;
  }
  // The derivative at x times d; adds to the slope's gradient.
  template <class V>
  [[gnu::always_inline]] V back(V x, V d, simd::row_sum& dslope) const {
    if (sigmoid) {
      const V y = simd::sigmoid(x);
      return d * y * (1.f - y);
    }
    const V below = x * d;
    dslope.add(x > 0.f ? V{} : below);
    return x > 0.f ? d : d * slope;
  }

  bool sigmoid;
  float slope;
};

// Rows of one channel, by what is the same for all values of a row. normed: (a - mean) rstd.
struct plain_row {
  template <class V>
  [[gnu::always_inline]] V normed(V a, dim_t) const {
    return a;
  }
  template <class V>
  [[gnu::always_inline]] V rstd_at(dim_t) const {
    return V{} + 1.f;
  }
  template <class V>
  [[gnu::always_inline]] V gain(dim_t) const {
    return V{} + 1.f;
  }
  template <class V>
  [[gnu::always_inline]] V offset(dim_t) const {
    return V{};
  }
};

struct plane_row {
  float mean, rstd, gamma, beta;
  template <class V>
  [[gnu::always_inline]] V normed(V a, dim_t) const {
    return (a - mean) * rstd;
  }
  template <class V>
  [[gnu::always_inline]] V rstd_at(dim_t) const {
    return V{} + rstd;
  }
  template <class V>
  [[gnu::always_inline]] V gain(dim_t) const {
    return V{} + gamma;
  }
  template <class V>
  [[gnu::always_inline]] V offset(dim_t) const {
    return V{} + beta;
  }
};

struct position_row {
  const float *mean, *rstd;
  float gamma, beta;
  template <class V>
  [[gnu::always_inline]] V normed(V a, dim_t t) const {
    return (a - simd::load<V>(mean + t)) * simd::load<V>(rstd + t);
  }
  template <class V>
  [[gnu::always_inline]] V rstd_at(dim_t t) const {
    return simd::load<V>(rstd + t);
  }
  template <class V>
  [[gnu::always_inline]] V gain(dim_t) const {
    return V{} + gamma;
  }
  template <class V>
  [[gnu::always_inline]] V offset(dim_t) const {
    return V{} + beta;
  }
};

struct frame_row {
  float mean, rstd;
  const float *gamma, *beta;
  template <class V>
  [[gnu::always_inline]] V normed(V a, dim_t) const {
    return (a - mean) * rstd;
  }
  template <class V>
  [[gnu::always_inline]] V rstd_at(dim_t) const {
    return V{} + rstd;
  }
  template <class V>
  [[gnu::always_inline]] V gain(dim_t t) const {
    return simd::load<V>(gamma + t);
  }
  template <class V>
  [[gnu::always_inline]] V offset(dim_t t) const {
    return simd::load<V>(beta + t);
  }
};

template <class V, class Row>
[[gnu::always_inline]] inline V put_out(const Row& row, V h, dim_t t) {
  return h * row.template gain<V>(t) + row.template offset<V>(t);
}

// body(row, first, size) for the values of frames [t0, t1) of a channel's plane, in stretches that one row covers.
template <class Body>
void for_rows(const map_norm& f, const op::map_size& n, dim_t b, dim_t c, dim_t t0, dim_t t1, Body&& body) {
  const dim_t first = t0 * n.bins, size = (t1 - t0) * n.bins;
  switch (f.over) {
    case norm_over::none: return body(plain_row{}, first, size);
    case norm_over::item: return body(plane_row{f.mean[b], f.rstd[b], f.gamma[c], f.beta[c]}, first, size);
    case norm_over::channel: return body(plane_row{f.mean[c], f.rstd[c], f.gamma[c], f.beta[c]}, first, size);
    case norm_over::position: {
      const dim_t at = b * n.plane() + first;
      return body(position_row{f.mean + at, f.rstd + at, f.gamma[c], f.beta[c]}, first, size);
    }
    case norm_over::frame:
      for (dim_t t = t0; t < t1; ++t) {
        const dim_t s = b * n.frames + t;
        body(frame_row{f.mean[s], f.rstd[s], f.gamma + c * n.bins, f.beta + c * n.bins}, t * n.bins, n.bins);
      }
  }
}

// y = f(x) (+ plus) for frames [t0, t1) of a plane; the pointers are to the first value of frame t0.
inline void apply_frames(const map_norm& f, const op::map_size& n, dim_t b, dim_t c, dim_t t0, dim_t t1, const float* x,
                         const float* plus, float* y) {
  const bent pre(f.pre), post(f.post);
  for_rows(f, n, b, c, t0, t1, [&](const auto& row, dim_t first, dim_t size) {
    const dim_t at = first - t0 * n.bins;
    simd::for_each(size, [&](auto v, dim_t t) {
      using V = decltype(v);
      V out = post(put_out<V>(row, row.normed(pre(simd::load<V>(x + at + t)), t), t));
      if (plus) out += simd::load<V>(plus + at + t);
      simd::store(y + at + t, out);
    });
  });
}

}  // namespace avss::cpu_kernel
