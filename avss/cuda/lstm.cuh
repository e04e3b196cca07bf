// Long short-term memory on the device: a block for each sequence walks along the steps, its last h in shared memory.
#pragma once

#include <avss/cuda/column_sums.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/sru.cuh>
#include <avss/op/recurrent.hpp>

namespace avss {
namespace cuda_kernel {

AVSS_DEVICE inline dim_t lstm_place(const op::lstm_size& n, dim_t row, dim_t turn) {
  return (n.backward ? n.steps - 1 - turn : turn) * n.rows + row;
}

// turned [hidden, 4 hidden]: W_hh, so that neighbouring threads read neighbouring weights.
struct turn_lstm_weight {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  dim_t hidden;
  const float* weight;
  float* turned;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t i = t.block() * threads + t.index();
    if (i < 4 * hidden * hidden) turned[i] = weight[i % (4 * hidden) * hidden + i / (4 * hidden)];
  }
};

struct lstm_forward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  op::lstm_fwd<float> o;
  const float* turned;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t d = o.n.hidden;
    float* const h = t.shared<float>();  // [d], then the cells [d]
    float* const cell = h + d;
    for (dim_t i = t.index(); i < 2 * d; i += threads) h[i] = 0;
    for (dim_t turn = 0; turn < o.n.steps; ++turn) {
      const dim_t at = lstm_place(o.n, t.block(), turn);
      float* const g = o.gates + at * 4 * d;
      t.sync();
      for (dim_t j = t.index(); j < 4 * d; j += threads) {
        float sum = g[j] + o.bias_ih[j] + o.bias_hh[j];
        for (dim_t i = 0; i < d; ++i) sum += turned[i * 4 * d + j] * h[i];
        g[j] = j / d == 2 ? std::tanh(sum) : sigmoid(sum);
      }
      t.sync();
      for (dim_t i = t.index(); i < d; i += threads) {
        const float c = g[d + i] * cell[i] + g[i] * g[2 * d + i];
        cell[i] = c;
        h[i] = g[3 * d + i] * std::tanh(c);
        o.c[at * d + i] = c;
        o.h[at * o.n.pitch + i] = h[i];
      }
    }
  }
};

struct lstm_backward {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  op::lstm_bwd<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t d = o.n.hidden;
    float* const dh = t.shared<float>();  // [d], then those of the cells [d], both from the step after
    float* const dc = dh + d;
    for (dim_t i = t.index(); i < 2 * d; i += threads) dh[i] = 0;
    for (dim_t turn = o.n.steps; turn-- > 0;) {
      const dim_t at = lstm_place(o.n, t.block(), turn), before = turn > 0 ? lstm_place(o.n, t.block(), turn - 1) : 0;
      float* const g = o.gates + at * 4 * d;
      t.sync();
      for (dim_t i = t.index(); i < d; i += threads) {
        const float all = dh[i] + o.dh[at * o.n.pitch + i], tanh_c = std::tanh(o.c[at * d + i]);
        const float c_before = turn > 0 ? o.c[before * d + i] : 0.f;
        const float input = g[i], forget = g[d + i], cell = g[2 * d + i], output = g[3 * d + i];
        const float now = dc[i] + all * output * (1 - tanh_c * tanh_c);
        g[i] = now * cell * input * (1 - input);
        g[d + i] = now * c_before * forget * (1 - forget);
        g[2 * d + i] = now * input * (1 - cell * cell);
        g[3 * d + i] = all * tanh_c * output * (1 - output);
        dc[i] = now * forget;
      }
      t.sync();
      for (dim_t i = t.index(); i < d; i += threads) {
        float sum = 0;
        for (dim_t j = 0; j < 4 * d; ++j) sum += g[j] * o.weight_hh[j * d + i];
        dh[i] = sum;
      }
    }
  }
};

struct lstm_bwd_scratch {
  lstm_bwd_scratch(carver& m, const op::lstm_size& n)
      : bias(m, n.steps * n.rows, 4 * n.hidden), workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  column_sums bias;
  void* workspace;
};

inline std::size_t lstm_shared(const op::lstm_size& n) { return static_cast<std::size_t>(2 * n.hidden) * sizeof(float); }

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::lstm_fwd<float>& o) {
  return layout_bytes([&](carver& m) { m.take<float>(4 * o.n.hidden * o.n.hidden); });
}

inline void execute(cuda_backend& backend, const op::lstm_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  float* const turned = static_cast<float*>(scratch);
  launch(backend, "turned weights of an LSTM", turn_lstm_weight{o.n.hidden, o.weight_hh, turned},
         blocks_for(4 * o.n.hidden * o.n.hidden, turn_lstm_weight::threads));
  launch(backend, "LSTM", lstm_forward{o, turned}, o.n.rows, lstm_shared(o.n));
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::lstm_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::lstm_bwd_scratch(m, o.n); });
}

inline void execute(cuda_backend& backend, const op::lstm_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const lstm_bwd_scratch s(memory, o.n);
  const dim_t d = o.n.hidden, rows = o.n.rows;
  launch(backend, "back through an LSTM", lstm_backward{o}, rows, lstm_shared(o.n));
  s.bias.add(backend, o.n.steps * rows, 4 * d, 4 * d, o.gates, o.dbias_ih, o.dbias_hh);
  if (o.n.steps < 2) return;
  // Every step with the one before it, which lies behind it where the direction is backward.
  const float* const gates = o.gates + (o.n.backward ? 0 : rows * 4 * d);
  const float* const h = o.h + (o.n.backward ? rows * o.n.pitch : 0);
  multiply(backend, {4 * d, d, (o.n.steps - 1) * rows, 1, {gates, 4 * d, 0, true}, {h, o.n.pitch}, o.dweight_hh, 0, 1.f},
           s.workspace);
}

}  // namespace avss
