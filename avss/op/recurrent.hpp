// Recurrences along sequences [L, N, ...]; the matrix products with their inputs are made beforehand (op/sequence.hpp).
#pragma once

#include <avss/core/shape.hpp>

namespace avss::op {

// Simple recurrent unit, both directions (Lei et al. 2018, arXiv:1709.02755). For direction d (0 runs forward, 1 backward),
// with U the products made of the inputs:
//   forget = sigmoid(U_1 + v_0 c' + b_0)     reset = sigmoid(U_2 + v_1 c' + b_1)     c' the cell one step before, first 0
//   c = forget c' + (1 - forget) U_0         h = reset c + (1 - reset) highway
// highway is U_3 where there are four products, otherwise the layer's own input.
struct sru_size {
  dim_t steps, rows, hidden;
  dim_t products;  // 3 or 4
};

template <class T>
struct sru_fwd {
  sru_size n;
  const T* u;         // [L, N, 2, hidden, products]
  const T* x;         // [L, N, 2, hidden], for 3 products; otherwise null
  const T* weight_c;  // v [2 (forget, reset), 2 (directions), hidden]
  const T* bias;      // b, likewise
  T* h;               // [L, N, 2, hidden]
  T* c;               // likewise; null: not wanted
};

template <class T>
struct sru_bwd {
  sru_size n;
  const T* u;
  const T* x;
  const T* weight_c;
  const T* bias;
  const T* c;
  const T* dh;
  T* du;         // assigned; may be u
  T* dx;         // assigned, for 3 products; otherwise null
  T* dweight_c;  // added to
  T* dbias;      // added to
};

// Long short-term memory, one direction, gates in the order input, forget, cell, output (PyTorch's LSTM):
//   g = W_ih x + b_ih + W_hh h' + b_hh
//   c = sigmoid(g_f) c' + sigmoid(g_i) tanh(g_g)     h = sigmoid(g_o) tanh(c)     h', c' one step before, first 0
struct lstm_size {
  dim_t steps, rows, hidden;
  dim_t pitch;    // of h: values from one row to the next
  bool backward;  // runs from the last step to the first
};

template <class T>
struct lstm_fwd {
  lstm_size n;
  T* gates;            // [L, N, 4 hidden]: holds W_ih x, then sigmoid and tanh of g
  const T* weight_hh;  // [4 hidden, hidden]
  const T* bias_ih;    // [4 hidden]
  const T* bias_hh;    // [4 hidden]
  T* h;                // [L, N, hidden] in rows of `pitch`
  T* c;                // [L, N, hidden]
};

template <class T>
struct lstm_bwd {
  lstm_size n;
  T* gates;  // as lstm_fwd left them; holds dL/dg afterwards, which is also the gradient of W_ih x
  const T* weight_hh;
  const T* h;
  const T* c;
  const T* dh;    // in rows of `pitch`
  T* dweight_hh;  // added to
  T* dbias_ih;    // added to
  T* dbias_hh;    // added to
};

}  // namespace avss::op
