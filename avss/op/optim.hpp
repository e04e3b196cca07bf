// One step of an optimiser over flat buffers, the norm of the gradient, clipping, running averages.
#pragma once

#include <avss/core/shape.hpp>

namespace avss {

// A stretch of the flat buffers.
struct flat_range {
  dim_t offset, size;
  friend bool operator==(const flat_range&, const flat_range&) = default;
};

namespace op {

// The stretches that an operation works on; what lies between them is neither read nor written. In host memory: neighbours
// are merged, so there are few. Padding may be among them: it is zero, and stays zero in all operations below.
struct flat_ranges {
  const flat_range* list;
  int count;
};

// Adam (Kingma and Ba 2015, arXiv:1412.6980) in PyTorch's form, with g = gradient:
//   decoupled (AdamW, arXiv:1711.05101): p -= lr weight_decay p;   else: g += weight_decay p
//   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
//   p -= lr / correction1  m / (sqrt(v) / sqrt(correction2) + eps)      correction = 1 - beta^step, step = 1, 2, ...
//
// What changes from step to step. Doubles, so that every backend rounds its own factors of them, once.
struct adam_rates {
  double beta1;
  double rate;   // lr / correction1
  double root;   // sqrt(correction2)
  double decay;  // what is left of p: 1 - lr weight_decay where decoupled, else 1
};

// `at`, if any, takes the place of `now`: in the backend's memory, read when the step is made, so that a step that is kept as a
// graph can be done again with other rates.
template <class T>
struct adam_step {
  flat_ranges ranges;
  T* value;
  const T* gradient;
  T* mean;    // m
  T* square;  // v
  adam_rates now;
  double beta2, eps, penalty;  // penalty: weight_decay where it is not decoupled, else 0
  const adam_rates* at = nullptr;
};

// Stochastic gradient descent in PyTorch's form:
//   g = gradient + weight_decay p;   m = first ? g : momentum m + (1 - dampening) g
//   p -= lr (nesterov ? g + momentum m : m)                  without m: p -= lr g
//
// What changes from step to step.
struct sgd_rates {
  double lr, momentum;
  bool first;
};

// `at` as for adam_step.
template <class T>
struct sgd_step {
  flat_ranges ranges;
  T* value;
  const T* gradient;
  T* mean;  // m, or null
  sgd_rates now;
  double dampening, weight_decay;
  bool nesterov;
  const sgd_rates* at = nullptr;
};

// norm[0] = sqrt(sum of squares), summed in double
template <class T>
struct gradient_norm {
  flat_ranges ranges;
  const T* gradient;
  double* norm;  // backend memory
};

// g *= min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_; nothing if the norm is not finite.
template <class T>
struct clip_gradient {
  flat_ranges ranges;
  T* gradient;
  const double* norm;  // [1], backend memory
  double max_norm;
};

// average += (1 - decay) (value - average)
template <class T>
struct average_step {
  flat_ranges ranges;
  const T* value;
  T* average;
  double decay;
};

}  // namespace op
}  // namespace avss
