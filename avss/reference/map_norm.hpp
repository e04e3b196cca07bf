// Normalisation of maps, as plain loops. See op/map_norm.hpp for the formulas.
#pragma once

#include <avss/op/map_norm.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace avss {
namespace ref {

template <class T>
T bent(const op::bend<T>& b, T x) {
  switch (b.form) {
    case curve::identity: return x;
    case curve::relu: return x < 0 ? T(0) : x;
    case curve::prelu: return x > 0 ? x : *b.slope * x;
    case curve::sigmoid: return 1 / (1 + std::exp(-x));
  }
  return x;
}

// d bent / dx at x, times d; adds to the slope's gradient.
template <class T>
T unbent(const op::bend<T>& b, T x, T d, T* dslope) {
  switch (b.form) {
    case curve::identity: return d;
    case curve::relu: return x > 0 ? d : T(0);
    case curve::prelu:
      if (x > 0) return d;
      *dslope += d * x;
      return d * *b.slope;
    case curve::sigmoid: {
      const T y = bent(b, x);
      return d * y * (1 - y);
    }
  }
  return d;
}

// Where a value stands: the index of its statistics, and of its gain and offset.
struct norm_place {
  dim_t stat, gain;
};
inline norm_place place_of(norm_over over, const op::map_size& n, dim_t b, dim_t c, dim_t t, dim_t f) {
  switch (over) {
    case norm_over::none: return {0, 0};
    case norm_over::item: return {b, c};
    case norm_over::position: return {(b * n.frames + t) * n.bins + f, c};
    case norm_over::frame: return {b * n.frames + t, c * n.bins + f};
    case norm_over::channel: return {c, c};
  }
  return {0, 0};
}

// body(flat index, place) for every value of a map.
template <class Body>
void for_each_place(norm_over over, const op::map_size& n, Body&& body) {
  dim_t i = 0;
  for (dim_t b = 0; b < n.batch; ++b)
    for (dim_t c = 0; c < n.channels; ++c)
      for (dim_t t = 0; t < n.frames; ++t)
        for (dim_t f = 0; f < n.bins; ++f, ++i) body(i, place_of(over, n, b, c, t, f));
}

// Before what stands behind the normalisation.
template <class T>
T normed(const op::map_norm<T>& f, norm_place p, T x) {
  const T a = bent(f.pre, x);
  return f.over == norm_over::none ? a : f.gamma[p.gain] * (a - f.mean[p.stat]) * f.rstd[p.stat] + f.beta[p.gain];
}

template <class T>
T apply(const op::map_norm<T>& f, norm_place p, T x) {
  return bent(f.post, normed(f, p, x));
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::map_moments<T>& o, void*) {
  if (o.f.over == norm_over::none || o.f.fixed) return;
  const dim_t stats = stats_of(o.f.over, o.n);
  const double count = static_cast<double>(o.n.size()) / static_cast<double>(stats);
  std::vector<double> sum(static_cast<std::size_t>(stats)), square(sum.size());
  ref::for_each_place(o.f.over, o.n,
                      [&](dim_t i, ref::norm_place p) { sum[static_cast<std::size_t>(p.stat)] += ref::bent(o.f.pre, o.x[i]); });
  for (dim_t s = 0; s < stats; ++s) o.f.mean[s] = static_cast<T>(sum[static_cast<std::size_t>(s)] / count);
  ref::for_each_place(o.f.over, o.n, [&](dim_t i, ref::norm_place p) {
    const double d = static_cast<double>(ref::bent(o.f.pre, o.x[i])) - sum[static_cast<std::size_t>(p.stat)] / count;
    square[static_cast<std::size_t>(p.stat)] += d * d;
  });
  for (dim_t s = 0; s < stats; ++s)
    o.f.rstd[s] = static_cast<T>(1 / std::sqrt(square[static_cast<std::size_t>(s)] / count + o.f.eps));
}

template <class T>
void execute(reference<T>&, const op::map_norm_fwd<T>& o, void*) {
  ref::for_each_place(o.f.over, o.n, [&](dim_t i, ref::norm_place p) {
    const T y = ref::apply(o.f, p, o.x[i]);
    o.y[i] = o.plus ? y + o.plus[i] : y;
  });
}

// With h = (a - mean) rstd and dv what comes back through post: over what one statistic covers,
//   da = rstd (gamma dv - mean of gamma dv - h mean of gamma dv h).
template <class T>
void execute(reference<T>&, const op::map_norm_bwd<T>& o, void*) {
  const op::map_norm<T>& f = o.f;
  const bool norm = f.over != norm_over::none;
  const dim_t stats = stats_of(f.over, o.n);
  const double count = norm ? static_cast<double>(o.n.size()) / static_cast<double>(stats) : 1;
  std::vector<double> s1(static_cast<std::size_t>(stats)), s2(s1.size());
  std::vector<T> dv(static_cast<std::size_t>(o.n.size()));
  ref::for_each_place(f.over, o.n, [&](dim_t i, ref::norm_place p) {
    const T d = ref::unbent(f.post, ref::normed(f, p, o.x[i]), o.dy[i], o.g.dpost_slope);
    dv[static_cast<std::size_t>(i)] = d;
    if (!norm) return;
    const T h = (ref::bent(f.pre, o.x[i]) - f.mean[p.stat]) * f.rstd[p.stat];
    o.g.dgamma[p.gain] += d * h;
    o.g.dbeta[p.gain] += d;
    s1[static_cast<std::size_t>(p.stat)] += static_cast<double>(f.gamma[p.gain]) * d;
    s2[static_cast<std::size_t>(p.stat)] += static_cast<double>(f.gamma[p.gain]) * d * h;
  });
  ref::for_each_place(f.over, o.n, [&](dim_t i, ref::norm_place p) {
    T da = dv[static_cast<std::size_t>(i)];
    if (norm) {
      const std::size_t s = static_cast<std::size_t>(p.stat);
      const T h = (ref::bent(f.pre, o.x[i]) - f.mean[p.stat]) * f.rstd[p.stat];
      const T shared = f.fixed ? T(0) : static_cast<T>((s1[s] + h * s2[s]) / count);
      da = f.rstd[p.stat] * (f.gamma[p.gain] * da - shared);
    }
    const T dx = ref::unbent(f.pre, o.x[i], da, o.g.dpre_slope);
    o.dx[i] = o.accumulate ? o.dx[i] + dx : dx;
  });
}

template <class T>
void execute(reference<T>&, const op::running_to_moments<T>& o, void*) {
  for (dim_t c = 0; c < o.channels; ++c) {
    o.mean[c] = o.running_mean[c];
    o.rstd[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(o.running_var[c]) + o.eps));
  }
}

template <class T>
void execute(reference<T>&, const op::update_running<T>& o, void*) {
  const double unbiased = o.n > 1 ? static_cast<double>(o.n) / static_cast<double>(o.n - 1) : 1;
  for (dim_t c = 0; c < o.channels; ++c) {
    const double r = o.rstd[c], var = (1 / (r * r) - o.eps) * unbiased;
    o.running_mean[c] = static_cast<T>((1 - o.momentum) * o.running_mean[c] + o.momentum * o.mean[c]);
    o.running_var[c] = static_cast<T>((1 - o.momentum) * o.running_var[c] + o.momentum * var);
  }
  *o.batches += 1;
}

}  // namespace avss
