// Normalisation of maps. See op/map_norm.hpp for the formulas.
#pragma once

#include <avss/cpu/map_norm_back.hpp>
#include <cmath>
#include <span>

namespace avss {
namespace cpu_kernel {

struct map_of {
  op::map_size n;
  map_norm f;
};
// A norm over items of one frame and bin is one over frames whose channels lie side by side.
inline map_of laid_flat(op::map_size n, map_norm f) {
  if (f.over != norm_over::item || n.plane() != 1) return {n, f};
  f.over = norm_over::frame;
  return {{n.batch, 1, 1, n.channels}, f};
}

inline void write_moments(const map_norm& f, dim_t s, double mean, double variance) {
  f.mean[s] = static_cast<float>(mean);
  f.rstd[s] = static_cast<float>(1 / std::sqrt(variance + f.eps));
}

// The sum of of(value(row, place)) over rows of one size.
template <class Value, class Of>
double total_of(dim_t rows, dim_t size, Value&& value, Of&& of) {
  double sum = 0;
  for (dim_t r = 0; r < rows; ++r)
    sum += sum_blocks(size, [&](dim_t first, dim_t n) {
             simd::row_sum part;
             simd::for_each(n, [&](auto v, dim_t t) { part.add(of(value(v, r, first + t))); });
             return two_sums{part.total(), 0};
           }).first;
  return sum;
}

// Mean and variance of `value(row, place)` over rows of one size: the second pass finds them in the cache.
template <class Value>
two_sums two_pass_moments(dim_t rows, dim_t size, Value&& value) {
  const auto total = [&](auto&& of) {
    return total_of(rows, size, value, of) / (static_cast<double>(rows) * static_cast<double>(size));
  };
  const double mean = total([](auto a) { return a; });
  const float near = static_cast<float>(mean);
  const double rest = mean - near, square = total([&](auto a) { return (a - near) * (a - near); });
  return {mean, std::max(square - rest * rest, 0.0)};
}

// Of the frame whose rows of `bins` values lie `pitch` apart.
inline two_sums frame_moments(const bent& pre, dim_t channels, dim_t bins, const float* x, dim_t pitch) {
  return two_pass_moments(channels, bins,
                          [&](auto v, dim_t c, dim_t t) { return pre(simd::load<decltype(v)>(x + c * pitch + t)); });
}

// Sums over items in pieces of this many values.
inline constexpr dim_t moment_block = 1 << 14;

inline void item_moments(const cpu& backend, const op::map_moments<float>& o, two_sums* parts) {
  const bent pre(o.f.pre);
  const dim_t size = o.n.channels * o.n.plane(), blocks = (size + moment_block - 1) / moment_block;
  for_pieces(backend, o.n.batch * blocks, [&](dim_t i, int) {
    const dim_t first = i % blocks * moment_block;
    const float* const x = o.x + i / blocks * size + first;
    parts[i] = sum_blocks(std::min(moment_block, size - first), [&](dim_t at, dim_t n) {
      simd::row_sum sum, square;
      simd::for_each(n, [&](auto v, dim_t t) {
        const auto a = pre(simd::load<decltype(v)>(x + at + t));
        sum.add(a);
        square.add(a * a);
      });
      return two_sums{sum.total(), square.total()};
    });
  });
  for (dim_t b = 0; b < o.n.batch; ++b) {
    two_sums all;
    for (dim_t i = b * blocks; i < (b + 1) * blocks; ++i) {
      all.first += parts[i].first;
      all.second += parts[i].second;
    }
    const double mean = all.first / static_cast<double>(size);
    write_moments(o.f, b, mean, std::max(all.second / static_cast<double>(size) - mean * mean, 0.0));
  }
}

// Of each channel over the items of all workers, of which each has as many: the sums of both passes go round.
template <class Value>
void shared_channel_moments(const cpu& backend, const op::map_size& n, const map_norm& f, double* sums, Value&& value) {
  const double count = static_cast<double>(n.batch * n.plane() * backend.workers());
  double* const squares = sums + n.channels;
  const std::size_t each = static_cast<std::size_t>(n.channels);
  const auto total = [&](double* to, auto&& of) {
    for_pieces(backend, n.channels, [&](dim_t c, int) {
      to[c] = total_of(
          n.batch, n.plane(), [&](auto v, dim_t b, dim_t t) { return value(v, c, b, t); }, of(c));
    });
    backend.group->sum(std::span<double>(to, each));
  };
  total(sums, [](dim_t) { return [](auto a) { return a; }; });
  total(squares, [&](dim_t c) {
    const float near = static_cast<float>(sums[c] / count);
    return [near](auto a) { return (a - near) * (a - near); };
  });
  for (dim_t c = 0; c < n.channels; ++c) {
    const double mean = sums[c] / count, rest = mean - static_cast<float>(mean);
    write_moments(f, c, mean, std::max(squares[c] / count - rest * rest, 0.0));
  }
}

inline void position_moments(const map_norm& f, const op::map_size& n, tiled::piece p, const float* x) {
  const bent pre(f.pre);
  const dim_t C = n.channels, plane = n.plane();
  const float each = 1 / static_cast<float>(C);
  const float* const from = x + p.item * C * plane + p.first;
  float *mean = f.mean + p.item * plane + p.first, *rstd = f.rstd + p.item * plane + p.first;
  simd::for_each(p.size, [&](auto v, dim_t t) {
    using V = decltype(v);
    V sum{}, square{};
    for (dim_t c = 0; c < C; ++c) sum += pre(simd::load<V>(from + c * plane + t));
    sum *= each;
    for (dim_t c = 0; c < C; ++c) {
      const V d = pre(simd::load<V>(from + c * plane + t)) - sum;
      square += d * d;
    }
    simd::store(mean + t, sum);
    simd::store(rstd + t, square * each);
  });
  for (dim_t t = 0; t < p.size; ++t) rstd[t] = 1 / std::sqrt(rstd[t] + static_cast<float>(f.eps));
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::map_moments<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) {
    const dim_t size = o.n.channels * o.n.plane();
    if (o.f.over == norm_over::item)
      m.take<cpu_kernel::two_sums>(o.n.batch * ((size + cpu_kernel::moment_block - 1) / cpu_kernel::moment_block));
    if (o.f.over == norm_over::channel && backend.group) m.take<double>(2 * o.n.channels);
  });
}

inline void execute(cpu& backend, const op::map_moments<float>& given, void* scratch) {
  using namespace cpu_kernel;
  if (given.f.over == norm_over::none || given.f.fixed) return;
  const map_of flat = laid_flat(given.n, given.f);
  const op::map_size& n = flat.n;
  const map_norm& f = flat.f;
  const float* const x = given.x;
  const bent pre(f.pre);
  switch (f.over) {
    case norm_over::none: return;
    case norm_over::item: return item_moments(backend, given, static_cast<two_sums*>(scratch));
    case norm_over::position:
      return for_pieces(backend, n.batch * tiled::count(n.plane()),
                        [&](dim_t i, int) { position_moments(f, n, tiled::at(i, n.plane()), x); });
    case norm_over::frame:
      return for_pieces(backend, n.batch * n.frames, [&](dim_t i, int) {
        const float* const from = x + i / n.frames * n.channels * n.plane() + i % n.frames * n.bins;
        const two_sums m = frame_moments(pre, n.channels, n.bins, from, n.plane());
        write_moments(f, i, m.first, m.second);
      });
    case norm_over::channel: {
      const auto value = [&](auto v, dim_t c, dim_t b, dim_t t) {
        return pre(simd::load<decltype(v)>(x + (b * n.channels + c) * n.plane() + t));
      };
      if (backend.group) return shared_channel_moments(backend, n, f, static_cast<double*>(scratch), value);
      return for_pieces(backend, n.channels, [&](dim_t c, int) {
        const two_sums m = two_pass_moments(n.batch, n.plane(), [&](auto v, dim_t b, dim_t t) { return value(v, c, b, t); });
        write_moments(f, c, m.first, m.second);
      });
    }
  }
}

inline void execute(cpu& backend, const op::map_norm_fwd<float>& o, void*) {
  const auto [n, f] = cpu_kernel::laid_flat(o.n, o.f);
  const dim_t plane = n.plane(), C = n.channels;
  for_pieces(backend, n.batch * C, [&, n = n, f = f](dim_t i, int) {
    cpu_kernel::apply_frames(f, n, i / C, i % C, 0, n.frames, o.x + i * plane, o.plus ? o.plus + i * plane : nullptr,
                             o.y + i * plane);
  });
}

namespace cpu_kernel {

// Calls body with the kind of scratch that the norm needs.
template <class Body>
void with_back_scratch(carver& m, const cpu& backend, const map_of& flat, Body&& body) {
  const op::map_size& n = flat.n;
  switch (flat.f.over) {
    case norm_over::position: return body(position_back_scratch(m, backend, n));
    case norm_over::frame: return body(frame_back_scratch(m, n.batch * n.frames, n.channels * n.bins));
    default: return body(plane_back_scratch(m, n, flat.f.over));
  }
}
inline void norm_back(const cpu& b, const op::map_norm_bwd<float>& o, plane_back_scratch s) { planes_back(b, o, s); }
inline void norm_back(const cpu& b, const op::map_norm_bwd<float>& o, position_back_scratch s) { positions_back(b, o, s); }
inline void norm_back(const cpu& b, const op::map_norm_bwd<float>& o, frame_back_scratch s) { frames_back(b, o, s); }

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::map_norm_bwd<float>& o) {
  using namespace cpu_kernel;
  return layout_bytes([&](carver& m) { with_back_scratch(m, backend, laid_flat(o.n, o.f), [](auto) {}); });
}

inline void execute(cpu& backend, const op::map_norm_bwd<float>& given, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  op::map_norm_bwd<float> o = given;
  const map_of flat = laid_flat(o.n, o.f);
  o.n = flat.n;
  o.f = flat.f;
  with_back_scratch(memory, backend, flat, [&](auto s) { norm_back(backend, o, s); });
}

inline void execute(cpu&, const op::running_to_moments<float>& o, void*) {
  for (dim_t c = 0; c < o.channels; ++c) {
    o.mean[c] = o.running_mean[c];
    o.rstd[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(o.running_var[c]) + o.eps));
  }
}

inline void execute(cpu& backend, const op::update_running<float>& o, void*) {
  const dim_t n = o.n * backend.workers();
  const double unbiased = n > 1 ? static_cast<double>(n) / static_cast<double>(n - 1) : 1;
  for (dim_t c = 0; c < o.channels; ++c) {
    const double r = o.rstd[c], var = (1 / (r * r) - o.eps) * unbiased;
    o.running_mean[c] = static_cast<float>((1 - o.momentum) * o.running_mean[c] + o.momentum * o.mean[c]);
    o.running_var[c] = static_cast<float>((1 - o.momentum) * o.running_var[c] + o.momentum * var);
  }
  *o.batches += 1;
}

}  // namespace avss
