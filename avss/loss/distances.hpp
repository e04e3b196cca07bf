// Distances between waveforms and between spectra as losses: the mean over sources and items.
//
// Spectra are of the periodic Hann window, centred, mirrored at the ends, not scaled. A signal that is shorter than half a
// window is continued with zeros to half a window and a sample. Formulas: op/distance_loss.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <avss/loss/waveforms.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/distance_loss.hpp>
#include <avss/op/spectrum.hpp>
#include <cstddef>
#include <initializer_list>
#include <string>

namespace avss {

struct stft_size {
  dim_t window = 256, hop = 128;  // samples
};

// A loss that is a weighted sum of distances in one or several resolutions, logged as one value.
struct distance_loss {
  static constexpr dim_t parts = 1;
  static constexpr std::size_t max_views = 8;
  static constexpr double magnitude_floor = 1e-7;  // of |X|^2, as in Parallel WaveGAN (arXiv:1910.11480)

  const char* name = "";
  std::size_t count = 0;                     // of views
  std::array<stft_size, max_views> views{};  // window 0: the waveform
  std::array<distance_kind, 2> kinds{};      // of every view
  std::array<double, 2> shares{1, 0};        // of the kinds; 0: not evaluated
  // Of the spectra that the network made its estimates of, where it has some of this window and hop, in place of those of the
  // estimates.
  bool of_own_spectra = false;

  // Throws error for a window that is odd, a hop that leaves samples unseen, and for weights that leave nothing.
  constexpr void check() const {
    if (shares[0] == 0 && shares[1] == 0)
      fail(name, ": its weights are all 0; give one of them another, or leave the loss out");
    for (std::size_t v = 0; v < count; ++v) {
      const stft_size s = views[v];
      const bool signal = kinds[0] == distance_kind::signal_l1 || kinds[0] == distance_kind::signal_mse;
      if (signal) continue;
      if (s.window < 2 || s.window % 2 != 0 || s.window > 65536)
        fail(name, ": a window of ", s.window, " samples does not fit; expected an even number from 2 to 65536");
      if (s.hop < 1 || s.hop > s.window)
        fail(name, ": a hop of ", s.hop, " samples does not fit a window of ", s.window, "; expected 1 to ", s.window);
    }
  }

  template <class C>
  void run(C& ctx, const waveforms<typename C::T>& w, double weight, dim_t slot, const part_results& results) const {
    const auto frame = ctx.frame();
    double* const values = scratch_of<double>(ctx, w.batch * w.sources * w.sources);
    each_view(ctx, w, {false, 1, false, values}, weight / static_cast<double>(w.batch * w.sources), slot > 0 || w.add);
    ctx.run(op::pair_mean<typename C::T>{w.batch, w.sources, values, slot, results.value, results.permutation});
  }
  template <class C>
  void pairs(C& ctx, const waveforms<typename C::T>& w, double scale, bool accumulate, double* out) const {
    waveforms<typename C::T> values = w;
    values.d_estimate = nullptr;
    each_view(ctx, values, {true, scale, accumulate, out}, 0, false);
  }
  template <class F>
  void describe(F&& part, double weight) const {
    part(std::string(name), weight);
  }

 private:
  struct target_pairs {
    bool all;
    double scale;
    bool accumulate;
    double* out;
  };

  template <class C>
  void each_view(C& ctx, const waveforms<typename C::T>& w, const target_pairs& to, double by_row, bool add) const {
    check();
    for (std::size_t v = 0; v < count; ++v) {
      const auto frame = ctx.frame();
      target_pairs p = to;
      p.accumulate = to.accumulate || v > 0;
      if (views[v].window == 0)
        compare(ctx, w, w.length, w.estimate, w.target, p, by_row, add || v > 0, w.d_estimate);
      else
        spectra(ctx, w, views[v], p, by_row, add || v > 0);
    }
  }

  template <class C>
  void spectra(C& ctx, const waveforms<typename C::T>& w, stft_size s, const target_pairs& p, double by_row, bool add) const {
    using T = typename C::T;
    const dim_t rows = w.batch * w.sources;
    const bool own =
        of_own_spectra && w.spectra.there() && w.spectra.framing.window == s.window && w.spectra.framing.hop == s.hop;
    if (own) return own_spectra_of(ctx, w, p, by_row, add);
    const op::framing n{rows, w.length, std::max(w.length, s.window / 2 + 1), s.window, s.hop};
    const dim_t bins = n.frames() * n.bins();
    const auto room = [&](dim_t size) { return ctx.scratch(shape<dyn>(size)).data; };
    T *const estimate = room(rows * 2 * bins), *const target = room(rows * 2 * bins);
    ctx.run(op::stft_fwd<T>{n, w.estimate, estimate});
    ctx.run(op::stft_fwd<T>{n, w.target, target});
    T* const d_spectrum = w.d_estimate ? room(rows * 2 * bins) : nullptr;
    compare(ctx, w, bins, estimate, target, p, by_row, false, d_spectrum);
    if (!w.d_estimate) return;
    T* const d = add ? room(rows * w.length) : w.d_estimate;
    ctx.run(op::stft_bwd<T>{n, d_spectrum, d});
    if (add) ctx.run(op::copy<T>{1, rows * w.length, rows * w.length, rows * w.length, d, w.d_estimate, true});
  }

  // The gradient goes into the network beside that of the waveforms, which is none.
  template <class C>
  void own_spectra_of(C& ctx, const waveforms<typename C::T>& w, const target_pairs& p, double by_row, bool add) const {
    using T = typename C::T;
    const op::framing& n = w.spectra.framing;
    const dim_t rows = w.batch * w.sources;
    T* const target = ctx.scratch(shape<dyn>(rows * w.spectra.size())).data;
    ctx.run(op::stft_fwd<T>{n, w.target, target});
    compare(ctx, w, w.spectra.size() / 2, w.spectra.estimate, target, p, by_row, true,
            w.d_estimate ? w.spectra.d_estimate : nullptr);
    if (w.d_estimate && !add) ctx.run(op::clear<T>{rows * w.length, w.d_estimate});
  }

  template <class C, class T>
  void compare(C& ctx, const waveforms<T>& w, dim_t n, const T* estimate, const T* target, const target_pairs& p, double by_row,
               bool add, T* d) const {
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (shares[k] == 0) continue;
      const double share = shares[k] / static_cast<double>(count);
      const bool more = k > 0 && shares[0] != 0;
      ctx.run(op::distance<T>{w.batch, w.sources, n, kinds[k], magnitude_floor, estimate, target, p.all, p.scale * share,
                              p.accumulate || more, p.out});
      if (d)
        ctx.run(op::distance_gradient<T>{w.batch, w.sources, n, kinds[k], magnitude_floor, estimate, target, by_row * share,
                                         add || more, d});
    }
  }
};

namespace detail {

template <distance_kind Kind>
constexpr distance_loss one_distance(const char* name, stft_size size) {
  distance_loss l;
  l.name = name, l.count = 1, l.views[0] = size, l.kinds[0] = Kind;
  return l;
}

}  // namespace detail

struct waveform_l1 : distance_loss {
  constexpr waveform_l1() : distance_loss(detail::one_distance<distance_kind::signal_l1>("waveform_l1", {0, 0})) {}
};
struct waveform_mse : distance_loss {
  constexpr waveform_mse() : distance_loss(detail::one_distance<distance_kind::signal_mse>("waveform_mse", {0, 0})) {}
};
struct complex_spectrum_l1 : distance_loss {
  constexpr explicit complex_spectrum_l1(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::complex_l1>("complex_spectrum_l1", s)) {}
};
struct complex_spectrum_mse : distance_loss {
  constexpr explicit complex_spectrum_mse(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::complex_mse>("complex_spectrum_mse", s)) {}
};
// The same of the network's own spectra, where it has some of that size.
struct complex_mapping_mse : distance_loss {
  constexpr explicit complex_mapping_mse(stft_size s = {}) : distance_loss(complex_spectrum_mse(s)) {
    name = "complex_mapping_mse", of_own_spectra = true;
  }
};
struct magnitude_l1 : distance_loss {
  constexpr explicit magnitude_l1(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::magnitude_l1>("magnitude_l1", s)) {}
};
struct magnitude_mse : distance_loss {
  constexpr explicit magnitude_mse(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::magnitude_mse>("magnitude_mse", s)) {}
};
struct log_magnitude_l1 : distance_loss {
  constexpr explicit log_magnitude_l1(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::log_magnitude_l1>("log_magnitude_l1", s)) {}
};
struct log_magnitude_mse : distance_loss {
  constexpr explicit log_magnitude_mse(stft_size s = {})
      : distance_loss(detail::one_distance<distance_kind::log_magnitude_mse>("log_magnitude_mse", s)) {}
};

// Spectral convergence and L1 of log magnitudes, averaged over the resolutions (Yamamoto et al. 2020, arXiv:1910.11480), the
// convergence of each source by itself, so that an item's loss is independent of its batch. Here windows are as long as their
// transforms. At most distance_loss::max_views resolutions.
struct multi_resolution_stft : distance_loss {
  constexpr multi_resolution_stft() : multi_resolution_stft({{512, 128}, {1024, 256}, {2048, 512}}) {}
  constexpr multi_resolution_stft(std::initializer_list<stft_size> sizes, double convergence = 1, double log_magnitude = 1)
      : multi_resolution_stft(sizes.begin(), sizes.size(), convergence, log_magnitude) {}
  constexpr multi_resolution_stft(const stft_size* sizes, std::size_t n, double convergence, double log_magnitude) {
    name = "multi_resolution_stft";
    if (n < 1 || n > max_views) fail(name, ": ", n, " resolutions; expected 1 to ", max_views);
    count = n;
    for (std::size_t i = 0; i < n; ++i) views[i] = sizes[i];
    kinds = {distance_kind::spectral_convergence, distance_kind::log_magnitude_l1};
    shares = {convergence, log_magnitude};
  }
};

}  // namespace avss
