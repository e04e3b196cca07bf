// Following faces, with a finder that is never wrong but sees only what is drawn.
#include <gtest/gtest.h>

#include <avss/video/face_tracker.hpp>
#include <avss/video/mouth_tracks.hpp>
#include <avss/video/scene_cut.hpp>
#include <avss/video/steady_frames.hpp>
#include <functional>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/fake_faces.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr int side = 40;

grey_picture scene(std::uint8_t background = 0) { return {240, 120, std::vector<std::uint8_t>(240 * 120, background)}; }
grey_picture textured(std::uint32_t seed) {
  grey_picture p = scene();
  lcg random(seed);
  for (std::size_t y = 0; y < 12; ++y)
    for (std::size_t x = 0; x < 24; ++x)
      draw_square(p, static_cast<int>(10 * x), static_cast<int>(10 * y), 10, static_cast<std::uint8_t>(80 + 70 * random()));
  return p;
}

// Frames of 25 a second that a function draws.
struct drawn_film {
  std::size_t frames;
  std::function<grey_picture(std::size_t)> draw;
  std::size_t at = 0;
  bool next(video_frame& f) {
    if (at == frames) return false;
    f = {draw(at), static_cast<double>(at) / 25, 0.04};
    ++at;
    return true;
  }
};

tracking_options small_faces() {
  tracking_options o;
  o.smallest_face = 20;
  return o;
}
finding_options small_options(std::size_t least = 5) { return {small_faces(), least}; }

std::vector<face_track> follow(
    fake_faces& finder, std::size_t frames, const tracking_options& o, const std::function<grey_picture(std::size_t)>& draw,
    const std::function<bool(std::size_t)>& cut = [](std::size_t) { return false; }) {
  face_tracker tracker(finder, o);
  for (std::size_t t = 0; t < frames; ++t) tracker.take(draw(t), cut(t), false);
  return tracker.finish();
}

TEST(face_tracker, follows_two_that_move_and_searches_seldom) {
  fake_faces finder;
  const auto tracks = follow(finder, 41, small_faces(), [](std::size_t t) {
    grey_picture p = scene();
    draw_square(p, 10 + static_cast<int>(t), 20, side, 250);
    draw_square(p, 180 - static_cast<int>(t), 60 - static_cast<int>(t) / 2, side, 230);
    return p;
  });
  ASSERT_EQ(tracks.size(), 2u);
  for (const face_track& t : tracks) {
    EXPECT_EQ(t.first, 0u);
    EXPECT_EQ(t.seen(), 41u);
  }
  for (std::size_t t = 0; t < 41; ++t) {
    EXPECT_EQ(tracks[0].frames[t]->box.left, 10 + static_cast<double>(t));
    EXPECT_EQ(tracks[1].frames[t]->box.left, 180 - static_cast<double>(t));
  }
  EXPECT_EQ(finder.searches, 5u);  // 0, 10, 20, 30, 40
}

TEST(face_tracker, bridges_a_gap_and_knows_it) {
  fake_faces finder;
  const auto tracks = follow(finder, 60, small_faces(), [](std::size_t t) {
    grey_picture p = scene();
    if (t < 20 || t >= 45) draw_square(p, t < 20 ? 50 : 62, 20, side, 250);
    return p;
  });
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].frames.size(), 60u);
  EXPECT_EQ(tracks[0].seen(), 35u);
  for (std::size_t t = 20; t < 45; ++t) EXPECT_FALSE(tracks[0].frames[t].has_value()) << t;
}

TEST(face_tracker, a_face_lost_for_long_is_another_one) {
  fake_faces finder;
  tracking_options o = small_faces();
  o.longest_gap = 10;
  const auto draw = [](std::size_t t) {
    grey_picture p = scene();
    if (t < 20 || t >= 31) draw_square(p, 50, 20, side, 250);
    return p;
  };
  const auto tracks = follow(finder, 60, o, draw);
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].end(), 20u);
  EXPECT_GE(tracks[1].first, 31u);
  EXPECT_LE(tracks[1].first, 40u);  // the next search
  o.longest_gap = 11;
  EXPECT_EQ(follow(finder, 60, o, draw).size(), 1u);
}

TEST(face_tracker, one_who_jumps_is_another_one) {
  fake_faces finder;
  const auto tracks = follow(finder, 40, small_faces(), [](std::size_t t) {
    grey_picture p = scene();
    draw_square(p, t < 20 ? 10 : 150, 20, side, 250);
    return p;
  });
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].end(), 20u);
  EXPECT_EQ(tracks[1].first, 20u);
}

TEST(face_tracker, a_cut_ends_all) {
  fake_faces finder;
  const auto still = [](std::size_t) {
    grey_picture p = scene();
    draw_square(p, 50, 20, side, 250);
    return p;
  };
  const auto tracks = follow(finder, 30, small_faces(), still, [](std::size_t t) { return t == 13; });
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].end(), 13u);
  EXPECT_EQ(tracks[1].first, 13u);
  EXPECT_EQ(tracks[1].end(), 30u);
}

// One passes in front of the other: nobody is followed twice afterwards.
TEST(face_tracker, two_never_follow_one) {
  fake_faces finder;
  const auto tracks = follow(finder, 60, small_faces(), [](std::size_t t) {
    grey_picture p = scene();
    draw_square(p, 100, 30, side, 250);
    const int left = 20 + 3 * static_cast<int>(t);
    if (std::abs(left - 100) >= 22) draw_square(p, left, 30, side, 230);
    draw_square(p, 100, 30, side, 250);
    return p;
  });
  for (std::size_t i = 0; i < tracks.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      for (std::size_t t = std::max(tracks[i].first, tracks[j].first); t < std::min(tracks[i].end(), tracks[j].end()); ++t) {
        const auto &a = tracks[i].frames[t - tracks[i].first], &b = tracks[j].frames[t - tracks[j].first];
        if (a && b) {
          EXPECT_LT(overlap(a->box, b->box), 0.5) << t;
        }
      }
}

TEST(scene_cut, tells_cuts_from_motion_light_and_dark) {
  const grey_picture one = textured(1), other = textured(2);
  const auto scaled = [](grey_picture p, double factor) {
    for (std::uint8_t& v : p.pixels) v = static_cast<std::uint8_t>(std::min(255., v * factor));
    return p;
  };
  const auto moved = [](const grey_picture& p, std::size_t by) {
    grey_picture q = p;
    for (std::size_t i = by; i < p.pixels.size(); ++i) q.pixels[i] = p.pixels[i - by];
    return q;
  };
  const auto cut_between = [](const grey_picture& a, const grey_picture& b) {
    scene_cut cut;
    EXPECT_FALSE(cut(a));
    return cut(b);
  };
  EXPECT_TRUE(cut_between(one, other));
  EXPECT_TRUE(cut_between(other, one));
  EXPECT_TRUE(cut_between(scene(0), one));
  EXPECT_FALSE(cut_between(one, one));
  EXPECT_FALSE(cut_between(one, moved(one, 3)));
  EXPECT_FALSE(cut_between(one, scaled(one, 1.6)));  // a flash
  EXPECT_FALSE(cut_between(one, scaled(one, 0.5)));
  grey_picture hand = one;
  draw_square(hand, 60, 0, 80, 250);
  EXPECT_FALSE(cut_between(one, hand));
  EXPECT_FALSE(cut_between(scaled(one, 0.03), scaled(other, 0.03)));  // night
}

grey_picture with_face(std::uint32_t seed, int left) {
  grey_picture p = textured(seed);
  draw_square(p, left, 20, side, 250);
  return p;
}

TEST(track_faces, completes_gaps_and_ends_within_the_scene) {
  fake_faces finder;
  // A cut at 40; the face is away at 0..3, 15..24 and 37..43.
  drawn_film film{70, [](std::size_t t) {
                    const std::uint32_t seed = t < 40 ? 1 : 2;
                    const bool away = t < 4 || (t >= 15 && t < 25) || (t >= 37 && t < 44);
                    return away ? textured(seed) : with_face(seed, t < 40 ? 30 + static_cast<int>(t) : 150);
                  }};
  std::size_t steps = 0;
  finding_options o = small_options();
  o.tracking.detect_every = 1;
  const film_faces found = track_faces(film, finder, o, [&] { ++steps; });
  EXPECT_EQ(steps, 70u);
  EXPECT_EQ(found.frames, 70u);
  EXPECT_EQ(found.cuts, std::vector<std::size_t>{40});
  ASSERT_EQ(found.people.size(), 2u);
  const face_person& a = found.people[0];
  EXPECT_EQ(a.first, 0u);
  EXPECT_EQ(a.points.size(), 40u);
  ASSERT_EQ(a.gaps.size(), 3u);
  const std::size_t firsts[] = {0, 15, 37}, counts[] = {4, 10, 3};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.gaps[i].first, firsts[i]);
    EXPECT_EQ(a.gaps[i].count, counts[i]);
  }
  // it moves a pixel a frame, so that what is filled in is where it was drawn
  for (std::size_t t = 4; t < 37; ++t)
    EXPECT_NEAR(a.points[t][33].x - a.points[4][33].x, static_cast<double>(t) - 4, 1e-9) << t;
  EXPECT_EQ(a.points[0][33].x, a.points[4][33].x);
  EXPECT_EQ(a.points[39][33].x, a.points[36][33].x);
  EXPECT_EQ(found.people[1].first, 40u);
  EXPECT_EQ(found.people[1].points.size(), 30u);
}

TEST(track_faces, leaves_out_who_only_passes_and_sorts_from_left_to_right) {
  fake_faces finder;
  drawn_film film{30, [](std::size_t t) {
                    grey_picture p = scene(20);
                    draw_square(p, 190, 20, side, 250);
                    if (t >= 10) draw_square(p, 10, 20, side, 240);
                    if (t >= 10 && t < 14) draw_square(p, 100, 20, side, 230);
                    return p;
                  }};
  const film_faces found = track_faces(film, finder, small_options(), [] {});
  ASSERT_EQ(found.people.size(), 2u);
  EXPECT_LT(found.people[0].box.left, found.people[1].box.left);
  EXPECT_EQ(found.people[0].first, 0u);  // its first ten frames are made up
  EXPECT_EQ(std::count(found.people[0].seen.begin(), found.people[0].seen.end(), 1), 20);
  ASSERT_EQ(found.passing.size(), 1u);
  EXPECT_EQ(found.passing[0].seen(), 4u);
}

TEST(track_faces, does_not_search_repeated_frames) {
  fake_faces finder;
  struct slow_film {
    std::size_t at = 0;
    bool next(video_frame& f) {
      if (at == 10) return false;
      f = {with_face(1, 50 + static_cast<int>(at)), static_cast<double>(at) * 0.08, 0.08};
      ++at;
      return true;
    }
  } film;
  finding_options o = small_options();
  o.tracking.detect_every = 1;
  const film_faces found = track_faces(film, finder, o, [] {});
  EXPECT_EQ(found.frames, 20u);
  ASSERT_EQ(found.people.size(), 1u);
  EXPECT_EQ(found.people[0].points.size(), 20u);
  EXPECT_EQ(found.people[0].gaps.size(), 0u);
  EXPECT_EQ(finder.searches, 10u);
}

TEST(crop_mouths, gives_every_frame_of_everybody) {
  fake_faces finder;
  const auto draw = [](std::size_t t) {
    grey_picture p = scene(20);
    draw_square(p, 20, 20, side, 250);
    if (t >= 5) draw_square(p, 150, 20, side, 240);
    return p;
  };
  drawn_film film{30, draw};
  finding_options o = small_options();
  o.tracking.longest_gap = 2;
  const film_faces found = track_faces(film, finder, o, [] {});
  ASSERT_EQ(found.people.size(), 2u);
  drawn_film again{30, draw};
  std::vector<std::vector<std::size_t>> frames(2);
  std::size_t bright = 0;
  crop_mouths(
      again, found, mouth_procedure::current,
      [&](std::size_t person, std::size_t frame, std::span<const std::uint8_t> crop) {
        ASSERT_EQ(crop.size(), 96u * 96);
        frames[person].push_back(frame);
        bright += crop[0] > 200;
      },
      [] {});
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(frames[i].size(), found.people[i].points.size());
    for (std::size_t t = 0; t < frames[i].size(); ++t) EXPECT_EQ(frames[i][t], t);
  }
  EXPECT_EQ(bright, frames[0].size() + frames[1].size());  // the crop's corner is within the square
  drawn_film shorter{29, draw};
  EXPECT_TRUE(says(error_of([&] {
                     crop_mouths(
                         shorter, found, mouth_procedure::current, [](auto...) {}, [] {});
                   }),
                   "29 frames now, had 30"));
}

TEST(track_faces, refuses_a_film_without_frames) {
  fake_faces finder;
  drawn_film film{0, [](std::size_t) { return scene(); }};
  EXPECT_TRUE(says(error_of([&] { track_faces(film, finder, small_options(), [] {}); }), "no frame"));
}

}  // namespace
}  // namespace avss
