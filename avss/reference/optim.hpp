// Optimiser steps as plain loops. See op/optim.hpp for the formulas.
#pragma once

#include <avss/op/optim.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>

namespace avss {
namespace ref {

// Calls body(i) for every index of the ranges.
template <class Body>
void over(const op::flat_ranges& ranges, Body&& body) {
  for (int r = 0; r < ranges.count; ++r)
    for (dim_t i = ranges.list[r].offset; i < ranges.list[r].offset + ranges.list[r].size; ++i) body(i);
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::adam_step<T>& o, void*) {
  const op::adam_rates& now = o.at ? *o.at : o.now;
  const T keep1 = static_cast<T>(now.beta1), take1 = static_cast<T>(1 - now.beta1);
  const T keep2 = static_cast<T>(o.beta2), take2 = static_cast<T>(1 - o.beta2);
  const T decay = static_cast<T>(now.decay), penalty = static_cast<T>(o.penalty), eps = static_cast<T>(o.eps);
  const T rate = static_cast<T>(now.rate), root = static_cast<T>(now.root);
  ref::over(o.ranges, [&](dim_t i) {
    const T g = o.gradient[i] + penalty * o.value[i];
    o.mean[i] = keep1 * o.mean[i] + take1 * g;
    o.square[i] = keep2 * o.square[i] + take2 * g * g;
    o.value[i] = decay * o.value[i] - rate * o.mean[i] / (std::sqrt(o.square[i]) / root + eps);
  });
}

template <class T>
void execute(reference<T>&, const op::sgd_step<T>& o, void*) {
  const op::sgd_rates& now = o.at ? *o.at : o.now;
  const T rate = static_cast<T>(now.lr), momentum = static_cast<T>(now.momentum), take = static_cast<T>(1 - o.dampening);
  const T penalty = static_cast<T>(o.weight_decay);
  ref::over(o.ranges, [&](dim_t i) {
    T g = o.gradient[i] + penalty * o.value[i];
    if (o.mean) {
      o.mean[i] = now.first ? g : momentum * o.mean[i] + take * g;
      g = o.nesterov ? g + momentum * o.mean[i] : o.mean[i];
    }
    o.value[i] -= rate * g;
  });
}

template <class T>
void execute(reference<T>&, const op::gradient_norm<T>& o, void*) {
  double sum = 0;
  ref::over(o.ranges, [&](dim_t i) { sum += static_cast<double>(o.gradient[i]) * o.gradient[i]; });
  *o.norm = std::sqrt(sum);
}

template <class T>
void execute(reference<T>&, const op::clip_gradient<T>& o, void*) {
  const double factor = o.max_norm / (*o.norm + 1e-6);
  if (!std::isfinite(*o.norm) || factor >= 1) return;
  ref::over(o.ranges, [&](dim_t i) { o.gradient[i] *= static_cast<T>(factor); });
}

template <class T>
void execute(reference<T>&, const op::average_step<T>& o, void*) {
  const T take = static_cast<T>(1 - o.decay);
  ref::over(o.ranges, [&](dim_t i) { o.average[i] += take * (o.value[i] - o.average[i]); });
}

}  // namespace avss
