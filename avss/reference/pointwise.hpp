// Pointwise convolution, as plain loops.
#pragma once

#include <avss/op/pointwise.hpp>
#include <avss/reference/act_norm.hpp>

namespace avss {

template <class T>
void execute(reference<T>&, const op::pointwise_fwd<T>& o, void*) {
  std::vector<T> column(static_cast<std::size_t>(o.in));
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t t = 0; t < o.frames; ++t) {
      for (dim_t i = 0; i < o.in; ++i)
        column[static_cast<std::size_t>(i)] = ref::apply(o.f, b, i, t, o.frames, o.x[(b * o.in + i) * o.frames + t]);
      for (int k = 0; k < o.n_targets; ++k) {
        const op::pointwise_target<T>& to = o.target[k];
        for (dim_t n = 0; n < to.out; ++n) {
          const dim_t at = (b * to.out + n) * o.frames + t;
          T sum = (to.bias ? to.bias[n] : T(0)) + (to.residual ? to.residual[at] : T(0));
          for (dim_t i = 0; i < o.in; ++i) sum += to.weight[n * o.in + i] * column[static_cast<std::size_t>(i)];
          to.y[at] = sum;
        }
      }
    }
  ref::fill_moments(o.batch, o.target[0].out, o.frames, o.target[0].y, o.next);
}

template <class T>
void execute(reference<T>&, const op::pointwise_bwd<T>& o, void*) {
  if (o.output.df)
    for (dim_t b = 0; b < o.batch; ++b)
      for (dim_t n = 0; n < o.target[0].out; ++n)
        for (dim_t t = 0; t < o.frames; ++t)
          o.output.df[(b * o.target[0].out + n) * o.frames + t] = ref::go_back(o.output, b, n, t, o.target[0].out, o.frames);

  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t t = 0; t < o.frames; ++t)
      for (dim_t i = 0; i < o.in; ++i) {
        const dim_t at = (b * o.in + i) * o.frames + t;
        const T fx = ref::apply(o.input.f, b, i, t, o.frames, o.input.x[at]);
        T sum = o.accumulate ? o.input.df[at] : T(0);
        for (int k = 0; k < o.n_targets; ++k) {
          const op::pointwise_target_grad<T>& to = o.target[k];
          const T* dy = o.output.df ? o.output.df : to.dy;
          for (dim_t n = 0; n < to.out; ++n) {
            const T d = dy[(b * to.out + n) * o.frames + t];
            sum += to.weight[n * o.in + i] * d;
            to.dweight[n * o.in + i] += d * fx;
            if (i == 0 && to.dbias) to.dbias[n] += d;
          }
        }
        o.input.df[at] = sum;
      }
  ref::close_gradient(o.batch, o.in, o.frames, o.input);
}

}  // namespace avss
