// A random order of n things of which any part can be asked for alone.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cstdint>

namespace avss {

// A permutation of 0, 1, ..., n - 1 said by a random stream; no memory, a few draws for each value. A Feistel network over
// the next power of four, walked until the value is below n (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
class random_permutation {
 public:
  // n >= 1
  constexpr random_permutation(random_stream random, std::uint64_t n) : random_(random), n_(n) {
    if (n == 0) fail("a random order of no things is asked for");
    while (half_ < 32 && std::uint64_t{1} << (2 * half_) < n) ++half_;
  }

  constexpr std::uint64_t size() const { return n_; }

  // Where i goes, i < n. On average fewer than four walks.
  constexpr std::uint64_t operator()(std::uint64_t i) const {
    do i = mix(i);
    while (i >= n_);
    return i;
  }

 private:
  constexpr std::uint64_t mix(std::uint64_t x) const {
    constexpr std::uint64_t rounds = 8;  // four are pseudo-random for large domains; small ones need more
    const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = x >> half_, right = x & mask;
    for (std::uint64_t r = 0; r < rounds; ++r) {
      const std::uint64_t next = left ^ (random_.bits(right * rounds + r) & mask);
      left = right, right = next;
    }
    return left << half_ | right;
  }

  random_stream random_;
  std::uint64_t n_;
  unsigned half_ = 1;  // bits of half a value
};

}  // namespace avss
