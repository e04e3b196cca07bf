// What a mouth looks like while it makes a sound.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace avss {

// The position of the jaw, the lips and the tongue. All 0: a mouth at rest.
struct mouth_shape {
  double open = 0;    // of the jaw: 0 closed, 1 the widest vowel
  double wide = 0;    // corners drawn apart: 1 as in "see"
  double round = 0;   // lips narrowed and pushed forward: 1 as in "who"
  double teeth = 0;   // lips drawn off the teeth: 1 as in "s"
  double press = 0;   // lips shut: 1 as in "p", "b", "m", whatever the jaw does
  double tuck = 0;    // lower lip at the upper teeth: 1 as in "f", "v"
  double tongue = 0;  // tip of the tongue raised: 1 between the teeth as in "th"
};

// A sound's aim, and how strongly it holds against its neighbours: "h" takes their shape, "w" gives them its own.
struct viseme {
  mouth_shape aim;
  double strength;
};

inline constexpr viseme viseme_at_rest{{.open = 0.02}, 0.6};

namespace detail {

struct viseme_group {
  std::string_view symbols;  // of the International Phonetic Alphabet, spaces between them
  viseme looks;
};

// The shapes follow descriptions of English articulation; what no eye can tell apart ("p", "b", "m") shares one.
inline constexpr viseme_group viseme_groups[] = {
    {"p b m", {{.press = 1}, 1.6}},
    {"f v ɱ", {{.open = 0.12, .teeth = 0.3, .tuck = 1}, 1.3}},
    {"θ ð", {{.open = 0.22, .wide = 0.15, .teeth = 0.4, .tongue = 1}, 1.1}},
    {"t d n ɾ ɲ", {{.open = 0.18, .wide = 0.15, .teeth = 0.5, .tongue = 0.45}, 0.8}},
    {"l ɫ ɬ ʎ", {{.open = 0.3, .wide = 0.1, .teeth = 0.3, .tongue = 0.75}, 0.8}},
    {"s z", {{.open = 0.1, .wide = 0.35, .teeth = 1}, 1.1}},
    {"ʃ ʒ ç ɕ ʑ", {{.open = 0.16, .round = 0.65, .teeth = 0.9}, 1.2}},
    {"k ɡ g ŋ x ɣ q ʁ", {{.open = 0.28, .teeth = 0.2}, 0.4}},
    {"h ʔ ɦ", {{.open = 0.35}, 0.25}},
    {"ɹ r ɻ ʀ", {{.open = 0.25, .round = 0.45, .teeth = 0.3}, 0.8}},
    {"w ʍ", {{.open = 0.12, .round = 1}, 1.4}},
    {"j", {{.open = 0.16, .wide = 0.6, .teeth = 0.4}, 0.9}},
    {"i y", {{.open = 0.22, .wide = 0.95, .teeth = 0.55}, 1}},
    {"ɪ ᵻ ɨ", {{.open = 0.3, .wide = 0.6, .teeth = 0.4}, 0.9}},
    {"e", {{.open = 0.45, .wide = 0.7, .teeth = 0.4}, 1}},
    {"ɛ", {{.open = 0.6, .wide = 0.5, .teeth = 0.25}, 1}},
    {"æ", {{.open = 0.8, .wide = 0.6, .teeth = 0.2}, 1.1}},
    {"a", {{.open = 0.9, .wide = 0.25, .teeth = 0.1}, 1.1}},
    {"ɑ", {{.open = 1, .wide = 0.05}, 1.1}},
    {"ʌ ɐ", {{.open = 0.62, .wide = 0.15, .teeth = 0.1}, 1}},
    {"ə", {{.open = 0.4, .wide = 0.1, .teeth = 0.1}, 0.7}},
    {"ɜ ɚ ɝ ø œ", {{.open = 0.4, .round = 0.4, .teeth = 0.1}, 1}},
    {"ɒ", {{.open = 0.8, .round = 0.35}, 1.1}},
    {"ɔ", {{.open = 0.68, .round = 0.6}, 1.1}},
    {"o", {{.open = 0.48, .round = 0.85}, 1.1}},
    {"ʊ", {{.open = 0.3, .round = 0.75}, 1}},
    {"u ʉ", {{.open = 0.18, .round = 1}, 1.2}},
};

// Bytes of the UTF-8 character that begins with `first`.
constexpr std::size_t utf8_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// From 0 at x <= 0 to 1 at x >= 1 without a corner.
inline double smooth_step(double x) {
  x = std::clamp(x, 0., 1.);
  return x * x * (3 - 2 * x);
}

}  // namespace detail

// The viseme of one symbol of the International Phonetic Alphabet; null if it is none that can be seen (stress, length).
constexpr const viseme* find_viseme(std::string_view symbol) {
  for (const detail::viseme_group& g : detail::viseme_groups)
    for (std::size_t at = 0; at < g.symbols.size();) {
      const std::size_t size = detail::utf8_length(g.symbols[at]);
      if (g.symbols.substr(at, size) == symbol) return &g.looks;
      at += size + 1;
    }
  return nullptr;
}

// A sound with its place in time.
struct timed_viseme {
  viseme looks;
  double begin, end;    // s
  double loudness = 1;  // scales the opening
};

// Adds what is seen of one phoneme from `begin` to `end`: a diphthong or affricate is one shape after the other, a length
// mark prolongs what it follows. A phoneme without a known symbol is a pause.
inline void add_phoneme(std::vector<timed_viseme>& track, std::string_view ipa, double begin, double end, double loudness = 1) {
  struct part {
    const viseme* looks;
    double share;
  };
  std::vector<part> parts;
  double shares = 0;
  for (std::size_t at = 0; at < ipa.size();) {
    const std::string_view symbol = ipa.substr(at, detail::utf8_length(ipa[at]));
    at += symbol.size();
    if (const viseme* v = find_viseme(symbol)) {
      parts.push_back({v, 1});
      shares += 1;
    } else if (symbol == "ː" && !parts.empty()) {
      parts.back().share += 0.7;
      shares += 0.7;
    }
  }
  if (parts.empty()) return track.push_back({viseme_at_rest, begin, end, 1});
  for (const part& p : parts) {
    const double until = begin + (end - begin) * p.share / shares;
    track.push_back({*p.looks, begin, until, loudness});
    shares -= p.share, begin = until;
  }
}

}  // namespace avss
