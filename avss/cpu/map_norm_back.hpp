// Back through normalisations of maps: sums over what a statistic covers, then the gradients, from the same values again.
#pragma once

#include <avss/cpu/map_rows.hpp>
#include <span>

namespace avss {
namespace cpu_kernel {

// Gradients of the two slopes.
struct slope_sums {
  simd::row_sum post, pre;
};
struct slopes {
  double post = 0, pre = 0;
};
inline void add_slopes(const map_norm& f, const op::map_norm_grad<float>& g, dim_t n, const slopes* parts) {
  slopes all;
  for (dim_t i = 0; i < n; ++i) {
    all.post += parts[i].post;
    all.pre += parts[i].pre;
  }
  if (f.post.form == curve::prelu) *g.dpost_slope += static_cast<float>(all.post);
  if (f.pre.form == curve::prelu) *g.dpre_slope += static_cast<float>(all.pre);
}

// The two functions of one row on the way back.
template <class Row>
struct row_back {
  const Row& row;
  const bent &pre, &post;
  const float *x, *dy;

  // dL/d(normalised and scaled), and the normalised value.
  template <class V>
  struct terms {
    V x, h, d;
  };
  template <class V>
  [[gnu::always_inline]] terms<V> at(dim_t t, simd::row_sum& dpost) const {
    const V in = simd::load<V>(x + t), h = row.normed(pre(in), t);
    return {in, h, post.back(put_out<V>(row, h, t), simd::load<V>(dy + t), dpost)};
  }
  // dx (+)= through the norm with its two means of the whole, and through pre.
  template <class V>
  [[gnu::always_inline]] void leave(const terms<V>& s, V mean1, V mean2, dim_t t, bool accumulate, float* dx,
                                    simd::row_sum& dpre) const {
    const V da = row.template rstd_at<V>(t) * (row.template gain<V>(t) * s.d - (mean1 + s.h * mean2));
    const V d = pre.back(s.x, da, dpre);
    simd::store(dx + t, accumulate ? simd::load<V>(dx + t) + d : d);
  }
};

// Sums of d and d h over a stretch.
template <class Row>
two_sums back_sums(const row_back<Row>& r, dim_t n) {
  return sum_blocks(n, [&](dim_t first, dim_t size) {
    simd::row_sum plain, weighted, unused;
    simd::for_each(size, [&](auto v, dim_t t) {
      const auto s = r.template at<decltype(v)>(first + t, unused);
      plain.add(s.d);
      weighted.add(s.d * s.h);
    });
    return two_sums{plain.total(), weighted.total()};
  });
}

// The sums of all workers, in place.
inline void sum_over_workers(const cpu& backend, two_sums* sums, dim_t n) {
  static_assert(sizeof(two_sums) == 2 * sizeof(double));
  backend.group->sum(std::span<double>(&sums->first, static_cast<std::size_t>(2 * n)));
}

struct plane_back_scratch {
  plane_back_scratch(carver& m, const op::map_size& n, norm_over over)
      : rows(m.take<two_sums>(over == norm_over::none ? 0 : n.batch * n.channels)),
        means(m.take<two_sums>(stats_of(over, n))),
        slope(m.take<slopes>(n.batch * n.channels)) {}
  two_sums *rows, *means;
  slopes* slope;
};

// Adds to the gradients of gain and offset, and closes the sums of each statistic; those of BatchNorm over all workers.
inline void close_planes(const cpu& backend, const op::map_norm_bwd<float>& o, plane_back_scratch& s) {
  const dim_t stats = stats_of(o.f.over, o.n);
  const bool shared = backend.group && o.f.over == norm_over::channel && !o.f.fixed;
  const double count = static_cast<double>(o.n.size() * (shared ? backend.workers() : 1)) / static_cast<double>(stats);
  std::fill_n(s.means, stats, two_sums{});
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.n.channels; ++c) {
      const two_sums row = s.rows[b * o.n.channels + c];
      o.g.dbeta[c] += static_cast<float>(row.first);
      o.g.dgamma[c] += static_cast<float>(row.second);
      two_sums& to = s.means[o.f.over == norm_over::item ? b : c];
      to.first += o.f.gamma[c] * row.first / count;
      to.second += o.f.gamma[c] * row.second / count;
    }
  if (o.f.fixed) std::fill_n(s.means, stats, two_sums{});
  if (shared) sum_over_workers(backend, s.means, stats);
}

inline void planes_back(const cpu& backend, const op::map_norm_bwd<float>& o, plane_back_scratch& s) {
  const bent pre(o.f.pre), post(o.f.post);
  const dim_t C = o.n.channels, plane = o.n.plane(), planes = o.n.batch * C;
  const auto each = [&](dim_t i, auto&& body) {
    for_rows(o.f, o.n, i / C, i % C, 0, o.n.frames, [&](const auto& row, dim_t, dim_t) {
      body(row_back<std::decay_t<decltype(row)>>{row, pre, post, o.x + i * plane, o.dy + i * plane});
    });
  };
  if (o.f.over != norm_over::none) {
    for_pieces(backend, planes, [&](dim_t i, int) { each(i, [&](const auto& r) { s.rows[i] = back_sums(r, plane); }); });
    close_planes(backend, o, s);
  }
  for_pieces(backend, planes, [&](dim_t i, int) {
    const two_sums m = o.f.over == norm_over::none ? two_sums{} : s.means[o.f.over == norm_over::item ? i / C : i % C];
    const float mean1 = static_cast<float>(m.first), mean2 = static_cast<float>(m.second);
    slope_sums sums;
    each(i, [&](const auto& r) {
      simd::for_each(plane, [&](auto v, dim_t t) {
        using V = decltype(v);
        r.leave(r.template at<V>(t, sums.post), V{} + mean1, V{} + mean2, t, o.accumulate, o.dx + i * plane, sums.pre);
      });
    });
    s.slope[i] = {sums.post.total(), sums.pre.total()};
  });
  add_slopes(o.f, o.g, planes, s.slope);
}

struct position_back_scratch {
  position_back_scratch(carver& m, const cpu& backend, const op::map_size& n)
      : tiles(n.batch * tiled::count(n.plane())),
        rows(m.take<two_sums>(tiles * n.channels)),
        means(m.take<float>(backend.threads * 2 * tiled::tile)),
        slope(m.take<slopes>(tiles)) {}
  dim_t tiles;
  two_sums* rows;
  float* means;
  slopes* slope;
};

inline void positions_back(const cpu& backend, const op::map_norm_bwd<float>& o, position_back_scratch& s) {
  const bent pre(o.f.pre), post(o.f.post);
  const dim_t C = o.n.channels, plane = o.n.plane();
  const float each = o.f.fixed ? 0.f : 1 / static_cast<float>(C);
  for_pieces(backend, s.tiles, [&](dim_t i, int worker) {
    const tiled::piece p = tiled::at(i, plane);
    float *const mean1 = s.means + worker * 2 * tiled::tile, *const mean2 = mean1 + tiled::tile;
    std::fill_n(mean1, 2 * tiled::tile, 0.f);
    slope_sums sums;
    simd::row_sum unused;
    const dim_t stat = p.item * plane + p.first;
    for (dim_t c = 0; c < C; ++c) {
      const dim_t at = (p.item * C + c) * plane + p.first;
      const position_row row{o.f.mean + stat, o.f.rstd + stat, o.f.gamma[c], o.f.beta[c]};
      const row_back<position_row> r{row, pre, post, o.x + at, o.dy + at};
      simd::row_sum plain, weighted;
      simd::for_each(p.size, [&](auto v, dim_t t) {
        using V = decltype(v);
        const auto q = r.template at<V>(t, unused);
        plain.add(q.d);
        weighted.add(q.d * q.h);
        const V share = q.d * (row.gamma * each);
        simd::store(mean1 + t, simd::load<V>(mean1 + t) + share);
        simd::store(mean2 + t, simd::load<V>(mean2 + t) + share * q.h);
      });
      s.rows[i * C + c] = {plain.total(), weighted.total()};
    }
    for (dim_t c = 0; c < C; ++c) {
      const dim_t at = (p.item * C + c) * plane + p.first;
      const position_row row{o.f.mean + stat, o.f.rstd + stat, o.f.gamma[c], o.f.beta[c]};
      const row_back<position_row> r{row, pre, post, o.x + at, o.dy + at};
      simd::for_each(p.size, [&](auto v, dim_t t) {
        using V = decltype(v);
        r.leave(r.template at<V>(t, sums.post), simd::load<V>(mean1 + t), simd::load<V>(mean2 + t), t, o.accumulate, o.dx + at,
                sums.pre);
      });
    }
    s.slope[i] = {sums.post.total(), sums.pre.total()};
  });
  for (dim_t c = 0; c < C; ++c) {
    two_sums all;
    for (dim_t i = 0; i < s.tiles; ++i) {
      all.first += s.rows[i * C + c].first;
      all.second += s.rows[i * C + c].second;
    }
    o.g.dbeta[c] += static_cast<float>(all.first);
    o.g.dgamma[c] += static_cast<float>(all.second);
  }
  add_slopes(o.f, o.g, s.tiles, s.slope);
}

// Rows of frames: values of a channel lie side by side, those of the next `pitch` values on.
struct frame_rows {
  const float* x;
  dim_t x_pitch;
  const float* dy;
  dim_t dy_pitch;
  float* dx;  // as x
};

// One frame of a norm over channels and bins; the gradients of gain and offset are added to.
inline void frame_back(const map_norm& f, dim_t stat, dim_t channels, dim_t bins, const frame_rows& r, bool accumulate,
                       float* dgamma, float* dbeta, slopes& total) {
  const bent pre(f.pre), post(f.post);
  simd::row_sum unused;
  slope_sums slope;
  const auto each = [&](auto&& body) {
    for (dim_t c = 0; c < channels; ++c) {
      const frame_row row{f.mean[stat], f.rstd[stat], f.gamma + c * bins, f.beta + c * bins};
      body(c, row_back<frame_row>{row, pre, post, r.x + c * r.x_pitch, r.dy + c * r.dy_pitch});
    }
  };
  two_sums sum;
  each([&](dim_t c, const auto& back) {
    simd::row_sum plain, weighted;
    simd::for_each(bins, [&](auto v, dim_t t) {
      using V = decltype(v);
      const auto s = back.template at<V>(t, unused);
      const dim_t at = c * bins + t;
      const V d = s.d * simd::load<V>(f.gamma + at);
      plain.add(d);
      weighted.add(d * s.h);
      simd::store(dbeta + at, simd::load<V>(dbeta + at) + s.d);
      simd::store(dgamma + at, simd::load<V>(dgamma + at) + s.d * s.h);
    });
    sum.first += plain.total();
    sum.second += weighted.total();
  });
  const double count = f.fixed ? 0 : 1 / static_cast<double>(channels * bins);
  const float mean1 = static_cast<float>(sum.first * count), mean2 = static_cast<float>(sum.second * count);
  each([&](dim_t c, const auto& back) {
    simd::for_each(bins, [&](auto v, dim_t t) {
      using V = decltype(v);
      back.leave(back.template at<V>(t, slope.post), V{} + mean1, V{} + mean2, t, accumulate, r.dx + c * r.x_pitch, slope.pre);
    });
  });
  total.post += slope.post.total();
  total.pre += slope.pre.total();
}

// Frames are gone through in this many groups, by shape alone; each has gradients of gain and offset of its own.
inline dim_t frame_groups(dim_t frames) { return std::clamp<dim_t>(frames / 8, 1, 16); }

struct frame_back_scratch {
  frame_back_scratch(carver& m, dim_t frames, dim_t gains)
      : groups(frame_groups(frames)),
        dgamma(m.take<float>(groups * gains)),
        dbeta(m.take<float>(groups * gains)),
        slope(m.take<slopes>(groups)) {}
  dim_t groups;
  float *dgamma, *dbeta;
  slopes* slope;

  // body(frame, group) for all frames; then the groups' gradients are added up.
  template <class Body>
  void run(const cpu& backend, dim_t frames, dim_t gains, float* all_dgamma, float* all_dbeta, Body&& body) {
    for_pieces(backend, groups, [&](dim_t g, int) {
      std::fill_n(dgamma + g * gains, gains, 0.f);
      std::fill_n(dbeta + g * gains, gains, 0.f);
      slope[g] = {};
      for (dim_t i = g * frames / groups; i < (g + 1) * frames / groups; ++i) body(i, g);
    });
    for (dim_t g = 0; g < groups; ++g) {
      add_row(gains, dgamma + g * gains, all_dgamma);
      add_row(gains, dbeta + g * gains, all_dbeta);
    }
  }
};

inline void frames_back(const cpu& backend, const op::map_norm_bwd<float>& o, frame_back_scratch& s) {
  const dim_t gains = o.n.channels * o.n.bins, plane = o.n.plane();
  s.run(backend, o.n.batch * o.n.frames, gains, o.g.dgamma, o.g.dbeta, [&](dim_t i, dim_t g) {
    const dim_t at = i / o.n.frames * o.n.channels * plane + i % o.n.frames * o.n.bins;
    frame_back(o.f, i, o.n.channels, o.n.bins, {o.x + at, plane, o.dy + at, plane, o.dx + at}, o.accumulate,
               s.dgamma + g * gains, s.dbeta + g * gains, s.slope[g]);
  });
  add_slopes(o.f, o.g, s.groups, s.slope);
}

}  // namespace cpu_kernel
}  // namespace avss
