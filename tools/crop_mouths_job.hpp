// Films to crops of the mouths in them.
#pragma once

#include <avss/video/face_finder.hpp>
#include <avss/video/mouth_tracks.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "tools/crop_mouths_report.hpp"

namespace avss::tools {

struct crop_options {
  std::vector<std::filesystem::path> videos;
  std::filesystem::path out;
  face_options faces;
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

struct film_mouths {
  film_faces faces;
  std::vector<cropped_person> people;  // as faces.people
  double sound_start = 0;              // s on the file's clock; NaN: there is none, or it does not say
  crop_times times;
};

// Both passes over one film; the crops of all its people are in memory. `each` is called after every frame of a pass, with
// the frames that are done of those that are to be done as far as the header tells (0: it does not); it may throw to end it.
// Throws avss::error, one line that starts with the path, for what is no film, a single picture, a damaged or truncated file, a
// film without faces, too short, or with another number of people than expected.
using frame_step = std::function<void(std::size_t done, std::size_t expected)>;
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
