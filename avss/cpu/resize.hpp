// Adaptive pooling and injection, a channel's plane at a time.
#pragma once

#include <avss/cpu/map_rows.hpp>
#include <avss/op/resize.hpp>
#include <cstdint>
#include <cstring>

namespace avss {
namespace cpu_kernel {

// What output j of a pooling from `in` to `out` values is the mean of.
struct pool_range {
  pool_range(dim_t j, dim_t in, dim_t out) : first(j * in / out), end(((j + 1) * in + out - 1) / out) {}
  dim_t first, end;
  float share() const { return 1 / static_cast<float>(end - first); }
};

// The ranges of all bins.
struct pooled_bins {
  pooled_bins(carver& m, dim_t in, dim_t out)
      : in(in), out(out), first(m.take<std::int32_t>(out)), end(m.take<std::int32_t>(out)), share(m.take<float>(out)) {}
  void prepare() const {
    for (dim_t f = 0; f < out; ++f) {
      const pool_range r(f, in, out);
      first[f] = static_cast<std::int32_t>(r.first);
      end[f] = static_cast<std::int32_t>(r.end);
      share[f] = r.share();
    }
  }
  dim_t in, out;
  std::int32_t *first, *end;
  float* share;
};

struct pool_scratch {
  pool_scratch(carver& m, const cpu& backend, dim_t in, dim_t out)
      : bins(m, in, out), rows(m.take<float>(backend.threads * in)) {}
  pooled_bins bins;
  float* rows;
};

// y (+)= scale times the means of what each of `out` values is made of.
inline void pool_row(const pooled_bins& p, float scale, const float* x, float* y, bool accumulate) {
  if (p.in == p.out) {
    simd::for_each(p.in, [&](auto v, dim_t t) {
      using V = decltype(v);
      const V mean = simd::load<V>(x + t) * scale;
      simd::store(y + t, accumulate ? simd::load<V>(y + t) + mean : mean);
    });
    return;
  }
  for (dim_t f = 0; f < p.out; ++f) {
    float sum = x[p.first[f]];
    for (dim_t v = p.first[f] + 1; v < p.end[f]; ++v) sum += x[v];
    sum *= scale * p.share[f];
    y[f] = accumulate ? y[f] + sum : sum;
  }
}

// Rows of small maps at the bins of a large one.
struct stretched_bins {
  // Rows that are stretched are read this far beyond their end.
  static constexpr dim_t beyond = simd::lanes;

  stretched_bins(carver& m, dim_t small, dim_t large)
      : small(small),
        large(large),
        index(m.take<std::int32_t>(small == large ? 0 : large)),
        first(m.take<std::int32_t>(small == large ? 0 : small + 1)) {}
  void prepare() {
    if (small == large) return;
    for (dim_t f = 0, v = 0; f < large; ++f) {
      index[f] = static_cast<std::int32_t>(nearest_index(f, small, large));
      while (v <= index[f]) first[v++] = static_cast<std::int32_t>(f);
      if (f + 1 == large)
        while (v <= small) first[v++] = static_cast<std::int32_t>(large);
    }
    for (dim_t f = 0; f + simd::lanes <= large; ++f) near = near && index[f + simd::lanes - 1] - index[f] < simd::lanes;
  }
  // The stretched row: x itself where nothing is to be done, otherwise made in `to`.
  const float* stretch(const float* x, float* to) const {
    if (small == large) return x;
    dim_t f = 0;
#if !defined(__clang__)  // has no shuffle whose mask is not a constant
    using ivec = std::int32_t __attribute__((vector_size(sizeof(simd::vec))));
    for (; near && f + simd::lanes <= large; f += simd::lanes) {
      ivec at;
      std::memcpy(&at, index + f, sizeof(at));
      simd::store(to + f, __builtin_shuffle(simd::load<simd::vec>(x + index[f]), at - index[f]));
    }
#endif
    for (; f < large; ++f) to[f] = x[index[f]];
    return to;
  }
  // y = the sums of x over what each bin was stretched to.
  void fold_back(const float* x, float* y) const {
    if (small == large) return void(std::copy_n(x, large, y));
    for (dim_t v = 0; v < small; ++v) {
      float sum = 0;
      for (dim_t f = first[v]; f < first[v + 1]; ++f) sum += x[f];
      y[v] = sum;
    }
  }
  dim_t small, large;
  bool near = true;             // sixteen neighbours are made of no more than sixteen
  std::int32_t *index, *first;  // first: of the large bins that a small one is stretched to
};

struct inject_scratch {
  inject_scratch(carver& m, const cpu& backend, const op::inject_fwd<float>& o)
      : plane(o.frames * o.bins),
        small_room(std::max(plane, o.n.bins)),
        per_worker(2 * small_room + 2 * o.n.bins + stretched_bins::beyond),
        bins(m, o.bins, o.n.bins),
        memory(m.take<float>(backend.threads * per_worker)) {}
  dim_t plane, small_room, per_worker;
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
        embedding(gate + s.small_room),
        row(embedding + s.small_room) {
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
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::pool_scratch(m, backend, o.n.bins, o.bins); });
}

inline void execute(cpu& backend, const op::adaptive_pool_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const dim_t F = o.n.bins;
  const pool_scratch s(memory, backend, F, o.bins);
  s.bins.prepare();
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    float* const row = s.rows + worker * F;
    const float* const x = o.x + i * o.n.plane();
    float* y = o.y + i * o.frames * o.bins;
    for (dim_t t = 0; t < o.frames; ++t, y += o.bins) {
      const pool_range frames(t, o.n.frames, o.frames);
      fill_row(F, x + frames.first * F, 0.f, row);
      for (dim_t u = frames.first + 1; u < frames.end; ++u) add_row(F, x + u * F, row);
      pool_row(s.bins, frames.share(), row, y, o.accumulate);
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::adaptive_pool_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::pool_scratch(m, backend, o.n.bins, o.bins); });
}

inline void execute(cpu& backend, const op::adaptive_pool_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const pool_scratch s(memory, backend, o.n.bins, o.bins);
  s.bins.prepare();
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    float* const row = s.rows + worker * o.n.bins;
    const float* dy = o.dy + i * o.frames * o.bins;
    for (dim_t t = 0; t < o.frames; ++t, dy += o.bins) {
      const pool_range frames(t, o.n.frames, o.frames);
      std::fill_n(row, o.n.bins, 0.f);
      for (dim_t f = 0; f < o.bins; ++f) {
        const float d = dy[f] * (frames.share() * s.bins.share[f]);
        for (dim_t v = s.bins.first[f]; v < s.bins.end[f]; ++v) row[v] += d;
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
  inject_scratch s(memory, backend, o);
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
  inject_scratch s(memory, backend, o);
  s.bins.prepare();
  const dim_t F = o.n.bins;
  for_pieces(backend, o.n.batch * o.n.channels, [&](dim_t i, int worker) {
    const inject_plane p(s, o, i, worker);
    float *const dgate = g.dgate + i * s.plane, *const dembedding = g.dembedding + i * s.plane;
    std::fill_n(dgate, s.plane, 0.f);
    std::fill_n(dembedding, s.plane, 0.f);
    float *const gate_row = p.spare(2), *const embedding_row = p.embedding;  // sums over frames that are stretched from one
    for (dim_t t = 0, end = 0; t < o.n.frames; t = end) {
      const dim_t u = nearest_index(t, o.frames, o.n.frames);
      const float* const gate = s.bins.stretch(p.gate + u * o.bins, p.spare(1));
      std::fill_n(gate_row, F, 0.f);
      std::fill_n(embedding_row, F, 0.f);
      for (end = t; end < o.n.frames && nearest_index(end, o.frames, o.n.frames) == u; ++end) {
        const dim_t at = i * o.n.plane() + end * F;
        p.local(i, end, [&](auto local, dim_t f) {
          using V = decltype(local);
          const V dy = simd::load<V>(g.dy + at + f);
          simd::store(gate_row + f, simd::load<V>(gate_row + f) + dy * local);
          simd::store(embedding_row + f, simd::load<V>(embedding_row + f) + dy);
          simd::store(g.dlocal + at + f, dy * simd::load<V>(gate + f));
        });
      }
      s.bins.fold_back(gate_row, dgate + u * o.bins);
      s.bins.fold_back(embedding_row, dembedding + u * o.bins);
    }
  });
}

}  // namespace avss
