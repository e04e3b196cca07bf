// Follows the faces of a film from frame to frame.
#pragma once

#include <algorithm>
#include <avss/video/face_finder.hpp>
#include <avss/video/picture.hpp>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace avss {

struct tracking_options {
  double smallest_face = 0;       // pixels, height of the detector's box; 0: an eighth of the picture's height, at least 80
  std::size_t detect_every = 10;  // frames between searches of the whole picture; in between only around known faces
  std::size_t longest_gap = 50;   // frames; a face that is lost for longer is another one when it comes back
  double same_face = 0.3;         // least overlap of boxes in neighbouring frames
  double found_again = 0.15;      // and after a gap
  double one_face = 0.5;          // two tracks that overlap this much follow the same face
};

struct tracked_face {
  face_box box;
  landmarks68 points;
};

// One person: a frame of the film without value is one in which the face was lost.
struct face_track {
  std::size_t first = 0;  // frame of the film
  std::vector<std::optional<tracked_face>> frames;

  std::size_t end() const { return first + frames.size(); }
  std::size_t seen() const {
    return static_cast<std::size_t>(std::count_if(frames.begin(), frames.end(), [](const auto& f) { return f.has_value(); }));
  }
};

// Give it all frames in order, then take finish(). Tracks begin and end with a frame in which the face was seen.
class face_tracker {
 public:
  face_tracker(face_finder& finder, const tracking_options& options) : finder_(finder), o_(options) {}

  // cut: the picture begins another scene, in which nobody is who was there. repeated: it is the one before it.
  void take(const grey_picture& picture, bool cut, bool repeated) {
    if (cut) end_all();
    if (repeated && now_ > 0 && !cut)
      repeat();
    else
      follow(picture, cut);
    ++now_;
    end_lost();
  }

  // In the order in which they were first seen.
  std::vector<face_track> finish() {
    end_all();
    std::stable_sort(done_.begin(), done_.end(), [](const face_track& a, const face_track& b) { return a.first < b.first; });
    return std::move(done_);
  }

  static double smallest(const tracking_options& o, const grey_picture& p) {
    return o.smallest_face > 0 ? o.smallest_face : std::max(80., static_cast<double>(p.height) / 8);
  }

 private:
  const face_box& last_box(const face_track& t) const { return t.frames.back()->box; }
  bool seen_now(const face_track& t) const { return t.end() == now_ + 1; }

  void repeat() {
    for (face_track& t : live_)
      if (t.end() == now_) t.frames.push_back(t.frames.back());
  }

  void follow(const grey_picture& picture, bool cut) {
    for (face_track& t : live_) {
      const face_box before = last_box(t);
      const bool lost = t.end() < now_;
      const face_box* best = nullptr;
      const std::vector<face_box> found = finder_.find_near(picture, before);
      for (const face_box& b : found)
        if (overlap(b, before) >= (lost ? o_.found_again : o_.same_face) &&
            (!best || overlap(b, before) > overlap(*best, before)))
          best = &b;
      if (best) add(t, picture, *best);
    }
    drop_doubles();
    if (cut || now_ == 0 || now_ >= searched_ + o_.detect_every) search(picture);
  }

  // Faces that no track follows belong to one that has lost its own nearby, or to somebody new.
  void search(const grey_picture& picture) {
    searched_ = now_;
    for (const face_box& b : finder_.find(picture, smallest(o_, picture))) {
      face_track* lost = nullptr;
      bool known = false;
      for (face_track& t : live_) {
        const double shared = overlap(b, last_box(t));
        if (seen_now(t))
          known = known || shared >= o_.same_face;
        else if (shared >= o_.found_again && (!lost || shared > overlap(b, last_box(*lost))))
          lost = &t;
      }
      if (known) continue;
      if (!lost) {
        live_.push_back({now_, {}});
        lost = &live_.back();
      }
      add(*lost, picture, b);
    }
  }

  void add(face_track& t, const grey_picture& picture, const face_box& box) {
    while (t.end() < now_) t.frames.emplace_back();
    t.frames.push_back(tracked_face{box, finder_.landmarks(picture, box)});
  }

  // Of two tracks on one face the older one keeps it.
  void drop_doubles() {
    for (std::size_t i = 0; i < live_.size(); ++i)
      for (std::size_t j = i + 1; j < live_.size();) {
        if (seen_now(live_[i]) && seen_now(live_[j]) && overlap(last_box(live_[i]), last_box(live_[j])) >= o_.one_face) {
          live_[j].frames.pop_back();
          end(j);
        } else {
          ++j;
        }
      }
  }

  void end(std::size_t i) {
    face_track& t = live_[i];
    while (!t.frames.empty() && !t.frames.back()) t.frames.pop_back();
    if (!t.frames.empty()) done_.push_back(std::move(t));
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void end_lost() {
    for (std::size_t i = 0; i < live_.size();)
      if (now_ > live_[i].end() + o_.longest_gap)
        end(i);
      else
        ++i;
  }
  void end_all() {
    while (!live_.empty()) end(0);
  }

  face_finder& finder_;
  const tracking_options o_;
  std::vector<face_track> live_, done_;
  std::size_t now_ = 0, searched_ = 0;
};

}  // namespace avss
