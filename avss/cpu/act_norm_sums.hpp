// The sums behind a normalisation, forward and backward, collected piece by piece.
#pragma once

#include <algorithm>
#include <avss/cpu/act_norm_rows.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/op/act_norm.hpp>
#include <cmath>

namespace avss {
namespace cpu_kernel {

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

}  // namespace cpu_kernel
}  // namespace avss
