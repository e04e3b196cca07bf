// Mixtures of a data set that have been looked into: how long they are, and where their faces are.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace avss {

struct mixture_entry {
  mixture_item files;
  dim_t length = 0;                          // samples at the data set's rate
  std::vector<std::filesystem::path> faces;  // one for each source, or none
};

namespace detail {

// body(0), body(1), ..., by several threads; then fails with the first of them that did.
template <class Body>
void each_without_error(int threads, std::size_t count, Body&& body) {
  std::vector<std::string> why(count);
  parallel_for(threads, static_cast<dim_t>(count), [&](dim_t i, int) {
    try {
      body(static_cast<std::size_t>(i));
    } catch (const std::exception& e) {
      why[static_cast<std::size_t>(i)] = e.what();
    }
  });
  for (const std::string& w : why)
    if (!w.empty()) fail(w);
}

}  // namespace detail

// Throws error for files that cannot be opened, and for sources that do not go with their mixture.
inline std::vector<mixture_entry> measure_mixtures(const std::vector<mixture_item>& items, int rate, int threads) {
  std::vector<mixture_entry> entries(items.size());
  detail::each_without_error(threads, items.size(), [&](std::size_t i) {
    const audio_info info = check_item(items[i]);
    entries[i] = {items[i], resampled_length(info.frames, info.rate, rate), {}};
  });
  return entries;
}

// Where the faces of the mixtures are. Each file is read once: a face may be seen in many mixtures. Throws error for faces that
// are missing, or of another length than their mixture.
inline void find_faces(const face_source& faces, std::vector<mixture_entry>& entries, std::size_t sources, int threads) {
  std::map<std::filesystem::path, dim_t> frames;
  std::string missing;
  std::size_t more = 0;
  for (mixture_entry& e : entries) {
    try {
      e.faces = faces.find(e.files.name, sources);
    } catch (const error& wrong) {
      if (missing.empty())
        missing = wrong.what();
      else
        ++more;
    }
    for (const std::filesystem::path& f : e.faces) frames[f] = 0;
  }
  if (more > 0)
    missing += "; faces of " + std::to_string(more) + (more == 1 ? " more mixture" : " more mixtures") + " are missing";
  if (!missing.empty()) fail(missing);
  std::vector<std::pair<const std::filesystem::path, dim_t>*> files;
  for (auto& f : frames) files.push_back(&f);
  detail::each_without_error(threads, files.size(),
                             [&](std::size_t i) { files[i]->second = faces.frames_in(files[i]->first); });
  for (const mixture_entry& e : entries)
    for (const std::filesystem::path& f : e.faces) faces.check(f, frames.at(f), e.length, e.files.mixture);
}

}  // namespace avss
