// Random numbers as functions of a key and a counter: no state, so neither threads nor the order of use matter.
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>
#include <utility>

namespace avss {

using philox_counter = std::array<std::uint32_t, 4>;
using philox_key = std::array<std::uint32_t, 2>;

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): 128 random bits.
constexpr philox_counter philox4x32(philox_counter c, philox_key k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    k = {k[0] + 0x9E3779B9u, k[1] + 0xBB67AE85u};
  }
  return c;
}

// A number for a name: FNV-1a, 64 bits.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return h;
}

// An endless row of random numbers, addressed by index. Which row is said by the run's seed and any list of numbers and names:
//   random_stream(seed, "background_noise", epoch, item).uniform<float>(3)
// Every draw has a Philox block of its own:
//   key      seed low, seed high
//   counter  index low, index high (24 bits) + 2^24 attempt, stream low, stream high
// where `stream` is the list of identities, hashed to 64 bits, and `attempt` (0 to 255) counts the refused blocks of below().
class random_stream {
 public:
  template <class... Id>
  constexpr explicit random_stream(std::uint64_t seed, const Id&... ids)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {
    (add(number(ids)), ...);
  }

  // The row within this one that has one more identity.
  template <class Id>
  constexpr random_stream sub(const Id& id) const {
    random_stream s = *this;
    s.add(number(id));
    return s;
  }

  // 64 random bits.
  constexpr std::uint64_t bits(std::uint64_t index) const { return first_half(block(index, 0)); }

  // Uniform in [0, 1), multiples of 2^-24 (float) or 2^-53 (double).
  template <std::floating_point T = double>
  constexpr T uniform(std::uint64_t index) const {
    if constexpr (sizeof(T) == sizeof(float))
      return static_cast<T>(bits(index) >> 40) * T(0x1p-24);
    else
      return static_cast<T>(bits(index) >> 11) * T(0x1p-53);
  }
  template <std::floating_point T>
  constexpr T uniform(std::uint64_t index, T low, T high) const {
    return low + (high - low) * uniform<T>(index);
  }

  // Mean 0, variance 1 (Box and Muller 1958).
  template <std::floating_point T = double>
  T normal(std::uint64_t index) const {
    const philox_counter b = block(index, 0);
    const double radius = static_cast<double>((first_half(b) >> 11) + 1) * 0x1p-53;  // in (0, 1]
    const double angle = static_cast<double>(second_half(b) >> 11) * 0x1p-53;
    return static_cast<T>(std::sqrt(-2 * std::log(radius)) * std::cos(2 * std::numbers::pi * angle));
  }

  // Uniform among 0, 1, ..., n - 1, each equally likely. n >= 1
  constexpr std::uint64_t below(std::uint64_t n, std::uint64_t index) const {
    if (n == 0) fail("a random number below 0 is asked for");
    // Numbers from here on would make the small remainders more likely.
    const std::uint64_t rest = (std::uint64_t(0) - n) % n;  // 2^64 mod n
    std::uint64_t last = 0;
    for (std::uint32_t attempt = 0; attempt < 256; ++attempt) {
      const philox_counter b = block(index, attempt);
      for (const std::uint64_t x : {first_half(b), second_half(b)}) {
        if (x <= ~std::uint64_t(0) - rest) return x % n;
        last = x;
      }
    }
    return last % n;  // at most once in 2^512 draws
  }

  // Puts the values into a random order, all orders equally likely (Fisher and Yates). Uses the indices 1 to size - 1.
  template <class U>
  constexpr void shuffle(std::span<U> values) const {
    for (std::size_t i = values.size(); i-- > 1;) std::swap(values[i], values[static_cast<std::size_t>(below(i + 1, i))]);
  }

 private:
  constexpr philox_counter block(std::uint64_t index, std::uint32_t attempt) const {
    return philox4x32({static_cast<std::uint32_t>(index), (static_cast<std::uint32_t>(index >> 32) & 0xFFFFFFu) | attempt << 24,
                       static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                      key_);
  }
  static constexpr std::uint64_t first_half(const philox_counter& b) { return std::uint64_t{b[1]} << 32 | b[0]; }
  static constexpr std::uint64_t second_half(const philox_counter& b) { return std::uint64_t{b[3]} << 32 | b[2]; }

  template <class Id>
  static constexpr std::uint64_t number(const Id& id) {
    if constexpr (std::integral<Id>)
      return static_cast<std::uint64_t>(id);
    else
      return hash_name(id);
  }
  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) spreads each identity over all bits.
  constexpr void add(std::uint64_t id) {
    std::uint64_t x = stream_ * 0x9E3779B97F4A7C15u + id + 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    stream_ = x ^ x >> 31;
  }

  philox_key key_;
  std::uint64_t stream_ = 0;
};

// A stream that is read from its beginning, where how much is drawn depends on what was drawn.
class random_sequence {
 public:
  constexpr explicit random_sequence(random_stream stream) : stream_(stream) {}

  template <std::floating_point T = double>
  constexpr T uniform() {
    return stream_.uniform<T>(next_++);
  }
  template <std::floating_point T>
  constexpr T uniform(T low, T high) {
    return stream_.uniform<T>(next_++, low, high);
  }
  template <std::floating_point T = double>
  T normal() {
    return stream_.normal<T>(next_++);
  }
  constexpr std::uint64_t below(std::uint64_t n) { return stream_.below(n, next_++); }
  // True with the given probability.
  constexpr bool chance(double probability) { return uniform() < probability; }
  template <class U>
  constexpr void shuffle(std::span<U> values) {
    stream_.sub(next_++).shuffle(values);
  }

 private:
  random_stream stream_;
  std::uint64_t next_ = 0;
};

}  // namespace avss
