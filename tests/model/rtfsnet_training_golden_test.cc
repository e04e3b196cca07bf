// 50 steps of training against PyTorch (tests/golden/make_rtfsnet_training_golden.py), in double, dropout off.
#include <gtest/gtest.h>

#include <avss/layer/init.hpp>
#include <avss/loss/distances.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/one_cycle.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/distance_loss.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/golden.hpp"

namespace avss {
namespace {

constexpr double limit = 1e-8;
constexpr int steps = 50;
constexpr dim_t batch_size = 2;

constexpr rtfsnet_config two_faces = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.passes = 3;
  return c;
}();
constexpr rtfsnet_config one_face = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.passes = 2;
  c.rnn = recurrence::lstm;
  c.encoder_act_norm = c.feed_forward_dense = c.feed_forward_bias = c.decoder_bias = true;
  c.video_kernel = 4;
  c.video_norm = block_norm::global;
  c.stored_positions = false;
  c.fusion_heads = 1;
  return c;
}();

std::uint32_t name_seed(const std::string& name) {  // FNV-1a, 32 bits
  std::uint32_t h = 0x811C9DC5u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x01000193u;
  return h;
}

// The script's initial values; other states keep those of init_params.
void draw(const param_info& p, std::span<double> values) {
  const std::string leaf = p.name.substr(p.name.rfind('.') + 1);
  double centre = 0, range = 0;
  if (leaf == "running_var")
    centre = 1, range = 0.5;
  else if (leaf == "running_mean")
    range = 0.3;
  else if (p.is_state)
    return;
  else if (p.shape == std::vector<dim_t>{1})
    centre = 0.25, range = 0.1;
  else if (leaf == "gamma" || (leaf == "weight" && p.shape.size() == 1))
    centre = 1, range = 0.2;
  else if (leaf == "beta" || p.shape.size() == 1)
    range = 0.3;
  else if (p.name.find(".rnn.") != std::string::npos)
    range = 0.8;
  else
    range = std::sqrt(3 / static_cast<double>(p.size / p.shape[0]));
  testing::lcg random(name_seed(p.name));
  for (double& v : values) v = centre + range * random();
}

template <rtfsnet_config S, class Objective>
void expect_golden(const std::string& run, const Objective& objective, dim_t faces, dim_t video_frames, bool recompute,
                   dim_t length = 320) {
  using backend = reference<double>;
  using network = RtfsNet<S>;
  const auto golden = test::read_golden("tests/golden/rtfsnet_training", run);
  av_engine<network, backend> e;
  const std::vector<param_info> params = list_params(e.net());
  const auto values_of = [&](const param_info& p) {
    return (p.is_state ? e.state() : e.values()).subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
  };
  init_params(e.net(), 1, e.values(), e.state());
  for (const param_info& p : params) draw(p, values_of(p));

  const std::vector<flat_range> trained = trained_ranges(params);
  adam<double> optimiser({.weight_decay = 0.1, .decoupled = true}, trained, e.net().extent().values);
  const one_cycle schedule({.max_lr = 1e-3, .total_steps = steps, .pct_start = 0.1});
  const av_size n{batch_size, length, faces, video_frames};
  std::vector<double> losses, norms, rates_taken, targets, estimates(static_cast<std::size_t>(batch_size * faces * length));
  arena memory(1 << 16);
  for (int step = 0; step < steps; ++step) {
    const auto sources = testing::noise<double>(2 * batch_size * length, static_cast<std::uint32_t>(1000 + step), 0.3);
    const auto video = testing::noise<double>(static_cast<std::size_t>(batch_size * faces * S.video_channels * video_frames),
                                              static_cast<std::uint32_t>(5000 + step));
    std::vector<double> mixtures;
    targets.clear();
    for (auto item = sources.begin(); item != sources.end(); item += 2 * length) {
      for (dim_t t = 0; t < length; ++t) mixtures.push_back(item[t] + item[length + t]);
      targets.insert(targets.end(), item, item + faces * length);
    }
    losses.push_back(
        e.train_step(n, mixtures, video, estimates, {.batch_statistics = true, .recompute = recompute},
                     [&](auto& ctx, auto y, auto spectrum, auto dy, auto dspectrum) {
                       waveforms<double> w{batch_size, faces, length, y.data, targets.data(), dy.data};
                       w.spectra = {network::framing_of(batch_size * faces, length), spectrum.data, dspectrum.data};
                       return evaluate(ctx, objective, w);
                     }));
    memory.reset();
    context<backend> ctx({}, memory, pass::train);
    norms.push_back(clip_gradients(ctx, e.gradients(), trained, 5.0).norm);
    rates_taken.push_back(schedule.at(step).lr);
    optimiser.step(ctx, e.values(), e.gradients(), schedule.at(step));
    std::fill(e.gradients().begin(), e.gradients().end(), 0.0);
  }
  EXPECT_LT(losses.back(), losses.front() - 3);
  test::expect_close(rates_taken, golden.at("rate").values, limit, "rate");
  test::expect_close(losses, golden.at("loss").values, limit, "loss");
  test::expect_close(norms, golden.at("norm").values, limit, "norm of the gradient");

  std::map<std::string, std::vector<double>> sums;
  for (const param_info& p : params) {
    if (p.name.ends_with("num_batches_tracked")) {
      EXPECT_EQ(values_of(p)[0], steps) << p.name;
    }
    if (p.is_state && p.name.find(".running_") == std::string::npos) continue;
    std::vector<double>& s = sums[p.name] = {0, 0};
    for (std::size_t i = 0; i < values_of(p).size(); ++i)
      s[0] += std::abs(values_of(p)[i]), s[1] += values_of(p)[i] * std::cos(static_cast<double>(i));
  }
  const std::vector<double>& expected = golden.at("sums").values;
  ASSERT_EQ(sums.size() * 2, expected.size());
  std::size_t at = 0;
  for (const auto& [name, s] : sums) {
    test::expect_close(s, std::vector<double>{expected[at], expected[at + 1]}, limit, name);
    at += 2;
  }
}

TEST(RtfsNetTraining, two_faces_permuted) { expect_golden<two_faces>("pit", weighted{pit{si_snr{}}, 1.0}, 2, 6, false); }

TEST(RtfsNetTraining, one_face_made_anew_on_the_way_back) {
  expect_golden<one_face>("one", weighted{si_snr{}, 1.0}, 1, 16, true);
}

// The network's own spectra, of a mixture that ends within a hop; the decoder's bias, which no waveform has, learns by them.
TEST(RtfsNetTraining, complex_spectra_before_the_inverse_transform) {
  constexpr stft_size own{one_face.window, one_face.hop};
  expect_golden<one_face>("spectra", weighted{complex_mapping_mse{own}, 1.0} + weighted{si_snr{}, 0.1}, 1, 16, true, 300);
}

TEST(RtfsNetTraining, complex_spectra_of_two_faces_permuted) {
  constexpr stft_size own{two_faces.window, two_faces.hop};
  expect_golden<two_faces>("spectra_pit", weighted{pit{weighted{si_snr{}, 1.0} + weighted{complex_mapping_mse{own}, 0.1}}, 1.0},
                           2, 6, false);
}

}  // namespace
}  // namespace avss
