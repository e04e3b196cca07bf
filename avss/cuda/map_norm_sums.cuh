// Normalisation of maps on the device: f at one place, and the sums that its statistics and gradients are made of.
// See op/map_norm.hpp for the formulas. Rows are the planes of a map: place.t counts through frames and bins.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/map_norm.hpp>
#include <cmath>

namespace avss::cuda_kernel {

AVSS_DEVICE inline float bent(const op::bend<float>& b, float x) {
  switch (b.form) {
    case curve::identity: return x;
    case curve::relu: return x < 0 ? 0.f : x;
    case curve::prelu: return x > 0 ? x : *b.slope * x;
    case curve::sigmoid: return 1 / (1 + std::exp(-x));
  }
  return x;
}

// d bent / dx at x, times d; adds to the slope's gradient.
AVSS_DEVICE inline float unbent(const op::bend<float>& b, float x, float d, double& dslope) {
  switch (b.form) {
    case curve::identity: return d;
    case curve::relu: return x > 0 ? d : 0.f;
    case curve::prelu:
      if (x > 0) return d;
      dslope += static_cast<double>(d) * x;
      return d * *b.slope;
    case curve::sigmoid: {
      const float y = bent(b, x);
      return d * y * (1 - y);
    }
  }
  return d;
}

// f of one map.
struct normed_map {
  op::map_size n;
  op::map_norm<float> f;

  AVSS_DEVICE dim_t stat(const place& at) const {
    switch (f.over) {
      case norm_over::none: return 0;
      case norm_over::item: return at.b;
      case norm_over::position: return at.b * n.plane() + at.t;
      case norm_over::frame: return at.b * n.frames + at.t / n.bins;
      case norm_over::channel: return at.c;
    }
    return 0;
  }
  AVSS_DEVICE dim_t gain(const place& at) const { return f.over == norm_over::frame ? at.c * n.bins + at.t % n.bins : at.c; }
  AVSS_DEVICE float centred(const place& at, float x) const {
    const dim_t s = stat(at);
    return (bent(f.pre, x) - f.mean[s]) * f.rstd[s];
  }
  // Before what stands behind the normalisation.
  AVSS_DEVICE float normed(const place& at, float x) const {
    if (f.over == norm_over::none) return bent(f.pre, x);
    const dim_t g = gain(at);
    return f.gamma[g] * centred(at, x) + f.beta[g];
  }
  AVSS_DEVICE float operator()(const place& at, float x) const { return bent(f.post, normed(at, x)); }
  // dL/d normed from dL/df(x).
  AVSS_DEVICE float back(const place& at, float x, float dy, double& dpost) const {
    return f.post.form == curve::identity ? dy : unbent(f.post, normed(at, x), dy, dpost);
  }
};

// Sums of a = pre(x) and a^2.
struct map_moment_body {
  static constexpr int sums = 2;
  op::bend<float> pre;
  const float* x;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const double a = bent(pre, x[at.i]);
    sum[0] += a;
    sum[1] += a * a;
  }
};

// With h = (a - mean) rstd and dv what comes back through post: sums of dv, of dv h, and the slope's gradient of post;
// Weighted, gamma dv stands for dv.
template <bool Weighted, int N>
struct map_close_body {
  static constexpr int sums = N;
  normed_map f;
  const float* x;
  const float* dy;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[N]) const {
    double dpost = 0;
    double dv = f.back(at, x[at.i], dy[at.i], dpost);
    if (f.f.over != norm_over::none) {
      if (Weighted) dv *= f.f.gamma[f.gain(at)];
      sum[0] += dv;
      sum[1] += dv * f.centred(at, x[at.i]);
    }
    if constexpr (N > 2) sum[2] += dpost;
  }
};

// Over the C x F values of a frame: a block for each. partial [B, T, 2]
template <class Body>
struct frame_pass {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  Body body;
  op::map_size n;
  double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t b = t.block() / n.frames, frame = t.block() % n.frames;
    double sum[2] = {0, 0};
    for (dim_t i = t.index(); i < n.channels * n.bins; i += threads) {
      const dim_t c = i / n.bins, at = frame * n.bins + i % n.bins;
      body(place{b, c, at, (b * n.channels + c) * n.plane() + at}, sum);
    }
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0)
      for (int k = 0; k < 2; ++k) partial[t.block() * 2 + k] = sum[k];
  }
};

// Where the sums of every statistic's parts lie: `parts` of them, `step` apart in the array; a statistic's first at
// stat / inner * outer_step + stat % inner * 2.
struct stat_parts {
  dim_t stats, parts, step, inner, outer_step;
  const double* partial = nullptr;
  AVSS_DEVICE const double* part(dim_t stat, dim_t i) const {
    return partial + stat / inner * outer_step + stat % inner * 2 + i * step;
  }
};

// finish(stat, sums) for every statistic: a warp for each.
template <class Finish>
struct join_parts {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  stat_parts from;
  Finish finish;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t stat = t.block() * (threads / 32) + t.index() / 32;
    double sum[2] = {0, 0};
    if (stat < from.stats)
      for (dim_t i = t.index() % 32; i < from.parts; i += 32)
        for (int k = 0; k < 2; ++k) sum[k] += from.part(stat, i)[k];
    for (int k = 0; k < 2; ++k) sum[k] = t.warp_sum(sum[k]);
    if (stat < from.stats && t.index() % 32 == 0) finish(stat, sum);
  }
};

template <class Finish>
void join(const cuda_backend& backend, const char* name, const stat_parts& from, const Finish& finish) {
  using kernel = join_parts<Finish>;
  launch(backend, name, kernel{from, finish}, blocks_for(from.stats, kernel::threads / 32));
}

// How the sums over columns [B, groups, plane, 2] (position) or over frames [B, T, 2] make the statistics.
inline stat_parts parts_of(norm_over over, const op::map_size& n, const double* partial) {
  if (over == norm_over::frame) return {n.batch * n.frames, 1, 2, n.batch * n.frames, 0, partial};
  const dim_t groups = column_groups(n.channels);
  return {n.batch * n.plane(), groups, n.plane() * 2, n.plane(), groups * n.plane() * 2, partial};
}

// Doubles that the passes below write.
inline dim_t partial_doubles(norm_over over, const op::map_size& n, dim_t width) {
  if (over == norm_over::position) return n.batch * column_groups(n.channels) * n.plane() * 2;
  if (over == norm_over::frame) return n.batch * n.frames * 2;
  return n.batch * n.channels * row_pieces(n.plane()) * width;
}

// The sums of a norm over positions or frames.
template <class Body>
void pass_places(const cuda_backend& backend, const char* name, norm_over over, const op::map_size& n, const Body& body,
                 double* partial) {
  using frames = frame_pass<Body>;
  if (over == norm_over::position)
    pass_columns(backend, name, n.batch, n.channels, n.plane(), body, partial);
  else
    launch(backend, name, frames{body, n, partial}, n.batch * n.frames, simt::sum_doubles<frames, 2> * sizeof(double));
}

inline bool over_rows(norm_over over) { return over == norm_over::item || over == norm_over::channel; }
inline rows_of rows_in(norm_over over) { return over == norm_over::channel ? rows_of::channel : rows_of::item; }

}  // namespace avss::cuda_kernel
