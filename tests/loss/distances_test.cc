#include <gtest/gtest.h>

#include <algorithm>
#include <avss/cpu/copy.hpp>
#include <avss/cpu/distance_loss.hpp>
#include <avss/cpu/spectrum.hpp>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/spectrum.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/loss/chosen.hpp>
#include <avss/loss/distances.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/distance_loss.hpp>
#include <avss/reference/spectrum.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::loss_of;
using testing::problem;

constexpr stft_size small{16, 8};

// body(loss) for each distance, with small windows.
template <class Body>
void for_each_distance(Body&& body) {
  for (const distance_loss& l : std::initializer_list<distance_loss>{
           waveform_l1{}, waveform_mse{}, complex_spectrum_l1{small}, complex_spectrum_mse{small}, magnitude_l1{small},
           magnitude_mse{small}, log_magnitude_l1{small}, log_magnitude_mse{small},
           multi_resolution_stft({{8, 2}, {16, 4}}, 0.7, 1.3)}) {
    SCOPED_TRACE(l.name);
    body(l);
  }
}

template <class L>
void check_gradient(const L& loss, problem<double> p) {
  loss_of(reference<double>{}, loss, p);
  const std::vector<double> gradient = p.gradient;
  problem<double> moved = p;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double h = 1e-6, at = p.estimate[i];
    moved.estimate[i] = at + h;
    const double up = loss_of(reference<double>{}, loss, moved);
    moved.estimate[i] = at - h;
    const double down = loss_of(reference<double>{}, loss, moved);
    moved.estimate[i] = at;
    ASSERT_NEAR(gradient[i], (up - down) / (2 * h), 1e-6 * (1 + std::abs(gradient[i]))) << i;
  }
}

// Spectra of their own in place of those of the estimates.
struct spectra_problem {
  problem<double> p{2, 2, 40, 21};
  op::framing framing{4, 40, 48, 16, 8};
  std::vector<double> spectra =
      testing::lcg(22, static_cast<std::size_t>(framing.batch * 2 * framing.frames() * framing.bins()));
  std::vector<double> gradient = std::vector<double>(spectra.size(), 0.25);

  own_spectra<double> own() { return {framing, spectra.data(), gradient.data()}; }
  template <class L>
  double run(const L& loss) {
    std::fill(gradient.begin(), gradient.end(), 0.25);  // is added to
    double value = 0;
    testing::planned(reference<double>{}, [&](auto& ctx) {
      waveforms<double> w{2, 2, 40, p.estimate.data(), p.target.data(), p.gradient.data()};
      w.spectra = own();
      value = evaluate(ctx, loss, w);
    });
    return value;
  }
};

TEST(distances, of_own_spectra_have_their_gradient_and_none_of_the_waveforms) {
  const complex_mapping_mse own{small};
  const auto check = [](const auto& loss, bool alone) {
    spectra_problem s;
    s.run(loss);
    const std::vector<double> gradient = s.gradient, waveforms = s.p.gradient;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double h = 1e-6, at = s.spectra[i];
      s.spectra[i] = at + h;
      const double up = s.run(loss);
      s.spectra[i] = at - h;
      const double down = s.run(loss);
      s.spectra[i] = at;
      ASSERT_NEAR(gradient[i] - 0.25, (up - down) / (2 * h), 1e-6) << i;
    }
    for (std::size_t i = 0; i < waveforms.size(); ++i) {
      if (alone) {
        ASSERT_EQ(waveforms[i], 0) << i;
      } else {
        ASSERT_TRUE(std::isfinite(waveforms[i]) && waveforms[i] != 0) << i;
      }
    }
  };
  check(own, true);
  check(pit{own}, true);
  check(weighted{own, 1.0} + weighted{si_snr{}, 0.1}, false);
  check(weighted{si_snr{}, 0.1} + weighted{own, 1.0}, false);
  check(pit{weighted{own, 0.3} + weighted{si_snr{}, 1.0}}, false);
}

TEST(distances, of_own_spectra_of_another_size_are_those_of_the_estimates) {
  spectra_problem s;
  const double expected = loss_of(reference<double>{}, complex_spectrum_mse{{8, 4}}, s.p);
  EXPECT_EQ(s.run(complex_mapping_mse{{8, 4}}), expected);
  for (const double d : s.gradient) ASSERT_EQ(d, 0.25);
  const double of_estimates = s.run(complex_spectrum_mse{small});
  EXPECT_NE(s.run(complex_mapping_mse{small}), of_estimates);
}

TEST(distances, have_the_gradient_of_finite_differences) {
  for_each_distance([](const distance_loss& l) {
    check_gradient(l, problem<double>(2, 2, 37, 11));
    check_gradient(pit{l}, problem<double>(2, 2, 37, 11));
  });
  check_gradient(pit{weighted{si_snr{}, 1.0} + weighted{magnitude_l1{small}, 0.3}}, problem<double>(2, 3, 29, 12));
  check_gradient(weighted{complex_spectrum_mse{small}, 0.5} + weighted{pit{waveform_mse{}}, 2.0},
                 problem<double>(1, 2, 29, 13));
}

TEST(distances, of_signals_are_means) {
  problem<double> p(1, 1, 2, 1);
  p.target = {1, 2}, p.estimate = {1.5, 4};
  EXPECT_NEAR(loss_of(reference<double>{}, waveform_l1{}, p), 1.25, 1e-15);
  EXPECT_NEAR(loss_of(reference<double>{}, waveform_mse{}, p), (0.25 + 4) / 2, 1e-15);
  EXPECT_NEAR(p.gradient[1], 2, 1e-15);
}

// A permutation of every item by brute force, the loss of the reordered estimates without one.
template <class L>
void compare_with_brute_force(const L& loss, dim_t sources) {
  problem<double> p(1, sources, 40, 21);
  const double permuted = loss_of(reference<double>{}, pit{loss}, p);
  std::vector<dim_t> order(static_cast<std::size_t>(sources));
  std::iota(order.begin(), order.end(), 0);
  double best = 1e300;
  do {
    problem<double> q = p;
    for (dim_t j = 0; j < sources; ++j)
      std::copy_n(p.estimate.begin() + order[static_cast<std::size_t>(j)] * 40, 40, q.estimate.begin() + j * 40);
    best = std::min(best, loss_of(reference<double>{}, loss, q));
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_NEAR(permuted, best, 1e-12);
}

TEST(distances, permute_like_brute_force) {
  for (const dim_t sources : {2, 3, 4}) {
    for_each_distance([&](const distance_loss& l) { compare_with_brute_force(l, sources); });
    compare_with_brute_force(weighted{si_snr{}, 1.0} + weighted{waveform_l1{}, 40.0}, sources);
    compare_with_brute_force(weighted{log_magnitude_l1{small}, 1.0} + weighted{snr{}, -0.2}, sources);
  }
}

TEST(distances, of_silence_and_of_very_short_signals_are_finite) {
  for_each_distance([](const distance_loss& l) {
    for (const dim_t length : {1, 2, 7, 8, 9, 40}) {
      problem<double> p(1, 2, length, 5);
      EXPECT_TRUE(std::isfinite(loss_of(reference<double>{}, l, p))) << length;
      for (const double g : p.gradient) EXPECT_TRUE(std::isfinite(g)) << length;
      std::fill(p.target.begin(), p.target.end(), 0.0);
      EXPECT_TRUE(std::isfinite(loss_of(reference<double>{}, l, p))) << length;
      for (const double g : p.gradient) EXPECT_TRUE(std::isfinite(g)) << length;
      p.estimate = p.target;
      EXPECT_EQ(loss_of(reference<double>{}, l, p), 0) << length;
      for (const double g : p.gradient) EXPECT_EQ(g, 0) << length;
    }
  });
}

TEST(distances, of_a_pause_do_not_outweigh_what_sounds) {
  const auto at_level = [](double level) {
    problem<double> p(1, 1, 3000, 5);
    for (double& v : p.target) v *= level;
    const double value = loss_of(reference<double>{}, multi_resolution_stft({{512, 128}, {1024, 256}}, 1, 0), p);
    double sum = 0;
    for (const double g : p.gradient) sum += std::abs(g);
    return std::pair(value, sum);
  };
  const auto loud = at_level(1), soft = at_level(0.1);
  EXPECT_GT(loud.first, 0.1);
  EXPECT_GT(soft.first, loud.first);
  for (const auto& [value, gradient] : {at_level(1e-3), at_level(0)}) {
    EXPECT_GT(value, loud.first);
    EXPECT_LT(value, 500 * loud.first);
    EXPECT_LT(gradient, 500 * loud.second);
  }
}

TEST(distances, pass_a_nan_on) {
  for_each_distance([](const distance_loss& l) {
    problem<double> p(1, 2, 40, 5);
    p.estimate[17] = std::nan("");
    EXPECT_TRUE(std::isnan(loss_of(reference<double>{}, l, p)));
    EXPECT_TRUE(std::any_of(p.gradient.begin(), p.gradient.end(), [](double g) { return std::isnan(g); }));
    EXPECT_TRUE(std::isnan(loss_of(reference<double>{}, pit{l}, p)));
  });
}

// Against the definition in double; `same` must give the same bits.
template <class B, class L>
void compare_backends(const B& backend, const B& same, const L& loss, dim_t sources, dim_t length) {
  problem<float> one(2, sources, length, 31), again = one;
  problem<double> exact(2, sources, length, 31);
  std::copy(one.estimate.begin(), one.estimate.end(), exact.estimate.begin());
  std::copy(one.target.begin(), one.target.end(), exact.target.begin());
  const double value = loss_of(backend, loss, one), truth = loss_of(reference<double>{}, loss, exact);
  EXPECT_NEAR(value, truth, 1e-4 * (1 + std::abs(truth)));
  EXPECT_EQ(value, loss_of(same, loss, again));
  EXPECT_EQ(one.gradient, again.gradient);
  double energy = 0, error = 0;
  for (std::size_t i = 0; i < one.gradient.size(); ++i) {
    energy += exact.gradient[i] * exact.gradient[i];
    error += (one.gradient[i] - exact.gradient[i]) * (one.gradient[i] - exact.gradient[i]);
  }
  EXPECT_LT(error, 1e-5 * energy);
}

TEST(distances, on_the_cpu_equal_the_reference_for_any_number_of_threads) {
  for_each_distance([](const distance_loss& l) {
    for (const dim_t length : {3, 1000}) compare_backends(cpu{1}, cpu{3}, pit{l}, 2, length);
  });
}

TEST(distances, on_the_device_equal_the_reference) {
  const emulated_cuda device;
  for_each_distance([&](const distance_loss& l) {
    for (const dim_t length : {3, 1000}) compare_backends(device, device, pit{l}, 2, length);
    compare_backends(device, device, l, 3, 9001);  // rows of several pieces
  });
  compare_backends(device, device, pit{weighted{si_snr{}, 1.0} + weighted{magnitude_l1{small}, 0.3}}, 7, 100);
  compare_backends(device, device, weighted{complex_spectrum_mse{small}, 0.5} + weighted{pit{waveform_mse{}}, 2.0}, 2, 100);
}

TEST(distances, chosen_at_run_time_are_those_of_the_types) {
  constexpr auto typed =
      weighted{pit{weighted{si_snr{}, 1.0} + weighted{complex_spectrum_mse{small}, 0.1}}, 2.0} + weighted{waveform_l1{}, 3.0};
  chosen_loss a, b, c, inner, all;
  a.leaf = si_snr{}, a.name = "a";
  b.leaf = complex_spectrum_mse{small}, b.name = "b", b.weight = 0.1;
  c.leaf = waveform_l1{}, c.name = "c", c.weight = 3;
  inner.sum = {a, b}, inner.permuted = true, inner.name = "in", inner.weight = 2;
  all.sum = {inner, c};
  problem<double> p(2, 2, 40, 3), q = p;
  loss_detail of_types, of_chosen;
  EXPECT_EQ(loss_of(reference<double>{}, typed, p, &of_types), loss_of(reference<double>{}, all, q, &of_chosen));
  EXPECT_EQ(p.gradient, q.gradient);
  ASSERT_EQ(of_chosen.parts.size(), 3u);
  EXPECT_EQ(of_chosen.parts[1].name, "in.b");
  EXPECT_EQ(of_chosen.parts[1].weight, 0.2);
  EXPECT_EQ(of_chosen.parts[0].permutation, of_chosen.parts[1].permutation);
  EXPECT_EQ(of_chosen.parts[0].permutation, of_types.parts[0].permutation);
  EXPECT_TRUE(all.permutes());
}

TEST(distances, say_which_window_does_not_fit) {
  problem<double> p(1, 1, 40, 5);
  EXPECT_THROW(loss_of(reference<double>{}, magnitude_l1{{15, 8}}, p), error);
  EXPECT_THROW(loss_of(reference<double>{}, magnitude_l1{{16, 17}}, p), error);
  EXPECT_THROW(loss_of(reference<double>{}, magnitude_l1{{0, 1}}, p), error);
  EXPECT_THROW(loss_of(reference<double>{}, magnitude_l1{{0, 0}}, p), error);
  EXPECT_THROW(loss_of(reference<double>{}, multi_resolution_stft({{8, 2}}, 0, 0), p), error);
}

}  // namespace
}  // namespace avss
