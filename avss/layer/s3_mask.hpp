// Spectral source separation: the complex mask of RTFS-Net (section 3.5 of arXiv:2309.17189).
#pragma once

#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/act_norm.hpp>
#include <avss/op/fusion.hpp>
#include <avss/op/pointwise.hpp>

namespace avss {

// z = m e, complex, m = relu(conv1x1(prelu(a))): half of the channels are real, the others imaginary parts.
// a, z [B, Channels, T, F]   e [B / share, Channels, T, F], see op/fusion.hpp
template <dim_t Channels>
struct s3_mask {
  static_assert(Channels % 2 == 0, "avss: a complex mask needs an even number of channels");
  using map = map_shape<Channels>;

  prelu_params act;
  conv_params<true, Channels, Channels, 1, 1> conv;

  template <class T>
  struct saved {
    dim_t share = 1;
    const T* a = nullptr;
    const T* e = nullptr;
    T* mask = nullptr;  // before the ReLU
  };

  // z is not kept, again() makes it anew.
  template <class C, class T>
  void forward(C& ctx, view<map, T> a, view<map, T> e, dim_t share, view<map, T> z, saved<T>& s) const {
    const op::map_size n = size_of(a);
    s = {share, a.data, e.data, ctx.training() ? ctx.keep(a.extents).data : z.data};
    op::pointwise_fwd<T> o{n.batch, Channels, n.plane(), a.data, {}, 1, {}, {}};
    o.f.slope = ctx.value(act.weight);
    o.target[0] = {Channels, ctx.value(conv.weight), ctx.value(conv.bias), nullptr, s.mask};
    ctx.run(o);
    again(ctx, z, s);
  }

  template <class C, class T>
  void again(C& ctx, view<map, T> z, const saved<T>& s) const {
    const op::map_size n = size_of(z);
    ctx.run(op::complex_mask_fwd<T>{n.batch, s.share, Channels, n.plane(), s.mask, s.e, z.data});
  }

  // dz is used up. da [B, ...] and de [B / share, ...] are assigned.
  template <class C, class T>
  void backward(C& ctx, view<map, T> dz, view<map, T> da, view<map, T> de, const saved<T>& s) const {
    const op::map_size n = size_of(da);
    ctx.run(op::complex_mask_bwd<T>{n.batch, s.share, Channels, n.plane(), s.mask, s.e, dz.data, dz.data, de.data});
    op::pointwise_bwd<T> o{n.batch, Channels, n.plane(), {}, false, 1, {}, {}};
    o.input.f.slope = ctx.value(act.weight);
    o.input.x = s.a;
    o.input.df = da.data;
    o.input.dslope = ctx.gradient(act.weight);
    o.target[0] = {Channels, ctx.value(conv.weight), dz.data, ctx.gradient(conv.weight), ctx.gradient(conv.bias)};
    ctx.run(o);
    ctx.run(op::act_norm_bwd<T>{n.batch, Channels, n.plane(), o.input, da.data, false});
  }

  template <class V>
  void visit(V&& v) {
    v("0", act);
    v("1.full_layer.2", conv);
  }
};

}  // namespace avss
