// Statistics of PReLU and normalisation, and the sums of their gradients. See op/act_norm.hpp for the formulas.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/act_norm.hpp>
#include <cmath>

namespace avss::cuda_kernel {

using act_norm = op::act_norm<float>;
using act_norm_grad = op::act_norm_grad<float>;

AVSS_DEVICE inline dim_t stat_index(const act_norm& f, const place& at, dim_t frames) {
  return f.norm == norm_kind::global ? at.b : at.b * frames + at.t;
}

AVSS_DEVICE inline float activate(const float* slope, float x) { return slope && !(x > 0) ? *slope * x : x; }

AVSS_DEVICE inline float apply(const act_norm& f, const place& at, dim_t frames, float x) {
  const float a = activate(f.slope, x);
  if (f.norm == norm_kind::none) return a;
  const dim_t s = stat_index(f, at, frames);
  return f.gamma[at.c] * ((a - f.mean[s]) * f.rstd[s]) + f.beta[at.c];
}

// dL/dx at one place; adds to dslope.
AVSS_DEVICE inline float go_back(const act_norm_grad& g, const place& at, dim_t frames, double& dslope) {
  float da = g.df[at.i];
  if (g.f.norm == norm_kind::none && !g.f.slope) return da;
  const float x = g.x[at.i];
  if (g.f.norm != norm_kind::none) {
    const dim_t s = stat_index(g.f, at, frames);
    da = g.f.gamma[at.c] * g.f.rstd[s] * da + g.shift[s] + g.scale[s] * (activate(g.f.slope, x) - g.f.mean[s]);
  }
  if (!g.f.slope || x > 0) return da;
  dslope += static_cast<double>(da) * x;
  return da * *g.f.slope;
}

struct moment_body {
  static constexpr int sums = 2;
  const float* slope;
  const float* x;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const double a = activate(slope, x[at.i]);
    sum[0] += a;
    sum[1] += a * a;
  }
};

// Sums of df and of df h, h = (a - mean) rstd; of the columns weighted with gamma.
template <bool Weighted>
struct close_body {
  static constexpr int sums = 2;
  act_norm_grad g;
  dim_t frames;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const dim_t s = stat_index(g.f, at, frames);
    const double h = (static_cast<double>(activate(g.f.slope, g.x[at.i])) - g.f.mean[s]) * g.f.rstd[s];
    const double df = Weighted ? static_cast<double>(g.f.gamma[at.c]) * g.df[at.i] : g.df[at.i];
    sum[0] += df;
    sum[1] += df * h;
  }
};

// mean and rstd of values that have these sums.
AVSS_DEVICE inline void write_moments(const act_norm& f, dim_t s, double sum, double square, double count) {
  const double mean = sum / count, variance = square / count - mean * mean;
  f.mean[s] = static_cast<float>(mean);
  f.rstd[s] = static_cast<float>(1 / std::sqrt((variance > 0 ? variance : 0) + f.eps));
}

// Of a global norm, an item's.
struct finish_item_moments {
  double count;  // values of an item
  act_norm f;
  AVSS_DEVICE double weight(dim_t) const { return 1; }
  AVSS_DEVICE void operator()(dim_t b, const double (&sum)[2]) const { write_moments(f, b, sum[0], sum[1], count); }
};

// From the sums S1, S2 (see reference/act_norm.hpp) of n values with one mean: shift and scale.
AVSS_DEVICE inline void write_close(const act_norm_grad& g, dim_t s, double s1, double s2, double n) {
  const double r = g.f.rstd[s];
  g.scale[s] = static_cast<float>(-r * r * s2 / n);
  g.shift[s] = static_cast<float>(-r * s1 / n);
}

// Of a global norm, an item's, out of the sums of df and df h of its rows.
struct finish_item_close {
  double count;
  act_norm_grad g;
  AVSS_DEVICE double weight(dim_t channel) const { return g.f.gamma[channel]; }
  AVSS_DEVICE void operator()(dim_t b, const double (&sum)[2]) const { write_close(g, b, sum[0], sum[1], count); }
};

// Adds two values up along the threads of a block, first to last or last to first: each gets the sum up to its own.
struct block_scan {
  double v[2];
  AVSS_DEVICE void operator()(const simt::thread& t, int at, double (*shared)[2]) {
    for (int step = 1; step < t.count(); step *= 2) {
      for (int k = 0; k < 2; ++k) shared[at][k] = v[k];
      t.sync();
      if (at >= step)
        for (int k = 0; k < 2; ++k) v[k] += shared[at - step][k];
      t.sync();
    }
  }
};

AVSS_DEVICE inline void sum_groups(const double* partial, dim_t b, dim_t groups, dim_t frames, dim_t at, double (&sum)[2]) {
  sum[0] = sum[1] = 0;
  for (dim_t g = 0; g < groups; ++g)
    for (int k = 0; k < 2; ++k) sum[k] += partial[((b * groups + g) * frames + at) * 2 + k];
}

// Of the norms with a mean for each frame, a block for each item: what column_pass made. The cumulative norm goes on adding
// from frame to frame.
struct frame_moments {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  dim_t channels, frames;
  const double* partial;
  act_norm f;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const bool cumulative = f.norm == norm_kind::cumulative;
    double before[2] = {0, 0};
    double(*const shared)[2] = t.shared<double[2]>();
    for (dim_t first = 0; first < frames; first += threads) {
      const dim_t at = first + t.index();
      block_scan scan{{0, 0}};
      if (at < frames) sum_groups(partial, t.block(), column_groups(channels), frames, at, scan.v);
      if (cumulative) {
        scan(t, t.index(), shared);
        for (int k = 0; k < 2; ++k) scan.v[k] += before[k];
        if (t.index() == threads - 1)
          for (int k = 0; k < 2; ++k) shared[0][k] = scan.v[k];
        t.sync();
        for (int k = 0; k < 2; ++k) before[k] = shared[0][k];
        t.sync();
      }
      if (at < frames)
        write_moments(f, t.block() * frames + at, scan.v[0], scan.v[1],
                      static_cast<double>(channels) * static_cast<double>(cumulative ? at + 1 : 1));
    }
  }
};

// Likewise for the gradients; the cumulative norm adds from the last frame to the first.
struct frame_close {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  dim_t channels, frames;
  const double* partial;
  act_norm_grad g;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    double(*const shared)[2] = t.shared<double[2]>();
    double later[2] = {0, 0};
    for (dim_t done = 0; done < frames; done += threads) {
      const dim_t at = frames - 1 - done - t.index(), s = t.block() * frames + at;
      double sum[2] = {0, 0};
      if (at >= 0) sum_groups(partial, t.block(), column_groups(channels), frames, at, sum);
      if (g.f.norm == norm_kind::per_frame) {
        if (at >= 0) write_close(g, s, sum[0], sum[1], static_cast<double>(channels));
        continue;
      }
      block_scan scan{{0, 0}};
      if (at >= 0) {
        const double n = static_cast<double>(channels) * static_cast<double>(at + 1), r = g.f.rstd[s], mean = g.f.mean[s];
        const double d_variance = -r * r * sum[1] / 2;
        scan.v[0] = 2 * d_variance / n;
        scan.v[1] = (-r * sum[0] - 2 * mean * d_variance) / n;
      }
      scan(t, t.index(), shared);
      for (int k = 0; k < 2; ++k) scan.v[k] += later[k];
      if (at >= 0) {
        g.scale[s] = static_cast<float>(scan.v[0]);
        g.shift[s] = static_cast<float>(scan.v[1] + scan.v[0] * g.f.mean[s]);
      }
      if (t.index() == threads - 1)
        for (int k = 0; k < 2; ++k) shared[0][k] = scan.v[k];
      t.sync();
      for (int k = 0; k < 2; ++k) later[k] = shared[0][k];
      t.sync();
    }
  }
};

inline constexpr std::size_t scan_bytes = 256 * 2 * sizeof(double);

// mean and rstd of f over an array of [B, C, T]. Sums of a global norm may come from whoever makes the array, whose last block
// of an item makes its moments.
class moment_sums {
 public:
  // n partial sums of an item where the maker gives them; 0: found by a pass over the array.
  moment_sums(carver& m, const act_norm& f, dim_t batch, dim_t channels, dim_t frames, dim_t given = 0) {
    if (f.norm == norm_kind::none) return;
    const dim_t n = given ? given : channels * row_pieces(frames);
    partial_ = m.take<double>(batch * 2 * (f.norm == norm_kind::global ? n : column_groups(channels) * frames));
  }
  // Where the maker of the array writes [B, n, 2] sums of a and a^2; null where it need not.
  double* given(const act_norm& f) const { return f.norm == norm_kind::global ? partial_ : nullptr; }
  // What its blocks do behind them.
  auto last(const act_norm& f, dim_t channels, dim_t frames) const {
    const double count = static_cast<double>(channels) * static_cast<double>(frames);
    return endings_of(
        ending{rows_of::item, make_of_sums{partial_, finish_item_moments{count, f}}, f.norm == norm_kind::global});
  }

  void find(const cuda_backend& backend, const act_norm& f, dim_t batch, dim_t channels, dim_t frames, const float* x) const {
    if (f.norm == norm_kind::global)
      pass_rows(backend, "moments of rows", batch, channels, frames, moment_body{f.slope, x}, partial_,
                last(f, channels, frames));
    finish(backend, f, batch, channels, frames, x);
  }
  // The same where the maker has ended with last().
  void finish(const cuda_backend& backend, const act_norm& f, dim_t batch, dim_t channels, dim_t frames, const float* x) const {
    if (f.norm == norm_kind::none || f.norm == norm_kind::global) return;
    pass_columns(backend, "moments of frames", batch, channels, frames, moment_body{f.slope, x}, partial_);
    launch(backend, "moments of frames, joined", frame_moments{channels, frames, partial_, f}, batch, scan_bytes);
  }

 private:
  double* partial_ = nullptr;
};

// From df: adds to dgamma and dbeta, sets shift and scale. Sums over rows may come from whoever makes df, likewise.
class close_sums {
 public:
  close_sums(carver& m, const act_norm& f, dim_t batch, dim_t channels, dim_t frames) {
    if (f.norm == norm_kind::none) return;
    rows_ = m.take<double>(batch * channels * row_pieces(frames) * 2);
    if (f.norm != norm_kind::global) columns_ = m.take<double>(batch * column_groups(channels) * frames * 2);
  }
  // What the maker's blocks do behind their sums of df and df h, [B, C, pieces, 2].
  auto last(const act_norm_grad& g, dim_t channels, dim_t frames, const double* rows) const {
    const double count = static_cast<double>(channels) * static_cast<double>(frames);
    return endings_of(ending{rows_of::channel, add_sums<2>{rows, {g.dbeta, g.dgamma}}, g.f.norm != norm_kind::none},
                      ending{rows_of::item, make_of_sums{rows, finish_item_close{count, g}}, g.f.norm == norm_kind::global});
  }

  void find(const cuda_backend& backend, const act_norm_grad& g, dim_t batch, dim_t channels, dim_t frames) const {
    if (g.f.norm == norm_kind::none) return;
    pass_rows(backend, "gradient sums of rows", batch, channels, frames, close_body<false>{g, frames}, rows_,
              last(g, channels, frames, rows_));
    finish(backend, g, batch, channels, frames);
  }
  // The same where the maker has ended with last().
  void finish(const cuda_backend& backend, const act_norm_grad& g, dim_t batch, dim_t channels, dim_t frames) const {
    if (g.f.norm == norm_kind::none || g.f.norm == norm_kind::global) return;
    pass_columns(backend, "gradient sums of frames", batch, channels, frames, close_body<true>{g, frames}, columns_);
    launch(backend, "gradient sums of frames, joined", frame_close{channels, frames, columns_, g}, batch, scan_bytes);
  }
  double* rows() const { return rows_; }

 private:
  double *rows_ = nullptr, *columns_ = nullptr;
};

}  // namespace avss::cuda_kernel
