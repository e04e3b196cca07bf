// The processes, or threads, that train one network together.
#pragma once

#include <cstddef>
#include <span>

namespace avss {

// Every member calls the same functions in the same order; each call waits for all. The base class is a group of one.
// Sums are made in the order of the ranks, so that they are bit-equal on all members and in every run of as many. Where a
// member has failed, calls throw error or end the process: they do not wait for ever.
class worker_group {
 public:
  virtual ~worker_group() = default;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  bool first() const { return rank() == 0; }

  // Each value becomes the sum of all members' values at its place; the spans must be of one size.
  virtual void sum(std::span<float>) {}
  virtual void sum(std::span<double>) {}
  virtual void barrier() {}

  double sum_of(double value) {
    sum(std::span<double>(&value, 1));
    return value;
  }
  // Whether the flag is set on any member.
  bool any(bool flag) { return size() > 1 ? sum_of(flag ? 1 : 0) > 0 : flag; }
};

namespace detail {

// out[i] = the sum over ranks of parts[rank * pitch + i], in double, in the order of the ranks. `out` may be one of the parts.
template <class T>
void sum_ranks(const T* parts, std::size_t pitch, int ranks, std::span<T> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (int r = 0; r < ranks; ++r) sum += static_cast<double>(parts[static_cast<std::size_t>(r) * pitch + i]);
    out[i] = static_cast<T>(sum);
  }
}

}  // namespace detail
}  // namespace avss
