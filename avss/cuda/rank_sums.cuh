// Sums over workers whose devices are linked, in the order of the ranks.
#pragma once

#include <algorithm>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/passes.cuh>
#include <cstddef>
#include <span>
#include <type_traits>

namespace avss {

// Values cut into one block for each rank, of which the last ones may be shorter, or empty.
struct rank_blocks {
  std::size_t n, ranks;
  std::size_t each() const { return (n + ranks - 1) / ranks; }
  std::size_t begin(int rank) const { return std::min(static_cast<std::size_t>(rank) * each(), n); }
  std::size_t count(int rank) const { return begin(rank + 1) - begin(rank); }
};

namespace cuda_kernel {

// out[i] = the sum over ranks of parts[rank * pitch + i], in double.
template <class T>
struct sum_ranks_body {
  const T* parts;
  dim_t pitch;
  int ranks;
  T* out;
  AVSS_DEVICE void operator()(dim_t i) const {
    double sum = 0;
    for (int r = 0; r < ranks; ++r) sum += static_cast<double>(parts[r * pitch + i]);
    out[i] = static_cast<T>(sum);
  }
};

}  // namespace cuda_kernel

// All that is said of device_group::sum, over Links, which move arrays on the device, in the order of the backend's work:
//   gather(on, values, n, parts)       parts [ranks, n]: everyone's n values
//   exchange(on, values, blocks, parts)  parts [ranks, count]: everyone's values of this rank's block
//   spread(on, values, blocks)         each block of the values becomes what its rank has there
// Libraries' own sums are not used: their order depends on the links that they find, and on the number of values.
class rank_sums {
 public:
  static constexpr std::size_t few_values = 1 << 10, block_values = 1 << 20;

  // Up to `few` values everyone has all parts; more are cut, and everyone sums a block of up to `block` values for all.
  explicit rank_sums(std::size_t few = few_values, std::size_t block = block_values) : few_(few), block_(block) {}

  template <class T, class Links>
  void run(const cuda_backend& on, Links& links, int rank, int ranks, std::span<T> values) {
    if (values.empty()) return;
    const auto all = static_cast<std::size_t>(ranks);
    if (values.size() <= few_) {
      T* const parts = room<T>(on, values.size() * all);
      links.gather(on, values.data(), values.size(), parts);
      return add(on, parts, values.size(), ranks, values.data());
    }
    const std::size_t most = block_ * all;
    for (std::size_t at = 0; at < values.size(); at += most) {
      T* const some = values.data() + at;
      const rank_blocks blocks{std::min(most, values.size() - at), all};
      const std::size_t own = blocks.count(rank);
      T* const parts = room<T>(on, blocks.each() * all);
      links.exchange(on, static_cast<const T*>(some), blocks, parts);
      add(on, parts, own, ranks, some + blocks.begin(rank));
      links.spread(on, some, blocks);
    }
  }

 private:
  template <class T>
  static void add(const cuda_backend& on, const T* parts, std::size_t n, int ranks, T* out) {
    cuda_kernel::pass_values(on, "sum over workers", 0, static_cast<dim_t>(n),
                             cuda_kernel::sum_ranks_body<T>{parts, static_cast<dim_t>(n), ranks, out});
  }

  // Grows to the largest sum met.
  template <class T>
  T* room(const cuda_backend& on, std::size_t n) {
    device_buffer<T>& b = [this]() -> device_buffer<T>& {
      if constexpr (std::is_same_v<T, float>)
        return floats_;
      else
        return doubles_;
    }();
    if (b.size() < n) {
#if defined(__CUDACC__)
      on.wait();  // as giving memory back does, without noticing the failure of another worker
#else
      (void)on;
#endif
      b = device_buffer<T>();
      b = device_buffer<T>(n, "sums over workers");
    }
    return b.data();
  }

  std::size_t few_, block_;
  device_buffer<float> floats_;
  device_buffer<double> doubles_;
};

}  // namespace avss
