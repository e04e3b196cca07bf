// Between maps and sequences of vectors on the device: tiles of 32 places and 32 channels are turned in shared memory, so that
// both sides are read and written along their memory.
#pragma once

#include <avss/cuda/map_norm_sums.cuh>
#include <avss/op/sequence.hpp>

namespace avss {
namespace cuda_kernel {

inline constexpr int walk_tile = 32;

// Step and place in the sequences of a place in a plane.
struct walked {
  dim_t step, first;  // index of the vector's first channel
};
AVSS_DEVICE inline walked walk_to(const op::walk& w, dim_t b, dim_t in_plane) {
  const dim_t t = in_plane / w.n.bins, f = in_plane % w.n.bins;
  const dim_t step = w.along_bins ? f : t, row = w.along_bins ? b * w.n.frames + t : b * w.n.bins + f;
  return {step, (step * w.rows() + row) * w.n.channels};
}

// Side::in(place of the map, place in the sequences) is read, Side::out written; to_map says which of them goes along the map.
template <class Side>
struct walk_tiles {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  op::walk w;
  Side side;

  static dim_t blocks(const op::walk& w) {
    return w.n.batch * blocks_for(w.n.channels, walk_tile) * blocks_for(w.n.plane(), walk_tile);
  }
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    constexpr int lines = threads / walk_tile, pitch = walk_tile + 1;  // no two lines in one bank
    const dim_t across = blocks_for(w.n.plane(), walk_tile), down = blocks_for(w.n.channels, walk_tile);
    const dim_t p0 = t.block() % across * walk_tile, c0 = t.block() / across % down * walk_tile, b = t.block() / across / down;
    float* const tile = t.shared<float>();  // [channel, place]
    const int lane = t.index() % walk_tile;
    for (int line = t.index() / walk_tile; line < walk_tile; line += lines) {
      const int c = Side::to_map ? lane : line, p = Side::to_map ? line : lane;
      if (c0 + c < w.n.channels && p0 + p < w.n.plane()) tile[c * pitch + p] = side.in(at(b, c0 + c, p0 + p), w);
    }
    t.sync();
    for (int line = t.index() / walk_tile; line < walk_tile; line += lines) {
      const int c = Side::to_map ? line : lane, p = Side::to_map ? lane : line;
      if (c0 + c < w.n.channels && p0 + p < w.n.plane()) side.out(at(b, c0 + c, p0 + p), w, tile[c * pitch + p]);
    }
  }

 private:
  AVSS_DEVICE place at(dim_t b, dim_t c, dim_t p) const { return {b, c, p, (b * w.n.channels + c) * w.n.plane() + p}; }
};

struct map_to_sequences {
  static constexpr bool to_map = false;
  normed_map f;
  const float* x;
  const float* table;
  float* y;
  AVSS_DEVICE float in(const place& at, const op::walk&) const { return f(at, x[at.i]); }
  AVSS_DEVICE void out(const place& at, const op::walk& w, float v) const {
    const walked to = walk_to(w, at.b, at.t);
    y[to.first + at.c] = table ? v + table[to.step * w.n.channels + at.c] : v;
  }
};

struct sequences_to_map {
  static constexpr bool to_map = true;
  const float* x;
  const float* plus;
  float* y;
  AVSS_DEVICE float in(const place& at, const op::walk& w) const { return x[walk_to(w, at.b, at.t).first + at.c]; }
  AVSS_DEVICE void out(const place& at, const op::walk&, float v) const { y[at.i] = plus ? plus[at.i] + v : v; }
};

template <class Side>
void turn_tiles(const cuda_backend& backend, const char* name, const op::walk& w, const Side& side) {
  using kernel = walk_tiles<Side>;
  launch(backend, name, kernel{w, side}, kernel::blocks(w), walk_tile * (walk_tile + 1) * sizeof(float));
}

struct position_body {
  static constexpr int sums = 0;
  op::position_table<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    o.y[at.i] = static_cast<float>(position_value(at.c, at.t, o.channels));
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::to_sequences<float>& o, void*) {
  cuda_kernel::turn_tiles(backend, "a map to sequences", o.w, cuda_kernel::map_to_sequences{{o.w.n, o.f}, o.x, o.table, o.y});
}

inline void execute(cuda_backend& backend, const op::from_sequences<float>& o, void*) {
  cuda_kernel::turn_tiles(backend, "sequences to a map", o.w, cuda_kernel::sequences_to_map{o.x, o.plus, o.y});
}

inline void execute(cuda_backend& backend, const op::position_table<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "table of positions", 1, o.frames, o.channels, cuda_kernel::position_body{o});
}

}  // namespace avss
