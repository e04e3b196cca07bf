#include <gtest/gtest.h>

#include <avss/synth/mouth_motion.hpp>
#include <string>

namespace avss {
namespace {

TEST(visemes, are_found_by_their_symbol) {
  ASSERT_NE(find_viseme("m"), nullptr);
  EXPECT_EQ(find_viseme("m"), find_viseme("p"));
  EXPECT_NE(find_viseme("m"), find_viseme("n"));
  EXPECT_GT(find_viseme("ɑ")->aim.open, find_viseme("i")->aim.open);
  EXPECT_GT(find_viseme("u")->aim.round, find_viseme("i")->aim.round);
  EXPECT_GT(find_viseme("θ")->aim.tongue, find_viseme("s")->aim.tongue);
  for (const char* no : {"", " ", "ˈ", "ː", "m b", "\xc9", "1"}) EXPECT_EQ(find_viseme(no), nullptr) << no;
}

TEST(visemes, of_a_diphthong_share_its_time) {
  std::vector<timed_viseme> track;
  add_phoneme(track, "ˈaɪ", 1, 1.2);
  ASSERT_EQ(track.size(), 2u);
  EXPECT_DOUBLE_EQ(track[0].begin, 1);
  EXPECT_NEAR(track[0].end, 1.1, 1e-12);
  EXPECT_NEAR(track[1].begin, 1.1, 1e-12);
  EXPECT_NEAR(track[1].end, 1.2, 1e-12);
  EXPECT_EQ(track[0].looks.aim.open, find_viseme("a")->aim.open);
  EXPECT_EQ(track[1].looks.aim.wide, find_viseme("ɪ")->aim.wide);
}

TEST(visemes, length_marks_prolong_what_they_follow) {
  std::vector<timed_viseme> track;
  add_phoneme(track, "ɑːɹ", 0, 0.27);
  ASSERT_EQ(track.size(), 2u);
  EXPECT_NEAR(track[0].end, 0.17, 1e-12);
  EXPECT_NEAR(track[1].end, 0.27, 1e-12);
}

TEST(visemes, unknown_phonemes_are_pauses) {
  std::vector<timed_viseme> track;
  for (const char* none : {"", "ˈ", "\xe2\x82"}) add_phoneme(track, none, 0, 0.5);
  ASSERT_EQ(track.size(), 3u);
  for (const timed_viseme& v : track) EXPECT_EQ(v.looks.aim.open, viseme_at_rest.aim.open);
}

std::vector<timed_viseme> track_of(std::initializer_list<const char*> sounds, double each) {
  std::vector<timed_viseme> track;
  double t = 0.3;
  for (const char* s : sounds) add_phoneme(track, s, t, t + each), t += each;
  return track;
}

TEST(mouth_motion, is_at_rest_without_sounds) {
  EXPECT_NEAR(mouth_at({}, 0).open, viseme_at_rest.aim.open, 1e-12);
  const auto track = track_of({"ɑː"}, 0.2);
  EXPECT_NEAR(mouth_at(track, 5).open, viseme_at_rest.aim.open, 1e-12);
  EXPECT_EQ(mouth_at(track, 5).press, 0);
}

TEST(mouth_motion, lips_close_for_a_short_p_between_open_vowels) {
  const auto track = track_of({"ɑ", "p", "ɑ"}, 0.06);
  EXPECT_DOUBLE_EQ(mouth_at(track, 0.39).press, 1);
  EXPECT_EQ(mouth_at(track, 0.29).press, 0);
  // The jaw hardly moves for it.
  EXPECT_GT(mouth_at(track, 0.39).open, 0.15);
}

TEST(mouth_motion, sounds_colour_their_neighbours) {
  // Of "k" before a rounded vowel and before a spread one.
  const auto round = track_of({"k", "uː"}, 0.1), spread = track_of({"k", "iː"}, 0.1);
  EXPECT_GT(mouth_at(round, 0.35).round, mouth_at(spread, 0.35).round + 0.1);
  EXPECT_GT(mouth_at(spread, 0.35).wide, mouth_at(round, 0.35).wide + 0.1);
}

TEST(mouth_motion, has_no_jumps) {
  const auto track = track_of({"b", "æ", "θ", "w", "iː", "f", "ɔ", "m", "ʃ", "aɪ", "l", ""}, 0.05);
  mouth_shape before = mouth_at(track, 0);
  for (double t = 0.001; t < 1.5; t += 0.001) {
    const mouth_shape now = mouth_at(track, t);
    for (double mouth_shape::*part : {&mouth_shape::open, &mouth_shape::wide, &mouth_shape::round, &mouth_shape::teeth,
                                      &mouth_shape::press, &mouth_shape::tuck, &mouth_shape::tongue}) {
      EXPECT_LT(std::abs(now.*part - before.*part), 0.06) << t;
      EXPECT_TRUE(now.*part >= 0 && now.*part <= 1) << t;
    }
    before = now;
  }
}

TEST(mouth_motion, loud_vowels_open_further) {
  std::vector<timed_viseme> loud, soft;
  add_phoneme(loud, "ɑː", 0, 0.3, 1.1);
  add_phoneme(soft, "ɑː", 0, 0.3, 0.6);
  EXPECT_NEAR(mouth_at(loud, 0.15).open, 1.1, 0.01);
  EXPECT_NEAR(mouth_at(soft, 0.15).open, 0.6, 0.01);
}

}  // namespace
}  // namespace avss
