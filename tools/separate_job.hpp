// A film of people who talk at once to a voice for each of them, without the command line around it.
#pragma once

#include <avss/model/av_separator.hpp>
#include <avss/video/face_finder.hpp>
#include <filesystem>
#include <ostream>
#include <vector>

#include "tools/crop_mouths_job.hpp"
#include "tools/embed_job.hpp"
#include "tools/infer_options.hpp"
#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

struct separate_options {
  std::filesystem::path video;                // the film; may be empty where mouths and audio are given
  std::filesystem::path audio;                // empty: the film's own sound; it begins with the picture
  std::vector<std::filesystem::path> mouths;  // crops of the faces from the beginning on; empty: found in the film
  std::filesystem::path out;                  // a folder
  crop_options finding;                       // its films and folder are not looked at
  embed_options embedding;                    // key, preprocessing and statistics are
  infer_options separation;                   // window, level, channels and protect are
  bool terminal = false;                      // err is one
};

// Writes OUT/face1.wav, face2.wav, ... from left to right: each person's voice from the picture's first frame to its last,
// silent while the face is not seen; with a film, face1.mp4 (or mkv), ...: the film with that voice, its picture copied;
// mixture.wav, the sound as the network was given it; faces.png, mouths as they were followed; index.html, which shows all of
// it. They appear together; files of these names are replaced, others of an earlier run stay and are told. Lines to `out`: the
// faces, what was lost, the time of each stage.
//
// The encoder is prepared; finder may be null where mouths are given. Memory is bounded by the faces' features, 51 KB a second
// each (but see mouth_embedder.hpp). Returns 0, or 130 when stopped by SIGINT or SIGTERM, with nothing written. Throws
// avss::error.
int run_separate(const separate_options& options, av_separator& network, lip_embedder& encoder, face_finder* finder,
                 std::ostream& out, std::ostream& err);

}  // namespace avss::tools
