// Films to crops of the mouths in them.
#pragma once

#include <avss/video/face_finder.hpp>
#include <avss/video/mouth_tracks.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/crop_mouths_report.hpp"

namespace avss::tools {

struct crop_options {
  std::vector<std::filesystem::path> videos;
  std::filesystem::path out;
  finding_options faces;
  std::optional<std::size_t> expected;  // people in each film
  mouth_procedure procedure = mouth_procedure::current;
  std::string landmark_model;
  bool landmarks = false;  // written, too
  bool overwrite = false;
  bool terminal = false;  // err is one
};

// Seconds that the parts of the work took.
struct crop_times {
  double decoding = 0, finding = 0, landmarks = 0, cropping = 0;
};

struct found_people {
  film_faces faces;
  double sound_start = 0;  // s on the file's clock; NaN: there is none, or it does not say
  crop_times times;
  std::size_t damaged = 0;  // frames of the film that could not be decoded whole
};

// Called after every frame of a pass, with the frames that are done of those that are to be done in both as far as the header
// tells (0: it does not); it may throw to end the pass.
using frame_step = std::function<void(std::size_t done, std::size_t expected)>;

// The first pass over a film. Throws avss::error, one line that starts with the path, for what is no film, a single picture, a
// damaged or truncated file, a film without faces, too short, or with another number of people than expected.
found_people find_people(const std::filesystem::path& video, face_finder& finder, const crop_options& options,
                         const frame_step& each = {});

// The second: every frame's crop of every person, uint8 [96, 96], in the film's order.
using crop_taker = std::function<void(std::size_t person, std::size_t frame, std::span<const std::uint8_t> crop)>;
void crop_people(const std::filesystem::path& video, found_people& found, mouth_procedure how, const crop_taker& take,
                 const frame_step& each = {});

// Both, with the crops of all people in memory.
struct film_mouths {
  found_people found;
  std::vector<cropped_person> people;  // as found.faces.people
};
film_mouths crop_film(const std::filesystem::path& video, face_finder& finder, const crop_options& options,
                      const frame_step& each = {});

// Writes, for each film, OUT/mouths/ID.npz (`data`, uint8 [frames, 96, 96]; ID is the film's name without its ending, with
// several people ID_1, ID_2 and so on from left to right), if asked for OUT/landmarks/ID.npz (`data`, float32 [frames, 68, 2];
// `seen`, uint8 [frames]; `centres`, float32 [frames, 2]: of the crops, in pixels of the film), OUT/sheets/ID.png and
// OUT/reports/ID.json, all of them or none. Films that have a report are left out. Returns 0; 1 where a film failed, with its
// line on `err`; 130 if it was interrupted.
int run_crop_mouths(const crop_options& options, face_finder& finder, std::ostream& out, std::ostream& err);

// The films of a folder by their endings, sorted, and `skipped` others; a file itself. Throws avss::error where there are none.
std::vector<std::filesystem::path> list_films(const std::filesystem::path& path, std::size_t& skipped);

}  // namespace avss::tools
