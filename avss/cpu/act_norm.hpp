// PReLU and normalisation on rows and tiles: the parts that the fused kernels are made of, and the operations themselves.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/act_norm.hpp>
#include <cmath>
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

// dx[t] = dL/dx from g.df, for the same frames; returns the part of dL/dslope. dx may be df's own row.
inline double go_back_row(const act_norm_grad& g, dim_t b, dim_t c, dim_t first, dim_t n, dim_t frames, const float* x,
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
  simd::row_sum sum;
  simd::for_each(n, [&](auto v, dim_t t) { sum.add(simd::load<decltype(v)>(x + t)); });
  return sum.total();
}

inline double dot_row(dim_t n, const float* x, const float* y) {
  simd::row_sum sum;
  simd::for_each(n, [&](auto v, dim_t t) {
    using V = decltype(v);
    sum.add(simd::load<V>(x + t) * simd::load<V>(y + t));
  });
  return sum.total();
}

// total += part(0) + part(1) + ... + part(n - 1), added up in double.
template <class Part>
void add_sum(dim_t n, Part&& part, float& total) {
  double sum = 0;
  for (dim_t i = 0; i < n; ++i) sum += part(i);
  total += static_cast<float>(sum);
}

struct two_sums {
  double first = 0, second = 0;
};

// Sums over a long row: floats over blocks of it, doubles over the blocks.
template <class Block>
two_sums sum_blocks(dim_t n, Block&& block) {
  constexpr dim_t most = 4096;
  two_sums all;
  for (dim_t first = 0; first < n; first += most) {
    const two_sums part = block(first, std::min(most, n - first));
    all.first += part.first;
    all.second += part.second;
  }
  return all;
}
inline double sum_long(dim_t n, const float* x) {
  return sum_blocks(n, [&](dim_t first, dim_t size) { return two_sums{sum_row(size, x + first), 0}; }).first;
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

// Sums from which mean and rstd of f are made, collected piece by piece: tiles of frames or rows of channels.
class moment_sums {
 public:
  // `pieces` of an item give sums of their own; per-frame norms have sums of their own for each frame instead.
  moment_sums(carver& memory, const act_norm& f, dim_t batch, dim_t frames, dim_t pieces)
      : f_(f), batch_(batch), frames_(frames), pieces_(pieces) {
    if (f.norm == norm_kind::global) items_ = memory.take<two_sums>(batch * pieces);
    if (per_frame(f.norm)) {
      sum_ = memory.take<double>(batch * frames);
      square_ = memory.take<double>(batch * frames);
    }
  }
  bool wanted() const { return f_.norm != norm_kind::none; }

  // All `channels` rows of a tile; x points at the first frame of the first channel.
  void add_tile(tiled::piece p, dim_t piece, dim_t channels, const float* x) {
    if (!wanted()) return;
    const float slope = slope_of(f_);
    if (per_frame(f_.norm)) {
      double *sum = sum_ + p.item * frames_ + p.first, *square = square_ + p.item * frames_ + p.first;
      std::fill(sum, sum + p.size, 0.0);
      std::fill(square, square + p.size, 0.0);
      for (dim_t c = 0; c < channels; ++c) moment_frames(slope, p.size, x + c * frames_, sum, square);
      return;
    }
    two_sums total;
    for (dim_t c = 0; c < channels; ++c) {
      const two_sums row = moment_row(slope, p.size, x + c * frames_);
      total.first += row.first;
      total.second += row.second;
    }
    items_[p.item * pieces_ + piece] = total;
  }
  // A whole row of a global norm.
  void set_piece(dim_t item, dim_t piece, two_sums s) { items_[item * pieces_ + piece] = s; }

  // Makes mean and rstd.
  void finish(dim_t channels) const {
    for (dim_t b = 0; b < batch_ && wanted(); ++b) {
      if (f_.norm == norm_kind::global) {
        two_sums all;
        for (dim_t p = 0; p < pieces_; ++p) {
          all.first += items_[b * pieces_ + p].first;
          all.second += items_[b * pieces_ + p].second;
        }
        write(b, all, static_cast<double>(channels) * static_cast<double>(frames_));
        continue;
      }
      two_sums all;
      for (dim_t t = 0; t < frames_; ++t) {
        const dim_t s = b * frames_ + t;
        const bool cumulative = f_.norm == norm_kind::cumulative;
        all = {cumulative ? all.first + sum_[s] : sum_[s], cumulative ? all.second + square_[s] : square_[s]};
        write(s, all, static_cast<double>(channels) * static_cast<double>(cumulative ? t + 1 : 1));
      }
    }
  }

 private:
  void write(dim_t s, two_sums all, double count) const {
    const double mean = all.first / count, variance = all.second / count - mean * mean;
    f_.mean[s] = static_cast<float>(mean);
    f_.rstd[s] = static_cast<float>(1 / std::sqrt(std::max(variance, 0.0) + f_.eps));
  }

  act_norm f_;
  dim_t batch_, frames_, pieces_;
  two_sums* items_ = nullptr;
  double *sum_ = nullptr, *square_ = nullptr;
};

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

// Sums from which dgamma, dbeta, shift and scale are made. `pieces` parts of an item give channel sums of their own.
class gradient_sums {
 public:
  gradient_sums(carver& memory, const act_norm_grad& g, dim_t batch, dim_t channels, dim_t frames, dim_t pieces)
      : g_(g), batch_(batch), channels_(channels), frames_(frames), pieces_(pieces) {
    if (g.f.norm == norm_kind::none) return;
    rows_ = memory.take<two_sums>(batch * pieces * channels);
    if (per_frame(g.f.norm)) {
      plain_ = memory.take<double>(batch * frames);
      weighted_ = memory.take<double>(batch * frames);
    }
  }
  bool wanted() const { return g_.f.norm != norm_kind::none; }
  bool by_frame() const { return per_frame(g_.f.norm); }

  void set_row(dim_t item, dim_t piece, dim_t c, two_sums s) { rows_[(item * pieces_ + piece) * channels_ + c] = s; }

  // Rows and frames of one tile.
  void add_tile(tiled::piece p, dim_t piece) {
    if (!wanted()) return;
    for (dim_t c = 0; c < channels_; ++c) {
      const dim_t at = (p.item * channels_ + c) * frames_ + p.first;
      set_row(p.item, piece, c, gradient_row(g_, p.item, p.first, p.size, frames_, g_.x + at, g_.df + at));
    }
    add_frames(p);
  }
  // The sums over the channels of each frame of a tile.
  void add_frames(tiled::piece p) {
    if (!by_frame()) return;
    const dim_t s = p.item * frames_ + p.first;
    const float slope = slope_of(g_.f);
    std::fill(plain_ + s, plain_ + s + p.size, 0.0);
    std::fill(weighted_ + s, weighted_ + s + p.size, 0.0);
    for (dim_t c = 0; c < channels_; ++c) {
      const dim_t at = (p.item * channels_ + c) * frames_ + p.first;
      const float *x = g_.x + at, *df = g_.df + at, *mean = g_.f.mean + s, *rstd = g_.f.rstd + s;
      const float gamma = g_.f.gamma[c];
      for (dim_t t = 0; t < p.size; ++t) {
        const float a = x[t] > 0 ? x[t] : x[t] * slope, d = gamma * df[t];
        plain_[s + t] += d;
        weighted_[s + t] += d * ((a - mean[t]) * rstd[t]);
      }
    }
  }

  void finish() const {
    for (dim_t b = 0; b < batch_ && wanted(); ++b) {
      two_sums item;
      for (dim_t c = 0; c < channels_; ++c) {
        two_sums row;
        for (dim_t p = 0; p < pieces_; ++p) {
          row.first += rows_[(b * pieces_ + p) * channels_ + c].first;
          row.second += rows_[(b * pieces_ + p) * channels_ + c].second;
        }
        g_.dbeta[c] += static_cast<float>(row.first);
        g_.dgamma[c] += static_cast<float>(row.second);
        item.first += g_.f.gamma[c] * row.first;
        item.second += g_.f.gamma[c] * row.second;
      }
      if (!by_frame()) {
        const double n = static_cast<double>(channels_) * static_cast<double>(frames_), r = g_.f.rstd[b];
        g_.shift[b] = static_cast<float>(-r * item.first / n);
        g_.scale[b] = static_cast<float>(-r * r * item.second / n);
      } else {
        finish_frames(b);
      }
    }
  }

 private:
  // The formulas are those of reference/act_norm.hpp, close_gradient.
  void finish_frames(dim_t b) const {
    double later_square = 0, later_mean = 0;
    for (dim_t t = frames_; t-- > 0;) {
      const dim_t s = b * frames_ + t;
      const double r = g_.f.rstd[s], mean = g_.f.mean[s], d_mean = -r * plain_[s], d_variance = -r * r * weighted_[s] / 2;
      if (g_.f.norm == norm_kind::cumulative) {
        const double n = static_cast<double>(channels_) * static_cast<double>(t + 1);
        later_square += 2 * d_variance / n;
        later_mean += (d_mean - 2 * mean * d_variance) / n;
        g_.scale[s] = static_cast<float>(later_square);
        g_.shift[s] = static_cast<float>(later_mean + later_square * mean);
      } else {
        g_.scale[s] = static_cast<float>(2 * d_variance / static_cast<double>(channels_));
        g_.shift[s] = static_cast<float>(d_mean / static_cast<double>(channels_));
      }
    }
  }

  act_norm_grad g_;
  dim_t batch_, channels_, frames_, pieces_;
  two_sums* rows_ = nullptr;
  double *plain_ = nullptr, *weighted_ = nullptr;
};

// Lays out an operation's scratch memory without any, to learn its size.
template <class Layout>
std::size_t layout_bytes(Layout&& layout) {
  carver memory(nullptr);
  layout(memory);
  return memory.used();
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu&, const op::moments<float>& o) {
  return cpu_kernel::layout_bytes(
      [&](carver& m) { cpu_kernel::moment_sums(m, o.f, o.batch, o.frames, tiled::count(o.frames)); });
}

inline void execute(cpu& backend, const op::moments<float>& o, void* scratch) {
  const dim_t tiles = tiled::count(o.frames);
  carver memory(scratch);
  cpu_kernel::moment_sums sums(memory, o.f, o.batch, o.frames, tiles);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int) {
    const tiled::piece p = tiled::at(i, o.frames);
    sums.add_tile(p, i % tiles, o.channels, o.x + p.item * o.channels * o.frames + p.first);
  });
  sums.finish(o.channels);
}

inline void execute(cpu& backend, const op::act_norm_fwd<float>& o, void*) {
  for_pieces(backend, o.batch * o.channels, [&](dim_t i, int) {
    const dim_t at = i * o.frames;
    cpu_kernel::apply_row(o.f, i / o.channels, i % o.channels, 0, o.frames, o.frames, o.x + at, o.y + at);
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::act_norm_close<float>& o) {
  return cpu_kernel::layout_bytes(
      [&](carver& m) { cpu_kernel::gradient_sums(m, o.g, o.batch, o.channels, o.frames, tiled::count(o.frames)); });
}

inline void execute(cpu& backend, const op::act_norm_close<float>& o, void* scratch) {
  const dim_t tiles = tiled::count(o.frames);
  carver memory(scratch);
  cpu_kernel::gradient_sums sums(memory, o.g, o.batch, o.channels, o.frames, tiles);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int) { sums.add_tile(tiled::at(i, o.frames), i % tiles); });
  sums.finish();
}

inline std::size_t scratch_bytes(const cpu& backend, const op::act_norm_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) {
    m.take<double>(o.batch * o.channels);
    m.take<float>(backend.threads * o.frames * o.accumulate);
  });
}

inline void execute(cpu& backend, const op::act_norm_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  double* const dslope = memory.take<double>(o.batch * o.channels);
  float* const rows = memory.take<float>(backend.threads * o.frames * o.accumulate);
  for_pieces(backend, o.batch * o.channels, [&](dim_t i, int worker) {
    const dim_t at = i * o.frames;
    float* const to = o.accumulate ? rows + worker * o.frames : o.dx + at;
    dslope[i] = cpu_kernel::go_back_row(o.g, i / o.channels, i % o.channels, 0, o.frames, o.frames,
                                        o.g.x ? o.g.x + at : nullptr, o.g.df + at, to);
    if (o.accumulate) cpu_kernel::add_row(o.frames, to, o.dx + at);
  });
  if (o.g.f.slope)
    cpu_kernel::add_sum(
        o.batch * o.channels, [&](dim_t i) { return dslope[i]; }, *o.g.dslope);
}

}  // namespace avss
