// A film of people who talk at once to a voice for each of them, without the command line around it.
#pragma once

#include <avss/data/mouth_clip.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/model/av_separator.hpp>
#include <avss/video/face_finder.hpp>
#include <avss/video/mouth_align.hpp>
#include <avss/video/mouth_tracks.hpp>
#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "tools/infer_options.hpp"
#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

struct separate_options {
  std::filesystem::path video;                // the film; may be empty where mouths and audio are given
  std::filesystem::path audio;                // empty: the film's own sound; it begins with the picture
  std::vector<std::filesystem::path> mouths;  // crops of the faces from the beginning on; empty: found in the film
  std::string mouth_key = "data";             // of npz archives
  std::filesystem::path out;                  // a folder
  std::size_t faces = 0;                      // how many there must be, 0: any number
  avss::face_options finding;
  mouth_procedure procedure = mouth_procedure::current;
  lip_preprocessing preprocessing = lip_preprocessing::lrw;
  bool batch_statistics = false;
  infer_options separation;  // window, level, channels, protect
  bool terminal = false;     // err is one
};

// Writes OUT/face1.wav, face2.wav, ..., from left to right: each person's voice from the picture's first frame to its last,
// silent while the face is not seen; with a film, face1.mp4 (or mkv), ...: the film with that voice, its picture copied; mixture.wav, the
// sound as the network heard it; faces.png, the mouths as they were followed; and index.html, which shows all of it. They
// appear together. Lines to `out`: the faces, what was lost, the time of each stage.
//
// finder may be null where mouths are given. Memory is bounded by the faces' features, 51 KB a second each (see also
// mouth_embedder.hpp). Returns 0, or 130 when stopped by SIGINT or SIGTERM, with nothing written. Throws avss::error.
int run_separate(const separate_options& options, av_separator& network, lip_embedder& encoder, face_finder* finder,
                 std::ostream& out, std::ostream& err);

}  // namespace avss::tools
