// PReLU and normalisation on rows: the parts that the fused kernels are made of.
#pragma once

#include <algorithm>
#include <avss/cpu/backend.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/act_norm.hpp>
#include <cstring>

namespace avss {
namespace cpu_kernel {

using act_norm = op::act_norm<float>;
using act_norm_grad = op::act_norm_grad<float>;

inline float slope_of(const act_norm& f) { return f.slope ? *f.slope : 1.f; }
inline bool per_frame(norm_kind kind) { return kind == norm_kind::per_frame || kind == norm_kind::cumulative; }

// y[t] = f(x[t]), n frames from `first` on of channel c of item b; x and y point at the first.
inline void apply_row(const act_norm& f, dim_t b, dim_t c, dim_t first, dim_t n, dim_t frames, const float* x, float* y) {
  const float slope = slope_of(f);
  if (f.norm == norm_kind::none) {
    simd::for_each(n, [&](auto v, dim_t t) {
      const auto in = simd::load<decltype(v)>(x + t);
      simd::store(y + t, in > 0.f ? in : in * slope);
    });
  } else if (f.norm == norm_kind::global) {
    const float scale = f.gamma[c] * f.rstd[b], offset = f.beta[c] - scale * f.mean[b];
    simd::for_each(n, [&](auto v, dim_t t) {
      const auto in = simd::load<decltype(v)>(x + t);
      simd::store(y + t, (in > 0.f ? in : in * slope) * scale + offset);
    });
  } else {
    const float gamma = f.gamma[c], beta = f.beta[c];
    const float *mean = f.mean + b * frames + first, *rstd = f.rstd + b * frames + first;
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V in = simd::load<V>(x + t);
      const V a = in > 0.f ? in : in * slope;
      simd::store(y + t, (a - simd::load<V>(mean + t)) * simd::load<V>(rstd + t) * gamma + beta);
    });
  }
}

struct two_sums {
  double first = 0, second = 0;
};

// Sums over a row: floats over blocks of it, doubles over the blocks. Gradients of slopes and gains are sums of terms that
// nearly cancel: blocks of thousands would leave them four digits.
template <class Block>
two_sums sum_blocks(dim_t n, Block&& block) {
  constexpr dim_t most = 512;
  two_sums all;
  for (dim_t first = 0; first < n; first += most) {
    const two_sums part = block(first, std::min(most, n - first));
    all.first += part.first;
    all.second += part.second;
  }
  return all;
}

// dx[t] = dL/dx from g.df, for the same frames; returns the part of dL/dslope. dx may be df's own row.
inline double go_back_block(const act_norm_grad& g, dim_t b, dim_t c, dim_t first, dim_t n, dim_t frames, const float* x,
                            const float* df, float* dx) {
  const float slope = slope_of(g.f);
  simd::row_sum dslope;
  const auto leave = [&](auto in, auto da, dim_t t) {
    const auto below = in * da;
    dslope.add(in > 0.f ? decltype(below){} : below);
    simd::store(dx + t, in > 0.f ? da : da * slope);
  };
  if (g.f.norm == norm_kind::none) {
    if (!g.f.slope) {
      if (dx != df) std::memcpy(dx, df, static_cast<std::size_t>(n) * sizeof(float));
      return 0;
    }
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      leave(simd::load<V>(x + t), simd::load<V>(df + t), t);
    });
  } else if (g.f.norm == norm_kind::global) {
    const float gain = g.f.gamma[c] * g.f.rstd[b], scale = g.scale[b], offset = g.shift[b] - scale * g.f.mean[b];
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V in = simd::load<V>(x + t);
      const V a = in > 0.f ? in : in * slope;
      leave(in, simd::load<V>(df + t) * gain + (a * scale + offset), t);
    });
  } else {
    const dim_t at = b * frames + first;
    const float gamma = g.f.gamma[c];
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V in = simd::load<V>(x + t);
      const V a = in > 0.f ? in : in * slope;
      const V gain = simd::load<V>(g.f.rstd + at + t) * gamma;
      const V moved = simd::load<V>(g.scale + at + t) * (a - simd::load<V>(g.f.mean + at + t));
      leave(in, simd::load<V>(df + t) * gain + simd::load<V>(g.shift + at + t) + moved, t);
    });
  }
  return dslope.total();
}

inline double go_back_row(const act_norm_grad& g, dim_t b, dim_t c, dim_t first, dim_t n, dim_t frames, const float* x,
                          const float* df, float* dx) {
  const auto block = [&](dim_t at, dim_t size) {
    return two_sums{go_back_block(g, b, c, first + at, size, frames, x + at, df + at, dx + at), 0};
  };
  return sum_blocks(n, block).first;
}

// y += x
inline void add_row(dim_t n, const float* x, float* y) {
  simd::for_each(n, [&](auto v, dim_t t) {
    using V = decltype(v);
    simd::store(y + t, simd::load<V>(y + t) + simd::load<V>(x + t));
  });
}

// y = x + value, or value alone without x
inline void fill_row(dim_t n, const float* x, float value, float* y) {
  simd::for_each(n, [&](auto v, dim_t t) {
    using V = decltype(v);
    simd::store(y + t, (x ? simd::load<V>(x + t) : V{}) + value);
  });
}

inline double sum_row(dim_t n, const float* x) {
  const auto block = [&](dim_t first, dim_t size) {
    simd::row_sum sum;
    simd::for_each(size, [&](auto v, dim_t t) { sum.add(simd::load<decltype(v)>(x + first + t)); });
    return two_sums{sum.total(), 0};
  };
  return sum_blocks(n, block).first;
}

inline double dot_row(dim_t n, const float* x, const float* y) {
  const auto block = [&](dim_t first, dim_t size) {
    simd::row_sum sum;
    simd::for_each(size, [&](auto v, dim_t t) {
      using V = decltype(v);
      sum.add(simd::load<V>(x + first + t) * simd::load<V>(y + first + t));
    });
    return two_sums{sum.total(), 0};
  };
  return sum_blocks(n, block).first;
}

// total += part(0) + part(1) + ... + part(n - 1), added up in double.
template <class Part>
void add_sum(dim_t n, Part&& part, float& total) {
  double sum = 0;
  for (dim_t i = 0; i < n; ++i) sum += part(i);
  total += static_cast<float>(sum);
}

// Sum and sum of squares of a(x) over a row.
inline two_sums moment_row(float slope, dim_t n, const float* x) {
  return sum_blocks(n, [&](dim_t first, dim_t size) {
    simd::row_sum sum, square;
    simd::for_each(size, [&](auto v, dim_t t) {
      const auto in = simd::load<decltype(v)>(x + first + t);
      const auto a = in > 0.f ? in : in * slope;
      sum.add(a);
      square.add(a * a);
    });
    return two_sums{sum.total(), square.total()};
  });
}

// The same for each frame, added to sum[t] and square[t].
inline void moment_frames(float slope, dim_t n, const float* x, double* sum, double* square) {
  for (dim_t t = 0; t < n; ++t) {
    const double a = x[t] > 0 ? x[t] : x[t] * slope;
    sum[t] += a;
    square[t] += a * a;
  }
}

// Sum of df and of df times the normalised value over a row.
inline two_sums gradient_row(const act_norm_grad& g, dim_t b, dim_t first, dim_t n, dim_t frames, const float* x,
                             const float* df) {
  const float slope = slope_of(g.f);
  if (g.f.norm == norm_kind::global) {
    const float mean = g.f.mean[b], rstd = g.f.rstd[b];
    return sum_blocks(n, [&](dim_t from, dim_t size) {
      simd::row_sum plain, weighted;
      simd::for_each(size, [&](auto v, dim_t t) {
        using V = decltype(v);
        const V in = simd::load<V>(x + from + t), d = simd::load<V>(df + from + t);
        plain.add(d);
        weighted.add(d * ((in > 0.f ? in : in * slope) - mean));
      });
      return two_sums{plain.total(), weighted.total() * rstd};
    });
  }
  const float *mean = g.f.mean + b * frames + first, *rstd = g.f.rstd + b * frames + first;
  return sum_blocks(n, [&](dim_t from, dim_t size) {
    simd::row_sum plain, weighted;
    simd::for_each(size, [&](auto v, dim_t at) {
      using V = decltype(v);
      const dim_t t = from + at;
      const V in = simd::load<V>(x + t), d = simd::load<V>(df + t);
      plain.add(d);
      weighted.add(d * ((in > 0.f ? in : in * slope) - simd::load<V>(mean + t)) * simd::load<V>(rstd + t));
    });
    return two_sums{plain.total(), weighted.total()};
  });
}

}  // namespace cpu_kernel
}  // namespace avss
