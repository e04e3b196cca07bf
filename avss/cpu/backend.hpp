// The CPU backend: oneDNN for matrix products, vectorised kernels of our own for the rest. Element type float.
#pragma once

#include <algorithm>
#include <avss/core/carver.hpp>
#include <avss/core/parallel.hpp>
#include <avss/cpu/gemm.hpp>
#include <avss/dist/worker_group.hpp>

namespace avss {

// Results are bit-equal for any number of threads: work is cut into pieces by shape alone, every matrix product is made by
// one thread, and sums over pieces are made in the order of the pieces.
struct cpu {
  using value_type = float;

  cpu() : cpu(0) {}
  // 0: all that the process may use.
  explicit cpu(int n, worker_group* g = nullptr) : threads(n > 0 ? n : available_threads()), group(g) {}

  // The place of `draws` random draws of this worker's items among those of the whole batch.
  dim_t first_draw(dim_t draws) const { return group ? group->rank() * draws : 0; }
  dim_t workers() const { return group ? group->size() : 1; }

  int threads;
  // Those that share a batch, each with as many items, in the order of their ranks; null: the batch is this one's alone.
  worker_group* group = nullptr;
};

namespace tiled {

// Frames are worked on in tiles: [512, tile] floats stay in the second-level cache between the steps made on them.
inline constexpr dim_t tile = 256;

inline dim_t count(dim_t frames) { return (frames + tile - 1) / tile; }

// Gradients of weights are summed in this many groups of tiles, by shape alone.
inline dim_t groups(dim_t batch, dim_t frames) {
  const dim_t tiles = batch * count(frames);
  return tiles == 0 ? 0 : std::clamp<dim_t>(tiles / 2, 1, 32);
}

struct piece {
  dim_t item, first, size;  // frames [first, first + size) of one item of the batch
};
inline piece at(dim_t index, dim_t frames) {
  const dim_t n = count(frames), first = index % n * tile;
  return {index / n, first, std::min(tile, frames - first)};
}

}  // namespace tiled

// body(i, worker) for i in [0, n) on the backend's threads.
template <class Body>
void for_pieces(const cpu& backend, dim_t n, Body&& body) {
  [[maybe_unused]] const serial_gemm guard;
  parallel_for(backend.threads, n, body);
}

namespace cpu_kernel {
using avss::layout_bytes;
}  // namespace cpu_kernel
}  // namespace avss
