// Talking faces of a film, ready to be cut out: two passes over it, of which the first keeps landmarks only.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/video/face_tracker.hpp>
#include <avss/video/landmark_gaps.hpp>
#include <avss/video/mouth_align.hpp>
#include <avss/video/mouth_crop.hpp>
#include <avss/video/scene_cut.hpp>
#include <avss/video/steady_frames.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace avss {

struct face_options {
  tracking_options tracking;
  std::size_t least_frames = 25;  // of a face that counts; what the detector takes for one for a moment does not
};

// Frames [first, first + count) of a person that were not seen.
struct face_gap {
  std::size_t first = 0, count = 0;
};

// A person's face, at 25 frames a second. Frames in which it was lost, and those at the ends of its scene, have landmarks made
// up of the neighbours': `gaps` and `seen` tell.
struct face_person {
  std::size_t first = 0;            // frame of the film
  std::vector<landmarks68> points;  // [frames]
  std::vector<char> seen;           // [frames], 0: made up
  std::vector<face_gap> gaps;       // counted from the film's first frame
  face_box box;                     // mean of those seen
};

struct film_faces {
  std::size_t frames = 0;             // of the film at 25 a second
  std::size_t width = 0, height = 0;  // pixels
  double start = 0;                   // s, of frame 0 on the clock of the file
  std::vector<std::size_t> cuts;      // frames that begin a scene, without the first
  std::vector<face_person> people;    // from left to right
  std::vector<face_track> passing;    // seen in fewer frames than asked for
};

namespace detail {

// Completes a track within its scene [from, to); ends that would need more than `longest` frames stay away.
inline face_person make_person(const face_track& track, std::size_t from, std::size_t to, std::size_t longest) {
  const std::size_t before = track.first - from, after = to - track.end();
  const std::size_t lead = before <= longest ? before : 0, trail = after <= longest ? after : 0;
  std::vector<std::optional<landmarks68>> all(lead + track.frames.size() + trail);
  face_person p;
  p.first = track.first - lead;
  const double n = static_cast<double>(track.seen());
  for (std::size_t t = 0; t < track.frames.size(); ++t)
    if (const auto& f = track.frames[t]) {
      all[lead + t] = f->points;
      p.box.left += f->box.left / n, p.box.top += f->box.top / n, p.box.score += f->box.score / n;
      p.box.width += f->box.width / n, p.box.height += f->box.height / n;
    }
  p.points = fill_gaps(all);
  for (std::size_t t = 0; t < all.size(); ++t) {
    p.seen.push_back(all[t].has_value());
    if (all[t]) continue;
    if (t == 0 || all[t - 1])
      p.gaps.push_back({p.first + t, 1});
    else
      ++p.gaps.back().count;
  }
  return p;
}

}  // namespace detail

// First pass. `each` is called after every frame and may throw to end it. Throws error where the film has no frame.
template <class Source, class Each>
film_faces track_faces(Source& source, face_finder& finder, const face_options& o, Each&& each) {
  steady_frames<Source> film(source);
  face_tracker tracker(finder, o.tracking);
  scene_cut is_cut;
  film_faces found;
  while (const grey_picture* picture = film.next()) {
    const bool cut = !film.repeated() && is_cut(*picture);
    if (cut) found.cuts.push_back(found.frames);
    tracker.take(*picture, cut, film.repeated());
    found.width = picture->width, found.height = picture->height;
    ++found.frames;
    each();
  }
  if (found.frames == 0) fail("holds no frame of a film");
  found.start = film.start();
  for (face_track& t : tracker.finish()) {
    if (t.seen() < o.least_frames) {
      found.passing.push_back(std::move(t));
      continue;
    }
    const auto next = std::upper_bound(found.cuts.begin(), found.cuts.end(), t.first);
    const std::size_t from = next == found.cuts.begin() ? 0 : *(next - 1), to = next == found.cuts.end() ? found.frames : *next;
    found.people.push_back(detail::make_person(t, from, to, o.tracking.longest_gap));
  }
  std::stable_sort(found.people.begin(), found.people.end(),
                   [](const face_person& a, const face_person& b) { return a.box.centre().x < b.box.centre().x; });
  return found;
}

// Second pass, over the same film from its beginning: take(person, frame of the person, crop uint8 [96][96]) for every frame of
// every person, in the film's order; `each` as above. Throws error where the film is not as long as before.
template <class Source, class Take, class Each>
void crop_mouths(Source& source, const film_faces& faces, mouth_procedure how, Take&& take, Each&& each) {
  std::vector<std::vector<mouth_view>> views;
  for (const face_person& p : faces.people) views.push_back(align_mouths(p.points, how));
  steady_frames<Source> film(source);
  std::vector<std::uint8_t> crop(crop_side * crop_side);
  std::size_t now = 0;
  for (; const grey_picture* picture = film.next(); ++now) {
    for (std::size_t i = 0; i < views.size(); ++i) {
      const std::size_t first = faces.people[i].first;
      if (now < first || now - first >= views[i].size()) continue;
      crop_mouth(*picture, views[i][now - first], crop);
      take(i, now - first, std::span<const std::uint8_t>(crop));
    }
    each();
  }
  if (now != faces.frames) fail("has ", now, " frames now, had ", faces.frames, "; it changed while it was read, try again");
}

}  // namespace avss
