// Learned filterbanks on the device.
#pragma once

#include <avss/cuda/pointwise.cuh>
#include <avss/op/filterbank.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// Filters of which one block makes the results for 256 frames: as many as a thread has registers for.
inline constexpr int analysis_group = 16;

inline constexpr int analysis_threads = 256;
inline constexpr dim_t analysis_blocks(dim_t filters, dim_t frames) {  // of an item
  return blocks_for(filters, analysis_group) * blocks_for(frames, analysis_threads);
}

// w = act(bias + weight * x): a block reads its samples once for a group of filters.
template <class Endings>
struct analysis_forward {
  static constexpr int threads = analysis_threads;
  static constexpr bool cooperates = true;
  op::analysis_fwd<float> o;
  double* partial;  // [B, groups * tiles, 2], sums of a(w) and a(w)^2, or null
  Endings last;
  unsigned* counters;

  static constexpr dim_t samples(dim_t window, dim_t stride) { return (threads - 1) * stride + window; }
  static constexpr dim_t shared_floats(dim_t window, dim_t stride) {
    return (samples(window, stride) + analysis_group * window + 1) / 2 * 2;
  }

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t tiles = blocks_for(o.frames, threads), groups = blocks_for(o.filters, analysis_group);
    const dim_t first = t.block() % tiles * threads, group = t.block() / tiles % groups, b = t.block() / tiles / groups;
    float* const x = t.shared<float>();
    float* const weight = x + samples(o.window, o.stride);
    for (dim_t i = t.index(); i < samples(o.window, o.stride); i += threads) {
      const dim_t at = first * o.stride + i - o.left;
      x[i] = at >= 0 && at < o.length ? o.x[b * o.length + at] : 0.f;
    }
    for (dim_t i = t.index(); i < analysis_group * o.window; i += threads) {
      const dim_t n = group * analysis_group + i / o.window;
      weight[i] = n < o.filters ? o.weight[n * o.window + i % o.window] : 0.f;
    }
    t.sync();
    float result[analysis_group] = {};
    for (dim_t l = 0; l < o.window; ++l) {
      const float v = x[t.index() * o.stride + l];
      AVSS_UNROLL
      for (int n = 0; n < analysis_group; ++n) result[n] += weight[n * o.window + l] * v;
    }
    const dim_t k = first + t.index();
    double sum[2] = {0, 0};
    AVSS_UNROLL
    for (int i = 0; i < analysis_group; ++i) {
      const dim_t n = group * analysis_group + i;
      if (n >= o.filters || k >= o.frames) continue;
      float w = result[i] + (o.bias ? o.bias[n] : 0.f);
      if (o.act == activation::relu && w < 0) w = 0;
      o.w[(b * o.filters + n) * o.frames + k] = w;
      const double a = activate(o.next.slope, w);
      sum[0] += a;
      sum[1] += a * a;
    }
    if (!partial) return;
    double* const shared = reinterpret_cast<double*>(x + shared_floats(o.window, o.stride));
    simt::block_sum(t, sum, shared);
    if (t.index() == 0)
      for (int i = 0; i < 2; ++i) partial[t.block() * 2 + i] = sum[i];
    const dim_t of_item = groups * tiles;
    last.end_block(t, {t.blocks() / of_item, of_item, 1}, t.block(), counters, shared);
  }
};

// How a signal is cut into frames.
struct framing {
  dim_t frames, window, stride, left, length;
};

// cut[r, l, k] = x[r, k stride + l - left]
struct cut_body {
  static constexpr int sums = 0;
  framing f;
  const float* x;
  float* cut;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t at = p.t * f.stride + p.c - f.left;
    cut[p.i] = at >= 0 && at < f.length ? x[p.b * f.length + at] : 0.f;
  }
};
inline void cut_frames(const cuda_backend& backend, dim_t rows, const framing& f, const float* x, float* cut) {
  pass_rows(backend, "cutting into frames", rows, f.window, f.frames, cut_body{f, x, cut});
}

// x[r, t] = start + sum over frames k that cover t of cut[r, t + left - k stride, k]
struct overlap_body {
  static constexpr int sums = 0;
  framing f;
  const float* cut;
  const float* start;  // [1], or null
  float* x;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t at = p.t + f.left;
    float sum = start ? *start : 0.f;
    dim_t k = at < f.window ? 0 : (at - f.window) / f.stride + 1;
    for (; k < f.frames && k * f.stride <= at; ++k) sum += cut[(p.c * f.window + at - k * f.stride) * f.frames + k];
    x[p.i] = sum;
  }
};
inline void overlap_add(const cuda_backend& backend, dim_t rows, const framing& f, const float* cut, const float* start,
                        float* x) {
  pass_rows(backend, "overlap-add", 1, rows, f.length, overlap_body{f, cut, start, x});
}

// dw where the activation let it pass.
struct relu_back_body {
  static constexpr int sums = 0;
  const float* w;
  float* dw;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    if (!(w[at.i] > 0)) dw[at.i] = 0;
  }
};

struct analysis_bwd_scratch {
  analysis_bwd_scratch(carver& m, const op::analysis_bwd<float>& o)
      : cut(m.take<float>(o.batch * o.window * o.frames)),
        weight(m, o.filters, o.window, o.batch),
        bias(m, o.batch, o.filters, o.frames),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  float* cut;  // of x, then of dx
  summed_product weight;
  row_sums bias;
  void* workspace;
};

inline float* masks_of(carver& m, const op::masked_synthesis_fwd<float>& o) {
  return m.take<float>(o.batch * o.sources * o.filters * o.frames);
}

struct synthesis_fwd_scratch {
  synthesis_fwd_scratch(carver& m, const op::masked_synthesis_fwd<float>& o)
      : input(m, o.batch, o.in, o.frames),
        masks(masks_of(m, o)),
        cut(m.take<float>(o.batch * o.sources * o.window * o.frames)),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  made_input input;
  float* masks;  // before the activation, then times w
  float* cut;
  void* workspace;
};

struct synthesis_bwd_scratch {
  synthesis_bwd_scratch(carver& m, const op::masked_synthesis_bwd<float>& g)
      : fwd(m, g.fwd),
        dmasks(masks_of(m, g.fwd)),
        mask_weight(m, g.fwd.sources * g.fwd.filters, g.fwd.in, g.fwd.batch),
        decoder(m, g.fwd.filters, g.fwd.window, g.fwd.batch * g.fwd.sources),
        mask_bias(m, g.fwd.batch, g.fwd.sources * g.fwd.filters, g.fwd.frames),
        bias(m, 1, 1, g.fwd.batch * g.fwd.sources * g.fwd.length),
        back(m, g.fwd.batch, g.fwd.in, g.fwd.frames) {}
  synthesis_fwd_scratch fwd;
  float* dmasks;  // gradients of the masked frames, then of what stands before the masks' activation
  summed_product mask_weight, decoder;
  row_sums mask_bias, bias;
  back_pass back;
};

// What is common to a source's mask before and after its activation: reading all sources of one filter and frame.
struct mask_column {
  const op::masked_synthesis_fwd<float>& o;
  const float* masks;  // [B, sources * filters, frames], before bias and activation
  place at;            // of w
  float top = 0, sum = 1;

  AVSS_DEVICE mask_column(const op::masked_synthesis_fwd<float>& of, const float* m, const place& p) : o(of), masks(m), at(p) {
    if (o.act != activation::softmax) return;
    top = logit(0);
    for (dim_t s = 1; s < o.sources; ++s) top = logit(s) > top ? logit(s) : top;
    sum = 0;
    for (dim_t s = 0; s < o.sources; ++s) sum += std::exp(logit(s) - top);
  }
  AVSS_DEVICE dim_t index(dim_t s) const { return ((at.b * o.sources + s) * o.filters + at.c) * o.frames + at.t; }
  AVSS_DEVICE float logit(dim_t s) const { return masks[index(s)] + (o.mask_bias ? o.mask_bias[s * o.filters + at.c] : 0.f); }
  AVSS_DEVICE float mask(dim_t s) const {
    const float v = logit(s);
    if (o.act == activation::softmax) return std::exp(v - top) / sum;
    return o.act == activation::sigmoid ? 1 / (1 + std::exp(-v)) : o.act == activation::relu && v < 0 ? 0.f : v;
  }
};

// masks := mask w. A softmax reads all of them before it may write one, so its top and sum are found first.
struct mask_body {
  static constexpr int sums = 0;
  op::masked_synthesis_fwd<float> o;
  float* masks;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const mask_column column(o, masks, at);
    const float w = o.w[at.i];
    for (dim_t s = 0; s < o.sources; ++s) masks[column.index(s)] = column.mask(s) * w;
  }
};

// From dv, the gradients of the masked frames: dw; masks := mask w; dv := gradients before the masks' activation.
struct mask_back_body {
  static constexpr int sums = 0;
  op::masked_synthesis_fwd<float> o;
  float *masks, *dv, *dw;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const mask_column column(o, masks, at);
    const float w = o.w[at.i];
    float d_w = 0, dot = 0;
    for (dim_t s = 0; s < o.sources; ++s) d_w += dv[column.index(s)] * column.mask(s);
    dot = d_w * w;
    dw[at.i] = d_w;
    for (dim_t s = 0; s < o.sources; ++s) {
      const dim_t i = column.index(s);
      const float m = column.mask(s), d = dv[i] * w;
      dv[i] = o.act == activation::softmax   ? m * (d - dot)
              : o.act == activation::sigmoid ? d * m * (1 - m)
              : o.act == activation::relu    ? (m > 0 ? d : 0.f)
                                             : d;
      masks[i] = m * w;
    }
  }
};

// The masks before bias and activation; returns f(z).
inline const float* make_masks(const cuda_backend& backend, const op::masked_synthesis_fwd<float>& o,
                               const synthesis_fwd_scratch& s) {
  const float* const fz = s.input.make(backend, {o.slope}, o.batch, o.in, o.frames, o.z);
  const dim_t rows = o.sources * o.filters;
  multiply(backend,
           {rows, o.frames, o.in, o.batch, {o.mask_weight, o.in}, {fz, o.frames, o.in * o.frames}, s.masks, rows * o.frames},
           s.workspace);
  return fz;
}

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::analysis_fwd<float>& o) {
  const dim_t given = cuda_kernel::analysis_blocks(o.filters, o.frames);
  return layout_bytes([&](carver& m) { cuda_kernel::moment_sums(m, o.next, o.batch, o.filters, o.frames, given); });
}

inline void execute(cuda_backend& backend, const op::analysis_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  constexpr const char* name = "analysis filterbank";
  const dim_t blocks = analysis_blocks(o.filters, o.frames);
  const moment_sums sums(memory, o.next, o.batch, o.filters, o.frames, blocks);
  with_endings(backend, name, {o.batch, blocks, 1}, sums.last(o.next, o.filters, o.frames),
               [&]<class List>(const List& last, unsigned* counters) {
                 using kernel = analysis_forward<List>;
                 launch(backend, name, kernel{o, sums.given(o.next), last, counters}, o.batch * blocks,
                        static_cast<std::size_t>(kernel::shared_floats(o.window, o.stride)) * sizeof(float) +
                            simt::sum_doubles<kernel, 2> * sizeof(double));
               });
  sums.finish(backend, o.next, o.batch, o.filters, o.frames, o.w);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::analysis_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::analysis_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::analysis_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const analysis_bwd_scratch s(memory, o);
  const framing f{o.frames, o.window, o.stride, o.left, o.length};
  const dim_t step = o.window * o.frames;
  const matrix dw{o.dw, o.frames, o.filters * o.frames};
  if (o.act == activation::relu)
    pass_rows(backend, "back through ReLU", o.batch, o.filters, o.frames, relu_back_body{o.w, o.dw});
  s.bias.add(backend, o.batch, o.filters, o.frames, o.dw, o.dbias);
  cut_frames(backend, o.batch, f, o.x, s.cut);
  s.weight.run(backend, {o.filters, o.window, o.frames, o.batch, dw, {s.cut, o.frames, step, true}, nullptr, 0}, o.dweight,
               s.workspace);
  if (!o.dx) return;
  multiply(backend, {o.window, o.frames, o.filters, o.batch, {o.weight, o.window, 0, true}, dw, s.cut, step}, s.workspace);
  overlap_add(backend, o.batch, f, s.cut, nullptr, o.dx);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::masked_synthesis_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::synthesis_fwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::masked_synthesis_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const synthesis_fwd_scratch s(memory, o);
  make_masks(backend, o, s);
  pass_rows(backend, "masks", o.batch, o.filters, o.frames, mask_body{o, s.masks});
  multiply(backend,
           {o.window,
            o.frames,
            o.filters,
            o.batch * o.sources,
            {o.decoder, o.window, 0, true},
            {s.masks, o.frames, o.filters * o.frames},
            s.cut,
            o.window * o.frames},
           s.workspace);
  overlap_add(backend, o.batch * o.sources, {o.frames, o.window, o.stride, o.left, o.length}, s.cut, o.bias, o.out);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::masked_synthesis_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::synthesis_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::masked_synthesis_bwd<float>& g, void* scratch) {
  using namespace cuda_kernel;
  const op::masked_synthesis_fwd<float>& o = g.fwd;
  carver memory(scratch);
  const synthesis_bwd_scratch s(memory, g);
  void* const workspace = s.fwd.workspace;
  const dim_t signals = o.batch * o.sources, rows = o.sources * o.filters;
  const matrix cut{s.fwd.cut, o.frames, o.window * o.frames};
  const float* const fz = make_masks(backend, o, s.fwd);
  cut_frames(backend, signals, {o.frames, o.window, o.stride, o.left, o.length}, g.dout, s.fwd.cut);
  multiply(backend, {o.filters, o.frames, o.window, signals, {o.decoder, o.window}, cut, s.dmasks, o.filters * o.frames},
           workspace);
  pass_rows(backend, "back through masks", o.batch, o.filters, o.frames, mask_back_body{o, s.fwd.masks, s.dmasks, g.dw});

  matrix turned_cut = cut;
  turned_cut.turned = true;
  s.decoder.run(backend,
                {o.filters, o.window, o.frames, signals, {s.fwd.masks, o.frames, o.filters * o.frames}, turned_cut, nullptr, 0},
                g.ddecoder, workspace);
  const matrix dmasks{s.dmasks, o.frames, rows * o.frames};
  s.mask_bias.add(backend, o.batch, rows, o.frames, s.dmasks, g.dmask_bias);
  s.mask_weight.run(backend, {rows, o.in, o.frames, o.batch, dmasks, {fz, o.frames, o.in * o.frames, true}, nullptr, 0},
                    g.dmask_weight, workspace);
  multiply(backend, {o.in, o.frames, rows, o.batch, {o.mask_weight, o.in, 0, true}, dmasks, g.dz, o.in * o.frames}, workspace);
  if (o.slope) {
    act_norm_grad back{{o.slope}, o.z, g.dz};
    back.dslope = g.dslope;
    s.back.run(backend, o.batch, o.in, o.frames, back, g.dz, false);
  }
  s.bias.add(backend, 1, 1, signals * o.length, g.dout, g.dbias);
}

}  // namespace avss
