// PReLU and normalisation on the device. See op/act_norm.hpp for the formulas.
#pragma once

#include <avss/cuda/act_norm_sums.cuh>

namespace avss {
namespace cuda_kernel {

// y = f(x)
struct apply_body {
  static constexpr int sums = 0;
  act_norm f;
  dim_t frames;
  const float* x;
  float* y;
  AVSS_DEVICE void operator()(const place& at, double*) const { y[at.i] = apply(f, at, frames, x[at.i]); }
};

// dx (+)= dL/dx. Sums: dslope, dL/dx.
struct back_body {
  static constexpr int sums = 2;
  act_norm_grad g;
  dim_t frames;
  float* dx;
  bool accumulate;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const float d = go_back(g, at, frames, sum[0]);
    sum[1] += d;
    dx[at.i] = accumulate ? dx[at.i] + d : d;
  }
};

// Goes back through f, adds to dslope, and to dbias [C] if it is given.
class back_pass {
 public:
  back_pass(carver& m, dim_t batch, dim_t channels, dim_t frames)
      : partial_(m.take<double>(batch * channels * row_pieces(frames) * 2)) {}
  void run(const cuda_backend& backend, dim_t batch, dim_t channels, dim_t frames, const act_norm_grad& g, float* dx,
           bool accumulate, float* dbias = nullptr) const {
    pass_rows(backend, "back through activation and norm", batch, channels, frames, back_body{g, frames, dx, accumulate},
              partial_,
              endings_of(add_total(partial_, 2, 0, g.f.slope ? g.dslope : nullptr),
                         ending{rows_of::channel, add_sums<2>{partial_, {nullptr, dbias}}, dbias != nullptr}));
  }

 private:
  double* partial_;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::moments<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::moment_sums(m, o.f, o.batch, o.channels, o.frames); });
}

inline void execute(cuda_backend& backend, const op::moments<float>& o, void* scratch) {
  carver memory(scratch);
  cuda_kernel::moment_sums(memory, o.f, o.batch, o.channels, o.frames).find(backend, o.f, o.batch, o.channels, o.frames, o.x);
}

inline void execute(cuda_backend& backend, const op::act_norm_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "activation and norm", o.batch, o.channels, o.frames,
                         cuda_kernel::apply_body{o.f, o.frames, o.x, o.y});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::act_norm_close<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::close_sums(m, o.g.f, o.batch, o.channels, o.frames); });
}

inline void execute(cuda_backend& backend, const op::act_norm_close<float>& o, void* scratch) {
  carver memory(scratch);
  cuda_kernel::close_sums(memory, o.g.f, o.batch, o.channels, o.frames).find(backend, o.g, o.batch, o.channels, o.frames);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::act_norm_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::back_pass(m, o.batch, o.channels, o.frames); });
}

inline void execute(cuda_backend& backend, const op::act_norm_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  cuda_kernel::back_pass(memory, o.batch, o.channels, o.frames)
      .run(backend, o.batch, o.channels, o.frames, o.g, o.dx, o.accumulate);
}

}  // namespace avss
