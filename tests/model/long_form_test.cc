#include <gtest/gtest.h>

#include <avss/model/long_form.hpp>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/fake_separator.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<float>;

constexpr int rate = 1000;
constexpr std::size_t window = 400, hop = 200;  // samples
constexpr long_form_options windows{.window = 0.4, .free_level = true};

// Loud low part, soft high part, never the same.
signal speech_like(std::size_t length, std::uint32_t seed) {
  const signal x = noise(length, seed);
  signal y = low_part(x, 8);
  for (std::size_t i = 0; i < length; ++i) y[i] = 2 * y[i] + 0.3f * x[i];
  return y;
}

signal half(const signal& both, std::size_t s) {
  return {both.begin() + static_cast<long>(s * both.size() / 2), both.begin() + static_cast<long>((s + 1) * both.size() / 2)};
}

double largest_difference(const signal& a, const signal& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) most = std::max(most, std::abs(double{a[i]} - b[i]));
  return most;
}

TEST(long_form, length_is_exact_for_every_length) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, hop - 1, hop, hop + 1, window - 1, window, window + 1,
                              window + hop - 1, window + hop, window + hop + 1, 2 * window, 5 * window + 77}) {
    auto net = splitter(rate, 1);
    EXPECT_EQ(separate_long(net, speech_like(n, 2), windows).size(), 2 * n) << n;
    if (n > window) {
      for (const std::size_t given : net.lengths) EXPECT_EQ(given, window);  // one shape only
    } else {
      EXPECT_EQ(net.lengths, (std::vector<std::size_t>{n}));
    }
  }
}

TEST(long_form, one_piece_comes_out_untouched) {
  const signal x = speech_like(1500, 3);
  for (const double seconds : {0., 1.5, 60.}) {
    auto net = splitter(rate, 7), same = splitter(rate, 7);
    signal expected(3000);
    same.separate(x, expected);
    EXPECT_EQ(separate_long(net, x, {.window = seconds}), expected);
  }
}

// The heart of it: order, level and sign change from window to window, and none of it is heard.
TEST(long_form, keeps_order_level_and_sign) {
  const signal x = speech_like(20 * window + 123, 4);
  auto calm = splitter(rate, 0, false);
  const signal whole = separate_long(calm, x, {.window = 0});
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    auto restless = splitter(rate, seed);
    const signal parts = separate_long(restless, x, windows);
    ASSERT_GT(restless.lengths.size(), 30u);
    const std::size_t first = largest_difference(half(parts, 0), half(whole, 0)) < 0.01 ? 0 : 1;
    for (std::size_t s = 0; s < 2; ++s)
      EXPECT_LT(largest_difference(half(parts, s), half(whole, (s + first) % 2)), 2e-3) << seed;
    // Together they are the mixture: windows sum to one, and so do the levelled sources.
    signal sum = half(parts, 0);
    const signal second = half(parts, 1);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += second[i];
    EXPECT_LT(largest_difference(sum, x), 1e-4) << seed;
    if (::testing::Test::HasFailure()) break;
  }
}

TEST(long_form, windows_sum_to_one_exactly) {
  const signal x = noise(3 * window + 57, 5);
  function_separator copy(
      rate, 1, [](std::span<const float> in, std::span<float> out) { std::copy(in.begin(), in.end(), out.begin()); });
  EXPECT_EQ(separate_long(copy, x, {.window = 0.4, .free_level = false}), x);
}

TEST(long_form, does_not_depend_on_the_blocks_and_holds_little) {
  const signal x = speech_like(7 * window + 11, 6);
  auto net = splitter(rate, 9);
  const signal whole = separate_long(net, x, windows);
  for (const std::size_t block : {1u, 37u, 400u, 1000u}) {
    auto again = splitter(rate, 9);
    long_form run(again, windows);
    signal y[2];
    const auto drain = [&](std::size_t most) {
      while (const std::size_t n = std::min(run.ready(), most)) {
        signal out(2 * n);
        run.pop(out);
        for (std::size_t s = 0; s < 2; ++s)
          y[s].insert(y[s].end(), out.begin() + static_cast<long>(s * n), out.begin() + static_cast<long>((s + 1) * n));
      }
    };
    std::size_t pushed = 0;
    while (pushed < x.size()) {
      const std::size_t n = std::min(block, x.size() - pushed);
      run.push(std::span(x).subspan(pushed, n));
      pushed += n;
      drain(53);
      EXPECT_LE(pushed - y[0].size(), window + hop);  // delay
    }
    run.finish();
    drain(1000);
    EXPECT_EQ(y[0], half(whole, 0)) << block;
    EXPECT_EQ(y[1], half(whole, 1)) << block;
  }
}

TEST(long_form, takes_signal_after_signal) {
  const signal x = speech_like(900, 7), y = speech_like(150, 8);
  auto net = splitter(rate, 1, false);
  long_form run(net, windows);
  for (const signal& s : {x, y, x}) {
    run.push(s);
    run.finish();
    signal out(2 * s.size());
    ASSERT_EQ(run.ready(), s.size());
    run.pop(out);
    auto fresh = splitter(rate, 1, false);
    EXPECT_EQ(out, separate_long(fresh, s, windows));
  }
  run.finish();
  EXPECT_EQ(run.ready(), 0u);
}

TEST(long_form, silence_gives_silence) {
  // A network that divides by the level of what it hears.
  function_separator fragile(rate, 2, [](std::span<const float> in, std::span<float> out) {
    float peak = 0;
    for (float v : in) peak = std::max(peak, std::abs(v));
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] / peak, out[in.size() + i] = 0;
  });
  for (const std::size_t n : {std::size_t{1}, std::size_t{100}, 4 * window + 3})
    EXPECT_EQ(separate_long(fragile, signal(n, 0.f), windows), signal(2 * n, 0.f));
  signal x = speech_like(8 * window, 9);
  std::fill(x.begin() + 600, x.begin() + 2300, 0.f);
  const signal y = separate_long(fragile, x, windows);
  EXPECT_LT(largest_difference(half(y, 0), x), 1e-5);
  EXPECT_EQ(half(y, 1), signal(x.size(), 0.f));
}

TEST(long_form, four_sources_keep_their_order) {
  lcg random(10);
  // Four tones; the network tells them apart by correlation and shuffles them.
  const std::size_t length = 6 * window + 31;
  std::vector<signal> tones;
  signal x(length);
  for (int s = 0; s < 4; ++s) {
    tones.push_back(tone(length, 0.05 * (s + 1), 1. / (s + 1)));
    for (std::size_t i = 0; i < length; ++i) x[i] += tones.back()[i];
  }
  std::size_t call = 0;
  function_separator shuffler(rate, 4, [&](std::span<const float> in, std::span<float> out) {
    const std::size_t at = std::min(call++ * hop, length - window);
    const auto turn = static_cast<std::size_t>((random() + 1) * 2);
    const double gain = 2 + random();
    for (std::size_t s = 0; s < 4; ++s)
      for (std::size_t i = 0; i < in.size(); ++i)
        out[(s + turn) % 4 * in.size() + i] = static_cast<float>(gain * tones[s][at + i]);
  });
  const signal y = separate_long(shuffler, x, windows);
  std::vector<bool> found(4);
  for (std::size_t s = 0; s < 4; ++s) {
    const signal one(y.begin() + static_cast<long>(s * length), y.begin() + static_cast<long>((s + 1) * length));
    for (std::size_t t = 0; t < 4; ++t)
      if (largest_difference(one, tones[t]) < 1e-3) found[t] = true;
  }
  EXPECT_EQ(found, std::vector<bool>(4, true));
}

TEST(long_form, says_what_is_wrong) {
  auto net = splitter(rate, 1);
  EXPECT_TRUE(says(error_of([&] { long_form(net, {.window = -1}); }), "window = -1 s"));
  for (const double seconds : {3600.5, 1e300})
    EXPECT_TRUE(says(error_of([&] { long_form(net, {.window = seconds}); }), "window = ", "at most 3600 s"));
  EXPECT_EQ(error_of([&] { long_form(net, {.window = longest_window}); }), "");
  EXPECT_TRUE(says(error_of([&] { long_form(net, {.window = std::numeric_limits<double>::quiet_NaN()}); }), "window"));
  function_separator wide(
      rate, 2, [](auto, auto) {}, 1531);
  EXPECT_TRUE(says(error_of([&] { long_form(wide, {.window = 1}); }), "window = 1 s", "1.531 s"));
  function_separator broken(
      rate, 2, [](std::span<const float>, std::span<float> out) { out[0] = std::numeric_limits<float>::quiet_NaN(); });
  EXPECT_TRUE(says(error_of([&] { separate_long(broken, noise(500, 1), windows); }), "NaN", "from 0 s"));
  long_form run(net, windows);
  signal out(3);
  EXPECT_TRUE(says(error_of([&] { run.pop(out); }), "cannot pop 3"));
}

}  // namespace
}  // namespace avss
