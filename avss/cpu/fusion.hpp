// Gateway, fusion and mask, a channel's plane at a time.
#pragma once

#include <avss/cpu/attention.hpp>
#include <avss/cpu/map_norm.hpp>
#include <avss/op/fusion.hpp>
#include <span>

namespace avss {

inline void execute(cpu& backend, const op::gateway_fwd<float>& o, void*) {
  const dim_t C = o.n.channels, plane = o.n.plane();
  const float slope = *o.slope;
  for_pieces(backend, o.n.batch * C, [&](dim_t i, int) {
    const dim_t c = i % C;
    const float weight = o.weight[c], bias = o.bias[c];
    const float* const plus = o.plus ? o.plus + (i / C / o.share * C + c) * plane : nullptr;
    simd::for_each(plane, [&](auto v, dim_t t) {
      using V = decltype(v);
      V x = simd::load<V>(o.x + i * plane + t);
      if (plus) x += simd::load<V>(plus + t);
      const V y = x * weight + bias;
      simd::store(o.y + i * plane + t, y > 0.f ? y : y * slope);
    });
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::gateway_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<double>(o.n.channels); });
}

inline void execute(cpu& backend, const op::gateway_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t C = o.n.channels, plane = o.n.plane();
  const float slope = *o.slope;
  double* const dslope = static_cast<double*>(scratch);
  for_pieces(backend, C, [&](dim_t c, int) {
    const float weight = o.weight[c], bias = o.bias[c];
    dslope[c] = 0;
    for (dim_t b = 0; b < o.n.batch; ++b) {
      const dim_t shared = (b / o.share * C + c) * plane;
      float* const d = o.d + (b * C + c) * plane;
      float* const dplus = o.dplus ? o.dplus + shared : nullptr;
      const bool add = o.accumulate || b % o.share > 0;
      const two_sums sums = sum_blocks(plane, [&](dim_t first, dim_t n) {
        simd::row_sum dweight, dbias, below;
        simd::for_each(n, [&](auto v, dim_t at) {
          using V = decltype(v);
          const dim_t t = first + at;
          V x = simd::load<V>(o.x + (b * C + c) * plane + t);
          if (o.plus) x += simd::load<V>(o.plus + shared + t);
          const V y = x * weight + bias, dy = simd::load<V>(d + t), under = dy * y;
          below.add(y > 0.f ? V{} : under);
          const V dv = y > 0.f ? dy : dy * slope;
          dweight.add(dv * x);
          dbias.add(dv);
          const V dx = dv * weight;
          simd::store(d + t, dx);
          if (dplus) simd::store(dplus + t, add ? simd::load<V>(dplus + t) + dx : dx);
        });
        dslope[c] += below.total();
        return two_sums{dweight.total(), dbias.total()};
      });
      o.dweight[c] += static_cast<float>(sums.first);
      o.dbias[c] += static_cast<float>(sums.second);
    }
  });
  double all = 0;
  for (dim_t c = 0; c < C; ++c) all += dslope[c];
  *o.dslope += static_cast<float>(all);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::fusion_moments<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<double>(backend.group ? 2 * o.n.channels : 0); });
}

inline void execute(cpu& backend, const op::fusion_moments<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t C = o.n.channels, plane = o.n.plane();
  const auto value = [&](auto v, dim_t c, dim_t b, dim_t t) {
    return simd::load<decltype(v)>(o.a + (b * C + c) * plane + t) * o.branch.weight[c];
  };
  if (backend.group) {
    map_norm f{};
    f.eps = o.eps, f.mean = o.branch.mean, f.rstd = o.branch.rstd;
    return shared_channel_moments(backend, o.n, f, static_cast<double*>(scratch), value);
  }
  for_pieces(backend, C, [&](dim_t c, int) {
    const two_sums m = two_pass_moments(o.n.batch, plane, [&](auto v, dim_t b, dim_t t) { return value(v, c, b, t); });
    o.branch.mean[c] = static_cast<float>(m.first);
    o.branch.rstd[c] = static_cast<float>(1 / std::sqrt(m.second + o.eps));
  });
}

namespace cpu_kernel {

// One branch of the fusion at one channel.
struct branch_row {
  branch_row(const op::fusion_branch<float>& f, dim_t c)
      : weight(f.weight[c]), mean(f.mean[c]), rstd(f.rstd[c]), gamma(f.gamma[c]), beta(f.beta[c]) {}
  template <class V>
  [[gnu::always_inline]] V normed(V a) const {
    return (a * weight - mean) * rstd;
  }
  float weight, mean, rstd, gamma, beta;
};

// The sums of a branch over all items of a channel, and its way back from them.
struct branch_sums {
  double plain = 0, weighted = 0, dweight = 0;
};

// What one channel of one item reads and makes, frame by frame: body(frame, its first value, place in key and weights).
template <class Body>
void fused_frames(const op::fusion_fwd<float>& o, dim_t b, dim_t c, Body&& body) {
  for (dim_t t = 0; t < o.n.frames; ++t)
    body(t * o.n.bins, (b * o.n.channels + c) * o.video_frames + nearest_index(t, o.video_frames, o.n.frames));
}

// Gradients of key and weights, and the sums of both branches.
inline void fusion_sums(const op::fusion_bwd<float>& g, dim_t b, dim_t c, branch_sums& gate_sums, branch_sums& value_sums) {
  const op::fusion_fwd<float>& o = g.fwd;
  const branch_row gate(o.gate, c), value(o.value, c);
  const float* const a = o.a + (b / o.share * o.n.channels + c) * o.n.plane();
  const float* const dy = g.dy + (b * o.n.channels + c) * o.n.plane();
  fused_frames(o, b, c, [&](dim_t first, dim_t at) {
    const float key = o.key[at], weight = o.weights[at];
    simd::row_sum dkey, dweight, plain[2], weighted[2];
    simd::for_each(o.n.bins, [&](auto v, dim_t f) {
      using V = decltype(v);
      const V in = simd::load<V>(a + first + f), d = simd::load<V>(dy + first + f);
      const V hg = gate.normed(in), hv = value.normed(in), open = hg * gate.gamma + gate.beta;
      const V through = open <= 0.f ? V{} : d, dvalue = d * weight, dgate = through * key;
      dkey.add(through * open);
      dweight.add(d * (hv * value.gamma + value.beta));
      plain[0].add(dgate);
      weighted[0].add(dgate * hg);
      plain[1].add(dvalue);
      weighted[1].add(dvalue * hv);
    });
    g.dkey[at] += dkey.total();
    g.dweights[at] += dweight.total();
    gate_sums.plain += plain[0].total();
    gate_sums.weighted += weighted[0].total();
    value_sums.plain += plain[1].total();
    value_sums.weighted += weighted[1].total();
  });
}

// da, assigned or added to, and the sums for the weights' gradients.
inline void fusion_leave(const op::fusion_bwd<float>& g, dim_t b, dim_t c, double scale, bool add, branch_sums& gate_sums,
                         branch_sums& value_sums) {
  const op::fusion_fwd<float>& o = g.fwd;
  const branch_row gate(o.gate, c), value(o.value, c);
  const dim_t shared = (b / o.share * o.n.channels + c) * o.n.plane();
  const float *const a = o.a + shared, *const dy = g.dy + (b * o.n.channels + c) * o.n.plane();
  float* const da = g.da + shared;
  const float gm1 = static_cast<float>(gate_sums.plain * scale), gm2 = static_cast<float>(gate_sums.weighted * scale);
  const float vm1 = static_cast<float>(value_sums.plain * scale), vm2 = static_cast<float>(value_sums.weighted * scale);
  const float gate_gain = gate.gamma * gate.rstd, value_gain = value.gamma * value.rstd;
  fused_frames(o, b, c, [&](dim_t first, dim_t at) {
    const float key = o.key[at], weight = o.weights[at];
    simd::row_sum dgate_weight, dvalue_weight;
    simd::for_each(o.n.bins, [&](auto v, dim_t f) {
      using V = decltype(v);
      const V in = simd::load<V>(a + first + f), d = simd::load<V>(dy + first + f);
      const V hg = gate.normed(in), hv = value.normed(in), open = hg * gate.gamma + gate.beta;
      const V dgate = ((open <= 0.f ? V{} : d * key) - (gm1 + hg * gm2)) * gate_gain;
      const V dvalue = (d * weight - (vm1 + hv * vm2)) * value_gain;
      dgate_weight.add(dgate * in);
      dvalue_weight.add(dvalue * in);
      const V all = dgate * gate.weight + dvalue * value.weight;
      simd::store(da + first + f, add ? simd::load<V>(da + first + f) + all : all);
    });
    gate_sums.dweight += dgate_weight.total();
    value_sums.dweight += dvalue_weight.total();
  });
}

inline void add_branch(const op::fusion_branch_grad<float>& g, dim_t c, const branch_sums& s) {
  g.dweight[c] += static_cast<float>(s.dweight);
  g.dbeta[c] += static_cast<float>(s.plain);
  g.dgamma[c] += static_cast<float>(s.weighted);
}

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::fusion_fwd<float>& o, void*) {
  using namespace cpu_kernel;
  const dim_t C = o.n.channels;
  for_pieces(backend, o.n.batch * C, [&](dim_t i, int) {
    const dim_t b = i / C, c = i % C;
    const branch_row gate(o.gate, c), value(o.value, c);
    const float* const a = o.a + (b / o.share * C + c) * o.n.plane();
    fused_frames(o, b, c, [&](dim_t first, dim_t at) {
      const float key = o.key[at], weight = o.weights[at];
      simd::for_each(o.n.bins, [&](auto v, dim_t f) {
        using V = decltype(v);
        const V in = simd::load<V>(a + first + f), open = gate.normed(in) * gate.gamma + gate.beta;
        const V y = (open <= 0.f ? V{} : open) * key + (value.normed(in) * value.gamma + value.beta) * weight;
        simd::store(o.y + i * o.n.plane() + first + f, y);
      });
    });
  });
}

namespace cpu_kernel {

// The sums of this worker's own items, and of all workers': [gates C, values C] each.
struct fusion_back_scratch {
  fusion_back_scratch(carver& m, const cpu& backend, const op::fusion_bwd<float>& g)
      : shared(backend.group && !g.fixed),
        n(shared ? 2 * g.fwd.n.channels : 0),
        own(m.take<branch_sums>(n)),
        all(m.take<branch_sums>(n)) {}
  bool shared;
  dim_t n;
  branch_sums *own, *all;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::fusion_bwd<float>& g) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::fusion_back_scratch(m, backend, g); });
}

inline void execute(cpu& backend, const op::fusion_bwd<float>& g, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const fusion_back_scratch s(memory, backend, g);
  const op::fusion_fwd<float>& o = g.fwd;
  const dim_t C = o.n.channels, workers = s.shared ? backend.workers() : 1;
  const double scale = g.fixed ? 0 : 1 / static_cast<double>(o.n.batch * o.n.plane() * workers);
  const auto sum = [&](dim_t c, branch_sums& gate, branch_sums& value) {
    for (dim_t b = 0; b < o.n.batch; ++b) {
      std::fill_n(g.dkey + (b * C + c) * o.video_frames, o.video_frames, 0.f);
      std::fill_n(g.dweights + (b * C + c) * o.video_frames, o.video_frames, 0.f);
      fusion_sums(g, b, c, gate, value);
    }
  };
  const auto leave = [&](dim_t c, branch_sums& gate, branch_sums& value) {
    for (dim_t b = 0; b < o.n.batch; ++b) fusion_leave(g, b, c, scale, b % o.share > 0, gate, value);
  };
  if (s.shared) {
    for_pieces(backend, C, [&](dim_t c, int) { sum(c, s.own[c] = {}, s.own[C + c] = {}); });
    std::copy_n(s.own, s.n, s.all);
    static_assert(sizeof(branch_sums) == 3 * sizeof(double));
    backend.group->sum(std::span<double>(&s.all->plain, static_cast<std::size_t>(3 * s.n)));
  }
  for_pieces(backend, C, [&](dim_t c, int) {
    branch_sums gate, value;
    if (s.shared) {
      leave(c, s.all[c], s.all[C + c]);
      gate = s.own[c], value = s.own[C + c];
      gate.dweight = s.all[c].dweight, value.dweight = s.all[C + c].dweight;
    } else {
      sum(c, gate, value);
      leave(c, gate, value);
    }
    add_branch(g.gate, c, gate);
    add_branch(g.value, c, value);
  });
}

inline void execute(cpu& backend, const op::head_softmax_fwd<float>& o, void*) {
  for_pieces(backend, o.batch * o.channels, [&](dim_t row, int) {
    float* const y = o.y + row * o.frames;
    const float* const x = o.x + row * o.heads * o.frames;
    std::copy_n(x, o.frames, y);
    for (dim_t h = 1; h < o.heads; ++h) cpu_kernel::add_row(o.frames, x + h * o.frames, y);
    cpu_kernel::softmax_row(o.frames, 1 / static_cast<float>(o.heads), y);
  });
}

inline void execute(cpu& backend, const op::head_softmax_bwd<float>& o, void*) {
  for_pieces(backend, o.batch * o.channels, [&](dim_t row, int) {
    float* const dx = o.dx + row * o.heads * o.frames;
    std::copy_n(o.dy + row * o.frames, o.frames, dx);
    cpu_kernel::softmax_back_row(o.frames, 1 / static_cast<float>(o.heads), o.y + row * o.frames, dx);
    for (dim_t h = 1; h < o.heads; ++h) std::copy_n(dx, o.frames, dx + h * o.frames);
  });
}

inline void execute(cpu& backend, const op::complex_mask_fwd<float>& o, void*) {
  const dim_t half = o.channels / 2;
  for_pieces(backend, o.batch * half, [&](dim_t i, int) {
    const dim_t b = i / half, re = (b * o.channels + i % half) * o.plane, im = re + half * o.plane;
    const dim_t e_re = (b / o.share * o.channels + i % half) * o.plane, e_im = e_re + half * o.plane;
    simd::for_each(o.plane, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V x = simd::load<V>(o.mask + re + t), y = simd::load<V>(o.mask + im + t);
      const V m_re = x < 0.f ? V{} : x, m_im = y < 0.f ? V{} : y;  // a NaN stays one
      const V a = simd::load<V>(o.e + e_re + t), b = simd::load<V>(o.e + e_im + t);
      simd::store(o.z + re + t, a * m_re - b * m_im);
      simd::store(o.z + im + t, a * m_im + b * m_re);
    });
  });
}

inline void execute(cpu& backend, const op::complex_mask_bwd<float>& o, void*) {
  const dim_t half = o.channels / 2;
  for_pieces(backend, o.batch / o.share * half, [&](dim_t i, int) {
    const dim_t e_re = (i / half * o.channels + i % half) * o.plane, e_im = e_re + half * o.plane;
    for (dim_t k = 0; k < o.share; ++k) {
      const dim_t re = ((i / half * o.share + k) * o.channels + i % half) * o.plane, im = re + half * o.plane;
      simd::for_each(o.plane, [&](auto v, dim_t t) {
        using V = decltype(v);
        const V x = simd::load<V>(o.mask + re + t), y = simd::load<V>(o.mask + im + t);
        const V m_re = x < 0.f ? V{} : x, m_im = y < 0.f ? V{} : y;  // a NaN stays one
        const V a = simd::load<V>(o.e + e_re + t), b = simd::load<V>(o.e + e_im + t);
        const V d_re = simd::load<V>(o.dz + re + t), d_im = simd::load<V>(o.dz + im + t);
        const V de_re = d_re * m_re + d_im * m_im, de_im = d_im * m_re - d_re * m_im;
        simd::store(o.de + e_re + t, k ? simd::load<V>(o.de + e_re + t) + de_re : de_re);
        simd::store(o.de + e_im + t, k ? simd::load<V>(o.de + e_im + t) + de_im : de_im);
        const V dm_re = d_re * a + d_im * b, dm_im = d_im * a - d_re * b;
        simd::store(o.dmask + re + t, x > 0.f ? dm_re : V{});
        simd::store(o.dmask + im + t, y > 0.f ? dm_im : V{});
      });
    }
  });
}

}  // namespace avss
