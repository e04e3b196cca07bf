// Pointwise convolution on the device: f of the input by a pass of its own, the matrix product, then one pass for the bias and
// the sums of the next normalisation.
#pragma once

#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/product.cuh>
#include <avss/op/pointwise.hpp>

namespace avss {
namespace cuda_kernel {

// f(x), in memory of its own unless it is x. Planning knows no slope, so that the memory is there whatever f is.
class made_input {
 public:
  made_input(carver& m, dim_t batch, dim_t channels, dim_t frames) : made_(m.take<float>(batch * channels * frames)) {}
  const float* make(const cuda_backend& backend, const act_norm& f, dim_t batch, dim_t channels, dim_t frames,
                    const float* x) const {
    if (f.identity()) return x;
    pass_rows(backend, "activation and norm", batch, channels, frames, apply_body{f, frames, x, made_});
    return made_;
  }

 private:
  float* made_;
};

// y += bias. Sums: a(y), a(y)^2 of what stands before the next norm.
struct bias_body {
  static constexpr int sums = 2;
  const float* bias;   // [C], or null
  const float* slope;  // of a
  float* y;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const float v = y[at.i] + (bias ? bias[at.c] : 0.f);
    if (bias) y[at.i] = v;
    const double a = activate(slope, v);
    sum[0] += a;
    sum[1] += a * a;
  }
};

// Adds the bias and makes mean and rstd of `next`, in one pass over y where next is global or none.
inline void finish_result(const cuda_backend& backend, const moment_sums& sums, dim_t batch, dim_t channels, dim_t frames,
                          const float* bias, float* y, const act_norm& next) {
  if (bias || next.norm == norm_kind::global)
    pass_rows(backend, "bias", batch, channels, frames, bias_body{bias, next.slope, y}, sums.given(next),
              sums.last(next, channels, frames));
  sums.finish(backend, next, batch, channels, frames, y);
}

// Sums of rows alone.
struct row_sum_body {
  static constexpr int sums = 1;
  const float* x;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[1]) const { sum[0] += x[at.i]; }
};

// to[c] += sum over b and t of x[b,c,t]
class row_sums {
 public:
  row_sums(carver& m, dim_t batch, dim_t channels, dim_t frames)
      : partial_(m.take<double>(batch * channels * row_pieces(frames))) {}
  void add(const cuda_backend& backend, dim_t batch, dim_t channels, dim_t frames, const float* x, float* to) const {
    if (!to) return;
    pass_rows(backend, "sums of rows", batch, channels, frames, row_sum_body{x}, partial_,
              endings_of(ending{rows_of::channel, add_sums<1>{partial_, {to}}}));
  }

 private:
  double* partial_;
};

struct pointwise_fwd_scratch {
  pointwise_fwd_scratch(carver& m, const op::pointwise_fwd<float>& o)
      : input(m, o.batch, o.in, o.frames),
        sums(m, o.next, o.batch, o.target[0].out, o.frames),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  made_input input;
  moment_sums sums;
  void* workspace;
};

struct pointwise_bwd_scratch {
  pointwise_bwd_scratch(carver& m, const op::pointwise_bwd<float>& o)
      : input(m, o.batch, o.in, o.frames),
        close(m, o.input.f, o.batch, o.in, o.frames),
        back(m, o.batch, o.target[0].out, o.frames),
        weight{{m, o.target[0].out, o.in, o.batch}, {m, o.target[1].out, o.in, o.batch}},
        bias{{m, o.batch, o.target[0].out, o.frames}, {m, o.batch, o.target[1].out, o.frames}},
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  made_input input;
  close_sums close;
  back_pass back;
  summed_product weight[2];
  row_sums bias[2];
  void* workspace;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::pointwise_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::pointwise_fwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::pointwise_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const pointwise_fwd_scratch s(memory, o);
  const float* const fx = s.input.make(backend, o.f, o.batch, o.in, o.frames, o.x);
  for (int k = 0; k < o.n_targets; ++k) {
    const op::pointwise_target<float>& to = o.target[k];
    multiply(backend,
             {to.out,
              o.frames,
              o.in,
              o.batch,
              {to.weight, o.in},
              {fx, o.frames, o.in * o.frames},
              to.y,
              to.out * o.frames,
              to.residual ? 1.f : 0.f,
              to.residual},
             s.workspace);
    finish_result(backend, s.sums, o.batch, to.out, o.frames, to.bias, to.y, k == 0 ? o.next : act_norm{});
  }
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::pointwise_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::pointwise_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::pointwise_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const pointwise_bwd_scratch s(memory, o);
  if (o.output.df) s.back.run(backend, o.batch, o.target[0].out, o.frames, o.output, o.output.df, false, o.target[0].dbias);
  const float* const fx = s.input.make(backend, o.input.f, o.batch, o.in, o.frames, o.input.x);
  for (int k = 0; k < o.n_targets; ++k) {
    const op::pointwise_target_grad<float>& to = o.target[k];
    const float* const dy = o.output.df ? o.output.df : to.dy;
    const matrix gradient{dy, o.frames, to.out * o.frames};
    if (!o.output.df) s.bias[k].add(backend, o.batch, to.out, o.frames, dy, to.dbias);
    s.weight[k].run(backend, {to.out, o.in, o.frames, o.batch, gradient, {fx, o.frames, o.in * o.frames, true}, nullptr, 0},
                    to.dweight, s.workspace);
    multiply(backend,
             {o.in,
              o.frames,
              to.out,
              o.batch,
              {to.weight, o.in, 0, true},
              gradient,
              o.input.df,
              o.in * o.frames,
              o.accumulate || k > 0 ? 1.f : 0.f},
             s.workspace);
  }
  s.close.find(backend, o.input, o.batch, o.in, o.frames);
}

}  // namespace avss
