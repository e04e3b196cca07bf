// Adaptive pooling and injection, a channel's plane at a time.
#pragma once

#include <avss/cpu/map_rows.hpp>
#include <avss/op/resize.hpp>
#include <cstdint>

namespace avss {
namespace cpu_kernel {

// What output j of a pooling from `in` to `out` values is the mean of.
struct pool_range {
  pool_range(dim_t j, dim_t in, dim_t out) : first(j * in / out), end(((j + 1) * in + out - 1) / out) {}
  dim_t first, end;
  float share() const { return 1 / static_cast<float>(end - first); }
};

// y (+)= scale times the means of what each of `out` values is made of.
inline void pool_row(dim_t in, dim_t out, float scale, const float* x, float* y, bool accumulate) {
  if (in == out) {
    simd::for_each(in, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V mean = simd::load<V>(x + t) * scale;
      simd::store(y + t, accumulate ? simd::load<V>(y + t) + mean : mean);
    });
    return;
  }
  for (dim_t f = 0; f < out; ++f) {
    const pool_range bins(f, in, out);
    float sum = x[bins.first];
    for (dim_t v = bins.first + 1; v < bins.end; ++v) sum += x[v];
    sum *= scale * bins.share();
    y[f] = accumulate ? y[f] + sum : sum;
  }
}

// Rows of small maps at the bins of a large one.
struct stretched_bins {
  stretched_bins(carver& m, dim_t small, dim_t large)
      : small(small), large(large), index(m.take<std::int32_t>(small == large ? 0 : large)) {}
  void prepare() const {
    for (dim_t f = 0; f < large && small != large; ++f) index[f] = static_cast<std::int32_t>(nearest_index(f, small, large));
  }
  // The stretched row: x itself where nothing is to be done, otherwise made in `to`.
  const float* stretch(const float* x, float* to) const {
    if (small == large) return x;
    for (dim_t f = 0; f < large; ++f) to[f] = x[index[f]];
    return to;
  }
  // y += the sums of x over what each bin was stretched to.
  void add_back(const float* x, float* y) const {
    if (small == large) return add_row(large, x, y);
    for (dim_t f = 0; f < large; ++f) y[index[f]] += x[f];
  }
  dim_t small, large;
  std::int32_t* index;
};

struct inject_scratch {
  inject_scratch(carver& m, const cpu& backend, const op::inject_fwd<float>& o)
      : plane(o.frames * o.bins),
        per_worker(2 * plane + 2 * o.n.bins),
        bins(m, o.bins, o.n.bins),
        memory(m.take<float>(backend.threads * per_worker)) {}
  dim_t plane, per_worker;
  stretched_bins bins;
  float* memory;
};

// The parts of a plane: gate and embedding, small; and rows of them and of `local`, large.
struct inject_plane {
  inject_plane(const inject_scratch& s, const op::inject_fwd<float>& o, dim_t i, int worker)
      : o(o),
        bins(s.bins),
        b(i / o.n.channels),
        c(i % o.n.channels),
        gate(s.memory + worker * s.per_worker),
        embedding(gate + s.plane),
        row(embedding + s.plane) {
    const op::map_size small{o.n.batch, o.n.channels, o.frames, o.bins};
    apply_frames(o.f_gate, small, b, c, 0, o.frames, o.gate + i * s.plane, nullptr, gate);
    if (o.embedding) apply_frames(o.f_embedding, small, b, c, 0, o.frames, o.embedding + i * s.plane, nullptr, embedding);
  }
  // body(f_local of the values, bin) along frame t.
  template <class Body>
  void local(dim_t i, dim_t t, Body&& body) const {
    const bent pre(o.f_local.pre), post(o.f_local.post);
    const float* const x = o.local + i * o.n.plane() + t * o.n.bins;
    for_rows(o.f_local, o.n, b, c, t, t + 1, [&](const auto& row, dim_t, dim_t size) {
      simd::for_each(size, [&](auto v, dim_t f) {
        using V = decltype(v);
        body(post(put_out<V>(row, row.normed(pre(simd::load<V>(x + f)), f), f)), f);
      });
    });
  }
  float* spare(dim_t k) const { return row + (k - 1) * o.n.bins; }

  const op::inject_fwd<float>& o;
  const stretched_bins& bins;
  dim_t b, c;
  float *gate, *embedding, *row;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::adaptive_pool_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<float>(backend.threads * o.n.bins); });
}

inline void execute(cpu& backend, const op::adaptive_pool_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t F = o.n.bins;
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    float* const row = static_cast<float*>(scratch) + worker * F;
    const float* const x = o.x + i * o.n.plane();
    float* y = o.y + i * o.frames * o.bins;
    for (dim_t t = 0; t < o.frames; ++t, y += o.bins) {
      const pool_range frames(t, o.n.frames, o.frames);
      fill_row(F, x + frames.first * F, 0.f, row);
      for (dim_t u = frames.first + 1; u < frames.end; ++u) add_row(F, x + u * F, row);
      pool_row(F, o.bins, frames.share(), row, y, o.accumulate);
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::adaptive_pool_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<float>(backend.threads * o.n.bins); });
}

inline void execute(cpu& backend, const op::adaptive_pool_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    float* const row = static_cast<float*>(scratch) + worker * o.n.bins;
    const float* dy = o.dy + i * o.frames * o.bins;
    for (dim_t t = 0; t < o.frames; ++t, dy += o.bins) {
      const pool_range frames(t, o.n.frames, o.frames);
      std::fill_n(row, o.n.bins, 0.f);
      for (dim_t f = 0; f < o.bins; ++f) {
        const pool_range bins(f, o.n.bins, o.bins);
        const float d = dy[f] * (frames.share() * bins.share());
        for (dim_t v = bins.first; v < bins.end; ++v) row[v] += d;
      }
      for (dim_t u = frames.first; u < frames.end; ++u) add_row(o.n.bins, row, o.dx + i * o.n.plane() + u * o.n.bins);
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::inject_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::inject_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::inject_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const inject_scratch s(memory, backend, o);
  s.bins.prepare();
  const dim_t F = o.n.bins;
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    const inject_plane p(s, o, i, worker);
    const float *gate = nullptr, *embedding = nullptr;
    for (dim_t t = 0, last = -1; t < o.n.frames; ++t) {
      const dim_t u = nearest_index(t, o.frames, o.n.frames), at = i * o.n.plane() + t * F;
      if (u != last) {
        gate = s.bins.stretch(p.gate + u * o.bins, p.spare(1));
        embedding = s.bins.stretch(p.embedding + u * o.bins, p.spare(2));
        last = u;
      }
      p.local(i, t, [&](auto local, dim_t f) {
        using V = decltype(local);
        V y = local * simd::load<V>(gate + f) + simd::load<V>(embedding + f);
        if (o.plus) y += simd::load<V>(o.plus + at + f);
        simd::store(o.y + at + f, y);
      });
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::inject_bwd<float>& g) { return scratch_bytes(backend, g.fwd); }

inline void execute(cpu& backend, const op::inject_bwd<float>& g, void* scratch) {
  using namespace cpu_kernel;
  op::inject_fwd<float> o = g.fwd;
  o.embedding = nullptr;  // is not needed
  carver memory(scratch);
  const inject_scratch s(memory, backend, o);
  s.bins.prepare();
  const dim_t F = o.n.bins;
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    const inject_plane p(s, o, i, worker);
    float *const dgate = g.dgate + i * s.plane, *const dembedding = g.dembedding + i * s.plane;
    std::fill_n(dgate, s.plane, 0.f);
    std::fill_n(dembedding, s.plane, 0.f);
    const float* gate = nullptr;
    for (dim_t t = 0, last = -1; t < o.n.frames; ++t) {
      const dim_t u = nearest_index(t, o.frames, o.n.frames), at = i * o.n.plane() + t * F;
      if (u != last) gate = s.bins.stretch(p.gate + u * o.bins, p.spare(1));
      last = u;
      float* const product = p.spare(2);
      p.local(i, t, [&](auto local, dim_t f) {
        using V = decltype(local);
        const V dy = simd::load<V>(g.dy + at + f);
        simd::store(product + f, dy * local);
        simd::store(g.dlocal + at + f, dy * simd::load<V>(gate + f));
      });
      s.bins.add_back(product, dgate + u * o.bins);
      s.bins.add_back(g.dy + at, dembedding + u * o.bins);
    }
  });
}

}  // namespace avss
