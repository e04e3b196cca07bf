// A recurrent network along one axis of a map, as RTFS-Net runs it along frequency and along time.
#pragma once

#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/layer/recurrent.hpp>
#include <avss/op/sequence.hpp>

namespace avss {

struct dual_path_spec {
  recurrence kind;
  dim_t channels, window, hidden;
  int layers;
  bool along_bins;  // otherwise along the frames
};

// y = x + fold(RNN(windows of LayerNorm over channels(x))): windows of `window` steps, one every step, are unfolded, run
// through the recurrent stack and folded back by a transposed convolution (section 3.2 of the RTFS-Net paper,
// arXiv:2309.17189). x, y [B, channels, T, F], at least `window` steps along the axis.
template <dual_path_spec S>
struct dual_path {
  static constexpr dim_t channels = S.channels, window = S.window, hidden = S.hidden;
  using map = map_shape<channels>;
  using stack = recurrent_stack<recurrent_spec{S.kind, S.channels, S.window, S.hidden, S.layers}>;

  gain_params<1, channels, 1, 1> norm;
  stack rnn;
  conv_params<true, 2 * hidden, channels, window> linear;

  template <class T>
  struct saved {
    op::walk walk;
    const T* x = nullptr;
    op::map_norm<T> f;
    typename stack::template saved<T> rnn;
    T* h = nullptr;
  };

  // y may be x when nothing is kept.
  template <class C, class T>
  void forward(C& ctx, view<map, T> x, view<map, T> y, const pass_rules&, saved<T>& s) const {
    const auto frame = ctx.frame();
    s.walk = {size_of(x), S.along_bins};
    s.x = x.data;
    s.f = make_map_norm(ctx, norm_over::position, s.walk.n, s.x, ctx.value(norm.gamma), ctx.value(norm.beta));
    T* const sequence = ctx.hold(sequences(s)).data;
    ctx.run(op::to_sequences<T>{s.walk, x.data, s.f, nullptr, sequence});
    s.h = rnn.forward(ctx, s.walk.steps(), s.walk.rows(), sequence, s.rnn);
    T* const folded = ctx.scratch(sequences(s)).data;
    ctx.run(op::window_fold_fwd<T>{s.walk.steps() - window + 1, s.walk.rows(), 2 * hidden, window, channels, s.h,
                                   ctx.value(linear.weight), ctx.value(linear.bias), folded});
    ctx.run(op::from_sequences<T>{s.walk, folded, x.data, y.data});
  }

  // d holds dL/dy, then dL/dx.
  template <class C, class T>
  void backward(C& ctx, view<map, T> d, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const dim_t steps = s.walk.steps() - window + 1, rows = s.walk.rows();
    T* const dsequence = ctx.scratch(sequences(s)).data;
    T* const dh = ctx.scratch(shape<dyn, dyn, dyn>(steps, rows, 2 * hidden)).data;
    T* const dnormed = ctx.scratch(d.extents).data;
    ctx.run(op::to_sequences<T>{s.walk, d.data, {}, nullptr, dsequence});
    ctx.run(op::window_fold_bwd<T>{steps, rows, 2 * hidden, window, channels, s.h, ctx.value(linear.weight), dsequence, dh,
                                   ctx.gradient(linear.weight), ctx.gradient(linear.bias)});
    rnn.backward(ctx, dh, dsequence, s.rnn);
    ctx.run(op::from_sequences<T>{s.walk, dsequence, nullptr, dnormed});
    ctx.run(
        op::map_norm_bwd<T>{s.walk.n, s.x, s.f, dnormed, {ctx.gradient(norm.gamma), ctx.gradient(norm.beta)}, d.data, true});
  }

  template <class V>
  void visit(V&& v) {
    v("norm", norm);
    v("rnn", rnn);
    v("linear", linear);
  }

 private:
  template <class T>
  static shape<dyn, dyn, dyn> sequences(const saved<T>& s) {
    return shape<dyn, dyn, dyn>(s.walk.steps(), s.walk.rows(), channels);
  }
};

}  // namespace avss
