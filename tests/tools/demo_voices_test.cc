#include "tools/demo_voices.hpp"

#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <sstream>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/media_file.hpp"
#include "tests/support/voice.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class demo_voices : public in_folder {
 protected:
  void store(const fs::path& relative, const std::vector<float>& x, int rate = 8000) {
    fs::create_directories((folder / relative).parent_path());
    write_audio(folder / relative, rate, x);
  }
  static std::vector<float> speech(double seconds, std::uint32_t seed, int rate = 8000) {
    return made_up_voice(static_cast<std::size_t>(seconds * rate), rate, 120, seed);
  }
  std::vector<voice> find(const fs::path& where, const fs::path& packaged = "/nowhere") {
    notes.str("");
    return find_voices(where, notes, packaged);
  }
  std::ostringstream notes;
};

TEST_F(demo_voices, each_folder_is_a_speaker) {
  store("Zoe/b.wav", speech(1, 1));
  store("Zoe/more/a.wav", speech(1, 2));
  store("Ann/x.wav", speech(1, 3));
  store(".hidden/x.wav", speech(1, 4));
  fs::create_directories(folder / "empty");
  write_bytes(folder / "Ann/notes.txt", "x");
  const std::vector<voice> found = find(folder);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "Ann");
  EXPECT_EQ(found[0].files, std::vector{folder / "Ann/x.wav"});
  EXPECT_EQ(found[1].files, (std::vector{folder / "Zoe/b.wav", folder / "Zoe/more/a.wav"}));
}

TEST_F(demo_voices, says_what_is_missing) {
  EXPECT_TRUE(says(error_of([&] { find(folder / "none"); }), "none", "no such folder", "each speaker"));
  EXPECT_TRUE(says(error_of([&] { find(folder); }), "has 0 folders", "two speakers"));
  store("Ann/x.wav", speech(1, 3));
  EXPECT_TRUE(says(error_of([&] { find(folder); }), "has 1 folder with recordings", "two speakers"));
}

TEST_F(demo_voices, names_the_packages_that_are_missing) {
  EXPECT_TRUE(says(error_of([&] { find("", folder); }), "0 of", "apt-get install", "asterisk-core-sounds-en-g722",
                   "asterisk-core-sounds-fr-g722", "asterisk-core-sounds-it-g722", "asterisk-core-sounds-ru-g722",
                   "demo.voices=DIR"));
  fs::create_directories(folder / "fr_CA_f_June");
  media_file(folder / "fr_CA_f_June/a.g722").add_sound(AV_CODEC_ID_ADPCM_G722, 16000, speech(1, 1, 16000)).write();
  const std::string one = error_of([&] { find("", folder); });
  EXPECT_TRUE(says(one, "1 of", "asterisk-core-sounds-en-g722"));
  EXPECT_EQ(one.find("sounds-fr"), std::string::npos) << one;
  store("it_IT_m_Carlo/a.wav", speech(1, 1));
  EXPECT_EQ(find("", folder).size(), 2u);
  EXPECT_NE(
      notes.str().find("apt-get install --no-install-recommends asterisk-core-sounds-en-g722 asterisk-core-sounds-ru-g722\n"),
      std::string::npos)
      << notes.str();
}

TEST_F(demo_voices, takes_only_clips_that_are_speech_and_long_enough) {
  store("Ann/good.wav", speech(4, 1));
  store("Ann/short.wav", speech(2, 2));
  store("Ann/mostly_silent.wav", [] {
    std::vector<float> x(32000, 0.f);
    const auto s = speech(2, 3);
    std::copy(s.begin(), s.end(), x.begin() + 8000);
    return x;
  }());
  store("Ann/silent.wav", std::vector<float>(32000, 0.f));
  store("Ann/noise.wav", noise(32000, 1, 0.3));
  write_bytes(folder / "Ann/broken.wav", "RIFF");
  store("Bob/x.wav", speech(1, 1));
  for (const std::uint64_t seed : {1, 2, 3}) {
    clip_source ann(find(folder)[0], {.rate = 8000, .min_seconds = 3, .max_seconds = 6, .seed = seed});
    for (const std::size_t n : {0u, 1u, 7u}) {
      ASSERT_TRUE(ann.get(n));
      EXPECT_EQ(ann.get(n)->file.filename(), "good.wav");
    }
    EXPECT_EQ(ann.left_out(), "1 of one loudness throughout, 3 shorter than 3 s, 1 that cannot be read");
  }
  clip_source bob(find(folder)[1], {});
  EXPECT_FALSE(bob.get(0));
  EXPECT_EQ(bob.left_out(), "1 shorter than 3 s");
}

TEST_F(demo_voices, clips_have_the_rate_the_length_and_no_silence_around_them) {
  constexpr int rate = 16000;
  std::vector<float> x(12 * rate, 0.f);
  const std::vector<float> s = speech(10, 5, rate);
  std::copy(s.begin(), s.end(), x.begin() + rate);
  fs::create_directories(folder / "Ann");
  media_file(folder / "Ann/long.g722").add_sound(AV_CODEC_ID_ADPCM_G722, rate, x).write();
  clip_source ann(voice{"Ann", {folder / "Ann/long.g722"}}, {.rate = 8000, .min_seconds = 3, .max_seconds = 5});
  ASSERT_TRUE(ann.get(0));
  const std::vector<float>& clip = ann.get(0)->samples;
  EXPECT_LE(clip.size(), 5u * 8000);
  EXPECT_GE(clip.size(), 4u * 8000);
  EXPECT_LT(std::abs(clip.front()), 1e-3);
  EXPECT_LT(std::abs(clip.back()), 1e-3);
  float most = 0;
  for (std::size_t i = 0; i < 2000; ++i) most = std::max(most, std::abs(clip[i]));
  EXPECT_GT(most, 0.1);  // it speaks within a quarter of a second
}

TEST_F(demo_voices, the_seed_decides_the_order) {
  for (int i = 0; i < 8; ++i) store("Ann/" + std::to_string(i) + ".wav", speech(3.5, static_cast<std::uint32_t>(i)));
  store("Bob/x.wav", speech(1, 1));
  const std::vector<voice> found = find(folder);
  const auto order = [&](std::uint64_t seed) {
    clip_source ann(found[0], {.seed = seed});
    std::string names;
    for (std::size_t n = 0; n < 9; ++n) names += ann.get(n)->file.stem().string();
    return names;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
  std::string sorted = order(1).substr(0, 8);
  EXPECT_EQ(order(1)[8], sorted[0]);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, "01234567");
}

}  // namespace
}  // namespace avss::tools
