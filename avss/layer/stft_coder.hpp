// Between waveforms and maps: what RTFS-Net has at its two ends (sections 3.1 and 3.5 of arXiv:2309.17189).
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/pointwise.hpp>
#include <avss/op/spectrum.hpp>
#include <cmath>
#include <string_view>

namespace avss {

// A kernel of 3 x 3 that keeps frames and bins.
inline op::sliding square_kernel(const op::map_size& n) { return {3, 3, 1, 1, 1, 1, n.frames, n.bins}; }

// e = conv(real and imaginary parts of the STFT of x); with ActNorm followed by ReLU and normalisation.
// x [B, samples]   e [B, Channels, T, F]
template <dim_t Channels, bool ActNorm>
struct stft_encoder {
  using map = map_shape<Channels>;

  // Drawn as the published code draws it.
  struct kernel : conv_params<false, Channels, 2, 3, 3> {
    static constexpr init_rule initial(std::string_view) { return {init_rule::kind::xavier_uniform, 1}; }
  } conv;
  optional_param<ActNorm, block_norm_params<Channels, block_norm::global>> norm;

  template <class T>
  struct saved {
    op::framing framing;
    T* spectrum = nullptr;
    T* raw = nullptr;  // the convolution's result
    op::map_norm<T> f;
  };

  template <class C, class T>
  void forward(C& ctx, const op::framing& framing, const given<T>* x, view<map, T> e, saved<T>& s) const {
    const auto frame = ctx.frame();
    const op::map_size n = size_of(e);
    s.framing = framing;
    s.spectrum = ctx.hold(shape<dyn>(spectrum_size(n).size())).data;
    s.raw = ActNorm && ctx.training() ? ctx.keep(e.extents).data : e.data;
    ctx.run(op::stft_fwd<T>{framing, x, s.spectrum});
    ctx.run(op::conv2d_fwd<T>{spectrum_size(n), Channels, square_kernel(n), false, s.spectrum, ctx.value(conv.weight), nullptr,
                              s.raw});
    if constexpr (ActNorm) {
      s.f =
          make_map_norm(ctx, norm_over::item, n, s.raw, ctx.value(norm.norm.weight), ctx.value(norm.norm.bias), {curve::relu});
      ctx.run(op::map_norm_fwd<T>{n, s.raw, s.f, nullptr, e.data});
    }
  }

  // d: dL/de, used up. dx [B, samples] is assigned; null: not wanted.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, given<T>* dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const op::map_size n = size_of(d);
    if constexpr (ActNorm) ctx.run(op::map_norm_bwd<T>{n, s.raw, s.f, d.data, gradients_of(ctx, norm), d.data, false});
    T* const dspectrum = ctx.scratch(shape<dyn>(spectrum_size(n).size())).data;
    ctx.run(op::conv2d_bwd<T>{spectrum_size(n), Channels, square_kernel(n), false, s.spectrum, ctx.value(conv.weight), d.data,
                              dx ? dspectrum : nullptr, ctx.gradient(conv.weight), nullptr});
    if (dx) ctx.run(op::stft_bwd<T>{s.framing, dspectrum, dx});
  }

  template <class V>
  void visit(V&& v) {
    v("full_layer.2", conv);
    v("full_layer.3", norm);
  }

 private:
  static op::map_size spectrum_size(const op::map_size& n) { return {n.batch, 2, n.frames, n.bins}; }
};

// y = conv1x1(relu(N(x)))      x, y [B, Channels, T, F]
template <dim_t Channels>
struct map_bottleneck {
  using map = map_shape<Channels>;

  block_norm_params<Channels, block_norm::global> norm;
  conv_params<true, Channels, Channels, 1, 1> conv;

  template <class T>
  struct saved {
    const T* x = nullptr;
    op::map_norm<T> f;
  };

  // What the convolution reads is not kept, it is made anew on the way back.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules& rules, saved<T>& s) const {
    const op::map_size n = size_of(x);
    s.x = x.data;
    s.f = make_block_norm(ctx, norm, n, s.x, rules, {curve::relu});
    const auto frame = ctx.frame();
    T* const read = ctx.scratch(x.extents).data;
    ctx.run(op::map_norm_fwd<T>{n, s.x, s.f, nullptr, read});
    op::pointwise_fwd<T> o{n.batch, Channels, n.plane(), read, {}, 1, {}, {}};
    o.target[0] = {Channels, ctx.value(conv.weight), ctx.value(conv.bias), nullptr, y.data};
    ctx.run(o);
  }

  // dx is added to.
  template <class C, class T>
  void backward(C& ctx, view<map, const given<T>> dy, view<map, T> dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const op::map_size n = size_of(dx);
    T* const read = ctx.scratch(dx.extents).data;
    T* const dread = ctx.scratch(dx.extents).data;
    ctx.run(op::map_norm_fwd<T>{n, s.x, s.f, nullptr, read});
    op::pointwise_bwd<T> o{n.batch, Channels, n.plane(), {}, false, 1, {}, {}};
    o.input.x = read;
    o.input.df = dread;
    o.target[0] = {Channels, ctx.value(conv.weight), dy.data, ctx.gradient(conv.weight), ctx.gradient(conv.bias)};
    ctx.run(o);
    ctx.run(op::map_norm_bwd<T>{n, s.x, s.f, dread, gradients_of(ctx, norm), dx.data, true});
  }

  template <class V>
  void visit(V&& v) {
    v("full_layer.0", norm);
    v("full_layer.2", conv);
  }
};

// x = inverse STFT of conv(z), the convolution transposed, to real and imaginary parts.
// z [B, Channels, T, F]   spectrum [B, 2, T, F]   x [B, samples], zero from `covered` samples on
template <dim_t Channels, bool Bias>
struct stft_decoder {
  using map = map_shape<Channels>;

  param<Channels, 2, 3, 3> weight;
  optional_param<Bias, param<2>> bias;

  static init_rule initial(std::string_view leaf) {
    if (leaf == "bias") return {init_rule::kind::uniform, 1 / std::sqrt(18.0)};
    return {init_rule::kind::xavier_uniform, 1};
  }

  template <class C, class T>
  void forward(C& ctx, const op::framing& framing, dim_t covered, view<map, T> z, given<T>* spectrum, given<T>* x) const {
    const op::map_size n = size_of(z);
    ctx.run(op::conv2d_fwd<T>{n, 2, square_kernel(n), true, z.data, ctx.value(weight), ctx.value(bias), spectrum});
    ctx.run(op::istft_fwd<T>{framing, covered, spectrum, x});
  }

  // dz is assigned. more: a gradient of the spectrum beside that of x, or null.
  template <class C, class T>
  void backward(C& ctx, const op::framing& framing, dim_t covered, const given<T>* dx, const given<T>* more, view<map, T> z,
                view<map, T> dz) const {
    const auto frame = ctx.frame();
    const op::map_size n = size_of(z);
    const dim_t size = n.batch * 2 * n.plane();
    T* const dspectrum = ctx.scratch(shape<dyn>(size)).data;
    ctx.run(op::istft_bwd<T>{framing, covered, dx, dspectrum});
    if (more) ctx.run(op::copy<T>{1, size, size, size, more, dspectrum, true});
    ctx.run(op::conv2d_bwd<T>{n, 2, square_kernel(n), true, z.data, ctx.value(weight), dspectrum, dz.data, ctx.gradient(weight),
                              ctx.gradient(bias)});
  }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace avss
