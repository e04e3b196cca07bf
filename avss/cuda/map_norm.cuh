// Normalisation of maps with what stands before and after it, on the device.
#pragma once

#include <avss/cuda/channel_moments.cuh>
#include <avss/cuda/map_norm_sums.cuh>

namespace avss {
namespace cuda_kernel {

// Means of gamma dv and of gamma dv h: shared [stats, 2].
struct finish_map_close {
  const float* gamma;  // null: it is in the sums
  double count;
  double* shared;
  AVSS_DEVICE double weight(dim_t channel) const { return gamma ? gamma[channel] : 1.f; }
  AVSS_DEVICE void operator()(dim_t s, const double (&sum)[2]) const {
    shared[s * 2] = sum[0] / count;
    shared[s * 2 + 1] = sum[1] / count;
  }
};

struct map_norm_body {
  static constexpr int sums = 0;
  normed_map f;
  const float* x;
  const float* plus;
  float* y;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const float v = f(at, x[at.i]);
    y[at.i] = plus ? v + plus[at.i] : v;
  }
};

// dx. Sum: the slope's gradient of pre.
struct map_back_body {
  static constexpr int sums = 1;
  normed_map f;
  const float* x;
  const float* dy;
  const double* shared;  // [stats, 2]; null: mean and rstd are constants
  float* dx;
  bool accumulate;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[1]) const {
    double unused = 0;
    const float v = x[at.i];
    float da = f.back(at, v, dy[at.i], unused);
    if (f.f.over != norm_over::none) {
      const dim_t s = f.stat(at);
      const double mean = shared ? shared[s * 2] + f.centred(at, v) * shared[s * 2 + 1] : 0;
      da = static_cast<float>(f.f.rstd[s] * (static_cast<double>(f.f.gamma[f.gain(at)]) * da - mean));
    }
    const float d = unbent(f.f.pre, v, da, sum[0]);
    dx[at.i] = accumulate ? dx[at.i] + d : d;
  }
};

// Frames of which a thread makes the sums for a gain [C, F].
inline constexpr dim_t gain_frames = 16;

// partial [B, groups of frames, C, F, 2]: sums of dv and of dv h.
struct frame_gains {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  map_close_body<false, 2> body;
  double* partial;
  static dim_t blocks(const op::map_size& n) {
    return n.batch * blocks_for(n.frames, gain_frames) * blocks_for(n.channels * n.bins, threads);
  }
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const op::map_size& n = body.f.n;
    const dim_t values = n.channels * n.bins, tiles = blocks_for(values, threads);
    const dim_t i = t.block() % tiles * threads + t.index(), group = t.block() / tiles;
    if (i >= values) return;
    const dim_t groups = blocks_for(n.frames, gain_frames), b = group / groups, first = group % groups * gain_frames;
    const dim_t c = i / n.bins, f = i % n.bins;
    double sum[2] = {0, 0};
    for (dim_t frame = first; frame < first + gain_frames && frame < n.frames; ++frame) {
      const dim_t at = frame * n.bins + f;
      body(place{b, c, at, (b * n.channels + c) * n.plane() + at}, sum);
    }
    for (int k = 0; k < 2; ++k) partial[(group * values + i) * 2 + k] = sum[k];
  }
};

class map_gradient {
 public:
  map_gradient(carver& m, const op::map_norm_bwd<float>& o)
      : rows_(m.take<double>(o.n.batch * o.n.channels * row_pieces(o.n.plane()) * 3)),
        shared_(m.take<double>(stats_of(o.f.over, o.n) * 2)) {
    if (o.f.over == norm_over::none || over_rows(o.f.over)) return;
    places_ = m.take<double>(partial_doubles(o.f.over, o.n, 2));
    if (o.f.over == norm_over::frame)
      gains_ = m.take<double>(o.n.batch * blocks_for(o.n.frames, gain_frames) * o.n.channels * o.n.bins * 2);
  }
  void run(const cuda_backend& backend, const op::map_norm_bwd<float>& o) const {
    const op::map_size& n = o.n;
    const normed_map f{n, o.f};
    if (o.f.over != norm_over::none || o.f.post.form == curve::prelu) sums(backend, o, f);
    const bool moves = o.f.over != norm_over::none && !o.f.fixed;
    pass_rows(backend, "back through the norm of a map", n.batch, n.channels, n.plane(),
              map_back_body{f, o.x, o.dy, moves ? shared_ : nullptr, o.dx, o.accumulate}, rows_,
              endings_of(add_total(rows_, 1, 0, o.f.pre.form == curve::prelu ? o.g.dpre_slope : nullptr)));
  }

 private:
  void sums(const cuda_backend& backend, const op::map_norm_bwd<float>& o, const normed_map& f) const {
    const op::map_size& n = o.n;
    const norm_over over = o.f.over;
    const bool normed = over != norm_over::none, by_row = over_rows(over), of_frames = over == norm_over::frame;
    const bool shared = backend.group && over == norm_over::channel && !o.f.fixed;
    const double count =
        static_cast<double>(n.size() * (shared ? backend.workers() : 1)) / static_cast<double>(normed ? stats_of(over, n) : 1);
    const finish_map_close close{by_row ? o.f.gamma : nullptr, count, shared_};
    pass_rows(backend, "gradient sums of maps", n.batch, n.channels, n.plane(), map_close_body<false, 3>{f, o.x, o.dy}, rows_,
              endings_of(ending{rows_of::channel, add_sums<3>{rows_, {o.g.dbeta, o.g.dgamma, nullptr}}, normed && !of_frames},
                         ending{rows_in(over), make_of_sums<finish_map_close, 3>{rows_, close}, by_row && !o.f.fixed},
                         add_total(rows_, 3, 2, o.f.post.form == curve::prelu ? o.g.dpost_slope : nullptr)));
    if (of_frames) {
      launch(backend, "gradients of gain and offset", frame_gains{{f, o.x, o.dy}, gains_}, frame_gains::blocks(n));
      // As if every (c, f) were a channel of one row, in pieces of frames.
      const dim_t values = n.channels * n.bins, groups = n.batch * blocks_for(n.frames, gain_frames);
      add_to_channels(backend, "gradients of gain and offset, joined",
                      add_channel_sums<2>{groups, values, 1, gains_, {o.g.dbeta, o.g.dgamma}});
    }
    if (!normed || o.f.fixed) return;
    if (!by_row) {
      pass_places(backend, "gradient sums of places", over, n, map_close_body<true, 2>{f, o.x, o.dy}, places_);
      join(backend, "gradient sums of a norm", parts_of(over, n, places_), close);
    }
    if (shared) sum_over_workers(backend, shared_, stats_of(over, n) * 2);
  }

  double *rows_, *shared_, *places_ = nullptr, *gains_ = nullptr;
};

struct running_to_moments_kernel {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  op::running_to_moments<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t c = t.block() * threads + t.index();
    if (c >= o.channels) return;
    o.mean[c] = o.running_mean[c];
    o.rstd[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(o.running_var[c]) + o.eps));
  }
};

struct update_running_kernel {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  op::update_running<float> o;
  dim_t n;  // values of all workers
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t c = t.block() * threads + t.index();
    if (c == 0) *o.batches += 1;
    if (c >= o.channels) return;
    const double unbiased = n > 1 ? static_cast<double>(n) / static_cast<double>(n - 1) : 1;
    const double r = o.rstd[c], var = (1 / (r * r) - o.eps) * unbiased;
    o.running_mean[c] = static_cast<float>((1 - o.momentum) * o.running_mean[c] + o.momentum * o.mean[c]);
    o.running_var[c] = static_cast<float>((1 - o.momentum) * o.running_var[c] + o.momentum * var);
  }
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend& backend, const op::map_moments<float>& o) {
  using namespace cuda_kernel;
  if (o.f.over == norm_over::channel) return layout_bytes([&](carver& m) { channel_moments(backend, m, o.n); });
  return layout_bytes([&](carver& m) { m.take<double>(partial_doubles(o.f.over, o.n, 2)); });
}

inline void execute(cuda_backend& backend, const op::map_moments<float>& o, void* scratch) {
  using namespace cuda_kernel;
  const norm_over over = o.f.over;
  if (over == norm_over::none || o.f.fixed) return;
  const map_moment_body body{o.f.pre, o.x};
  const op::map_size& n = o.n;
  if (over == norm_over::channel) {
    carver memory(scratch);
    return channel_moments(backend, memory, n).find(backend, "moments of maps", n, o.f, body);
  }
  double* const partial = static_cast<double*>(scratch);
  const finish_map_moments moments{o.f, static_cast<double>(n.size()) / static_cast<double>(stats_of(over, n))};
  if (over == norm_over::item)
    return pass_rows(backend, "moments of maps", n.batch, n.channels, n.plane(), body, partial,
                     endings_of(ending{rows_of::item, make_of_sums{partial, moments}}));
  pass_places(backend, "moments of places", over, n, body, partial);
  join(backend, "moments of a norm", parts_of(over, n, partial), moments);
}

inline void execute(cuda_backend& backend, const op::map_norm_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "norm of a map", o.n.batch, o.n.channels, o.n.plane(),
                         cuda_kernel::map_norm_body{{o.n, o.f}, o.x, o.plus, o.y});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::map_norm_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::map_gradient(m, o); });
}

inline void execute(cuda_backend& backend, const op::map_norm_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  cuda_kernel::map_gradient(memory, o).run(backend, o);
}

inline void execute(cuda_backend& backend, const op::running_to_moments<float>& o, void*) {
  using kernel = cuda_kernel::running_to_moments_kernel;
  cuda_kernel::launch(backend, "moments of running statistics", kernel{o},
                      cuda_kernel::blocks_for(o.channels, kernel::threads));
}

inline void execute(cuda_backend& backend, const op::update_running<float>& o, void*) {
  using kernel = cuda_kernel::update_running_kernel;
  cuda_kernel::launch(backend, "running statistics", kernel{o, o.n * backend.workers()},
                      cuda_kernel::blocks_for(o.channels, kernel::threads));
}

}  // namespace avss
