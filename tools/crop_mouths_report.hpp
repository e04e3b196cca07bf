// What a run of //tools:crop_mouths tells of a film: a picture of the mouths it followed, and a file for programs.
#pragma once

#include <avss/video/mouth_tracks.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace avss::tools {

// A person's crops, uint8 [frames, 96, 96].
struct cropped_person {
  std::string id;  // the file's name without its ending
  std::vector<std::uint8_t> crops;
};

// PNG: a row for each person, `columns` mouths spread evenly over the frames; a red frame marks those that were made up of
// neighbours' landmarks.
std::string contact_sheet(const film_faces& faces, const std::vector<cropped_person>& people, std::size_t columns = 16);

struct film_report {
  std::filesystem::path video;
  mouth_procedure procedure = mouth_procedure::current;
  std::string landmark_model;
  double sound_start = 0;  // s on the file's clock; NaN: there is none, or it does not say
};

// One JSON object of a few lines. Frames count from 0 at 25 a second; frame k is shown video_start + k / 25 s.
std::string json_report(const film_report& about, const film_faces& faces, const std::vector<cropped_person>& people);

// "face 1: frames 3 to 74, 2 of them not seen (10 to 11)": one person in words.
std::string in_words(const face_person& person, std::size_t number);

}  // namespace avss::tools
