// Self-attention: matrix products around the softmax, blocks of queries at a time; and the projections of its heads.
#pragma once

#include <avss/cpu/map_norm.hpp>
#include <avss/cpu/pointwise.hpp>
#include <avss/op/attention.hpp>

namespace avss {
namespace cpu_kernel {

// x = softmax(scale x)
inline void softmax_row(dim_t n, float scale, float* x) {
  float top = x[0] * scale;
  for (dim_t i = 1; i < n; ++i) top = std::max(top, x[i] * scale);
  simd::row_sum sum;
  simd::for_each(n, [&](auto v, dim_t i) {
    const auto e = simd::exp(simd::load<decltype(v)>(x + i) * scale - top);
    simd::store(x + i, e);
    sum.add(e);
  });
  const float total = 1 / sum.total();
  simd::for_each(n, [&](auto v, dim_t i) { simd::store(x + i, simd::load<decltype(v)>(x + i) * total); });
}

// d = scale y (d - y . d): from dL/dy of y = softmax(scale x) to dL/dx.
inline void softmax_back_row(dim_t n, float scale, const float* y, float* d) {
  const float both = dot_row(n, y, d);
  simd::for_each(n, [&](auto v, dim_t i) {
    using V = decltype(v);
    simd::store(d + i, simd::load<V>(y + i) * (simd::load<V>(d + i) - both) * scale);
  });
}

inline constexpr dim_t query_block = 64;

// One attention, or the block of its queries [first, first + size).
struct attention_piece {
  attention_piece(const op::attention_size& n, dim_t i, dim_t first, dim_t size)
      : first(first),
        size(size),
        weights((i * n.length + first) * n.length),
        query(start(n.query, n, i)),
        value(start(n.value, n, i)),
        result(start(n.result, n, i)) {}
  static dim_t start(const op::vector_strides& s, const op::attention_size& n, dim_t i) {
    return i / n.inner * s.outer + i % n.inner * s.inner;
  }
  dim_t first, size, weights, query, value, result;
};

inline void drop_rows(const op::dropout_rule& drop, dim_t first, dim_t n, const float* x, float* y) {
  for (dim_t i = 0; i < n; ++i) y[i] = x[i] * drop.factor<float>(first + i);
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::attention_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) {
    m.take<float>(o.drop.rate > 0 ? backend.threads * std::min(cpu_kernel::query_block, o.n.length) * o.n.length : 0);
  });
}

inline void execute(cpu& backend, const op::attention_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const op::attention_size& n = o.n;
  const dim_t blocks = (n.length + query_block - 1) / query_block;
  const dim_t before = backend.first_draw(n.outer * n.inner * n.length * n.length);
  for_pieces(backend, n.outer * n.inner * blocks, [&](dim_t i, int worker) {
    const dim_t first = i % blocks * query_block;
    const attention_piece p(n, i / blocks, first, std::min(query_block, n.length - first));
    float* const weights = o.weights + p.weights;
    gemm(transpose::no, transpose::yes, p.size, n.length, n.width, o.q + p.query + first * n.query.position, n.query.position,
         o.k + p.query, n.query.position, 0.f, weights, n.length);
    for (dim_t r = 0; r < p.size; ++r) softmax_row(n.length, static_cast<float>(n.scale), weights + r * n.length);
    const float* used = weights;
    if (o.drop.rate > 0) {
      float* const dropped = static_cast<float*>(scratch) + worker * std::min(query_block, n.length) * n.length;
      drop_rows(o.drop, before + p.weights, p.size * n.length, weights, dropped);
      used = dropped;
    }
    gemm(transpose::no, transpose::no, p.size, n.value_width, n.length, used, n.length, o.v + p.value, n.value.position, 0.f,
         o.y + p.result + first * n.result.position, n.result.position);
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::attention_bwd<float>& o) {
  return cpu_kernel::layout_bytes(
      [&](carver& m) { m.take<float>(backend.threads * (o.drop.rate > 0 ? 2 : 1) * o.n.length * o.n.length); });
}

inline void execute(cpu& backend, const op::attention_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const op::attention_size& n = o.n;
  const dim_t L = n.length, square = L * L, before = backend.first_draw(n.outer * n.inner * square);
  const bool drops = o.drop.rate > 0;
  for_pieces(backend, n.outer * n.inner, [&](dim_t i, int worker) {
    const attention_piece p(n, i, 0, L);
    float* const d = static_cast<float*>(scratch) + worker * (drops ? 2 : 1) * square;
    const float *weights = o.weights + p.weights, *used = weights;
    if (drops) {
      drop_rows(o.drop, before + p.weights, square, weights, d + square);
      used = d + square;
    }
    gemm(transpose::yes, transpose::no, L, n.value_width, L, used, L, o.dy + p.result, n.result.position, 0.f, o.dv + p.value,
         n.value.position);
    gemm(transpose::no, transpose::yes, L, L, n.value_width, o.dy + p.result, n.result.position, o.v + p.value,
         n.value.position, 0.f, d, L);
    if (drops) drop_rows(o.drop, before + p.weights, square, d, d);
    for (dim_t r = 0; r < L; ++r) softmax_back_row(L, static_cast<float>(n.scale), weights + r * L, d + r * L);
    gemm(transpose::no, transpose::no, L, n.width, L, d, L, o.k + p.query, n.query.position, 0.f, o.dq + p.query,
         n.query.position);
    gemm(transpose::yes, transpose::no, L, n.width, L, d, L, o.q + p.query, n.query.position, 0.f, o.dk + p.query,
         n.query.position);
  });
}

namespace cpu_kernel {

template <class Op>
dim_t stacked_rows(const Op& o) {
  dim_t rows = 0;
  for (int i = 0; i < o.n; ++i) rows += o.parts[static_cast<std::size_t>(i)].out;
  return rows;
}
// body(part, first row)
template <class Op, class Body>
void for_each_part(const Op& o, Body&& body) {
  dim_t first = 0;
  for (int i = 0; i < o.n; first += o.parts[static_cast<std::size_t>(i)].out, ++i)
    body(o.parts[static_cast<std::size_t>(i)], first);
}

// The weights of all parts below each other: one pointwise convolution.
struct stacked_fwd_scratch {
  stacked_fwd_scratch(carver& m, const op::stacked_pointwise_fwd<float>& o)
      : rows(stacked_rows(o)), weight(m.take<float>(rows * o.in)), bias(m.take<float>(rows)) {}
  op::pointwise_fwd<float> whole(const op::stacked_pointwise_fwd<float>& o) const {
    op::pointwise_fwd<float> p{o.batch, o.in, o.plane, o.x, {}, 1, {}, {}};
    p.target[0] = {rows, weight, bias, nullptr, o.y};
    return p;
  }
  dim_t rows;
  float *weight, *bias;
};

struct stacked_bwd_scratch {
  stacked_bwd_scratch(carver& m, const op::stacked_pointwise_bwd<float>& o)
      : rows(stacked_rows(o)),
        weight(m.take<float>(rows * o.in)),
        dweight(m.take<float>(rows * o.in)),
        dbias(m.take<float>(rows)) {}
  op::pointwise_bwd<float> whole(const op::stacked_pointwise_bwd<float>& o) const {
    op::pointwise_bwd<float> p{o.batch, o.in, o.plane, {}, true, 1, {}, {}};
    p.input.x = o.x;
    p.input.df = o.dx;
    p.target[0] = {rows, weight, o.dy, dweight, dbias};
    return p;
  }
  dim_t rows;
  float *weight, *dweight, *dbias;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::stacked_pointwise_fwd<float>& o) {
  carver memory(nullptr);
  const cpu_kernel::stacked_fwd_scratch s(memory, o);
  return memory.used() + scratch_bytes(backend, s.whole(o));
}

inline void execute(cpu& backend, const op::stacked_pointwise_fwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cpu_kernel::stacked_fwd_scratch s(memory, o);
  cpu_kernel::for_each_part(o, [&](const auto& part, dim_t first) {
    std::copy_n(part.weight, part.out * o.in, s.weight + first * o.in);
    std::copy_n(part.bias, part.out, s.bias + first);
  });
  execute(backend, s.whole(o), static_cast<std::byte*>(scratch) + memory.used());
}

inline std::size_t scratch_bytes(const cpu& backend, const op::stacked_pointwise_bwd<float>& o) {
  carver memory(nullptr);
  const cpu_kernel::stacked_bwd_scratch s(memory, o);
  return memory.used() + scratch_bytes(backend, s.whole(o));
}

inline void execute(cpu& backend, const op::stacked_pointwise_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cpu_kernel::stacked_bwd_scratch s(memory, o);
  std::fill_n(s.dweight, s.rows * o.in, 0.f);
  std::fill_n(s.dbias, s.rows, 0.f);
  cpu_kernel::for_each_part(
      o, [&](const auto& part, dim_t first) { std::copy_n(part.weight, part.out * o.in, s.weight + first * o.in); });
  execute(backend, s.whole(o), static_cast<std::byte*>(scratch) + memory.used());
  cpu_kernel::for_each_part(o, [&](const auto& part, dim_t first) {
    cpu_kernel::add_row(part.out * o.in, s.dweight + first * o.in, part.dweight);
    cpu_kernel::add_row(part.out, s.dbias + first, part.dbias);
  });
}

namespace cpu_kernel {

// One head's norm, and where its frames lie; statistics are those of all heads.
inline map_norm head_norm(const op::head_norm_fwd<float>& o, std::size_t head) {
  return {norm_over::frame, o.eps, o.gamma[head], o.beta[head], o.mean, o.rstd, false, {curve::prelu, o.slope[head]}, {}};
}
struct head_frame {
  head_frame(const op::heads_size& n, dim_t b, dim_t h, dim_t t)
      : x(b * n.pitch + (h * n.channels * n.frames + t) * n.bins), stat((b * n.heads + h) * n.frames + t) {}
  dim_t x, stat;
};

inline frame_back_scratch head_norm_scratch(carver& m, const op::heads_size& n) {
  return frame_back_scratch(m, n.batch * n.frames, n.channels * n.bins);
}

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::head_norm_fwd<float>& o, void*) {
  using namespace cpu_kernel;
  const op::heads_size& n = o.n;
  const dim_t pitch = n.frames * n.bins;
  for_pieces(backend, n.batch * n.heads * n.frames, [&](dim_t i, int) {
    const dim_t h = i / n.frames % n.heads;
    const head_frame at(n, i / n.frames / n.heads, h, i % n.frames);
    const map_norm f = head_norm(o, static_cast<std::size_t>(h));
    const bent pre(f.pre);
    const two_sums m = frame_moments(pre, n.channels, n.bins, o.x + at.x, pitch);
    write_moments(f, at.stat, m.first, m.second);
    for (dim_t c = 0; c < n.channels; ++c) {
      const frame_row row{f.mean[at.stat], f.rstd[at.stat], f.gamma + c * n.bins, f.beta + c * n.bins};
      const float* const x = o.x + at.x + c * pitch;
      float* const y = o.y + (at.stat * n.channels + c) * n.bins;
      simd::for_each(n.bins, [&](auto v, dim_t t) {
        using V = decltype(v);
        simd::store(y + t, put_out<V>(row, row.normed(pre(simd::load<V>(x + t)), t), t));
      });
    }
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::head_norm_bwd<float>& g) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::head_norm_scratch(m, g.fwd.n); });
}

inline void execute(cpu& backend, const op::head_norm_bwd<float>& g, void* scratch) {
  using namespace cpu_kernel;
  const op::head_norm_fwd<float>& o = g.fwd;
  const op::heads_size& n = o.n;
  const dim_t pitch = n.frames * n.bins, gains = n.channels * n.bins;
  for (std::size_t head = 0; head < static_cast<std::size_t>(n.heads); ++head) {
    carver memory(scratch);
    frame_back_scratch s = head_norm_scratch(memory, n);
    const map_norm f = head_norm(o, head);
    s.run(backend, n.batch * n.frames, gains, g.dgamma[head], g.dbeta[head], [&](dim_t i, dim_t group) {
      const head_frame at(n, i / n.frames, static_cast<dim_t>(head), i % n.frames);
      frame_back(f, at.stat, n.channels, n.bins, {o.x + at.x, pitch, g.dy + at.stat * gains, n.bins, g.dx + at.x}, false,
                 s.dgamma + group * gains, s.dbeta + group * gains, s.slope[group]);
    });
    add_slopes(f, {nullptr, nullptr, g.dslope[head], nullptr}, s.groups, s.slope);
  }
}

inline void execute(cpu& backend, const op::swap_axes<float>& o, void*) {
  for_pieces(backend, o.rows * o.a, [&](dim_t i, int) {
    const dim_t r = i / o.a, at = i % o.a;
    for (dim_t j = 0; j < o.b; ++j)
      std::memcpy(o.y + ((r * o.b + j) * o.a + at) * o.inner, o.x + (i * o.b + j) * o.inner,
                  static_cast<std::size_t>(o.inner) * sizeof(float));
  });
}

}  // namespace avss
