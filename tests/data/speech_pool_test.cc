#include <gtest/gtest.h>

#include <avss/data/speech_pool.hpp>
#include <avss/io/audio_writer.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using names = std::vector<std::string>;

class speech : public in_folder {
 protected:
  void store(const fs::path& relative, std::size_t length, int rate = 8000, std::uint32_t seed = 1) {
    fs::create_directories((folder / relative).parent_path());
    write_audio(folder / relative, rate, noise(length, seed, 0.3));
  }
  speech_pool by_stem(speech_pool_options o = {}) {
    o.speaker = speaker_rule("stem:-:0");
    return speech_pool(folder, o);
  }
};

TEST(speaker_rule, takes_a_part_of_the_path_or_of_the_name) {
  const fs::path root = "/data/speech", file = root / "train/103/1240/103-a_b-0000.x.flac";
  EXPECT_EQ(speaker_rule("stem:-:0")(root, file), "103");
  EXPECT_EQ(speaker_rule("stem:-:1")(root, file), "a_b");
  EXPECT_EQ(speaker_rule("stem:-:2")(root, file), "0000.x");
  EXPECT_EQ(speaker_rule("stem:_b-:1")(root, file), "0000.x");
  EXPECT_EQ(speaker_rule("stem:_:0")(root, file), "103-a");
  EXPECT_EQ(speaker_rule()(root, file), "1240");
  EXPECT_EQ(speaker_rule("folder:0")(root, file), "train");
  EXPECT_EQ(speaker_rule("folder:1")(root, file), "103");
  EXPECT_EQ(speaker_rule("folder:0")("/data/speech/", file), "train");
  EXPECT_EQ(speaker_rule("stem:::1")("r", "r/a:b.wav"), "b");
}

TEST(speaker_rule, says_what_it_does_not_find_or_know) {
  const fs::path root = "/data", file = "/data/a/x-y.wav";
  EXPECT_TRUE(says(error_of([&] { speaker_rule("folder:1")(root, file); }), "x-y.wav", "folder:1", "no speaker"));
  EXPECT_TRUE(says(error_of([&] { speaker_rule("stem:-:2")(root, file); }), "x-y.wav", "stem:-:2", "name"));
  for (const char* text : {"", "stem", "stem:-", "stem::0", "stem:-:", "stem:-:a", "folder:-1", "folder:", "parents"})
    EXPECT_TRUE(says(error_of([&] { speaker_rule{text}; }), "none of", "stem:-:0")) << text;
}

TEST_F(speech, groups_recordings_by_speaker) {
  store("deep/er/b-2.wav", 900);
  store("b-1.wav", 800);
  store("a-9.wav", 1600, 16000);
  store(".hidden/c-1.wav", 800);
  store(".c-1.wav", 800);
  write_bytes(folder / "readme.txt", "x");
  const speech_pool pool = by_stem();
  EXPECT_EQ(pool.speakers(), (names{"a", "b"}));
  ASSERT_EQ(pool.utterances().size(), 3u);
  EXPECT_EQ(pool.utterances()[0].length, 800);
  EXPECT_EQ(pool.utterances()[0].speaker, 0u);
  EXPECT_EQ(pool.utterances()[2].file, folder / "deep/er/b-2.wav");
  EXPECT_EQ(pool.counts().files, 3u);
  EXPECT_EQ(pool.counts().not_audio, 1u);
  EXPECT_EQ(pool.bytes(), 2 * 2500u);
  EXPECT_EQ(pool.load(0)->length(), 800);
}

TEST_F(speech, several_folders_are_one_pool) {
  store("x/a-1.wav", 800);
  store("y/a-2.wav", 800);
  store("y/b-1.wav", 800);
  const std::vector<fs::path> both{folder / "x", folder / "y"}, nested{folder, folder / "y"};
  EXPECT_EQ(speech_pool(both, {.speaker = speaker_rule("stem:-:0")}).utterances().size(), 3u);
  EXPECT_EQ(speech_pool(nested, {.speaker = speaker_rule("stem:-:0")}).utterances().size(), 3u);
  EXPECT_EQ(speech_pool(folder, {}).speakers(), (names{"x", "y"}));
  // Below two folders, or by a link, a recording is one, and cannot be of two speakers.
  fs::create_directory_symlink(folder / "y", folder / "x/linked");
  EXPECT_EQ(speech_pool(both, {.speaker = speaker_rule("stem:-:0")}).utterances().size(), 3u);
  EXPECT_TRUE(says(error_of([&] { speech_pool(both, {.speaker = speaker_rule("parent")}); }), "speaker \"linked\"",
                   "speaker \"y\"", "none holds another"));
}

TEST_F(speech, sixteen_bits_keep_the_samples_of_any_level) {
  for (const double level : {0.9, 1e-4}) {
    const std::vector<float> x = noise(1000, 3, level);
    write_audio(folder / "a.wav", 8000, x);
    const auto r = speech_pool(folder, {}).load(0);
    std::vector<float> y(200);
    r->read(300, y);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], x[300 + i], level / 65000);
    EXPECT_NEAR(r->level(), level / 2, level / 20);
    EXPECT_GT(std::abs(x[static_cast<std::size_t>(r->peak_at())]), 0.99 * level);
  }
}

TEST_F(speech, storage_changes_no_sample) {
  for (int i = 0; i < 4; ++i) store("a" + std::to_string(i) + ".wav", 3000, 16000, static_cast<std::uint32_t>(i));
  const speech_pool kept(folder, {}), lazy(folder, {.storage = speech_storage::on_demand, .max_bytes = 6500});
  EXPECT_EQ(lazy.bytes(), 0u);
  for (const std::size_t u : {0u, 1u, 0u, 2u, 3u, 0u}) {
    std::vector<float> a(1500), b(1500);
    kept.load(u)->read(0, a);
    lazy.load(u)->read(0, b);
    EXPECT_EQ(a, b);
  }
  EXPECT_EQ(lazy.bytes(), 6000u);  // two of them
  const speech_pool none(folder, {.storage = speech_storage::on_demand, .max_bytes = 0});
  EXPECT_EQ(none.load(3)->length(), 1500);
  EXPECT_EQ(none.bytes(), 0u);
}

TEST_F(speech, cache_keeps_what_was_used_last) {
  for (int i = 0; i < 3; ++i) store("a" + std::to_string(i) + ".wav", 1000);
  const speech_pool pool(folder, {.storage = speech_storage::on_demand, .max_bytes = 4000});
  const auto first = pool.load(0);
  pool.load(1);
  EXPECT_EQ(pool.load(0), first);
  pool.load(2);  // 1 goes
  EXPECT_EQ(pool.load(0), first);
}

TEST_F(speech, selects_speakers) {
  for (const char* s : {"a", "b", "c", "d"}) store(std::string(s) + "-1.wav", 800);
  EXPECT_EQ(by_stem({.only = {"c", "a"}}).speakers(), (names{"a", "c"}));
  EXPECT_EQ(by_stem({.except = {"b"}}).speakers(), (names{"a", "c", "d"}));
  EXPECT_EQ(by_stem({.only = {"c", "a"}, .except = {"a"}}).speakers(), (names{"c"}));
  EXPECT_EQ(by_stem({.except = {"b"}}).counts().other_speakers, 1u);
  EXPECT_TRUE(says(error_of([&] { by_stem({.only = {"e"}}); }), "no speaker \"e\"", "\"a\"", "stem:-:0"));
  EXPECT_TRUE(says(error_of([&] { by_stem({.except = {"e"}}); }), "no speaker \"e\""));
  EXPECT_TRUE(says(error_of([&] { by_stem({.only = {"a"}, .except = {"a"}}); }), "no speaker is left"));
}

TEST_F(speech, holds_out_the_last_speakers_whatever_else_is_asked) {
  for (const char* s : {"a", "b", "c", "d"}) store(std::string(s) + "-1.wav", s[0] == 'd' ? 400 : 800);
  EXPECT_EQ(by_stem({.hold_out = 2}).speakers(), (names{"a", "b"}));
  EXPECT_EQ(by_stem({.hold_out = 2, .part = speaker_part::held_out}).speakers(), (names{"c", "d"}));
  // d is too short now; c stays held out, and b does not become it.
  EXPECT_EQ(by_stem({.min_seconds = 0.1, .hold_out = 2}).speakers(), (names{"a", "b"}));
  EXPECT_EQ(by_stem({.min_seconds = 0.1, .hold_out = 2, .part = speaker_part::held_out}).speakers(), (names{"c"}));
  EXPECT_TRUE(says(error_of([&] { by_stem({.hold_out = 4}); }), "cannot hold out 4 of 4 speakers"));
  EXPECT_TRUE(says(error_of([&] { by_stem({.part = speaker_part::held_out}); }), "no speakers are held out"));
}

TEST_F(speech, leaves_out_the_short_and_counts_them) {
  store("a-1.wav", 799);
  store("a-2.wav", 800);
  store("a-3.wav", 1600, 16000);
  const speech_pool pool = by_stem({.min_seconds = 0.1});
  EXPECT_EQ(pool.utterances().size(), 2u);
  EXPECT_EQ(pool.counts().too_short, 1u);
  EXPECT_DOUBLE_EQ(pool.seconds(), 0.2);
  EXPECT_TRUE(
      says(error_of([&] { by_stem({.min_seconds = 1}); }), "no recording is left", "3 files", "3 are shorter than 1 s"));
}

TEST_F(speech, names_folders_without_speech) {
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder / "none", {}); }), "none: no such folder"));
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "holds no audio file"));
  write_bytes(folder / "a.txt", "x");
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "holds no audio file"));
  EXPECT_TRUE(says(error_of([&] { speech_pool(std::vector<fs::path>{}, {}); }), "at least one folder"));
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {.rate = 0}); }), "0 Hz"));
}

TEST_F(speech, names_files_that_cannot_be_read) {
  store("a.wav", 800);
  write_bytes(folder / "b.wav", "no audio");
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "b.wav", "no audio that can be read"));
  write_bytes(folder / "c.wav", "");
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "2 files cannot be read", "b.wav"));
  const speech_pool pool(folder, {.skip_unreadable = true, .threads = 2});
  EXPECT_EQ(pool.utterances().size(), 1u);
  EXPECT_EQ(pool.counts().unreadable, 2u);
  EXPECT_TRUE(says(pool.unreadable()[1], "c.wav", "empty"));
}

TEST_F(speech, silence_is_no_speech) {
  store("a.wav", 800);
  write_audio(folder / "b.wav", 8000, std::vector<float>(800));
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "b.wav", "silent"));
  EXPECT_EQ(speech_pool(folder, {.skip_unreadable = true}).utterances().size(), 1u);
  const speech_pool lazy(folder, {.storage = speech_storage::on_demand});
  EXPECT_TRUE(says(error_of([&] { lazy.load(1); }), "b.wav", "silent"));
  write_audio(folder / "b.wav", 8000, noise(800, 1, 1e-7));
  EXPECT_TRUE(says(error_of([&] { lazy.load(1); }), "b.wav", "silent"));
}

TEST_F(speech, damage_within_a_file_is_found_when_it_is_decoded) {
  std::vector<float> x = noise(8000, 1, 0.3);
  write_audio(folder / "a.wav", 8000, x);
  std::string bytes = bytes_of_file(folder / "a.wav");
  for (std::size_t i = bytes.size() - 400; i < bytes.size(); ++i) bytes[i] = static_cast<char>(0xff);  // NaN
  write_bytes(folder / "a.wav", bytes);
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {}); }), "a.wav", "NaN"));
  EXPECT_TRUE(
      says(error_of([&] { speech_pool(folder, {.skip_unreadable = true}); }), "no recording is left", "1 cannot be read"));
}

TEST_F(speech, refuses_more_than_fits_into_memory) {
  store("a.wav", 8000);
  EXPECT_TRUE(says(error_of([&] { speech_pool(folder, {.max_bytes = 15999}); }), "take 16000 bytes", "15999", "on demand"));
  EXPECT_EQ(speech_pool(folder, {.max_bytes = 16000}).bytes(), 16000u);
}

}  // namespace
}  // namespace avss
