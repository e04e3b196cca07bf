// Training of RTFS-Net on tones whose faces tell which is which.
#include <gtest/gtest.h>

#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/cpu_criterion.hpp>
#include <avss/train/trainer.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <sstream>

#include "tests/support/audio_fixture.hpp"
#include "tests/train/networks.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr int rate = 16000;
constexpr dim_t length = 1920, channels = 12;

separation_training two_faces(int threads = 1) {
  return {.objective = separation_objective::si_snr, .threads = threads, .faces = 2};
}

// The faces of every mixture exchanged.
batch exchanged(batch b) {
  const std::size_t face = static_cast<std::size_t>(b.video.channels * b.video.frames);
  for (std::size_t i = 0; i < static_cast<std::size_t>(b.size); ++i) {
    const auto first = b.features.begin() + static_cast<std::ptrdiff_t>(2 * i * face);
    std::swap_ranges(first, first + static_cast<std::ptrdiff_t>(face), first + static_cast<std::ptrdiff_t>(face));
  }
  return b;
}

double si_snr_of(trainable& net, const batch& b) { return net.evaluate(b)[1].value; }

TEST(rtfsnet_training, learns_which_voice_is_a_faces) {
  const auto net = make_tiny_rtfsnet(two_faces());
  const synthetic_mixtures tones(2, length, rate, 0, 3, channels);
  batch b, seen;
  make_batch(tones, 0, 4, seen);
  const double before = si_snr_of(*net, seen);
  double loss = 0;
  for (std::uint64_t step = 0; step < 300; ++step) {
    make_batch(tones, 4 * (step % 25), 4, b);
    loss = net->train_step(b, 1).front().value;
    net->apply(5, {1e-2});
  }
  const double after = si_snr_of(*net, seen), swapped = si_snr_of(*net, exchanged(seen));
  EXPECT_TRUE(std::isfinite(loss));
  EXPECT_GT(after, before + 4) << "dB, from " << before;
  // With the faces exchanged each estimate is the other voice: as far from its target as the mixture's other half.
  EXPECT_LT(swapped, after - 8) << "dB, of " << after;
  batch crossed = exchanged(seen);
  const std::size_t n = static_cast<std::size_t>(length);
  for (std::size_t i = 0; i < 4; ++i)
    std::swap_ranges(crossed.targets.begin() + static_cast<std::ptrdiff_t>(2 * i * n),
                     crossed.targets.begin() + static_cast<std::ptrdiff_t>((2 * i + 1) * n),
                     crossed.targets.begin() + static_cast<std::ptrdiff_t>((2 * i + 1) * n));
  EXPECT_NEAR(si_snr_of(*net, crossed), after, 1e-2) << "swapping the features swaps the estimates";
}

class rtfsnet_run : public in_folder {
 protected:
  trainer_options options(const std::string& name) const {
    trainer_options o;
    o.folder = folder / name;
    o.n_epochs = 2, o.epoch_len = 3, o.batch_size = 2, o.accumulate = 2, o.log_step = 2, o.save_period = 0;
    o.max_grad_norm = 5;
    return o;
  }
  int run(trainable& net, trainer_options o, training_data d, std::int64_t steps = std::numeric_limits<std::int64_t>::max()) {
    std::ostringstream out, err;
    std::int64_t asked = 0;
    trainer t(net, rate_schedule(one_cycle({.max_lr = 5e-3, .total_steps = 6})), std::move(d), std::move(o), out, err,
              [&] { return asked++ >= steps; });
    return t.run();
  }
  training_data data() const { return {batches_of(train_), 0, {{"val", batches_of(val_), 3}}}; }
  std::string content(const std::string& name) const { return bytes_of_file(folder / name / last_checkpoint); }

  const synthetic_mixtures train_{2, length / 2, rate, 0, 1, channels}, val_{2, length / 2, rate, 3, 2, channels};
};

TEST_F(rtfsnet_run, resumed_at_any_step_equals_uninterrupted_whatever_the_threads) {
  ASSERT_EQ(run(*make_tiny_rtfsnet(two_faces()), options("whole"), data()), 0);
  for (const int stop : {0, 3, 4, 7}) {
    const std::string name = "stopped" + std::to_string(stop);
    ASSERT_EQ(run(*make_tiny_rtfsnet(two_faces()), options(name), data(), stop), 130);
    trainer_options o = options(name);
    o.resume_from = last_checkpoint;
    ASSERT_EQ(run(*make_tiny_rtfsnet(two_faces(stop == 4 ? 2 : 1)), o, data()), 0);
    EXPECT_EQ(content(name), content("whole")) << "stopped after " << stop;
  }
}

TEST_F(rtfsnet_run, a_step_that_is_given_up_leaves_no_trace) {
  training_data d = data();
  d.train = [make = d.train](std::uint64_t first, dim_t size, batch& b) {
    make(first, size, b);
    if (first == 6) b.mixtures[3] = std::numeric_limits<float>::quiet_NaN();
  };
  const auto net = make_tiny_rtfsnet(two_faces());
  ASSERT_EQ(run(*net, options("some"), d), 0);
  for (const named_tensor& t : net->state({0}).weights.entries)
    for (double v : t.value.values<double>()) ASSERT_TRUE(std::isfinite(v)) << t.name;
}

TEST_F(rtfsnet_run, checkpoints_hold_the_statistics_of_batchnorm) {
  ASSERT_EQ(run(*make_tiny_rtfsnet(two_faces()), options("a"), data()), 0);
  const checkpoint c = read_checkpoint(folder / "a" / last_checkpoint);
  EXPECT_EQ(c.arch, "RTFSNet2SpeakersSeparation");
  int counters = 0, moved = 0;
  for (const named_tensor& t : c.weights.entries) {
    if (t.name.ends_with("num_batches_tracked")) {
      EXPECT_EQ(t.value.type, dtype::i64) << t.name;
      EXPECT_EQ(t.value.values<double>()[0], 12) << t.name;  // batches, also those of one step
      ++counters;
    }
    if (t.name.ends_with("running_mean")) moved += t.value.values<double>()[0] != 0;
  }
  EXPECT_GT(counters, 2);
  EXPECT_EQ(moved, counters);
}

TEST(rtfsnet_training, recomputing_and_dropout) {
  const synthetic_mixtures tones(2, length, rate, 0, 3, channels);
  batch b;
  make_batch(tones, 0, 2, b);
  const auto after_two = [&](separation_training t) {
    const auto net = make_tiny_rtfsnet(t);
    for (int step = 0; step < 2; ++step) {
      net->train_step(b, 1);
      net->apply(5, {1e-3});
    }
    std::vector<double> all;
    for (const named_tensor& w : net->state({0}).weights.entries)
      for (double v : w.value.values<double>()) all.push_back(v);
    return all;
  };
  separation_training t = two_faces(), recomputed = t, without = t;
  recomputed.recompute = true, without.dropout = false;
  EXPECT_EQ(after_two(recomputed), after_two(t));
  EXPECT_NE(after_two(without), after_two(t));
  EXPECT_LT(make_tiny_rtfsnet(recomputed)->planned_bytes(2, 16000), make_tiny_rtfsnet(t)->planned_bytes(2, 16000));
}

// A sum of the network's own spectra's distance and that of the estimates' spectra.
separation_training two_distances(bool permuted) {
  chosen_loss sum, part;
  part.leaf = complex_mapping_mse({64, 32}), part.name = "own";
  sum.sum.push_back(part);
  part.leaf = complex_spectrum_mse({64, 32}), part.name = "estimates";
  sum.sum.push_back(part);
  part.leaf = complex_mapping_mse({32, 16}), part.name = "other_size";
  sum.sum.push_back(part);
  part.leaf = complex_spectrum_mse({32, 16}), part.name = "estimates_of_other_size";
  sum.sum.push_back(part);
  sum.permuted = permuted;
  return {.criterion = std::make_shared<const cpu_criterion>(sum), .threads = 1, .faces = 2, .dropout = false};
}

TEST(rtfsnet_training, losses_see_the_spectra_before_the_inverse_transform) {
  const synthetic_mixtures tones(2, length, rate, 0, 3, channels);
  batch b;
  make_batch(tones, 0, 2, b);
  for (const bool permuted : {false, true}) {
    const auto net = make_tiny_rtfsnet(two_distances(permuted));
    const auto expect_parts = [](const std::vector<named_value>& v) {
      const std::size_t own = v.size() - 4;
      ASSERT_EQ(v[own].name, "own");
      EXPECT_GT(std::abs(v[own].value - v[own + 1].value), 1e-3 * v[own].value);
      EXPECT_EQ(v[own + 2].value, v[own + 3].value) << "there are no spectra of that size";
    };
    expect_parts(net->evaluate(b));
    const double before = net->evaluate(b)[0].value;
    for (int step = 0; step < 60; ++step) {
      expect_parts(net->train_step(b, 1));
      net->apply(5, {1e-2});
    }
    EXPECT_LT(net->evaluate(b)[0].value, 0.8 * before);
  }
  // Planned: the order of the spectra and of their gradients.
  EXPECT_GT(make_tiny_rtfsnet(two_distances(true))->planned_bytes(2, 16000),
            make_tiny_rtfsnet(two_distances(false))->planned_bytes(2, 16000));
}

TEST(rtfsnet_training, refuses_batches_without_its_faces) {
  const auto net = make_tiny_rtfsnet(two_faces());
  batch b;
  const auto refused = [&](const synthetic_mixtures& source) {
    make_batch(source, 0, 1, b);
    return error_of([&] { net->train_step(b, 1); });
  };
  EXPECT_TRUE(says(refused({2, length, rate, 0, 1}), "rtfsnet_tiny", "2 faces", "0 faces"));
  EXPECT_TRUE(says(refused({2, length, rate, 0, 1, 512}), "12 features", "512"));
  EXPECT_TRUE(says(refused({3, length, rate, 0, 1, channels}), "3 sources"));
}

}  // namespace
}  // namespace avss
