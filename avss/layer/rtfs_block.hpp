// The block that RTFS-Net repeats over the sound, and its sibling over the video (figure 3 of arXiv:2309.17189).
#pragma once

#include <array>
#include <avss/core/context.hpp>
#include <avss/layer/injection.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/fusion.hpp>
#include <avss/op/pointwise.hpp>
#include <string>

namespace avss {

struct rtfs_block_spec {
  dim_t channels, hidden, kernel;
  int levels;  // sizes of maps, each half the one before
  int axes;    // 2: frames and bins; 1: frames alone
  block_norm norm;
  bool projection_norm;  // normalisation and PReLU behind the projection
};

//   r = prelu(gateway(x + plus))                  one scale and offset a channel
//   d_0 = N(conv(P(r))), d_i = N(conv(d_i-1))     projection P to `hidden` channels, then halved from level to level
//   g = Global(sum of d_i, pooled to the smallest size)
//   f_i = inject(d_i, g)      e = f_last; for the other levels, from the small ones to the large: e = inject(f_i, e) + d_i
//   y = conv1x1(e) + r
// x, y, plus [B, channels, T, F]. Global is a layer on [B, hidden, T', F'] maps, see dual_path.
//
// Kept for backward, beside x: maps of `hidden` channels only; r is made anew.
template <rtfs_block_spec S, class Global>
struct rtfs_block {
  static constexpr dim_t channels = S.channels, hidden = S.hidden, kernel = S.kernel;
  static constexpr std::size_t levels = static_cast<std::size_t>(S.levels);
  static constexpr bool projection_norm = S.projection_norm;
  static constexpr block_norm kind = S.norm;
  static_assert(S.levels >= 1, "avss: an RTFS block needs at least one level");
  static_assert(S.axes == 1 || S.axes == 2, "avss: an RTFS block works along one axis or two");
  using map = map_shape<channels>;
  using inner_map = map_shape<hidden>;
  using down = depthwise_norm<map_conv_spec{S.hidden, S.kernel, S.axes, S.norm, true}>;
  using join = injection<map_conv_spec{S.hidden, S.kernel, S.axes, S.norm, false}>;

  kernel_of<S.axes, true, channels, 1, 1> gateway;
  prelu_params gateway_act;
  kernel_of<S.axes, true, hidden, channels, 1> projection;
  optional_param<projection_norm, block_norm_params<hidden, kind>> projection_norm_params;
  optional_param<projection_norm, prelu_params> projection_act;
  std::array<down, levels> downsample;
  Global global;
  std::array<join, levels> fusion;
  std::array<join, levels - 1> concat;
  kernel_of<S.axes, true, channels, hidden, 1> residual;

  template <class T>
  struct saved {
    op::map_size n;
    const T* x = nullptr;
    const T* plus = nullptr;
    dim_t share = 1;
    T* projected = nullptr;
    op::map_norm<T> f;     // behind the projection
    const T* p = nullptr;  // its result
    std::array<typename down::template saved<T>, levels> down_s;
    std::array<T*, levels> d{}, f_maps{}, e{};  // e of the last level is f
    typename Global::template saved<T> global;
    std::array<typename join::template saved<T>, levels> fusion;
    std::array<typename join::template saved<T>, levels - 1> concat;
  };

  // Size of the smallest maps.
  static constexpr op::map_size smallest(op::map_size n) {
    for (std::size_t i = 1; i < levels; ++i) n = down::halve_map(n);
    return n;
  }

  // plus: null, or [B / share, channels, T, F], see op/fusion.hpp. y may be x when nothing is kept. Without want_y, y is
  // only room to work in: a pass that is made anew needs what is kept, not the result.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, const given<T>* plus, dim_t share, view<map, T> y, const pass_rules& rules, saved<T>& s,
               bool want_y = true) const {
    const auto frame = ctx.frame();
    s.n = size_of(x);
    s.x = x.data;
    s.plus = plus;
    s.share = share;
    ctx.run(open_gateway(ctx, s, y.data));

    const op::map_size n{s.n.batch, hidden, s.n.frames, s.n.bins};
    s.projected = ctx.hold(shape<dyn>(n.size())).data;
    run_pointwise(ctx, projection, channels, hidden, y.data, nullptr, s.projected, n);
    s.p = s.projected;
    if constexpr (projection_norm) {
      s.f = make_block_norm(ctx, projection_norm_params, n, s.projected, rules,
                            op::bend<T>{curve::prelu, ctx.value(projection_act.weight)});
      T* const p = beside(ctx, s.projected, n);
      ctx.run(op::map_norm_fwd<T>{n, s.projected, s.f, nullptr, p});
      s.p = p;
    }

    const op::map_size small = smallest(n);
    const view<inner_map, T> pooled = ctx.hold(inner_map(small.batch, small.frames, small.bins));
    for (std::size_t i = 0; i < levels; ++i) {
      auto& level = s.down_s[i];
      downsample[i].forward(ctx, i ? s.down_s[i - 1].out : n, i ? s.d[i - 1] : s.p, i > 0, {}, rules, level);
      s.d[i] = beside(ctx, level.z, level.out);
      ctx.run(op::map_norm_fwd<T>{level.out, level.z, level.f, nullptr, s.d[i]});
      ctx.run(op::adaptive_pool_fwd<T>{level.out, small.frames, small.bins, s.d[i], pooled.data, i > 0});
    }
    const view<inner_map, T> g{beside(ctx, pooled.data, small), pooled.extents};
    global.forward(ctx, pooled, g, rules, s.global);

    for (std::size_t i = 0; i < levels; ++i) {
      const op::map_size& at = s.down_s[i].out;
      s.f_maps[i] = ctx.hold(shape<dyn>(at.size())).data;
      fusion[i].forward(ctx, at, s.d[i], small, g.data, nullptr, s.f_maps[i], rules, s.fusion[i]);
    }
    s.e[levels - 1] = s.f_maps[levels - 1];
    for (std::size_t i = levels - 1; i-- > 0;) {
      const op::map_size& at = s.down_s[i].out;
      s.e[i] = ctx.hold(shape<dyn>(at.size())).data;
      concat[i].forward(ctx, at, s.f_maps[i], s.down_s[i + 1].out, s.e[i + 1], s.d[i], s.e[i], rules, s.concat[i]);
    }
    if (want_y) run_pointwise(ctx, residual, hidden, channels, s.e[0], y.data, y.data, s.n);
  }

  // d holds dL/dy, then dL/dx. dplus [B / share, ...], unless null, is assigned, or added to if `add_plus`. What forward kept
  // is used up.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, given<T>* dplus, bool add_plus, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const op::map_size n{s.n.batch, hidden, s.n.frames, s.n.bins};
    T* const de = ctx.scratch(shape<dyn>(n.size())).data;
    run_pointwise_back(ctx, residual, hidden, channels, s.e[0], d.data, de, false, n);
    {
      const auto inner = ctx.frame();
      levels_backward(ctx, de, s);  // de: from now on the gradient of p
    }
    T* const dp = de;
    if constexpr (projection_norm)
      ctx.run(op::map_norm_bwd<T>{n, s.projected, s.f, dp,
                                  gradients_of(ctx, projection_norm_params, ctx.gradient(projection_act.weight)), dp, false});
    T* const r = ctx.scratch(d.extents).data;
    ctx.run(open_gateway(ctx, s, r));
    run_pointwise_back(ctx, projection, channels, hidden, r, dp, d.data, true, s.n);
    ctx.run(op::gateway_bwd<T>{s.n, s.x, s.plus, s.share, ctx.value(gateway.weight), ctx.value(gateway.bias),
                               ctx.value(gateway_act.weight), d.data, dplus, add_plus, ctx.gradient(gateway.weight),
                               ctx.gradient(gateway.bias), ctx.gradient(gateway_act.weight)});
  }

  template <class V>
  void visit(V&& v) {
    v("gateway.full_layer.2", gateway);
    v("gateway.full_layer.4", gateway_act);
    v("projection.full_layer.2", projection);
    v("projection.full_layer.3", projection_norm_params);
    v("projection.full_layer.4", projection_act);
    for (std::size_t i = 0; i < levels; ++i) v("downsample_layers." + std::to_string(i), downsample[i]);
    v("globalatt", global);
    for (std::size_t i = 0; i < levels; ++i) v("fusion_layers." + std::to_string(i), fusion[i]);
    for (std::size_t i = 0; i + 1 < levels; ++i) v("concat_layers." + std::to_string(i), concat[i]);
    v("residual_conv.full_layer.2", residual);
  }

 private:
  // Where the result of something lies that was applied to `x`: behind it when x is kept, otherwise in its place.
  template <class C, class T>
  static T* beside(C& ctx, T* x, const op::map_size& n) {
    return ctx.training() ? ctx.keep(shape<dyn>(n.size())).data : x;
  }

  template <class C, class T>
  op::gateway_fwd<T> open_gateway(const C& ctx, const saved<T>& s, T* r) const {
    return {s.n, s.x, s.plus, s.share, ctx.value(gateway.weight), ctx.value(gateway.bias), ctx.value(gateway_act.weight), r};
  }

  template <class C, class P, class T = typename C::T>
  static void run_pointwise(C& ctx, const P& p, dim_t in, dim_t out, const given<T>* x, const given<T>* plus, given<T>* y,
                            const op::map_size& n) {
    op::pointwise_fwd<T> o{n.batch, in, n.plane(), x, {}, 1, {}, {}};
    o.target[0] = {out, ctx.value(p.weight), ctx.value(p.bias), plus, y};
    ctx.run(o);
  }
  template <class C, class P, class T = typename C::T>
  static void run_pointwise_back(C& ctx, const P& p, dim_t in, dim_t out, const given<T>* x, const given<T>* dy, given<T>* dx,
                                 bool accumulate, const op::map_size& n) {
    op::pointwise_bwd<T> o{n.batch, in, n.plane(), {}, accumulate, 1, {}, {}};
    o.input.x = x;
    o.input.df = dx;
    o.target[0] = {out, ctx.value(p.weight), dy, ctx.gradient(p.weight), ctx.gradient(p.bias)};
    ctx.run(o);
  }

  // From d = dL/de of the largest level to dL/dp, in the same place.
  template <class C, class T>
  void levels_backward(C& ctx, T* d, const saved<T>& s) const {
    const op::map_size small = s.down_s[levels - 1].out;
    std::array<T*, levels> de{}, dd{};  // of e, then of f; of d
    de[0] = d;
    for (std::size_t i = 0; i < levels; ++i) {
      dd[i] = ctx.scratch(shape<dyn>(s.down_s[i].out.size())).data;
      if (i > 0) de[i] = ctx.scratch(shape<dyn>(s.down_s[i].out.size())).data;
    }
    const view<inner_map, T> dg = ctx.scratch(inner_map(small.batch, small.frames, small.bins));
    for (std::size_t i = 0; i + 1 < levels; ++i) {
      const dim_t size = s.down_s[i].out.size();
      ctx.run(op::copy<T>{1, size, size, size, de[i], dd[i], false});
      concat[i].backward(ctx, de[i], de[i], false, de[i + 1], false, s.concat[i]);
    }
    for (std::size_t i = 0; i < levels; ++i) fusion[i].backward(ctx, de[i], dd[i], i + 1 < levels, dg.data, i > 0, s.fusion[i]);
    global.backward(ctx, dg, s.global);
    for (std::size_t i = levels; i-- > 0;) {
      ctx.run(op::adaptive_pool_bwd<T>{s.down_s[i].out, small.frames, small.bins, dg.data, dd[i]});
      downsample[i].backward(ctx, dd[i], i ? dd[i - 1] : d, i > 0, s.down_s[i]);
    }
  }
};

}  // namespace avss
