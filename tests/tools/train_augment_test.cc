// //tools:train and //tools:mix with augmentations, and mixing anew of voices with faces.
#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/train_faces_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class train_augment : public train_faces {
 protected:
  void SetUp() override {
    train_faces::SetUp();
    for (const char* part : {"noises", "rooms/inner", "speakers/ada", "speakers/ben"}) fs::create_directories(folder / part);
    for (std::uint32_t k = 0; k < 3; ++k) {
      const std::string name = std::to_string(k) + ".wav";
      write_audio(folder / "noises" / name, 16000, noise(3000 * (k + 1), k, 0.3));
      std::vector<float> h = noise(400, 9 + k, 0.05);
      h[10 * k] = 1;
      write_audio(folder / "rooms/inner" / name, 48000, h);
      write_audio(folder / "speakers/ada" / name, 8000, noise(8000, 20 + k, 0.3));
      write_audio(folder / "speakers/ben" / name, 8000, tone(8000, 0.01 * (k + 1), 0.3));
    }
  }
  std::string sounds() const {
    return "transforms.noises_dir=" + (folder / "noises").string() + " transforms.irs_dir=" + (folder / "rooms").string() + " ";
  }
  // A run of 6 steps in two epochs, on sound alone.
  std::string heard(const std::string& name, const std::string& transforms) const {
    return "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=2 trainer.epoch_len=3 trainer.save_steps=2 "
           "dataloader.batch_size=2 datasets.train.segment=0.1 datasets.val.segment=0.1 datasets.val.limit=3 "
           "trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " " + transforms + " ";
  }
  // The checkpoint of a run that must succeed.
  std::string learned(const std::string& arguments, const std::string& name) const {
    const outcome r = run(arguments);
    EXPECT_EQ(r.status, 0) << r.err;
    return r.status == 0 ? content(folder / name / "checkpoint-last.pth") : "";
  }
  // A chain of one transform, in flow style.
  static std::string only(const std::string& transform) {
    return "'transforms.instance_transforms.train={whole_item: {_target_: Compose, transforms: [" + transform + "]}}'";
  }
  std::string mix(const std::string& name, const std::string& more) const {
    return "mix.part=train mix.items=5 mix.partition=test datasets.val=null datasets.train.segment=0.25 "
           "datasets.train.folders=" +
           (folder / "speakers").string() + " mix.save_path=" + (folder / name).string() + " " + more;
  }
  std::vector<float> mixed(const std::string& name, const char* part, int item) const {
    return read_audio(folder / name / "audio/test" / part / ("00000" + std::to_string(item) + ".wav")).samples;
  }
};

TEST_F(train_augment, on_sound_resumed_equals_uninterrupted) {
  const std::string all = "transforms=all_augmentations " + sounds();
  const std::string expected = learned(heard("whole", all), "whole");
  const std::string out = bytes_of_file(folder / "stdout");
  for (const char* word : {"3 noises of", "3 impulse responses of"}) EXPECT_NE(out.find(word), std::string::npos) << out;
  ASSERT_EQ(run(heard("part", all) + "trainer.n_epochs=1 lr_scheduler.epochs=2").status, 0);
  EXPECT_EQ(learned(heard("part", all) + "trainer.resume_from=checkpoint-last.pth", "part"), expected);
  EXPECT_EQ(learned(heard("workers", all) + "dataloader.num_workers=3", "workers"), expected);
  EXPECT_NE(learned(heard("peak", ""), "peak"), expected);
  // Of a fixed set, an epoch's augmentations are not those of the one before: a chain that adds noise learns otherwise than
  // the same set without.
  const std::string fixed = "datasets.train.limit=6 trainer.epoch_len=null ";
  EXPECT_NE(learned(heard("fixed", all) + fixed, "fixed"), learned(heard("plain", fixed), "plain"));
}

TEST_F(train_augment, names_of_the_reference_project) {
  const std::string three = "transforms=audio_augmentations " + sounds();
  const std::string expected = learned(heard("a", three), "a");
  EXPECT_EQ(learned(heard("nested", "transforms/instance_transforms=audio_augmentations " + sounds()), "nested"), expected);
  // What that file says, word by word, as another project may write it.
  const std::string listed =
      "[{_target_: src.transforms.audio.RandomBackgroundNoise, noises_dir: " + (folder / "noises").string() +
      ", sample_rate: 8000}, {_target_: src.transforms.audio.RandomImpulseResponse, irs_dir: " + (folder / "rooms").string() +
      "}, {_target_: src.transforms.audio.PeakNormalization}]";
  EXPECT_EQ(learned(heard("b",
                          "'transforms.instance_transforms.train={whole_item: {_target_: torchvision.transforms.v2.Compose, "
                          "transforms: " +
                              listed + "}}'"),
                    "b"),
            expected);
  EXPECT_EQ(
      learned(heard("c",
                    "transforms=no_transforms 'transforms.instance_transforms.train={whole_item: {_target_: "
                    "torch.nn.Sequential, _args_: " +
                        listed + "}}' 'transforms.instance_transforms.inference={whole_item: {_target_: PeakNormalization}}'"),
              "c"),
      expected);
}

TEST_F(train_augment, what_the_transforms_do_to_mixtures_and_targets) {
  ASSERT_EQ(run(mix("plain", ""), "", "mix").status, 0) << bytes_of_file(folder / "stderr");
  const std::string no_noise = "transforms=no_transforms ";
  ASSERT_EQ(run(mix("soft", no_noise + only("{_target_: Gain, gain_db: [-6, -6], p: 1}")), "", "mix").status, 0)
      << bytes_of_file(folder / "stderr");
  ASSERT_EQ(run(mix("noisy", no_noise + only("{_target_: RandomBackgroundNoise, noises_dir: " + (folder / "noises").string() +
                                             ", snr_db_range: [7, 7]}")),
                "", "mix")
                .status,
            0)
      << bytes_of_file(folder / "stderr");
  ASSERT_EQ(run(mix("own", no_noise + only("{_target_: EachSource, transforms: [{_target_: Gain, p: 1}]}")), "", "mix").status,
            0)
      << bytes_of_file(folder / "stderr");
  const double half = std::pow(10, -0.3);
  for (int i = 0; i < 5; ++i) {
    const auto m = mixed("plain", "mix", i), noisy = mixed("noisy", "mix", i), own = mixed("own", "mix", i);
    const auto a = mixed("own", "s1", i), b = mixed("own", "s2", i);
    for (const char* part : {"mix", "s1", "s2"}) {
      const auto x = mixed("plain", part, i), y = mixed("soft", part, i);
      for (std::size_t t = 0; t < x.size(); ++t) ASSERT_NEAR(y[t], half * x[t], 1e-6);
    }
    double signal = 0, noise = 0;
    bool cut = false;
    for (std::size_t t = 0; t < m.size(); ++t) {
      signal += static_cast<double>(m[t]) * m[t], noise += std::pow(static_cast<double>(noisy[t]) - m[t], 2);
      cut = cut || std::abs(noisy[t]) == 1;
      ASSERT_NEAR(own[t], a[t] + b[t], 1e-6);
    }
    if (!cut) {
      EXPECT_NEAR(10 * std::log10(signal / noise), 7, 1e-3);
    }
    EXPECT_EQ(mixed("noisy", "s1", i), mixed("plain", "s1", i));
    EXPECT_EQ(mixed("noisy", "s2", i), mixed("plain", "s2", i));
  }
}

TEST_F(train_augment, faces_mixed_anew) {
  store("train", 3, 1);
  store("val", 2, 21);
  const auto arguments = [&](const std::string& name, const std::string& more = "") {
    return tiny(name, "train_rtfsnet_with_augs") + "datasets=dynamic_av transforms=all_augmentations_av " + sounds() + more;
  };
  const std::string expected = learned(arguments("whole"), "whole");
  const std::string out = bytes_of_file(folder / "stdout");
  for (const char* word : {"mixed anew of 6 voices with faces by 6 speakers", "3 noises", "2 mixtures", "each face in turn"})
    EXPECT_NE(out.find(word), std::string::npos) << word << " in " << out;
  ASSERT_EQ(run(arguments("part", "trainer.n_epochs=1 lr_scheduler.epochs=2")).status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_EQ(learned(arguments("part", "trainer.resume_from=checkpoint-last.pth"), "part"), expected);
  EXPECT_EQ(learned(arguments("none", "dataloader.num_workers=0"), "none"), expected);
  EXPECT_EQ(learned(arguments("three", "dataloader.num_workers=3 datasets.train.memory_mb=0"), "three"), expected);
  EXPECT_NE(learned(tiny("fixed", "train_rtfsnet_with_augs") + sounds(), "fixed"), expected);
  // Both voices, by the best order; a limited set; more voices than targets.
  EXPECT_EQ(run(pit("both") + "datasets=dynamic_av datasets.train.dataset_type=bss").status, 0)
      << bytes_of_file(folder / "stderr");
  EXPECT_EQ(run(arguments("limited", "datasets.train.num_speakers=3 datasets.train.limit=6 trainer.epoch_len=null")).status, 0)
      << bytes_of_file(folder / "stderr");
}

TEST_F(train_augment, says_what_is_wrong_with_faces_to_mix) {
  store("train", 1, 1);
  store("val", 1, 21);
  const std::string anew = "datasets=dynamic_av ";
  expect_refusal(tiny("x") + anew + "datasets.train.num_speakers=3", "datasets.train", "3 speakers", "2 have");
  expect_refusal(tiny("x") + anew + "datasets.train.segment=2", "datasets.train", "0 have", "shorter length");
  expect_refusal(tiny("x") + anew + "datasets.train.speaker=parent", "datasets.train.speaker", "stem:SEPARATOR:N");
  expect_refusal(tiny("x") + anew + "datasets.train.dataset_type=bss", "bss", "2 faces", "model.num_speakers");
  expect_refusal(tiny("x") + anew + "datasets.train.relative_level=[5,-5]", "datasets.train", "levels");
  expect_refusal(tiny("x") + anew + "transforms=all_augmentations " + sounds(), "datasets.train.instance_transforms.whole_item",
                 "time shift", "lips");
  expect_refusal(heard("x", "") + anew + "datasets.train.dataset_path=" + (folder / "data").string(), "datasets.train._target_",
                 "networks that see");
  fs::remove(face(2));
  expect_refusal(tiny("x") + anew, "datasets.train", "2.npz", "1_2", "//tools:embed");
}

TEST_F(train_augment, says_what_is_wrong_with_transforms) {
  const auto refused = [&](const std::string& transform, const auto&... parts) {
    expect_refusal(heard("x", only(transform)), parts...);
  };
  const std::string noises = (folder / "noises").string();
  expect_refusal(heard("x", "transforms=audio_augmentations"), "noises_dir", "data/noises", "no such folder",
                 "transforms.noises_dir=DIR");
  expect_refusal(heard("x", "transforms=audio_augmentations transforms.noises_dir=" + noises), "irs_dir", "data/mirs",
                 "transforms.irs_dir=DIR");
  refused("{_target_: Gains}", "transforms.0._target_", "did you mean", "Gain");
  refused("{_target_: Gain, gain: [0, 1]}", "transforms.0.gain", "no such key", "gain_db");
  refused("{_target_: Gain, gain_db: [6, -6]}", "transforms.0", "dB", "the lower first");
  refused("{_target_: Gain, gain_db: 3}", "gain_db");
  refused("{_target_: Gain, p: 2}", "transforms.0.p", "from 0 to 1");
  refused("{_target_: EachSource, transforms: [{_target_: AddColoredNoise}]}", "transforms.0", "each source", "mixture alone");
  refused("{_target_: OneOf, transforms: []}", "transforms.0", "choice");
  refused("{_target_: DropChunk, count: [1, 2, 3]}", "transforms.0.count", "[fewest, most]");
  refused("7", "transforms.0", "_target_", "found 7");
  refused("{_target_: AddBackgroundNoise}", "transforms.0.noises_dir", "folder of noises");
  refused("{_target_: AddBackgroundNoise, noises_dir: " + noises + ", sample_rate: 16000}", "sample_rate", "8000 Hz");
  write_bytes(folder / "noises/page.wav", "<html>");
  refused("{_target_: AddBackgroundNoise, noises_dir: " + noises + "}", "1 of its 4 files", "page.wav", "skip_unreadable");
  EXPECT_EQ(run(heard("y", only("{_target_: AddBackgroundNoise, skip_unreadable: true, noises_dir: " + noises + "}"))).status,
            0)
      << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("(1 cannot be read)"), std::string::npos);
  expect_refusal(heard("x", "'+transforms.instance_transforms.train.mix={_target_: Gain}'"), "instance_transforms.mix",
                 "whole_item");
  expect_refusal(heard("x", "transforms.instance_transforms.train=peak"), "datasets.train.instance_transforms", "whole_item");
  expect_refusal(heard("x", "'transforms.batch_transforms.train={_target_: Gain}'"), "batch_transforms.train", "null");
  EXPECT_FALSE(fs::exists(folder / "x/checkpoint-last.pth"));
}

}  // namespace
}  // namespace avss
