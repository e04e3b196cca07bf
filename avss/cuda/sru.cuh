// Simple recurrent units on the device: a thread for each unit of each sequence walks along the steps; neighbouring threads
// read neighbouring memory. A step waits for the one before it, so its time decides: what the next steps need is on its way
// to registers, far enough ahead to hide the way from memory.
#pragma once

#include <avss/cuda/column_sums.cuh>
#include <avss/op/recurrent.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// As exact as a float's exponential and quotient are on the host, or to two or three units in the last place on a device,
// whose quick instructions halve the time of a step.
AVSS_DEVICE inline float sigmoid(float x) {
#if defined(__CUDACC__)
  return __fdividef(1.f, 1.f + __expf(-x));
#else
  return 1 / (1 + std::exp(-x));
#endif
}

// Steps between the request for a step's values and their use.
inline constexpr int sru_ahead = 8;

// body(turn, read(turn)) for turn in [0, steps), one after another.
template <class Read, class Body>
AVSS_DEVICE void walk_ahead(dim_t steps, const Read& read, Body&& body) {
  decltype(read(dim_t{0})) next[sru_ahead];  // in registers
  AVSS_UNROLL
  for (int k = 0; k < sru_ahead; ++k)
    if (k < steps) next[k] = read(k);
  for (dim_t first = 0; first < steps; first += sru_ahead) {
    AVSS_UNROLL
    for (int k = 0; k < sru_ahead; ++k) {
      const dim_t turn = first + k;
      if (turn < steps) {
        const auto now = next[k];
        if (turn + sru_ahead < steps) next[k] = read(turn + sru_ahead);
        body(turn, now);
      }
    }
  }
}

// One unit along its steps, in its direction.
struct sru_line {
  AVSS_DEVICE sru_line(const op::sru_size& size, const float* products, const float* input, dim_t unit)
      : n(size), u(products), x(input), row(unit / (2 * n.hidden)), gate(unit % (2 * n.hidden)) {
    const dim_t step = n.rows * 2 * n.hidden;
    const bool backwards = gate >= n.hidden;
    first = row * 2 * n.hidden + gate + (backwards ? (n.steps - 1) * step : 0);
    stride = backwards ? -step : step;
  }
  op::sru_size n;
  const float* u;
  const float* x;
  dim_t row, gate, first, stride;

  struct inputs {
    float cell, forget, reset, highway;
  };
  AVSS_DEVICE dim_t place_of(dim_t turn) const { return first + turn * stride; }
  AVSS_DEVICE inputs read(dim_t turn) const {
    const dim_t at = place_of(turn);
    const float* const p = u + at * n.products;
    return {p[0], p[1], p[2], n.products == 4 ? p[3] : x[at]};
  }
};

// v and b of one unit.
struct sru_weights {
  float forget_c, reset_c, forget_bias, reset_bias;
};
AVSS_DEVICE inline sru_weights sru_weights_of(const op::sru_size& n, const float* v, const float* b, dim_t gate) {
  return {v[gate], v[2 * n.hidden + gate], b[gate], b[2 * n.hidden + gate]};
}

struct sru_forward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  op::sru_fwd<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t width = 2 * o.n.hidden, i = t.block() * threads + t.index();
    if (i >= o.n.rows * width) return;
    const sru_line line(o.n, o.u, o.x, i);
    const sru_weights w = sru_weights_of(o.n, o.weight_c, o.bias, line.gate);
    float c = 0;
    walk_ahead(
        o.n.steps, [&](dim_t turn) { return line.read(turn); },
        [&](dim_t turn, const sru_line::inputs& now) {
          const float forget = sigmoid(now.forget + w.forget_c * c + w.forget_bias);
          const float reset = sigmoid(now.reset + w.reset_c * c + w.reset_bias);
          c = forget * c + (1 - forget) * now.cell;
          const dim_t at = line.place_of(turn);
          o.h[at] = reset * c + (1 - reset) * now.highway;
          if (o.c) o.c[at] = c;
        });
  }
};

// partial [rows, 4, width]: gradients of the two weights and the two biases of a unit, over its steps.
struct sru_backward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  op::sru_bwd<float> o;
  double* partial;

  struct inputs {
    sru_line::inputs forward;
    float before, dh;  // the state of the step before
  };
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t width = 2 * o.n.hidden, i = t.block() * threads + t.index(), last = o.n.steps - 1;
    if (i >= o.n.rows * width) return;
    const sru_line line(o.n, o.u, o.x, i);
    const sru_weights w = sru_weights_of(o.n, o.weight_c, o.bias, line.gate);
    double sum[4] = {0, 0, 0, 0};
    float dc = 0, c = o.c[line.place_of(last)];
    walk_ahead(
        o.n.steps,
        [&](dim_t turn) {
          const dim_t step = last - turn;
          return inputs{line.read(step), step > 0 ? o.c[line.place_of(step - 1)] : 0.f, o.dh[line.place_of(step)]};
        },
        [&](dim_t turn, const inputs& in) {
          const dim_t at = line.place_of(last - turn);
          const sru_line::inputs& now = in.forward;
          const float before = in.before, dh = in.dh;
          const float forget = sigmoid(now.forget + w.forget_c * before + w.forget_bias);
          const float reset = sigmoid(now.reset + w.reset_c * before + w.reset_bias);
          dc += dh * reset;
          const float dreset = dh * (c - now.highway) * reset * (1 - reset);
          const float dforget = dc * (before - now.cell) * forget * (1 - forget);
          float* const du = o.du + at * o.n.products;
          du[0] = dc * (1 - forget);
          du[1] = dforget;
          du[2] = dreset;
          (o.n.products == 4 ? du[3] : o.dx[at]) = dh * (1 - reset);
          sum[0] += static_cast<double>(dforget) * before;
          sum[1] += static_cast<double>(dreset) * before;
          sum[2] += dforget;
          sum[3] += dreset;
          dc = dc * forget + dforget * w.forget_c + dreset * w.reset_c;
          c = before;
        });
    for (int k = 0; k < 4; ++k) partial[(line.row * 4 + k) * width + line.gate] = sum[k];
  }
};

struct sru_bwd_scratch {
  sru_bwd_scratch(carver& m, const op::sru_size& n)
      : partial(m.take<double>(n.rows * 8 * n.hidden)), sums(m, n.rows, 4 * n.hidden) {}
  double* partial;
  column_sums sums;
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::sru_fwd<float>& o, void*) {
  using kernel = cuda_kernel::sru_forward;
  cuda_kernel::launch(backend, "simple recurrent units", kernel{o},
                      cuda_kernel::blocks_for(o.n.rows * 2 * o.n.hidden, kernel::threads));
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::sru_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::sru_bwd_scratch(m, o.n); });
}

inline void execute(cuda_backend& backend, const op::sru_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const sru_bwd_scratch s(memory, o.n);
  const dim_t both = 4 * o.n.hidden;  // of the two gates
  launch(backend, "back through simple recurrent units", sru_backward{o, s.partial},
         blocks_for(o.n.rows * 2 * o.n.hidden, sru_backward::threads));
  s.sums.add(backend, o.n.rows, both, 2 * both, s.partial, o.dweight_c);
  s.sums.add(backend, o.n.rows, both, 2 * both, s.partial + both, o.dbias);
}

}  // namespace avss
