// What stands around an attention of several heads, on the device: the projections of all heads as one matrix product, the
// norms of each, and the turning of axes.
#pragma once

#include <avss/cuda/pointwise.cuh>
#include <avss/cuda/sequence.cuh>
#include <avss/op/attention.hpp>

namespace avss {
namespace cuda_kernel {

// The parts' weights and biases as those of one convolution, or, back, its gradients added to the parts'.
template <class Stacked, bool Back>
struct stack_parts {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  Stacked o;
  dim_t rows;
  float *weight, *bias;  // [rows, in], [rows] or null
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t at = t.block() * threads + t.index(), i = at % (o.in + 1);
    dim_t row = at / (o.in + 1);
    if (row >= rows) return;
    const dim_t stacked = row;
    int p = 0;
    for (; row >= o.parts[p].out; ++p) row -= o.parts[p].out;
    const auto& part = o.parts[p];
    if constexpr (Back) {
      if (i < o.in)
        part.dweight[row * o.in + i] += weight[stacked * o.in + i];
      else if (part.dbias)
        part.dbias[row] += bias[stacked];
    } else {
      if (i < o.in)
        weight[stacked * o.in + i] = part.weight[row * o.in + i];
      else if constexpr (requires { part.bias; })
        bias[stacked] = part.bias[row];
    }
  }
};

template <bool Back, class Stacked>
void stack(const cuda_backend& backend, const char* name, const Stacked& o, dim_t rows, float* weight, float* bias) {
  using kernel = stack_parts<Stacked, Back>;
  launch(backend, name, kernel{o, rows, weight, bias}, blocks_for(rows * (o.in + 1), kernel::threads));
}

template <class Stacked>
dim_t stacked_rows(const Stacked& o) {
  dim_t rows = 0;
  for (int p = 0; p < o.n; ++p) rows += o.parts[static_cast<std::size_t>(p)].out;
  return rows;
}

struct stacked_fwd_scratch {
  stacked_fwd_scratch(carver& m, const op::stacked_pointwise_fwd<float>& o)
      : rows(stacked_rows(o)),
        weight(m.take<float>(rows * o.in)),
        bias(m.take<float>(rows)),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  dim_t rows;
  float *weight, *bias;
  void* workspace;
};

struct stacked_bwd_scratch {
  stacked_bwd_scratch(carver& m, const op::stacked_pointwise_bwd<float>& o)
      : rows(stacked_rows(o)),
        weight(m.take<float>(rows * o.in)),
        gradients(m.take<float>(rows * (o.in + 1))),
        product(m, rows, o.in, o.batch),
        sums(m, o.batch, rows, o.plane),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  dim_t rows;
  float* weight;
  float* gradients;  // of the weights, then of the biases
  summed_product product;
  row_sums sums;
  void* workspace;
};

// One frame of one head: a block.
struct head_frame {
  dim_t b, h, t, stat, width;
  AVSS_DEVICE head_frame(const op::heads_size& n, dim_t block)
      : b(block / n.frames / n.heads),
        h(block / n.frames % n.heads),
        t(block % n.frames),
        stat(block),
        width(n.channels * n.bins) {}
};
AVSS_DEVICE inline dim_t head_place(const op::heads_size& n, dim_t b, dim_t h, dim_t t, dim_t i) {
  return b * n.pitch + ((h * n.channels + i / n.bins) * n.frames + t) * n.bins + i % n.bins;
}

struct head_norm_forward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  op::head_norm_fwd<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const head_frame at(o.n, t.block());
    const float* const slope = o.slope[at.h];
    double sum[2] = {0, 0};
    for (dim_t i = t.index(); i < at.width; i += threads) {
      const double a = activate(slope, o.x[head_place(o.n, at.b, at.h, at.t, i)]);
      sum[0] += a;
      sum[1] += a * a;
    }
    simt::block_sum(t, sum, t.shared<double>());
    const double mean = sum[0] / static_cast<double>(at.width), v = sum[1] / static_cast<double>(at.width) - mean * mean;
    const float m = static_cast<float>(mean), r = static_cast<float>(1 / std::sqrt((v > 0 ? v : 0) + o.eps));
    if (t.index() == 0) {
      o.mean[at.stat] = m;
      o.rstd[at.stat] = r;
    }
    for (dim_t i = t.index(); i < at.width; i += threads) {
      const float a = activate(slope, o.x[head_place(o.n, at.b, at.h, at.t, i)]);
      o.y[at.stat * at.width + i] = o.gamma[at.h][i] * (a - m) * r + o.beta[at.h][i];
    }
  }
};

// dx, and of every frame the sum for its head's slope: slopes [B, heads, T].
struct head_norm_backward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  op::head_norm_bwd<float> g;
  double* slopes;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const op::head_norm_fwd<float>& o = g.fwd;
    const head_frame at(o.n, t.block());
    const float *const slope = o.slope[at.h], *const gamma = o.gamma[at.h], *const dy = g.dy + at.stat * at.width;
    const float m = o.mean[at.stat], r = o.rstd[at.stat];
    double sum[2] = {0, 0};
    for (dim_t i = t.index(); i < at.width; i += threads) {
      const double d = static_cast<double>(gamma[i]) * dy[i];
      sum[0] += d;
      sum[1] += d * ((activate(slope, o.x[head_place(o.n, at.b, at.h, at.t, i)]) - m) * r);
    }
    simt::block_sum(t, sum, t.shared<double>());
    double dslope[1] = {0};
    for (dim_t i = t.index(); i < at.width; i += threads) {
      const dim_t from = head_place(o.n, at.b, at.h, at.t, i);
      const float x = o.x[from], h = (activate(slope, x) - m) * r;
      const double shared = (sum[0] + h * sum[1]) / static_cast<double>(at.width);
      const float da = static_cast<float>(r * (static_cast<double>(gamma[i]) * dy[i] - shared));
      g.dx[from] = x > 0 ? da : *slope * da;
      if (!(x > 0)) dslope[0] += static_cast<double>(da) * x;
    }
    simt::block_sum(t, dslope, t.shared<double>());
    if (t.index() == 0) slopes[at.stat] = dslope[0];
  }
};

// partial [B, groups of frames, heads, width, 2]: sums of dy and dy h.
struct head_gains {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  static constexpr dim_t group = 16;
  op::head_norm_bwd<float> g;
  double* partial;
  static dim_t groups(const op::heads_size& n) { return n.batch * blocks_for(n.frames, group); }
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const op::head_norm_fwd<float>& o = g.fwd;
    const dim_t width = o.n.channels * o.n.bins, values = o.n.heads * width, tiles = blocks_for(values, threads);
    const dim_t at = t.block() % tiles * threads + t.index(), part = t.block() / tiles;
    if (at >= values) return;
    const dim_t parts = blocks_for(o.n.frames, group), b = part / parts, first = part % parts * group;
    const dim_t h = at / width, i = at % width;
    double sum[2] = {0, 0};
    for (dim_t frame = first; frame < first + group && frame < o.n.frames; ++frame) {
      const dim_t stat = (b * o.n.heads + h) * o.n.frames + frame;
      const double d = g.dy[stat * width + i];
      sum[0] += d;
      sum[1] += d * ((activate(o.slope[h], o.x[head_place(o.n, b, h, frame, i)]) - o.mean[stat]) * o.rstd[stat]);
    }
    for (int k = 0; k < 2; ++k) partial[(part * values + at) * 2 + k] = sum[k];
  }
};

// Joins them: a block for 128 values, and behind those a block for the slope of each head.
struct head_gradients {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  op::head_norm_bwd<float> g;
  dim_t groups;
  const double* gains;
  const double* slopes;
  static dim_t blocks(const op::heads_size& n) { return blocks_for(n.heads * n.channels * n.bins, threads) + n.heads; }
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const op::heads_size& n = g.fwd.n;
    const dim_t width = n.channels * n.bins, values = n.heads * width, tiles = blocks_for(values, threads);
    double sum[2] = {0, 0};
    if (t.block() < tiles) {
      const dim_t at = t.block() * threads + t.index();
      if (at >= values) return;
      for (dim_t p = 0; p < groups; ++p)
        for (int k = 0; k < 2; ++k) sum[k] += gains[(p * values + at) * 2 + k];
      g.dbeta[at / width][at % width] += static_cast<float>(sum[0]);
      g.dgamma[at / width][at % width] += static_cast<float>(sum[1]);
      return;
    }
    const dim_t h = t.block() - tiles;
    for (dim_t i = t.index(); i < n.batch * n.frames; i += threads)
      sum[0] += slopes[(i / n.frames * n.heads + h) * n.frames + i % n.frames];
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0) *g.dslope[h] += static_cast<float>(sum[0]);
  }
};

struct head_norm_scratch {
  head_norm_scratch(carver& m, const op::heads_size& n)
      : slopes(m.take<double>(n.batch * n.heads * n.frames)),
        gains(m.take<double>(head_gains::groups(n) * n.heads * n.channels * n.bins * 2)) {}
  double *slopes, *gains;
};

struct swap_body {
  static constexpr int sums = 0;
  op::swap_axes<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t k = at.t % o.inner, i = at.t / o.inner % o.a, j = at.t / o.inner / o.a;
    o.y[at.i] = o.x[((at.b * o.a + i) * o.b + j) * o.inner + k];
  }
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::stacked_pointwise_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::stacked_fwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::stacked_pointwise_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const stacked_fwd_scratch s(memory, o);
  stack<false>(backend, "weights of several heads", o, s.rows, s.weight, s.bias);
  multiply(backend, {s.rows, o.plane, o.in, o.batch, {s.weight, o.in}, {o.x, o.plane, o.in * o.plane}, o.y, s.rows * o.plane},
           s.workspace);
  pass_rows(backend, "bias of several heads", o.batch, s.rows, o.plane, bias_body{s.bias, nullptr, o.y});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::stacked_pointwise_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::stacked_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::stacked_pointwise_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const stacked_bwd_scratch s(memory, o);
  float* const dbias = s.gradients + s.rows * o.in;
  stack<false>(backend, "weights of several heads", o, s.rows, s.weight, nullptr);
  fill_rows(backend, s.rows, o.in + 1, nullptr, s.gradients);
  const matrix dy{o.dy, o.plane, s.rows * o.plane}, turned_x{o.x, o.plane, o.in * o.plane, true};
  s.sums.add(backend, o.batch, s.rows, o.plane, o.dy, dbias);
  s.product.run(backend, {s.rows, o.in, o.plane, o.batch, dy, turned_x, nullptr, 0}, s.gradients, s.workspace);
  multiply(backend, {o.in, o.plane, s.rows, o.batch, {s.weight, o.in, 0, true}, dy, o.dx, o.in * o.plane, 1.f}, s.workspace);
  stack<true>(backend, "gradients of several heads", o, s.rows, s.gradients, dbias);
}

inline void execute(cuda_backend& backend, const op::head_norm_fwd<float>& o, void*) {
  using kernel = cuda_kernel::head_norm_forward;
  cuda_kernel::launch(backend, "norms of heads", kernel{o}, o.n.batch * o.n.heads * o.n.frames,
                      simt::sum_doubles<kernel, 2> * sizeof(double));
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::head_norm_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::head_norm_scratch(m, o.fwd.n); });
}

inline void execute(cuda_backend& backend, const op::head_norm_bwd<float>& g, void* scratch) {
  using namespace cuda_kernel;
  const op::heads_size& n = g.fwd.n;
  carver memory(scratch);
  const head_norm_scratch s(memory, n);
  const std::size_t shared = simt::sum_doubles<head_norm_backward, 2> * sizeof(double);
  const dim_t groups = head_gains::groups(n);
  launch(backend, "gradients of the heads' gains", head_gains{g, s.gains},
         groups * blocks_for(n.heads * n.channels * n.bins, head_gains::threads));
  launch(backend, "back through the norms of heads", head_norm_backward{g, s.slopes}, n.batch * n.heads * n.frames, shared);
  launch(backend, "gradients of the heads' norms, joined", head_gradients{g, groups, s.gains, s.slopes},
         head_gradients::blocks(n), shared);
}

inline void execute(cuda_backend& backend, const op::swap_axes<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "swapped axes", o.rows, 1, o.a * o.b * o.inner, cuda_kernel::swap_body{o});
}

}  // namespace avss
