// The engine: planned memory, lengths, threads, two engines at once.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <tests/support/draw.hpp>
#include <thread>
#include <vector>

namespace avss {
namespace {

using net = ConvTasNet<presets::convtasnet_tiny>;
using causal_net = ConvTasNet<convtasnet_config{.filters = 24,
                                                .bottleneck = 9,
                                                .skip = 7,
                                                .hidden = 18,
                                                .blocks = 3,
                                                .repeats = 2,
                                                .first_norm = norm_kind::cumulative,
                                                .norm = norm_kind::cumulative,
                                                .mask = activation::softmax,
                                                .causal = true,
                                                .last = last_residual::unused}>;

std::vector<float> floats(const std::string& name, std::size_t n) {
  const std::vector<double> v = test::draw(name, static_cast<dim_t>(n));
  return {v.begin(), v.end()};
}

template <class Net>
engine<Net, cpu> make(int threads) {
  engine<Net, cpu> e(cpu{threads});
  const std::vector<float> v = floats("values", e.values().size());
  for (std::size_t i = 0; i < v.size(); ++i) e.values()[i] = 0.3f * v[i];
  return e;
}

const auto square = [](auto&, auto y, auto d) {
  double sum = 0;
  for (dim_t i = 0; i < y.size(); ++i) {
    sum += static_cast<double>(y.data[i]) * y.data[i];
    d.data[i] = 2 * y.data[i];
  }
  return sum;
};

template <class Net>
void expect_threads_bit_equal() {
  const std::vector<float> mixtures = floats("mixtures", 2 * 5003);
  std::vector<float> one(2 * mixtures.size()), some(one.size());
  auto a = make<Net>(1);
  const double loss = a.train_step(mixtures, one, 2, square);
  for (int threads : {2, 3, 7}) {
    auto b = make<Net>(threads);
    EXPECT_EQ(b.train_step(mixtures, some, 2, square), loss);
    EXPECT_EQ(some, one);
    EXPECT_TRUE(std::equal(a.gradients().begin(), a.gradients().end(), b.gradients().begin())) << threads << " threads";
    b.separate(mixtures, some, 2);
    EXPECT_EQ(some, one) << "inference and training differ";
  }
}

TEST(engine, any_number_of_threads_gives_the_same_bits) { expect_threads_bit_equal<net>(); }
TEST(engine, any_number_of_threads_gives_the_same_bits_causal) { expect_threads_bit_equal<causal_net>(); }

TEST(engine, any_length_from_one_sample_on) {
  auto e = make<net>(1);
  for (std::size_t length : {1, 2, 15, 16, 17, 100, 4099, 3}) {
    const std::vector<float> mixture = floats("mixture", length);
    const auto estimates = e.separate(mixture);
    ASSERT_EQ(estimates.size(), 2u);
    EXPECT_EQ(estimates[0].size(), length);
    auto fresh = make<net>(1);
    EXPECT_EQ(fresh.separate(mixture), estimates) << "what was separated before must not matter, length " << length;
  }
}

TEST(engine, an_item_does_not_depend_on_its_batch) {
  auto e = make<net>(1);
  const std::vector<float> mixtures = floats("batch", 3 * 777);
  std::vector<float> together(2 * mixtures.size());
  e.separate(mixtures, together, 3);
  for (std::size_t b = 0; b < 3; ++b) {
    std::vector<float> alone(2 * 777);
    e.separate(std::span(mixtures).subspan(b * 777, 777), alone);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<std::ptrdiff_t>(b * alone.size())));
  }
}

TEST(engine, zero_threads_are_all_there_are) {
  EXPECT_GE(cpu(0).threads, 1);
  const std::vector<float> mixture = floats("mixture", 1000);
  EXPECT_EQ(make<net>(0).separate(mixture), make<net>(1).separate(mixture));
}

TEST(engine, two_engines_at_once) {
  const std::vector<float> mixture = floats("mixture", 3001);
  const auto expected = make<net>(2).separate(mixture);
  std::vector<std::vector<float>> results[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) threads[i] = std::thread([&, i] { results[i] = make<net>(2).separate(mixture); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(results[0], expected);
  EXPECT_EQ(results[1], expected);
}

TEST(engine, a_causal_network_does_not_look_ahead) {
  auto e = make<causal_net>(1);
  std::vector<float> mixture = floats("mixture", 2000);
  const auto before = e.separate(mixture);
  for (std::size_t t = 1000; t < 2000; ++t) mixture[t] += 1;
  const auto after = e.separate(mixture);
  // The frame that sample 1000 falls into first begins window - stride samples before it.
  for (std::size_t s = 0; s < 2; ++s) {
    EXPECT_TRUE(std::equal(before[s].begin(), before[s].begin() + 1000 - 16, after[s].begin()));
    EXPECT_FALSE(std::equal(before[s].begin(), before[s].end(), after[s].begin()));
  }
}

TEST(engine, inference_memory_is_a_fraction_of_training_memory) {
  const engine<ConvTasNet<presets::convtasnet_torchaudio>, cpu> e(cpu{1});
  // Frames of 4 s at 8 kHz: the encoder's output, one hidden array, the residual stream and the skip sum, [512 + 512 + 128
  // + 128, 4001] floats, and not much more; training keeps two hidden arrays and one residual stream a block.
  const double frame = 4001 * 4.0;
  EXPECT_NEAR(static_cast<double>(e.planned_bytes(pass::infer, 1, 32000)) / frame, 1280, 60);
  EXPECT_NEAR(static_cast<double>(e.planned_bytes(pass::train, 1, 32000)) / frame, 24 * 1152 + 512 + 128 + 512 * 3 + 256, 600);
}

TEST(engine, refuses_sizes_that_do_not_fit) {
  auto e = make<net>(1);
  std::vector<float> mixture(100), estimates(199);
  EXPECT_THROW(e.separate(mixture, estimates), error);
  EXPECT_THROW(e.separate(std::span<const float>(), estimates), error);
  EXPECT_THROW(e.separate(mixture, estimates, 3), error);
}

}  // namespace
}  // namespace avss
