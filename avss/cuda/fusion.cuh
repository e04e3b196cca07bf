// The fusion of sound and sight on the device.
#pragma once

#include <avss/cuda/gateway.cuh>
#include <avss/cuda/map_norm.cuh>
#include <avss/cuda/resize.cuh>
#include <avss/op/fusion.hpp>

namespace avss {
namespace cuda_kernel {

using fusion_branch = op::fusion_branch<float>;

AVSS_DEVICE inline float branch_normed(const fusion_branch& f, dim_t c, float a) {
  return (f.weight[c] * a - f.mean[c]) * f.rstd[c];
}
AVSS_DEVICE inline float branch_value(const fusion_branch& f, dim_t c, float a) {
  return f.gamma[c] * branch_normed(f, c, a) + f.beta[c];
}
// Of a key or weight that goes with a place of y.
AVSS_DEVICE inline dim_t video_place(const op::fusion_fwd<float>& o, const place& at) {
  return (at.b * o.n.channels + at.c) * o.video_frames + nearest_index(at.t / o.n.bins, o.video_frames, o.n.frames);
}

// Sums of weight a and its square.
struct branch_moment_body {
  static constexpr int sums = 2;
  const float* weight;
  const float* a;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const double v = weight[at.c] * a[at.i];
    sum[0] += v;
    sum[1] += v * v;
  }
};

struct fusion_body {
  static constexpr int sums = 0;
  op::fusion_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const float a = o.a[shared_place(o.n, o.share, at)], gate = branch_value(o.gate, at.c, a);
    const dim_t video = video_place(o, at);
    o.y[at.i] = (gate <= 0 ? 0.f : gate) * o.key[video] + branch_value(o.value, at.c, a) * o.weights[video];
  }
};

// What comes back into the two branches at a place of y.
struct branch_gradients {
  float gate, value;
};
AVSS_DEVICE inline branch_gradients branch_back(const op::fusion_bwd<float>& g, const place& at, float a) {
  const dim_t video = video_place(g.fwd, at);
  const bool closed = branch_value(g.fwd.gate, at.c, a) <= 0;  // a NaN is no closed gate
  return {closed ? 0.f : g.dy[at.i] * g.fwd.key[video], g.dy[at.i] * g.fwd.weights[video]};
}

// Sums of d and d h of the gate, then of the value.
struct fusion_close_body {
  static constexpr int sums = 4;
  op::fusion_bwd<float> g;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[4]) const {
    const float a = g.fwd.a[shared_place(g.fwd.n, g.fwd.share, at)];
    const branch_gradients d = branch_back(g, at, a);
    sum[0] += d.gate;
    sum[1] += static_cast<double>(d.gate) * branch_normed(g.fwd.gate, at.c, a);
    sum[2] += d.value;
    sum[3] += static_cast<double>(d.value) * branch_normed(g.fwd.value, at.c, a);
  }
};

// Their means, of `count` values: shared [C, 4], and the gradients of gain and offset.
struct fusion_close {
  static constexpr int sums = 4;
  op::fusion_bwd<float> g;
  double count;
  const double* partial;
  double* shared;
  AVSS_DEVICE void operator()(const simt::thread& t, const pass_size& n, rows_of of, dim_t c, double* memory) const {
    double sum[4] = {0, 0, 0, 0};
    for (dim_t i = t.index(); i < n.blocks(of); i += t.count())
      for (int k = 0; k < 4; ++k) sum[k] += partial[n.part(of, c, i) * 4 + k];
    simt::block_sum(t, sum, memory);
    if (t.index() > 0) return;
    g.gate.dbeta[c] += static_cast<float>(sum[0]);
    g.gate.dgamma[c] += static_cast<float>(sum[1]);
    g.value.dbeta[c] += static_cast<float>(sum[2]);
    g.value.dgamma[c] += static_cast<float>(sum[3]);
    for (int k = 0; k < 4; ++k) shared[c * 4 + k] = sum[k] / count;
  }
};

// da; place: of a. Sums: dweight of the gate and of the value.
struct fusion_back_body {
  static constexpr int sums = 2;
  op::fusion_bwd<float> g;
  const double* shared;  // null: mean and rstd are constants
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const op::fusion_fwd<float>& o = g.fwd;
    const float a = o.a[at.i];
    float da = 0;
    for (dim_t k = 0; k < o.share; ++k) {
      const dim_t b = at.b * o.share + k;
      const place item{b, at.c, at.t, (b * o.n.channels + at.c) * o.n.plane() + at.t};
      const branch_gradients d = branch_back(g, item, a);
      const float gate = product_back(o.gate, at.c, a, d.gate, 0), value = product_back(o.value, at.c, a, d.value, 2);
      sum[0] += static_cast<double>(gate) * a;
      sum[1] += static_cast<double>(value) * a;
      da += gate * o.gate.weight[at.c] + value * o.value.weight[at.c];
    }
    g.da[at.i] = da;
  }

 private:
  // dL/d(weight a) of one branch.
  AVSS_DEVICE float product_back(const fusion_branch& f, dim_t c, float a, float d, dim_t first) const {
    double dh = d;
    if (shared) dh -= shared[c * 4 + first] + branch_normed(f, c, a) * shared[c * 4 + first + 1];
    return static_cast<float>(f.gamma[c] * f.rstd[c] * dh);
  }
};

// dkey and dweights: a warp for each of their values, along the frames of sound that it went with.
struct fusion_video_back {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  op::fusion_bwd<float> g;
  dim_t values;  // [B, C, video_frames]
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const op::fusion_fwd<float>& o = g.fwd;
    const dim_t i = t.block() * (threads / 32) + t.index() / 32;
    double key = 0, weight = 0;
    if (i < values) {
      const dim_t row = i / o.video_frames, b = row / o.n.channels, c = row % o.n.channels;
      const range frames = repeated(i % o.video_frames, o.video_frames, o.n.frames);
      for (dim_t p = frames.first * o.n.bins + t.index() % 32; p < frames.end * o.n.bins; p += 32) {
        const place at{b, c, p, row * o.n.plane() + p};
        const float a = o.a[shared_place(o.n, o.share, at)], gate = branch_value(o.gate, c, a);
        if (!(gate <= 0)) key += static_cast<double>(g.dy[at.i]) * gate;
        weight += static_cast<double>(g.dy[at.i]) * branch_value(o.value, c, a);
      }
    }
    key = t.warp_sum(key);
    weight = t.warp_sum(weight);
    if (i >= values || t.index() % 32 != 0) return;
    g.dkey[i] = static_cast<float>(key);
    g.dweights[i] = static_cast<float>(weight);
  }
};

struct fusion_scratch {
  fusion_scratch(carver& m, const op::map_size& n)
      : partial(m.take<double>(n.batch * n.channels * row_pieces(n.plane()) * 4)), shared(m.take<double>(n.channels * 4)) {}
  double *partial, *shared;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend& backend, const op::fusion_moments<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::channel_moments(backend, m, o.n); });
}

inline void execute(cuda_backend& backend, const op::fusion_moments<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const channel_moments sums(backend, memory, o.n);
  op::map_norm<float> f;
  f.eps = o.eps;
  f.mean = o.branch.mean;
  f.rstd = o.branch.rstd;
  sums.find(backend, "moments of a fusion", o.n, f, branch_moment_body{o.branch.weight, o.a});
}

inline void execute(cuda_backend& backend, const op::fusion_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "fusion", o.n.batch, o.n.channels, o.n.plane(), cuda_kernel::fusion_body{o});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::fusion_bwd<float>& g) {
  return layout_bytes([&](carver& m) { cuda_kernel::fusion_scratch(m, g.fwd.n); });
}

inline void execute(cuda_backend& backend, const op::fusion_bwd<float>& g, void* scratch) {
  using namespace cuda_kernel;
  const op::map_size& n = g.fwd.n;
  carver memory(scratch);
  const fusion_scratch s(memory, n);
  const dim_t values = n.batch * n.channels * g.fwd.video_frames, mixtures = n.batch / g.fwd.share;
  launch(backend, "gradients of sight in a fusion", fusion_video_back{g, values},
         blocks_for(values, fusion_video_back::threads / 32));
  const bool shared = backend.group && !g.fixed;
  const double count = static_cast<double>(n.batch * n.plane() * (shared ? backend.workers() : 1));
  pass_rows(backend, "gradient sums of a fusion", n.batch, n.channels, n.plane(), fusion_close_body{g}, s.partial,
            endings_of(ending{rows_of::channel, fusion_close{g, count, s.partial, s.shared}}));
  if (shared) sum_over_workers(backend, s.shared, n.channels * 4);
  pass_rows(backend, "back through a fusion", mixtures, n.channels, n.plane(),
            fusion_back_body{g, g.fixed ? nullptr : s.shared}, s.partial,
            endings_of(ending{rows_of::channel, add_sums<2>{s.partial, {g.gate.dweight, g.value.dweight}}}));
}

}  // namespace avss
