// Depthwise convolution along time on the device: a block walks along one row, what its filter reaches in a ring of shared
// memory, so that every value is read once and may be overwritten as soon as it has been read.
#pragma once

#include <avss/cuda/act_norm.cuh>
#include <avss/op/depthwise.hpp>

namespace avss {
namespace cuda_kernel {

inline constexpr int depthwise_threads = 256;
inline constexpr dim_t max_depthwise_kernel = 8;  // taps whose gradients a thread keeps in registers
inline constexpr dim_t max_ring = 8192;           // values: half of what every device gives a block

// Values that the ring holds: what one step of the block makes and the filter's reach, as a power of two.
constexpr dim_t ring_size(dim_t kernel, dim_t dilation) {
  dim_t n = 1;
  while (n < (kernel - 1) * dilation + depthwise_threads) n *= 2;
  return n;
}

inline void check_depthwise(dim_t kernel, dim_t dilation) {
  if (kernel > max_depthwise_kernel || ring_size(kernel, dilation) > max_ring)
    fail("a depthwise convolution along time of ", kernel, " taps with dilation ", dilation,
         " is asked for; the device takes at most ", max_depthwise_kernel, " taps that reach over ",
         max_ring - depthwise_threads, " frames");
}

// Bytes of shared memory: the ring, then the sums of a block.
template <class K, int N>
std::size_t depthwise_shared(dim_t kernel, dim_t dilation) {
  return static_cast<std::size_t>(ring_size(kernel, dilation)) * sizeof(float) + simt::sum_doubles<K, N> * sizeof(double);
}

template <class Endings>
struct depthwise_forward {
  static constexpr int threads = depthwise_threads;
  static constexpr bool cooperates = true;
  op::depthwise_fwd<float> o;
  double* partial;  // [B, C, 2] sums of a(y) and a(y)^2, or null
  Endings last;
  unsigned* counters;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block(), size = ring_size(o.kernel, o.dilation), mask = size - 1, frames = o.frames;
    const place at{row / o.channels, row % o.channels, 0, 0};
    float* const ring = t.shared<float>();
    const float* const weight = o.weight + at.c * o.kernel;
    const float bias = o.bias ? o.bias[at.c] : 0.f;
    const dim_t ahead = (o.kernel - 1) * o.dilation - o.left;  // what the last tap sees before its time
    double sum[2] = {0, 0};
    dim_t loaded = -o.left;
    for (dim_t first = 0; first < frames; first += threads) {
      for (; loaded < first + threads + ahead; loaded += threads) {
        const dim_t in = loaded + t.index();
        const bool inside = in >= 0 && in < frames;
        if (in < first + threads + ahead)
          ring[in & mask] = inside ? apply(o.f, place{at.b, at.c, in, 0}, frames, o.x[row * frames + in]) : 0.f;
      }
      loaded = first + threads + ahead;
      t.sync();
      const dim_t now = first + t.index();
      if (now < frames) {
        float y = bias;
        for (dim_t k = 0; k < o.kernel; ++k) y += weight[k] * ring[(now + k * o.dilation - o.left) & mask];
        o.y[row * frames + now] = y;
        const double a = activate(o.next.slope, y);
        sum[0] += a;
        sum[1] += a * a;
      }
      t.sync();
    }
    if (!partial) return;
    double* const shared = reinterpret_cast<double*>(ring + size);
    simt::block_sum(t, sum, shared);
    if (t.index() == 0)
      for (int k = 0; k < 2; ++k) partial[row * 2 + k] = sum[k];
    last.end_block(t, {t.blocks() / o.channels, o.channels, 1}, row, counters, shared);
  }
};

// Sums of a row, in this order: the taps' gradients, the bias's, the output slope's; apart, df and df h of the input's norm.
inline constexpr int depthwise_sums = static_cast<int>(max_depthwise_kernel) + 2;

template <class Endings>
struct depthwise_backward {
  static constexpr int threads = depthwise_threads;
  static constexpr bool cooperates = true;
  op::depthwise_bwd<float> o;
  double* partial;  // [B, C, depthwise_sums]
  double* close;    // [B, C, 2], or null: the input has no norm
  Endings last;
  unsigned* counters;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    constexpr int taps = static_cast<int>(max_depthwise_kernel);
    const dim_t row = t.block(), size = ring_size(o.kernel, o.dilation), mask = size - 1, frames = o.frames;
    const dim_t b = row / o.channels, c = row % o.channels;
    float* const ring = t.shared<float>();
    double* const shared = reinterpret_cast<double*>(ring + size);
    const float* const weight = o.weight + c * o.kernel;
    double sum[depthwise_sums] = {}, norm[2] = {0, 0};
    dim_t loaded = o.left - (o.kernel - 1) * o.dilation;
    for (dim_t first = 0; first < frames; first += threads) {
      for (; loaded < first + threads + o.left; loaded += threads) {
        const dim_t in = loaded + t.index();
        if (in >= first + threads + o.left) continue;
        float dy = 0;
        if (in >= 0 && in < frames) {
          dy = go_back(o.output, place{b, c, in, row * frames + in}, frames, sum[taps + 1]);
          sum[taps] += dy;
        }
        ring[in & mask] = dy;
      }
      loaded = first + threads + o.left;
      t.sync();
      const dim_t now = first + t.index();
      if (now < frames) {
        const place at{b, c, now, row * frames + now};
        const float x = o.input.x[at.i], fx = apply(o.input.f, at, frames, x);
        float df = 0;
        AVSS_UNROLL
        for (int k = 0; k < taps; ++k)
          if (k < o.kernel) {
            const float dy = ring[(now + o.left - k * o.dilation) & mask];
            df += weight[k] * dy;
            sum[k] += static_cast<double>(fx) * dy;
          }
        o.input.df[at.i] = df;
        if (close) {
          const dim_t s = stat_index(o.input.f, at, frames);
          const float h = (activate(o.input.f.slope, x) - o.input.f.mean[s]) * o.input.f.rstd[s];
          norm[0] += df;
          norm[1] += static_cast<double>(df) * h;
        }
      }
      t.sync();
    }
    simt::block_sum(t, sum, shared);
    if (t.index() == 0)
      for (int k = 0; k < depthwise_sums; ++k) partial[row * depthwise_sums + k] = sum[k];
    if (close) {
      simt::block_sum(t, norm, shared);
      if (t.index() == 0)
        for (int k = 0; k < 2; ++k) close[row * 2 + k] = norm[k];
    }
    last.end_block(t, {t.blocks() / o.channels, o.channels, 1}, row, counters, shared);
  }
};

// dweight[c, k] += sum over b of partial[b, c, k]; likewise dbias.
struct depthwise_add {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  dim_t batch, channels, kernel;
  const double* partial;
  float *dweight, *dbias;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t i = t.block() * threads + t.index(), c = i / (kernel + 1), k = i % (kernel + 1);
    if (c >= channels || (k == kernel && !dbias)) return;
    double sum = 0;
    for (dim_t b = 0; b < batch; ++b)
      sum += partial[(b * channels + c) * depthwise_sums + (k == kernel ? max_depthwise_kernel : k)];
    (k == kernel ? dbias[c] : dweight[c * kernel + k]) += static_cast<float>(sum);
  }
};

struct depthwise_bwd_scratch {
  depthwise_bwd_scratch(carver& m, const op::depthwise_bwd<float>& o)
      : partial(m.take<double>(o.batch * o.channels * depthwise_sums)),
        rows(m.take<double>(o.batch * o.channels * 2)),
        close(m, o.input.f, o.batch, o.channels, o.frames) {}
  double *partial, *rows;
  close_sums close;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::depthwise_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::moment_sums(m, o.next, o.batch, o.channels, o.frames, o.channels); });
}

inline void execute(cuda_backend& backend, const op::depthwise_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  check_depthwise(o.kernel, o.dilation);
  carver memory(scratch);
  const moment_sums sums(memory, o.next, o.batch, o.channels, o.frames, o.channels);
  constexpr const char* name = "depthwise convolution";
  with_endings(backend, name, {o.batch, o.channels, 1}, sums.last(o.next, o.channels, o.frames),
               [&]<class List>(const List& last, unsigned* counters) {
                 using kernel = depthwise_forward<List>;
                 launch(backend, name, kernel{o, sums.given(o.next), last, counters}, o.batch * o.channels,
                        depthwise_shared<kernel, 2>(o.kernel, o.dilation));
               });
  sums.finish(backend, o.next, o.batch, o.channels, o.frames, o.y);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::depthwise_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::depthwise_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::depthwise_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  check_depthwise(o.kernel, o.dilation);
  carver memory(scratch);
  const depthwise_bwd_scratch s(memory, o);
  const bool has_norm = o.input.f.norm != norm_kind::none;
  constexpr const char* name = "gradients of a depthwise convolution";
  with_endings(
      backend, name, {o.batch, o.channels, 1},
      and_then(add_total(s.partial, depthwise_sums, max_depthwise_kernel + 1, o.output.f.slope ? o.output.dslope : nullptr),
               s.close.last(o.input, o.channels, o.frames, s.rows)),
      [&]<class List>(const List& last, unsigned* counters) {
        using kernel = depthwise_backward<List>;
        launch(backend, name, kernel{o, s.partial, has_norm ? s.rows : nullptr, last, counters}, o.batch * o.channels,
               depthwise_shared<kernel, depthwise_sums>(o.kernel, o.dilation));
      });
  launch(backend, "gradients of depthwise weights", depthwise_add{o.batch, o.channels, o.kernel, s.partial, o.dweight, o.dbias},
         blocks_for(o.channels * (o.kernel + 1), depthwise_add::threads));
  s.close.finish(backend, o.input, o.batch, o.channels, o.frames);
}

}  // namespace avss
