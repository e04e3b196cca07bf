// Stacked bidirectional recurrent layers along sequences [S, N, C].
#pragma once

#include <array>
#include <avss/core/context.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/op/recurrent.hpp>
#include <avss/op/sequence.hpp>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

namespace avss {

// One layer of simple recurrent units, both directions. Weights, names and initial values as asappresearch/sru 2.6 has them:
// W [in window, 2 hidden products], the products of one unit lying together; scale_x is stored and not used.
template <dim_t In, dim_t Window, dim_t Hidden>
struct sru_layer {
  // Where the input is as wide as the result, it is its own highway.
  static constexpr dim_t products = In * Window == 2 * Hidden ? 3 : 4;
  static constexpr bool highway = products == 3;
  static constexpr dim_t out = 2 * Hidden * products;
  static_assert(Window == 1 || !highway, "avss: an SRU whose windows are as wide as its result would need them laid out");

  param<In * Window, out> weight;
  param<4 * Hidden> weight_c;
  param<4 * Hidden> bias;
  state<1> scale_x;

  template <class T>
  struct saved {
    T *x, *u, *c, *h;
  };

  // s.x and s.h are set; h [n.out_steps(), N, 2 hidden] is assigned.
  template <class C, class T>
  void forward(C& ctx, const op::window_size& n, saved<T>& s) const {
    const auto frame = ctx.frame();
    s.u = ctx.hold(shape<dyn, dyn, dyn>(n.out_steps(), n.rows, out)).data;
    s.c = ctx.training() ? ctx.keep(shape<dyn, dyn, dyn>(n.out_steps(), n.rows, 2 * Hidden)).data : nullptr;
    ctx.run(op::window_linear_fwd<T>{n, true, s.x, ctx.value(weight), nullptr, s.u});
    ctx.run(op::sru_fwd<T>{size(n), s.u, highway ? s.x : nullptr, ctx.value(weight_c), ctx.value(bias), s.h, s.c});
  }

  // dx is assigned. What forward kept is used up.
  template <class C, class T>
  void backward(C& ctx, const op::window_size& n, const T* dh, T* dx, const saved<T>& s) const {
    ctx.run(op::sru_bwd<T>{size(n), s.u, highway ? s.x : nullptr, ctx.value(weight_c), ctx.value(bias), s.c, dh, s.u,
                           highway ? dx : nullptr, ctx.gradient(weight_c), ctx.gradient(bias)});
    ctx.run(op::window_linear_bwd<T>{n, true, s.x, ctx.value(weight), s.u, dx, highway, ctx.gradient(weight), nullptr});
  }

  static init_rule initial(std::string_view leaf) {
    if (leaf == "weight") return {init_rule::kind::uniform, std::sqrt(3 / static_cast<double>(In * Window))};
    if (leaf == "weight_c") return {init_rule::kind::uniform, std::sqrt(1.5)};
    return {init_rule::kind::constant, leaf == "scale_x" ? 1.0 : 0.0};
  }
  // The gates' products start smaller than the cell's, so that all contribute alike.
  template <class T>
  static void adjust_initial(std::string_view leaf, T* values) {
    if (leaf != "weight") return;
    for (dim_t i = 0; i < In * Window * out; ++i)
      if (const dim_t product = i % products; product == 1 || product == 2) values[i] *= static_cast<T>(std::sqrt(0.5));
  }

  static std::string group(std::size_t number) { return "rnn_lst." + std::to_string(number); }
  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("weight_c", weight_c);
    v("bias", bias);
    v("scale_x", scale_x);
  }

 private:
  static op::sru_size size(const op::window_size& n) { return {n.out_steps(), n.rows, Hidden, products}; }
};

// One layer of LSTMs, both directions, with PyTorch's names, gates and initial values.
template <dim_t In, dim_t Window, dim_t Hidden>
struct lstm_layer {
  static constexpr dim_t out = 4 * Hidden;

  struct direction {
    param<4 * Hidden, In * Window> weight_ih;
    param<4 * Hidden, Hidden> weight_hh;
    param<4 * Hidden> bias_ih, bias_hh;
  };
  std::array<direction, 2> directions;
  std::size_t number = 0;  // of the layer, part of its names

  template <class T>
  struct saved {
    T *x, *h;
    std::array<T*, 2> gates, c;
  };

  template <class C, class T>
  void forward(C& ctx, const op::window_size& n, saved<T>& s) const {
    for (std::size_t d = 0; d < 2; ++d) {
      const auto frame = ctx.frame();
      const direction& p = directions[d];
      s.gates[d] = ctx.hold(shape<dyn, dyn, dyn>(n.out_steps(), n.rows, out)).data;
      s.c[d] = ctx.hold(shape<dyn, dyn, dyn>(n.out_steps(), n.rows, Hidden)).data;
      ctx.run(op::window_linear_fwd<T>{n, false, s.x, ctx.value(p.weight_ih), nullptr, s.gates[d]});
      ctx.run(op::lstm_fwd<T>{size(n, d), s.gates[d], ctx.value(p.weight_hh), ctx.value(p.bias_ih), ctx.value(p.bias_hh),
                              half(s.h, d), s.c[d]});
    }
  }

  template <class C, class T>
  void backward(C& ctx, const op::window_size& n, const T* dh, T* dx, const saved<T>& s) const {
    for (std::size_t d = 0; d < 2; ++d) {
      const direction& p = directions[d];
      ctx.run(op::lstm_bwd<T>{size(n, d), s.gates[d], ctx.value(p.weight_hh), half(static_cast<const T*>(s.h), d), s.c[d],
                              half(dh, d), ctx.gradient(p.weight_hh), ctx.gradient(p.bias_ih), ctx.gradient(p.bias_hh)});
      ctx.run(op::window_linear_bwd<T>{n, false, s.x, ctx.value(p.weight_ih), s.gates[d], dx, d == 1, ctx.gradient(p.weight_ih),
                                       nullptr});
    }
  }

  static init_rule initial(std::string_view) { return {init_rule::kind::uniform, 1 / std::sqrt(static_cast<double>(Hidden))}; }

  static std::string group(std::size_t) { return ""; }
  template <class V>
  void visit(V&& v) {
    for (std::size_t d = 0; d < 2; ++d) {
      const std::string end = "_l" + std::to_string(number) + (d ? "_reverse" : "");
      v("weight_ih" + end, directions[d].weight_ih);
      v("weight_hh" + end, directions[d].weight_hh);
      v("bias_ih" + end, directions[d].bias_ih);
      v("bias_hh" + end, directions[d].bias_hh);
    }
  }

 private:
  static op::lstm_size size(const op::window_size& n, std::size_t d) {
    return {n.out_steps(), n.rows, Hidden, 2 * Hidden, d == 1};
  }
  // One direction's half of h; null stays null while memory is planned.
  template <class T>
  static T* half(T* p, std::size_t d) {
    return p ? p + static_cast<dim_t>(d) * Hidden : p;
  }
};

enum class recurrence { sru, lstm };

// The first layer sees windows of the sequence: its input is unfolded, `in` channels of `window` steps each.
struct recurrent_spec {
  recurrence kind;
  dim_t in, window, hidden;  // hidden: of one direction
  int layers;
};

// h = layer(... layer(windows of x))      x [S, N, in]   h [S - window + 1, N, 2 hidden], the forward direction first
template <recurrent_spec S>
struct recurrent_stack {
  static constexpr dim_t in = S.in, window = S.window, hidden = S.hidden;
  static constexpr std::size_t layers = S.layers;
  static_assert(S.layers >= 1, "avss: a recurrent stack needs at least one layer");

  template <dim_t In, dim_t Window>
  using layer = std::conditional_t<S.kind == recurrence::sru, sru_layer<In, Window, hidden>, lstm_layer<In, Window, hidden>>;
  using first_layer = layer<in, window>;
  using next_layer = layer<2 * hidden, 1>;

  first_layer first;
  std::array<next_layer, layers - 1> rest;

  recurrent_stack() {
    if constexpr (S.kind == recurrence::lstm)
      for (std::size_t i = 0; i + 1 < layers; ++i) rest[i].number = i + 1;
  }

  template <class T>
  struct saved {
    dim_t steps = 0, rows = 0;  // of x
    typename first_layer::template saved<T> first;
    std::array<typename next_layer::template saved<T>, layers - 1> rest;
  };

  // Returns h, which lies in the enclosing frame or is kept.
  template <class C, class T>
  T* forward(C& ctx, dim_t steps, dim_t rows, T* x, saved<T>& s) const {
    s.steps = steps;
    s.rows = rows;
    s.first.x = x;
    s.first.h = ctx.hold(wide(s)).data;
    first.forward(ctx, outer_size(s), s.first);
    T* h = s.first.h;
    for (std::size_t i = 0; i + 1 < layers; ++i) {
      s.rest[i].x = h;
      s.rest[i].h = h = ctx.hold(wide(s)).data;
      rest[i].forward(ctx, inner_size(s), s.rest[i]);
    }
    return h;
  }

  // dh, the gradient of h, and what forward kept are used up. dx [S, N, in] is assigned.
  template <class C, class T>
  void backward(C& ctx, T* dh, T* dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* other = layers > 1 ? ctx.scratch(wide(s)).data : nullptr;
    for (std::size_t i = layers - 1; i-- > 0; std::swap(dh, other)) rest[i].backward(ctx, inner_size(s), dh, other, s.rest[i]);
    first.backward(ctx, outer_size(s), dh, dx, s.first);
  }

  template <class V>
  void visit(V&& v) {
    v(first_layer::group(0), first);
    for (std::size_t i = 0; i + 1 < layers; ++i) v(next_layer::group(i + 1), rest[i]);
  }

 private:
  template <class T>
  static shape<dyn, dyn, dyn> wide(const saved<T>& s) {
    return shape<dyn, dyn, dyn>(s.steps - window + 1, s.rows, 2 * hidden);
  }
  template <class T>
  static op::window_size outer_size(const saved<T>& s) {
    return {s.steps, s.rows, in, window, first_layer::out};
  }
  template <class T>
  static op::window_size inner_size(const saved<T>& s) {
    return {s.steps - window + 1, s.rows, 2 * hidden, 1, next_layer::out};
  }
};

}  // namespace avss
