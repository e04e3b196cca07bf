// Which stretches of the flat buffers an optimiser changes.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <avss/op/optim.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace avss {

// The trained parameters of a network whose buffers hold `extent` values; neighbours are merged over their padding. What
// is not trained is left out: as PyTorch does with parameters that have no gradient, an optimiser neither decays nor
// changes it and keeps no state of it.
inline std::vector<flat_range> trained_ranges(const std::vector<param_info>& params) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> order;  // offsets, and whose they are
  for (std::size_t i = 0; i < params.size(); ++i)
    if (!params[i].is_state) order.emplace_back(params[i].offset, i);
  std::sort(order.begin(), order.end());
  std::vector<flat_range> ranges;
  bool open = false;
  for (const auto& [offset, i] : order) {
    const param_info& p = params[i];
    if (p.trained) {
      if (!open) ranges.push_back({p.offset, 0});
      ranges.back().size = p.offset + p.size - ranges.back().offset;
    }
    open = p.trained;
  }
  return ranges;
}

template <class Net>
std::vector<flat_range> trained_ranges(const Net& net) {
  return trained_ranges(list_params(net));
}

namespace detail {

inline op::flat_ranges as_ranges(const std::vector<flat_range>& r) { return {r.data(), static_cast<int>(r.size())}; }

// The buffers that an optimiser is given must be those it was made for.
inline void check_extent(std::size_t found, std::size_t expected) {
  if (found != expected) fail("the optimiser was made for ", expected, " values and is given ", found);
}
inline void check_ranges(const std::vector<flat_range>& ranges, dim_t extent) {
  for (const flat_range& r : ranges)
    if (r.offset < 0 || r.size < 0 || r.offset + r.size > extent)
      fail("the values ", r.offset, " to ", r.offset + r.size, " are to be trained, but there are ", extent);
}

}  // namespace detail
}  // namespace avss
