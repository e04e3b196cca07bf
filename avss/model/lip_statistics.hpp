// Running statistics for an encoder that nobody trained, out of the clips that it is going to see.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace avss {

// What embed_and_note left of a clip.
template <class T>
struct noted_statistics {
  dim_t frames = 0;
  std::vector<T> state;
};

// Means and variances of BatchNorm over all clips together, each clip by its frames: the variance is that within the clips
// and between them. Laid out as the network's state, with the number of clips as batches. The sums are made in the clips'
// order.
template <class Net, class T>
std::vector<T> pool_statistics(const Net& net, std::span<const noted_statistics<T>> clips) {
  if (clips.empty()) fail("statistics of no clip at all");
  double frames = 0;
  for (const auto& c : clips) frames += static_cast<double>(c.frames);
  std::vector<double> mean(clips[0].state.size());
  for (const auto& c : clips)
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += static_cast<double>(c.frames) / frames * static_cast<double>(c.state.at(i));
  std::vector<T> pooled(mean.begin(), mean.end());
  const std::vector<param_info> list = list_params(net);
  for (std::size_t k = 0; k < list.size(); ++k) {
    const param_info& p = list[k];
    if (p.name.ends_with("num_batches_tracked")) pooled[static_cast<std::size_t>(p.offset)] = static_cast<T>(clips.size());
    if (!p.name.ends_with("running_var")) continue;
    const std::size_t means = static_cast<std::size_t>(list[k - 1].offset);  // running_mean stands before it
    for (std::size_t i = 0; i < static_cast<std::size_t>(p.size); ++i) {
      double between = 0;
      for (const auto& c : clips) {
        const double d = static_cast<double>(c.state[means + i]) - mean[means + i];
        between += static_cast<double>(c.frames) / frames * d * d;
      }
      pooled[static_cast<std::size_t>(p.offset) + i] = static_cast<T>(mean[static_cast<std::size_t>(p.offset) + i] + between);
    }
  }
  return pooled;
}

}  // namespace avss
