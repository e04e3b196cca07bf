// Multiplications with an addition (MACs) that operations make, out of their sizes.
//
// Counted are, as counters of published figures do, products with weights and between vectors: convolutions, linear layers,
// recurrences' products, attention. Not counted: what is done value by value (norms, activations, gates, pooling) and Fourier
// transforms.
#pragma once

#include <avss/op/attention.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/depthwise.hpp>
#include <avss/op/filterbank.hpp>
#include <avss/op/image.hpp>
#include <avss/op/pointwise.hpp>
#include <avss/op/recurrent.hpp>
#include <avss/op/sequence.hpp>

namespace avss {

// All other operations.
template <class Op>
dim_t products(const Op&) {
  return 0;
}

template <class T>
dim_t products(const op::pointwise_fwd<T>& o) {
  dim_t out = 0;
  for (int i = 0; i < o.n_targets; ++i) out += o.target[i].out;
  return o.batch * o.in * out * o.frames;
}
template <class T>
dim_t products(const op::stacked_pointwise_fwd<T>& o) {
  dim_t out = 0;
  for (int i = 0; i < o.n; ++i) out += o.parts[static_cast<std::size_t>(i)].out;
  return o.batch * o.in * out * o.plane;
}
template <class T>
dim_t products(const op::grouped_pointwise_fwd<T>& o) {
  return o.batch * o.groups * o.in * o.out * o.frames;
}
template <class T>
dim_t products(const op::conv2d_fwd<T>& o) {
  return o.n.size() * o.out * o.s.taps();
}
template <class T>
dim_t products(const op::image_conv<T>& o) {
  op::image_size n = o.plan.n;
  n.images = o.images;
  return o.plan.kernel.over(n).size() * n.channels * o.plan.kernel.taps();
}
template <class T>
dim_t products(const op::depthwise2d_fwd<T>& o) {
  return o.s.out(o.n, o.n.channels).size() * o.s.taps();
}
template <class T>
dim_t products(const op::depthwise_fwd<T>& o) {
  return o.batch * o.channels * o.frames * o.kernel;
}
template <class T>
dim_t products(const op::analysis_fwd<T>& o) {
  return o.batch * o.frames * o.filters * o.window;
}
// The masks' convolution and the decoder's.
template <class T>
dim_t products(const op::masked_synthesis_fwd<T>& o) {
  return o.batch * o.sources * o.filters * o.frames * (o.in + o.window);
}
template <class T>
dim_t products(const op::window_linear_fwd<T>& o) {
  return o.n.out_steps() * o.n.rows * o.n.in * o.n.window * o.n.out;
}
template <class T>
dim_t products(const op::window_fold_fwd<T>& o) {
  return o.steps * o.rows * o.in * o.window * o.out;
}
// With the state; those with the inputs are made beforehand.
template <class T>
dim_t products(const op::lstm_fwd<T>& o) {
  return o.n.steps * o.n.rows * 4 * o.n.hidden * o.n.hidden;
}
template <class T>
dim_t products(const op::attention_fwd<T>& o) {
  return o.n.outer * o.n.inner * o.n.length * o.n.length * (o.n.width + o.n.value_width);
}

}  // namespace avss
