// Landmarks of frames in which the face was not found.
#pragma once

#include <avss/core/error.hpp>
#include <avss/video/picture.hpp>
#include <cstddef>
#include <optional>
#include <vector>

namespace avss {

// Gaps between two frames are filled linearly; frames before the first one that has landmarks and after the last one get
// theirs. Throws error where no frame has any.
inline std::vector<landmarks68> fill_gaps(const std::vector<std::optional<landmarks68>>& seen) {
  const std::size_t n = seen.size();
  std::vector<landmarks68> all(n);
  std::size_t before = n;  // the last frame so far that has landmarks
  for (std::size_t t = 0; t < n; ++t) {
    if (!seen[t]) continue;
    all[t] = *seen[t];
    for (std::size_t u = before == n ? 0 : before + 1; u < t; ++u) {
      if (before == n) {
        all[u] = *seen[t];
        continue;
      }
      const double w = static_cast<double>(u - before) / static_cast<double>(t - before);
      for (std::size_t i = 0; i < 68; ++i) {
        const point a = (*seen[before])[i], b = (*seen[t])[i];
        all[u][i] = {a.x + w * (b.x - a.x), a.y + w * (b.y - a.y)};
      }
    }
    before = t;
  }
  if (before == n) fail("no landmarks in any of ", n, " frames");
  for (std::size_t t = before + 1; t < n; ++t) all[t] = *seen[before];
  return all;
}

}  // namespace avss
