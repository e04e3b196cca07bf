// Gateway, fusion and mask, as plain loops.
#pragma once

#include <algorithm>
#include <avss/op/fusion.hpp>
#include <avss/reference/attention.hpp>
#include <avss/reference/map_norm.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace avss {
namespace ref {

// body(place in an array of all items, place in one with a single item for each mixture, channel)
template <class Body>
void for_each_shared(const op::map_size& n, dim_t share, Body&& body) {
  for (dim_t b = 0; b < n.batch; ++b)
    for (dim_t c = 0; c < n.channels; ++c)
      for (dim_t i = 0; i < n.plane(); ++i)
        body((b * n.channels + c) * n.plane() + i, (b / share * n.channels + c) * n.plane() + i, c);
}

template <class T>
T branch_normed(const op::fusion_branch<T>& f, dim_t c, T a) {
  return (f.weight[c] * a - f.mean[c]) * f.rstd[c];
}
template <class T>
T branch_value(const op::fusion_branch<T>& f, dim_t c, T a) {
  return f.gamma[c] * branch_normed(f, c, a) + f.beta[c];
}

// body(place, place of the mixture's item, place in key and weights, channel)
template <class T, class Body>
void for_each_fused(const op::fusion_fwd<T>& o, Body&& body) {
  for_each_shared(o.n, o.share, [&](dim_t i, dim_t shared, dim_t c) {
    const dim_t t = i / o.n.bins % o.n.frames, row = i / o.n.plane();
    body(i, shared, row * o.video_frames + nearest_index(t, o.video_frames, o.n.frames), c);
  });
}

// Back through one branch from d = dL/d(its result) [n]; adds to da.
template <class T>
void branch_back(const op::fusion_fwd<T>& o, const op::fusion_branch<T>& f, const op::fusion_branch_grad<T>& g, bool fixed,
                 const std::vector<T>& d, T* da) {
  const std::size_t C = static_cast<std::size_t>(o.n.channels);
  std::vector<double> s1(C), s2(C);
  for_each_shared(o.n, o.share, [&](dim_t i, dim_t shared, dim_t c) {
    const T h = branch_normed(f, c, o.a[shared]);
    s1[static_cast<std::size_t>(c)] += d[static_cast<std::size_t>(i)];
    s2[static_cast<std::size_t>(c)] += d[static_cast<std::size_t>(i)] * h;
  });
  const double count = static_cast<double>(o.n.batch * o.n.plane());
  for (dim_t c = 0; c < o.n.channels; ++c) {
    g.dbeta[c] += static_cast<T>(s1[static_cast<std::size_t>(c)]);
    g.dgamma[c] += static_cast<T>(s2[static_cast<std::size_t>(c)]);
  }
  for_each_shared(o.n, o.share, [&](dim_t i, dim_t shared, dim_t c) {
    T dh = d[static_cast<std::size_t>(i)];
    const std::size_t k = static_cast<std::size_t>(c);
    if (!fixed) dh -= static_cast<T>((s1[k] + branch_normed(f, c, o.a[shared]) * s2[k]) / count);
    const T dproduct = f.gamma[c] * f.rstd[c] * dh;
    g.dweight[c] += dproduct * o.a[shared];
    da[shared] += dproduct * f.weight[c];
  });
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::gateway_fwd<T>& o, void*) {
  ref::for_each_shared(o.n, o.share, [&](dim_t i, dim_t shared, dim_t c) {
    const T x = o.plus ? o.x[i] + o.plus[shared] : o.x[i];
    const T v = o.weight[c] * x + o.bias[c];
    o.y[i] = v > 0 ? v : *o.slope * v;
  });
}

template <class T>
void execute(reference<T>&, const op::gateway_bwd<T>& o, void*) {
  if (o.dplus && !o.accumulate) std::fill_n(o.dplus, o.n.size() / o.share, T(0));
  ref::for_each_shared(o.n, o.share, [&](dim_t i, dim_t shared, dim_t c) {
    const T x = o.plus ? o.x[i] + o.plus[shared] : o.x[i];
    const T v = o.weight[c] * x + o.bias[c];
    if (!(v > 0)) *o.dslope += o.d[i] * v;
    const T dv = v > 0 ? o.d[i] : *o.slope * o.d[i];
    o.dweight[c] += dv * x;
    o.dbias[c] += dv;
    o.d[i] = dv * o.weight[c];
    if (o.dplus) o.dplus[shared] += o.d[i];
  });
}

template <class T>
void execute(reference<T>&, const op::fusion_moments<T>& o, void*) {
  const double count = static_cast<double>(o.n.batch * o.n.plane());
  for (dim_t c = 0; c < o.n.channels; ++c) {
    double sum = 0, square = 0;
    const auto each = [&](auto&& body) {
      for (dim_t b = 0; b < o.n.batch; ++b)
        for (dim_t i = 0; i < o.n.plane(); ++i)
          body(static_cast<double>(o.branch.weight[c] * o.a[(b * o.n.channels + c) * o.n.plane() + i]));
    };
    each([&](double v) { sum += v; });
    each([&](double v) { square += (v - sum / count) * (v - sum / count); });
    o.branch.mean[c] = static_cast<T>(sum / count);
    o.branch.rstd[c] = static_cast<T>(1 / std::sqrt(square / count + o.eps));
  }
}

template <class T>
void execute(reference<T>&, const op::fusion_fwd<T>& o, void*) {
  ref::for_each_fused(o, [&](dim_t i, dim_t shared, dim_t at, dim_t c) {
    const T gate = ref::branch_value(o.gate, c, o.a[shared]);
    o.y[i] = (gate <= 0 ? T(0) : gate) * o.key[at] + ref::branch_value(o.value, c, o.a[shared]) * o.weights[at];
  });
}

template <class T>
void execute(reference<T>&, const op::fusion_bwd<T>& g, void*) {
  const op::fusion_fwd<T>& o = g.fwd;
  const dim_t n_video = o.n.batch * o.n.channels * o.video_frames;
  std::fill_n(g.da, o.n.size() / o.share, T(0));
  std::fill_n(g.dkey, n_video, T(0));
  std::fill_n(g.dweights, n_video, T(0));
  std::vector<T> dgate(static_cast<std::size_t>(o.n.size())), dvalue(dgate.size());
  ref::for_each_fused(o, [&](dim_t i, dim_t shared, dim_t at, dim_t c) {
    const T gate = ref::branch_value(o.gate, c, o.a[shared]);
    if (!(gate <= 0)) {  // a NaN is no closed gate
      g.dkey[at] += g.dy[i] * gate;
      dgate[static_cast<std::size_t>(i)] = g.dy[i] * o.key[at];
    }
    g.dweights[at] += g.dy[i] * ref::branch_value(o.value, c, o.a[shared]);
    dvalue[static_cast<std::size_t>(i)] = g.dy[i] * o.weights[at];
  });
  ref::branch_back(o, o.gate, g.gate, g.fixed, dgate, g.da);
  ref::branch_back(o, o.value, g.value, g.fixed, dvalue, g.da);
}

template <class T>
void execute(reference<T>&, const op::head_softmax_fwd<T>& o, void*) {
  for (dim_t row = 0; row < o.batch * o.channels; ++row) {
    T* y = o.y + row * o.frames;
    for (dim_t t = 0; t < o.frames; ++t) {
      T sum = 0;
      for (dim_t h = 0; h < o.heads; ++h) sum += o.x[(row * o.heads + h) * o.frames + t];
      y[t] = sum / static_cast<T>(o.heads);
    }
    ref::softmax(o.frames, y);
  }
}

template <class T>
void execute(reference<T>&, const op::head_softmax_bwd<T>& o, void*) {
  std::vector<T> d(static_cast<std::size_t>(o.frames));
  for (dim_t row = 0; row < o.batch * o.channels; ++row) {
    std::copy_n(o.dy + row * o.frames, o.frames, d.begin());
    ref::softmax_back(o.frames, o.y + row * o.frames, d.data());
    for (dim_t h = 0; h < o.heads; ++h)
      for (dim_t t = 0; t < o.frames; ++t)
        o.dx[(row * o.heads + h) * o.frames + t] = d[static_cast<std::size_t>(t)] / static_cast<T>(o.heads);
  }
}

template <class T>
void execute(reference<T>&, const op::complex_mask_fwd<T>& o, void*) {
  const dim_t half = o.channels / 2 * o.plane;
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t i = 0; i < half; ++i) {
      const dim_t re = b * 2 * half + i, im = re + half, e_re = b / o.share * 2 * half + i, e_im = e_re + half;
      const T m_re = std::max(o.mask[re], T(0)), m_im = std::max(o.mask[im], T(0));
      o.z[re] = o.e[e_re] * m_re - o.e[e_im] * m_im;
      o.z[im] = o.e[e_re] * m_im + o.e[e_im] * m_re;
    }
}

template <class T>
void execute(reference<T>&, const op::complex_mask_bwd<T>& o, void*) {
  const dim_t half = o.channels / 2 * o.plane;
  std::fill_n(o.de, o.batch / o.share * 2 * half, T(0));
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t i = 0; i < half; ++i) {
      const dim_t re = b * 2 * half + i, im = re + half, e_re = b / o.share * 2 * half + i, e_im = e_re + half;
      const T m_re = std::max(o.mask[re], T(0)), m_im = std::max(o.mask[im], T(0));
      const T d_re = o.dz[re], d_im = o.dz[im];
      o.de[e_re] += d_re * m_re + d_im * m_im;
      o.de[e_im] += d_im * m_re - d_re * m_im;
      o.dmask[re] = o.mask[re] > 0 ? d_re * o.e[e_re] + d_im * o.e[e_im] : T(0);
      o.dmask[im] = o.mask[im] > 0 ? d_im * o.e[e_re] - d_re * o.e[e_im] : T(0);
    }
}

}  // namespace avss
