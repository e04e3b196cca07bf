// One block of a temporal convolutional network, figure 1C of Conv-TasNet (Luo and Mesgarani 2019, arXiv:1809.07454).
#pragma once

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/layer/named.hpp>
#include <avss/op/depthwise.hpp>
#include <avss/op/pointwise.hpp>

namespace avss {

struct temporal_block_spec {
  dim_t channels;  // of the residual stream
  dim_t hidden;    // of the depthwise convolution
  dim_t skip;      // of the skip path; 0: there is none
  dim_t kernel;    // odd where the block is not causal
  norm_kind norm;
  double eps;
  bool bias;  // of all convolutions
  bool causal;
  bool residual;  // false: the convolution to the residual stream is left out
};

//   h    = norm(prelu(conv1x1(x)))           channels -> hidden
//   g    = norm(prelu(depthwise(h)))         dilated, zero-padded to keep the length
//   y    = x + conv1x1(g)                    hidden -> channels
//   skip = skip + conv1x1(g)                 hidden -> skip
// x, y [B, channels, T]   skip [B, skip, T]
//
// Kept for backward: x and the two arrays before the PReLUs; everything else is made anew.
template <temporal_block_spec S>
struct temporal_block {
  static constexpr dim_t channels = S.channels, hidden = S.hidden, skip_channels = S.skip, kernel = S.kernel;
  static constexpr bool bias = S.bias, has_residual = S.residual, has_skip = S.skip > 0;
  static constexpr norm_kind norm = S.norm;
  static_assert(sizeof(typename odd_kernel<kernel, S.causal>::demand) > 0);
  static_assert(has_residual || has_skip, "avss: a temporal block needs a residual or a skip convolution");

  using wide = shape<dyn, hidden, dyn>;
  using narrow = shape<dyn, channels, dyn>;

  dim_t dilation = 1;
  bool residual_used = true;  // false: nobody reads y; its convolution stays as it was initialised

  pointwise_params<hidden, channels, bias> conv_in;
  prelu_params prelu_in;
  norm_params<hidden> norm_in;
  depthwise_params<hidden, kernel, bias> depthwise;
  prelu_params prelu_out;
  norm_params<hidden> norm_out;
  optional_param<has_residual, pointwise_params<channels, hidden, bias>> res_out;
  optional_param<has_skip, pointwise_params<skip_channels, hidden, bias>> skip_out;

  template <class T>
  struct saved {
    view<narrow, T> x;
    view<wide, T> before_in, before_out;  // what the two PReLUs are applied to
    norm_stats<T> stats_in, stats_out;
  };

  // skip_started: false for the block that writes the first skip value. y may be x when inferring.
  template <class C, class T>
  void forward(C& ctx, view<narrow, T> x, view<narrow, T> y, T* skip, bool skip_started, saved<T>& s) const {
    const dim_t batch = x.dim(0), frames = x.dim(2);
    const wide inner(batch, frames);
    s.x = x;
    s.before_in = ctx.hold(inner);
    s.before_out = ctx.training() ? ctx.hold(inner) : s.before_in;
    s.stats_in = hold_stats(ctx, norm, batch, frames);
    s.stats_out = hold_stats(ctx, norm, batch, frames);
    const op::act_norm<T> f_in = make_act_norm(ctx, prelu_in.weight, norm_in, norm, S.eps, s.stats_in);
    const op::act_norm<T> f_out = make_act_norm(ctx, prelu_out.weight, norm_out, norm, S.eps, s.stats_out);

    op::pointwise_fwd<T> widen{batch, channels, frames, x.data, {}, 1, {}, f_in};
    widen.target[0] = {hidden, ctx.value(conv_in.weight), ctx.value(conv_in.bias), nullptr, s.before_in.data};
    ctx.run(widen);

    ctx.run(op::depthwise_fwd<T>{batch, hidden, frames, kernel, dilation, left(), s.before_in.data, f_in,
                                 ctx.value(depthwise.weight), ctx.value(depthwise.bias), s.before_out.data, f_out});

    op::pointwise_fwd<T> narrow_down{batch, hidden, frames, s.before_out.data, f_out, 0, {}, {}};
    if constexpr (has_residual)
      if (residual_used)
        narrow_down.target[narrow_down.n_targets++] = {channels, ctx.value(res_out.weight), ctx.value(res_out.bias), x.data,
                                                       y.data};
    if constexpr (has_skip)
      narrow_down.target[narrow_down.n_targets++] = {skip_channels, ctx.value(skip_out.weight), ctx.value(skip_out.bias),
                                                     skip_started ? skip : nullptr, skip};
    ctx.run(narrow_down);
  }

  // dy holds dL/dy and then dL/dx; where y is not used, it is only assigned.
  template <class C, class T>
  void backward(C& ctx, view<narrow, T> dy, const T* dskip, const saved<T>& s) const {
    const dim_t batch = dy.dim(0), frames = dy.dim(2);
    const auto frame = ctx.frame();
    T* const df = ctx.scratch(wide(batch, frames)).data;  // of the one normalisation, then of the other
    const op::act_norm<T> f_in = make_act_norm(ctx, prelu_in.weight, norm_in, norm, S.eps, s.stats_in);
    const op::act_norm<T> f_out = make_act_norm(ctx, prelu_out.weight, norm_out, norm, S.eps, s.stats_out);
    const op::act_norm_grad<T> g_in =
        make_act_norm_grad(ctx, prelu_in.weight, norm_in, f_in, s.before_in.data, df, batch, frames);
    const op::act_norm_grad<T> g_out =
        make_act_norm_grad(ctx, prelu_out.weight, norm_out, f_out, s.before_out.data, df, batch, frames);
    const bool through_residual = has_residual && residual_used;

    op::pointwise_bwd<T> narrow_down{batch, hidden, frames, g_out, false, 0, {}, {}};
    if constexpr (has_residual)
      if (through_residual)
        narrow_down.target[narrow_down.n_targets++] = {channels, ctx.value(res_out.weight), dy.data,
                                                       ctx.gradient(res_out.weight), ctx.gradient(res_out.bias)};
    if constexpr (has_skip)
      narrow_down.target[narrow_down.n_targets++] = {skip_channels, ctx.value(skip_out.weight), dskip,
                                                     ctx.gradient(skip_out.weight), ctx.gradient(skip_out.bias)};
    ctx.run(narrow_down);

    ctx.run(op::depthwise_bwd<T>{batch, hidden, frames, kernel, dilation, left(), g_out, ctx.value(depthwise.weight),
                                 ctx.gradient(depthwise.weight), ctx.gradient(depthwise.bias), g_in});

    op::pointwise_bwd<T> widen{batch, channels, frames, {}, through_residual, 1, {}, g_in};
    widen.input.x = s.x.data;
    widen.input.df = dy.data;
    widen.target[0] = {hidden, ctx.value(conv_in.weight), nullptr, ctx.gradient(conv_in.weight), ctx.gradient(conv_in.bias)};
    ctx.run(widen);
  }

  template <class V>
  void visit(V&& v) {
    v("conv_layers.0", conv_in);
    v("conv_layers.1", prelu_in);
    v("conv_layers.2", norm_in);
    v("conv_layers.3", depthwise);
    v("conv_layers.4", prelu_out);
    v("conv_layers.5", norm_out);
    v("res_out", res_out);
    v("skip_out", skip_out);
  }

 private:
  dim_t left() const { return (kernel - 1) * dilation / (S.causal ? 1 : 2); }
};

}  // namespace avss
