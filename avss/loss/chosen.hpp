// An objective put together at run time of the same losses: a loss, or a sum of named, weighted objectives, permuted or not.
#pragma once

#include <avss/loss/distances.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <string>
#include <variant>
#include <vector>

namespace avss {

// Runs as what it is made of does; count() takes the place of `parts`.
struct chosen_loss {
  std::variant<si_snr, si_sdr, sd_sdr, snr, thresholded_snr, distance_loss> leaf;
  std::vector<chosen_loss> sum;  // not empty: of these, and `leaf` is unused
  bool permuted = false;         // nothing in `sum` is permuted itself
  std::string name;              // of a part of a sum: what it is logged as; of a sum within a sum, put before its parts'
  double weight = 1;

  dim_t count() const {
    dim_t n = sum.empty() ? 1 : 0;
    for (const chosen_loss& p : sum) n += p.count();
    return n;
  }
  bool permutes() const {
    bool any = permuted;
    for (const chosen_loss& p : sum) any = any || p.permutes();
    return any;
  }

  // Whether it looks at the network's own spectra.
  bool takes_spectra() const {
    const auto* d = sum.empty() ? std::get_if<distance_loss>(&leaf) : nullptr;
    bool any = d && d->of_own_spectra;
    for (const chosen_loss& p : sum) any = any || p.takes_spectra();
    return any;
  }

  template <class C>
  void run(C& ctx, const waveforms<typename C::T>& w, double outer, dim_t slot, const part_results& results) const {
    const double by = outer * weight;
    if (!sum.empty()) {
      if (permuted)
        run_permuted(ctx, unpermuted{*this}, count(), w, by, slot, results);
      else
        run_parts(ctx, w, by, slot, results);
      return;
    }
    std::visit(
        [&](const auto& l) {
          if (permuted)
            pit{l}.run(ctx, w, by, slot, results);
          else
            l.run(ctx, w, by, slot, results);
        },
        leaf);
  }
  template <class C>
  void pairs(C& ctx, const waveforms<typename C::T>& w, double scale, bool accumulate, double* out) const {
    if (sum.empty())
      std::visit([&](const auto& l) { l.pairs(ctx, w, scale * weight, accumulate, out); }, leaf);
    else
      pairs_of_parts(ctx, w, scale * weight, accumulate, out);
  }
  // f(name, weight) of every part.
  template <class F>
  void describe(F&& part, double outer) const {
    tell(part, outer, "");
  }

 private:
  // The sum inside of a permuted one.
  struct unpermuted {
    const chosen_loss& self;
    template <class C>
    void run(C& ctx, const waveforms<typename C::T>& w, double by, dim_t slot, const part_results& results) const {
      self.run_parts(ctx, w, by, slot, results);
    }
    template <class C>
    void pairs(C& ctx, const waveforms<typename C::T>& w, double scale, bool accumulate, double* out) const {
      self.pairs_of_parts(ctx, w, scale, accumulate, out);
    }
  };

  template <class C>
  void run_parts(C& ctx, const waveforms<typename C::T>& w, double by, dim_t slot, const part_results& results) const {
    for (const chosen_loss& p : sum) {
      p.run(ctx, w, by, slot, results);
      slot += p.count();
    }
  }
  template <class C>
  void pairs_of_parts(C& ctx, const waveforms<typename C::T>& w, double scale, bool accumulate, double* out) const {
    for (const chosen_loss& p : sum) {
      p.pairs(ctx, w, scale, accumulate, out);
      accumulate = true;
    }
  }
  template <class F>
  void tell(F& part, double outer, const std::string& before) const {
    const std::string full = before + name;
    if (sum.empty()) return part(full, outer * weight);
    for (const chosen_loss& p : sum) p.tell(part, outer * weight, full.empty() ? "" : full + ".");
  }
};

}  // namespace avss
