// PReLU and normalisation, as plain loops. See op/act_norm.hpp for the formulas.
#pragma once

#include <avss/op/act_norm.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>
#include <vector>

namespace avss {
namespace ref {

template <class T>
dim_t stat_index(const op::act_norm<T>& f, dim_t b, dim_t t, dim_t frames) {
  return f.norm == norm_kind::global ? b : b * frames + t;
}

template <class T>
T activate(const op::act_norm<T>& f, T x) {
  return f.slope && !(x > 0) ? *f.slope * x : x;
}

template <class T>
T apply(const op::act_norm<T>& f, dim_t b, dim_t c, dim_t t, dim_t frames, T x) {
  const T a = activate(f, x);
  if (f.norm == norm_kind::none) return a;
  const dim_t s = stat_index(f, b, t, frames);
  return f.gamma[c] * (a - f.mean[s]) * f.rstd[s] + f.beta[c];
}

// dL/dx at one place; adds to dslope.
template <class T>
T go_back(const op::act_norm_grad<T>& g, dim_t b, dim_t c, dim_t t, dim_t channels, dim_t frames) {
  const dim_t i = (b * channels + c) * frames + t;
  T da = g.df[i];
  const T x = g.x ? g.x[i] : T(0);
  if (g.f.norm != norm_kind::none) {
    const dim_t s = stat_index(g.f, b, t, frames);
    da = g.f.gamma[c] * g.f.rstd[s] * da + g.shift[s] + g.scale[s] * (activate(g.f, x) - g.f.mean[s]);
  }
  if (!g.f.slope || x > 0) return da;
  *g.dslope += da * x;
  return da * *g.f.slope;
}

// mean and rstd of a(x).
template <class T>
void fill_moments(dim_t batch, dim_t channels, dim_t frames, const T* x, const op::act_norm<T>& f) {
  if (f.norm == norm_kind::none) return;
  for (dim_t b = 0; b < batch; ++b) {
    // Sums over what one mean is taken of; the cumulative norm goes on adding from frame to frame.
    double sum = 0, square = 0, count = 0;
    for (dim_t t = 0; t < frames; ++t) {
      if (f.norm == norm_kind::per_frame) sum = square = count = 0;
      for (dim_t c = 0; c < channels; ++c) {
        const double a = activate(f, x[(b * channels + c) * frames + t]);
        sum += a;
        square += a * a;
        count += 1;
      }
      if (f.norm == norm_kind::global && t + 1 < frames) continue;
      const dim_t s = stat_index(f, b, t, frames);
      const double mean = sum / count, variance = square / count - mean * mean;
      f.mean[s] = static_cast<T>(mean);
      f.rstd[s] = static_cast<T>(1 / std::sqrt((variance > 0 ? variance : 0) + f.eps));
    }
  }
}

// From df: dgamma, dbeta, shift and scale.
// With r = rstd, h = (a - mean) r and, over what the statistic s covers (n values), S1 = sum gamma df, S2 = sum gamma df h:
//   dL/dmean = -r S1,  dL/dvariance = -r^2 S2 / 2,  and variance = mean of a^2 - mean^2.
template <class T>
void close_gradient(dim_t batch, dim_t channels, dim_t frames, const op::act_norm_grad<T>& g) {
  const op::act_norm<T>& f = g.f;
  if (f.norm == norm_kind::none) return;
  std::vector<double> s1(static_cast<std::size_t>(frames)), s2(s1.size());
  for (dim_t b = 0; b < batch; ++b) {
    for (dim_t t = 0; t < frames; ++t) {
      double& sum1 = s1[static_cast<std::size_t>(f.norm == norm_kind::global ? 0 : t)];
      double& sum2 = s2[static_cast<std::size_t>(f.norm == norm_kind::global ? 0 : t)];
      if (f.norm != norm_kind::global || t == 0) sum1 = sum2 = 0;
      const dim_t s = stat_index(f, b, t, frames);
      for (dim_t c = 0; c < channels; ++c) {
        const dim_t i = (b * channels + c) * frames + t;
        const T h = (activate(f, g.x[i]) - f.mean[s]) * f.rstd[s];
        g.dgamma[c] += g.df[i] * h;
        g.dbeta[c] += g.df[i];
        sum1 += static_cast<double>(f.gamma[c]) * g.df[i];
        sum2 += static_cast<double>(f.gamma[c]) * g.df[i] * h;
      }
    }
    const dim_t n_stats = stats_per_item(f.norm, frames);
    double later_square = 0, later_mean = 0;  // of the cumulative norm: sums over this and all later frames
    for (dim_t t = n_stats; t-- > 0;) {
      const dim_t s = f.norm == norm_kind::global ? b : b * frames + t;
      const double r = f.rstd[s], mean = f.mean[s];
      const double d_mean = -r * s1[static_cast<std::size_t>(t)], d_variance = -r * r * s2[static_cast<std::size_t>(t)] / 2;
      if (f.norm == norm_kind::cumulative) {
        const double n = static_cast<double>(channels) * static_cast<double>(t + 1);
        later_square += 2 * d_variance / n;
        later_mean += (d_mean - 2 * mean * d_variance) / n;
        g.scale[s] = static_cast<T>(later_square);
        g.shift[s] = static_cast<T>(later_mean + later_square * mean);
      } else {
        const double n = static_cast<double>(channels) * static_cast<double>(f.norm == norm_kind::global ? frames : 1);
        g.scale[s] = static_cast<T>(2 * d_variance / n);
        g.shift[s] = static_cast<T>(d_mean / n);
      }
    }
  }
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::moments<T>& o, void*) {
  ref::fill_moments(o.batch, o.channels, o.frames, o.x, o.f);
}

template <class T>
void execute(reference<T>&, const op::act_norm_fwd<T>& o, void*) {
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t c = 0; c < o.channels; ++c)
      for (dim_t t = 0; t < o.frames; ++t) {
        const dim_t i = (b * o.channels + c) * o.frames + t;
        o.y[i] = ref::apply(o.f, b, c, t, o.frames, o.x[i]);
      }
}

template <class T>
void execute(reference<T>&, const op::act_norm_close<T>& o, void*) {
  ref::close_gradient(o.batch, o.channels, o.frames, o.g);
}

template <class T>
void execute(reference<T>&, const op::act_norm_bwd<T>& o, void*) {
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t c = 0; c < o.channels; ++c)
      for (dim_t t = 0; t < o.frames; ++t) {
        T& dx = o.dx[(b * o.channels + c) * o.frames + t];
        const T d = ref::go_back(o.g, b, c, t, o.channels, o.frames);
        dx = o.accumulate ? dx + d : d;
      }
}

}  // namespace avss
