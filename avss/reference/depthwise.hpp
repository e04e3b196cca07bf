// Depthwise convolution along time, as plain loops.
#pragma once

#include <avss/op/depthwise.hpp>
#include <avss/reference/act_norm.hpp>

namespace avss {

template <class T>
void execute(reference<T>&, const op::depthwise_fwd<T>& o, void*) {
  std::vector<T> row(static_cast<std::size_t>(o.frames));
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t c = 0; c < o.channels; ++c) {
      const dim_t at = (b * o.channels + c) * o.frames;
      for (dim_t t = 0; t < o.frames; ++t) row[static_cast<std::size_t>(t)] = ref::apply(o.f, b, c, t, o.frames, o.x[at + t]);
      for (dim_t t = 0; t < o.frames; ++t) {
        T sum = o.bias ? o.bias[c] : T(0);
        for (dim_t k = 0; k < o.kernel; ++k) {
          const dim_t from = t + k * o.dilation - o.left;
          if (from >= 0 && from < o.frames) sum += o.weight[c * o.kernel + k] * row[static_cast<std::size_t>(from)];
        }
        o.y[at + t] = sum;
      }
    }
  ref::fill_moments(o.batch, o.channels, o.frames, o.y, o.next);
}

template <class T>
void execute(reference<T>&, const op::depthwise_bwd<T>& o, void*) {
  std::vector<T> fx(static_cast<std::size_t>(o.frames)), dy(fx.size());
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t c = 0; c < o.channels; ++c) {
      const dim_t at = (b * o.channels + c) * o.frames;
      for (dim_t t = 0; t < o.frames; ++t) {
        const std::size_t i = static_cast<std::size_t>(t);
        fx[i] = ref::apply(o.input.f, b, c, t, o.frames, o.input.x[at + t]);
        dy[i] = ref::go_back(o.output, b, c, t, o.channels, o.frames);
        if (o.dbias) o.dbias[c] += dy[i];
      }
      for (dim_t t = 0; t < o.frames; ++t) o.input.df[at + t] = 0;
      for (dim_t t = 0; t < o.frames; ++t)
        for (dim_t k = 0; k < o.kernel; ++k) {
          const dim_t from = t + k * o.dilation - o.left;
          if (from < 0 || from >= o.frames) continue;
          o.input.df[at + from] += o.weight[c * o.kernel + k] * dy[static_cast<std::size_t>(t)];
          o.dweight[c * o.kernel + k] += dy[static_cast<std::size_t>(t)] * fx[static_cast<std::size_t>(from)];
        }
    }
  ref::close_gradient(o.batch, o.channels, o.frames, o.input);
}

}  // namespace avss
