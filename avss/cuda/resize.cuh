// Adaptive pooling and injection on the device. Every result gathers what it is made of, backwards too: no atomics, and the
// same sum in every run.
#pragma once

#include <avss/cuda/map_norm_sums.cuh>
#include <avss/op/resize.hpp>

namespace avss {
namespace cuda_kernel {

// A range of indices.
struct range {
  dim_t first, end;
};

// What output i of `out` averages of `in` values.
AVSS_DEVICE inline range pooled(dim_t i, dim_t in, dim_t out) { return {i * in / out, ((i + 1) * in + out - 1) / out}; }
// The outputs whose averages hold value i.
AVSS_DEVICE inline range poolers(dim_t i, dim_t in, dim_t out) { return pooled(i, out, in); }

// The outputs that nearest interpolation makes of value i.
AVSS_DEVICE inline range repeated(dim_t i, dim_t in, dim_t out) {
  dim_t first = i * out / in;
  while (first > 0 && nearest_index(first - 1, in, out) >= i) --first;
  while (first < out && nearest_index(first, in, out) < i) ++first;
  dim_t end = first;
  while (end < out && nearest_index(end, in, out) == i) ++end;
  return {first, end};
}

struct pool_body {
  static constexpr int sums = 0;
  op::adaptive_pool_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const range t = pooled(at.t / o.bins, o.n.frames, o.frames), f = pooled(at.t % o.bins, o.n.bins, o.bins);
    const float* const x = o.x + (at.b * o.n.channels + at.c) * o.n.plane();
    float sum = 0;
    for (dim_t u = t.first; u < t.end; ++u)
      for (dim_t v = f.first; v < f.end; ++v) sum += x[u * o.n.bins + v];
    const float y = sum / static_cast<float>((t.end - t.first) * (f.end - f.first));
    o.y[at.i] = o.accumulate ? o.y[at.i] + y : y;
  }
};

struct pool_back_body {
  static constexpr int sums = 0;
  op::adaptive_pool_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const range t = poolers(at.t / o.n.bins, o.n.frames, o.frames), f = poolers(at.t % o.n.bins, o.n.bins, o.bins);
    const float* const dy = o.dy + (at.b * o.n.channels + at.c) * o.frames * o.bins;
    float sum = 0;
    for (dim_t u = t.first; u < t.end; ++u) {
      const range frames = pooled(u, o.n.frames, o.frames);
      for (dim_t v = f.first; v < f.end; ++v) {
        const range bins = pooled(v, o.n.bins, o.bins);
        sum += dy[u * o.bins + v] / static_cast<float>((frames.end - frames.first) * (bins.end - bins.first));
      }
    }
    o.dx[at.i] += sum;
  }
};

// The place in the small maps that a place in the large one is made of.
AVSS_DEVICE inline place small_place(const op::inject_fwd<float>& o, const place& at) {
  const dim_t t = nearest_index(at.t / o.n.bins, o.frames, o.n.frames), f = nearest_index(at.t % o.n.bins, o.bins, o.n.bins);
  const dim_t in_plane = t * o.bins + f;
  return {at.b, at.c, in_plane, (at.b * o.n.channels + at.c) * o.frames * o.bins + in_plane};
}

// The three functions of an injection.
struct injection_index {
  op::inject_fwd<float> o;
  normed_map local, gate, embedding;

  explicit injection_index(const op::inject_fwd<float>& of)
      : o(of), local{of.n, of.f_local}, gate{small(), of.f_gate}, embedding{small(), of.f_embedding} {}
  op::map_size small() const { return {o.n.batch, o.n.channels, o.frames, o.bins}; }
};

struct inject_body {
  static constexpr int sums = 0;
  injection_index j;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const place from = small_place(j.o, at);
    const float y = j.local(at, j.o.local[at.i]) * j.gate(from, j.o.gate[from.i]) + j.embedding(from, j.o.embedding[from.i]);
    j.o.y[at.i] = j.o.plus ? y + j.o.plus[at.i] : y;
  }
};

struct inject_local_body {
  static constexpr int sums = 0;
  injection_index j;
  const float* dy;
  float* dlocal;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const place from = small_place(j.o, at);
    dlocal[at.i] = dy[at.i] * j.gate(from, j.o.gate[from.i]);
  }
};

// place: of the small maps.
struct inject_small_body {
  static constexpr int sums = 0;
  injection_index j;
  const float* dy;
  float *dgate, *dembedding;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const op::map_size& n = j.o.n;
    const range t = repeated(at.t / j.o.bins, j.o.frames, n.frames), f = repeated(at.t % j.o.bins, j.o.bins, n.bins);
    float gate = 0, embedding = 0;
    for (dim_t u = t.first; u < t.end; ++u)
      for (dim_t v = f.first; v < f.end; ++v) {
        const dim_t in_plane = u * n.bins + v, i = (at.b * n.channels + at.c) * n.plane() + in_plane;
        embedding += dy[i];
        gate += dy[i] * j.local(place{at.b, at.c, in_plane, i}, j.o.local[i]);
      }
    dgate[at.i] = gate;
    dembedding[at.i] = embedding;
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::adaptive_pool_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "pooling", o.n.batch, o.n.channels, o.frames * o.bins, cuda_kernel::pool_body{o});
}

inline void execute(cuda_backend& backend, const op::adaptive_pool_bwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "back through pooling", o.n.batch, o.n.channels, o.n.plane(), cuda_kernel::pool_back_body{o});
}

inline void execute(cuda_backend& backend, const op::inject_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "injection", o.n.batch, o.n.channels, o.n.plane(),
                         cuda_kernel::inject_body{cuda_kernel::injection_index(o)});
}

inline void execute(cuda_backend& backend, const op::inject_bwd<float>& g, void*) {
  using namespace cuda_kernel;
  const op::inject_fwd<float>& o = g.fwd;
  const injection_index j(o);
  pass_rows(backend, "back through an injection, large", o.n.batch, o.n.channels, o.n.plane(),
            inject_local_body{j, g.dy, g.dlocal});
  pass_rows(backend, "back through an injection, small", o.n.batch, o.n.channels, o.frames * o.bins,
            inject_small_body{j, g.dy, g.dgate, g.dembedding});
}

}  // namespace avss
