// Filters: mixture and targets alike, as a microphone or a line does it; within each_source, every voice in its own way. They
// are recursive: what they let pass comes some milliseconds later at most, and faces stay in step.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/biquad.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace avss {

// Frequencies, drawn evenly on the mel scale; none above 0.45 of the sample rate.
struct mel_range {
  double lowest, highest;  // Hz

  double draw(const random_stream& random, std::uint64_t index, int rate) const {
    const double top = 0.45 * rate;
    return to_hz(random.uniform(index, to_mel(std::min(lowest, top)), to_mel(std::min(highest, top))));
  }
  void check(const char* who) const { draw_range{lowest, highest}.check(who, "frequencies in Hz", 10, 200000); }

 private:
  static double to_mel(double hz) { return 2595 * std::log10(1 + hz / 700); }
  static double to_hz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }
};

namespace detail {

// Sections of a Butterworth filter of order 2 n, by body(design of section k).
template <class Body>
void butterworth(double frequency, int rate, int n, Body&& body) {
  for (int k = 0; k < n; ++k)
    body(biquad_design(frequency, rate, 1 / (2 * std::cos(std::numbers::pi * (2 * k + 1) / (4.0 * n)))));
}

inline void low_pass(const sound_item& x, double frequency, int sections) {
  butterworth(frequency, x.rate, sections,
              [&](const biquad_design& d) { x.each_signal([f = d.low_pass()](std::span<float> signal) { f.apply(signal); }); });
}
inline void high_pass(const sound_item& x, double frequency, int sections) {
  butterworth(frequency, x.rate, sections, [&](const biquad_design& d) {
    x.each_signal([f = d.high_pass()](std::span<float> signal) { f.apply(signal); });
  });
}

// Sections of 12 dB an octave each.
struct section_range {
  int fewest = 1, most = 2;

  int draw(const random_stream& random, std::uint64_t index) const {
    return fewest + static_cast<int>(random.below(static_cast<std::uint64_t>(most - fewest + 1), index));
  }
  void check(const char* who) const {
    draw_range{static_cast<double>(fewest), static_cast<double>(most)}.check(who, "sections of 12 dB an octave", 1, 8);
  }
};

}  // namespace detail

// Butterworth, of order 2 or 4: 12 or 24 dB an octave.
struct low_pass {
  mel_range hz{150, 7500};
  detail::section_range sections{};

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const { hz.check("low-pass"), sections.check("low-pass"); }
  void apply(const sound_item& x, const random_stream& random) const {
    detail::low_pass(x, hz.draw(random, 0, x.rate), sections.draw(random, 1));
  }
};

// The same the other way.
struct high_pass {
  mel_range hz{20, 2400};
  detail::section_range sections{};

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const { hz.check("high-pass"), sections.check("high-pass"); }
  void apply(const sound_item& x, const random_stream& random) const {
    detail::high_pass(x, hz.draw(random, 0, x.rate), sections.draw(random, 1));
  }
};

// A high-pass at the lower edge and a low-pass at the upper one, of 12 dB an octave each. `width` is a share of the centre:
// edges are centre (1 -+ width / 2).
struct band_pass {
  mel_range centre{200, 4000};
  draw_range width{0.5, 1.99};

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {
    centre.check("band-pass");
    width.check("band-pass", "widths as shares of the centre", 0.01, 1.99);
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const double middle = centre.draw(random, 0, x.rate), half = width.draw(random, 1) / 2;
    detail::high_pass(x, middle * (1 - half), 1);
    detail::low_pass(x, std::min(middle * (1 + half), 0.45 * x.rate), 1);
  }
};

// Nothing passes at the centre; -3 dB at frequencies `width` centre apart.
struct band_stop {
  mel_range centre{200, 4000};
  draw_range width{0.5, 1.99};

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {
    centre.check("band-stop");
    width.check("band-stop", "widths as shares of the centre", 0.01, 10);
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const biquad filter = biquad_design(centre.draw(random, 0, x.rate), x.rate, 1 / width.draw(random, 1)).band_stop();
    x.each_signal([&](std::span<float> signal) { filter.apply(signal); });
  }
};

// A low shelf, peaks and a high shelf, each with a gain of its own.
struct random_equalizer {
  draw_range db{-6, 6};
  int peaks = 3;
  mel_range low_shelf{50, 300}, peak{200, 7000}, high_shelf{2000, 7000};
  draw_range q{0.5, 2};  // of the peaks

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {
    constexpr const char* who = "equalizer";
    db.check(who, "dB", -40, 40);
    q.check(who, "q", 0.05, 50);
    if (peaks < 0 || peaks > 100) fail(who, ": ", peaks, " peaks; expected 0 to 100");
    low_shelf.check(who), peak.check(who), high_shelf.check(who);
  }
  void apply(const sound_item& x, const random_stream& stream) const {
    const double butterworth = std::numbers::sqrt2 / 2;
    const auto filter = [&](const random_stream& random, const mel_range& hz, double quality, auto&& shape) {
      const biquad f = shape(biquad_design(hz.draw(random, 0, x.rate), x.rate, quality), db.draw(random, 1));
      x.each_signal([&](std::span<float> signal) { f.apply(signal); });
    };
    filter(stream.sub("low"), low_shelf, butterworth, [](const biquad_design& d, double g) { return d.low_shelf(g); });
    filter(stream.sub("high"), high_shelf, butterworth, [](const biquad_design& d, double g) { return d.high_shelf(g); });
    for (int k = 0; k < peaks; ++k) {
      const random_stream random = stream.sub("peak").sub(k);
      filter(random, peak, q.draw(random, 2), [](const biquad_design& d, double g) { return d.peak(g); });
    }
  }
};

}  // namespace avss
