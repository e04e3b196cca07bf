// The small convolutional units of the RTFS block: depthwise convolution with normalisation, and the reconstruction unit that
// brings maps of two sizes together.
#pragma once

#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/conv2d.hpp>
#include <avss/op/resize.hpp>

namespace avss {

// Frames or bins that a convolution with stride 2 makes of n, with (kernel - 1) / 2 zeros on either side; 0: n is too few.
constexpr dim_t halved(dim_t n, dim_t kernel) {
  const dim_t room = n + 2 * ((kernel - 1) / 2) - kernel;
  return room < 0 ? 0 : room / 2 + 1;
}

struct map_conv_spec {
  dim_t channels, kernel;
  int axes;  // 1: the kernel lies along the frames; 2: along frames and bins
  block_norm norm;
  bool bias;
};

// f(z), z = depthwise convolution of x, f its normalisation and what follows. Only z and f are made: whoever reads f(z)
// applies f on the way. Stride 1 keeps the size ((kernel - 1) / 2 zeros before, the others behind); stride 2 halves it.
template <map_conv_spec S>
struct depthwise_norm {
  static constexpr dim_t channels = S.channels, kernel = S.kernel;
  static constexpr bool both_axes = S.axes == 2;
  static constexpr block_norm kind = S.norm;

  kernel_of<S.axes, S.bias, channels, 1, kernel> conv;
  block_norm_params<channels, kind> norm;

  template <class T>
  struct saved {
    op::map_size n, out;  // of x and of z
    op::sliding slide;
    const T* x = nullptr;
    T* z = nullptr;
    op::map_norm<T> f;
  };

  // What stride 2 leaves of a map.
  static constexpr op::map_size halve_map(const op::map_size& n) {
    return {n.batch, n.channels, halved(n.frames, kernel), both_axes ? halved(n.bins, kernel) : n.bins};
  }

  template <class C, class T>
  void forward(C& ctx, const op::map_size& n, const given<T>* x, bool halve, op::bend<given<T>> post, const pass_rules& rules,
               saved<T>& s) const {
    const dim_t stride = halve ? 2 : 1, left = (kernel - 1) / 2;
    s.n = n;
    s.out = halve ? halve_map(n) : n;
    s.slide = both_axes ? op::sliding{kernel, kernel, stride, stride, left, left, s.out.frames, s.out.bins}
                        : op::sliding{kernel, 1, stride, 1, left, 0, s.out.frames, s.out.bins};
    s.x = x;
    s.z = ctx.hold(shape<dyn>(s.out.size())).data;
    ctx.run(op::depthwise2d_fwd<T>{n, s.slide, x, ctx.value(conv.weight), ctx.value(conv.bias), s.z});
    s.f = make_block_norm(ctx, norm, s.out, s.z, rules, post);
  }

  // d: dL/df(z), used up.
  template <class C, class T>
  void backward(C& ctx, given<T>* d, given<T>* dx, bool accumulate, const saved<T>& s) const {
    ctx.run(op::map_norm_bwd<T>{s.out, s.z, s.f, d, gradients_of(ctx, norm), d, false});
    ctx.run(op::depthwise2d_bwd<T>{s.n, s.slide, s.x, ctx.value(conv.weight), d, dx, accumulate, ctx.gradient(conv.weight),
                                   ctx.gradient(conv.bias)});
  }

  template <class V>
  void visit(V&& v) {
    v("full_layer.2", conv);
    v("full_layer.3", norm);
  }
};

// Temporal-frequency attention reconstruction (equation 11 of the RTFS-Net paper):
//   y = N(local * W1) up(sigmoid(N(global * W2))) + up(N(global * W3)) (+ plus)
// with depthwise convolutions W and nearest interpolation up to the size of `local`, which is at least that of `global`.
template <map_conv_spec S>
struct injection {
  using unit = depthwise_norm<map_conv_spec{S.channels, S.kernel, S.axes, S.norm, false}>;

  unit local_embedding, global_embedding, global_gate;

  template <class T>
  struct saved {
    typename unit::template saved<T> local, embedding, gate;
  };

  template <class C, class T>
  void forward(C& ctx, const op::map_size& n, const given<T>* local, const op::map_size& small, const given<T>* global,
               const given<T>* plus, given<T>* y, const pass_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    local_embedding.forward(ctx, n, local, false, {}, rules, s.local);
    global_embedding.forward(ctx, small, global, false, {}, rules, s.embedding);
    global_gate.forward(ctx, small, global, false, {curve::sigmoid}, rules, s.gate);
    op::inject_fwd<T> o = join(s);
    o.plus = plus;
    o.y = y;
    ctx.run(o);
  }

  // dlocal and dglobal: assigned, or added to. The gradient of plus is dy. dlocal may be dy where it is assigned.
  template <class C, class T>
  void backward(C& ctx, const given<T>* dy, given<T>* dlocal, bool add_local, given<T>* dglobal, bool add_global,
                const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* const dn = ctx.scratch(shape<dyn>(s.local.out.size())).data;
    T* const dgate = ctx.scratch(shape<dyn>(s.gate.out.size())).data;
    T* const dembedding = ctx.scratch(shape<dyn>(s.gate.out.size())).data;
    ctx.run(op::inject_bwd<T>{join(s), dy, dn, dgate, dembedding});
    local_embedding.backward(ctx, dn, dlocal, add_local, s.local);
    global_embedding.backward(ctx, dembedding, dglobal, add_global, s.embedding);
    global_gate.backward(ctx, dgate, dglobal, true, s.gate);
  }

  template <class V>
  void visit(V&& v) {
    v("local_embedding", local_embedding);
    v("global_embedding", global_embedding);
    v("global_gate", global_gate);
  }

 private:
  template <class T>
  static op::inject_fwd<T> join(const saved<T>& s) {
    return {s.local.out, s.gate.out.frames, s.gate.out.bins, s.local.z, s.local.f, s.gate.z,
            s.gate.f,    s.embedding.z,     s.embedding.f,   nullptr,   nullptr};
  }
};

}  // namespace avss
