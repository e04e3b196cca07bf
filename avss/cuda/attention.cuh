// Self-attention on the device: matrix products and a softmax in between. The weights are kept for the way back.
#pragma once

#include <avss/cuda/heads.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/softmax.cuh>
#include <avss/op/attention.hpp>

namespace avss {
namespace cuda_kernel {

// Where the matrices of some attentions lie that one product works on.
struct attention_batch {
  dim_t batch, first_weight;   // how many; index of the first weight
  dim_t query, value, result;  // first values
  dim_t query_step, value_step, result_step;
};

// body(attention_batch): once where all attentions lie evenly spaced, else for each outer one.
template <class Body>
void for_each_batch(const op::attention_size& n, Body&& body) {
  const auto even = [&](const op::vector_strides& s) { return s.outer == n.inner * s.inner; };
  const dim_t square = n.length * n.length;
  if (n.inner == 1) return body(attention_batch{n.outer, 0, 0, 0, 0, n.query.outer, n.value.outer, n.result.outer});
  const bool once = n.outer == 1 || (even(n.query) && even(n.value) && even(n.result));
  for (dim_t o = 0; o < (once ? 1 : n.outer); ++o)
    body(attention_batch{once ? n.outer * n.inner : n.inner, o * n.inner * square, o * n.query.outer, o * n.value.outer,
                         o * n.result.outer, n.query.inner, n.value.inner, n.result.inner});
}

struct attention_scratch {
  explicit attention_scratch(carver& m, const op::attention_size& n, bool back)
      : dropped(m.take<float>(weights(n))),
        gradient(back ? m.take<float>(weights(n)) : nullptr),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  static dim_t weights(const op::attention_size& n) { return n.outer * n.inner * n.length * n.length; }
  float* dropped;   // weights after dropout
  float* gradient;  // of the weights
  void* workspace;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::attention_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::attention_scratch(m, o.n, false); });
}

inline void execute(cuda_backend& backend, const op::attention_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const op::attention_size& n = o.n;
  const attention_scratch s(memory, n, false);
  const dim_t square = n.length * n.length;
  for_each_batch(n, [&](const attention_batch& at) {
    multiply(backend,
             {n.length,
              n.length,
              n.width,
              at.batch,
              {o.q + at.query, n.query.position, at.query_step},
              {o.k + at.query, n.query.position, at.query_step, true},
              o.weights + at.first_weight,
              square},
             s.workspace);
  });
  const bool drops = o.drop.rate > 0;
  over_softmax_rows(backend, "softmax of an attention",
                    softmax_rows{n.outer * n.inner * n.length, n.length, static_cast<float>(n.scale), o.weights, o.drop,
                                 drops ? s.dropped : nullptr, backend.first_draw(s.weights(n))});
  const float* const weights = drops ? s.dropped : o.weights;
  for_each_batch(n, [&](const attention_batch& at) {
    multiply(backend,
             {n.length,
              n.value_width,
              n.length,
              at.batch,
              {weights + at.first_weight, n.length, square},
              {o.v + at.value, n.value.position, at.value_step},
              o.y + at.result,
              at.result_step,
              0,
              nullptr,
              n.result.position},
             s.workspace);
  });
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::attention_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::attention_scratch(m, o.n, true); });
}

inline void execute(cuda_backend& backend, const op::attention_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const op::attention_size& n = o.n;
  const attention_scratch s(memory, n, true);
  const dim_t square = n.length * n.length;
  for_each_batch(n, [&](const attention_batch& at) {
    multiply(backend,
             {n.length,
              n.length,
              n.value_width,
              at.batch,
              {o.dy + at.result, n.result.position, at.result_step},
              {o.v + at.value, n.value.position, at.value_step, true},
              s.gradient + at.first_weight,
              square},
             s.workspace);
  });
  const bool drops = o.drop.rate > 0;
  over_softmax_rows(backend, "back through the softmax of an attention",
                    softmax_rows_back{n.outer * n.inner * n.length, n.length, static_cast<float>(n.scale), o.weights,
                                      s.gradient, o.drop, drops ? s.dropped : nullptr, backend.first_draw(s.weights(n))});
  const float* const weights = drops ? s.dropped : o.weights;
  for_each_batch(n, [&](const attention_batch& at) {
    const auto turn = [](matrix x) {
      x.turned = true;
      return x;
    };
    const matrix d{s.gradient + at.first_weight, n.length, square}, p{weights + at.first_weight, n.length, square};
    multiply(backend,
             {n.length,
              n.value_width,
              n.length,
              at.batch,
              turn(p),
              {o.dy + at.result, n.result.position, at.result_step},
              o.dv + at.value,
              at.value_step,
              0,
              nullptr,
              n.value.position},
             s.workspace);
    const auto to_vectors = [&](const matrix& by, const float* vectors, float* to) {
      multiply(backend,
               {n.length,
                n.width,
                n.length,
                at.batch,
                by,
                {vectors + at.query, n.query.position, at.query_step},
                to + at.query,
                at.query_step,
                0,
                nullptr,
                n.query.position},
               s.workspace);
    };
    to_vectors(d, o.k, o.dq);
    to_vectors(turn(d), o.q, o.dk);
  });
}

}  // namespace avss
