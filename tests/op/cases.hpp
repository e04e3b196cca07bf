// Every way to use the operations, as cases for tests/support/op_run.hpp.
#pragma once

#include <avss/op/act_norm.hpp>
#include <avss/op/copy.hpp>
#include <avss/op/depthwise.hpp>
#include <avss/op/filterbank.hpp>
#include <avss/op/pointwise.hpp>
#include <string>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

inline constexpr norm_kind norm_kinds[] = {norm_kind::none, norm_kind::global, norm_kind::per_frame, norm_kind::cumulative};

// A PReLU and normalisation of a [B, C, T] array.
struct act_norm_use {
  bool slope = false;
  norm_kind norm = norm_kind::none;
  double eps = 1e-2;  // large: no array of few values is blown up to where float ends

  // Its arrays, with names that start with `p`.
  void declare(std::vector<array_spec>& a, const std::string& p, dim_t batch, dim_t channels, dim_t frames) const {
    if (slope) a.push_back({p + "slope", 1, role::param});
    if (norm == norm_kind::none) return;
    const dim_t n = batch * stats_per_item(norm, frames);
    for (const char* name : {"gamma", "beta"}) a.push_back({p + name, channels, role::param});
    for (const char* name : {"mean", "rstd", "shift", "scale"}) a.push_back({p + name, n, role::made});
  }
  template <class B>
  op::act_norm<typename B::value_type> f(op_run<B>& r, const std::string& p) const {
    return {r.value(p + "slope"), norm, eps, r.value(p + "gamma"), r.value(p + "beta"), r.value(p + "mean"),
            r.value(p + "rstd")};
  }
  template <class B, class T = typename B::value_type>
  op::act_norm_grad<T> grad(op_run<B>& r, const std::string& p, const T* x, T* df) const {
    return {f(r, p),
            x,
            df,
            r.value(p + "shift"),
            r.value(p + "scale"),
            r.gradient(p + "gamma"),
            r.gradient(p + "beta"),
            r.gradient(p + "slope")};
  }
};

// y = f(x) on its own.
struct act_norm_case {
  dim_t batch, channels, frames;
  act_norm_use use;
  bool accumulate = false;  // the gradient of x
  bool in_place = false;    // backward makes dx where df was

  std::vector<array_spec> arrays() const {
    const dim_t n = batch * channels * frames;
    std::vector<array_spec> a{{"x", n, accumulate ? role::param : role::input}, {"y", n, role::output}};
    use.declare(a, "", batch, channels, frames);
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    if (use.norm != norm_kind::none) r.run(op::moments<T>{batch, channels, frames, r.value("x"), use.f(r, "")});
    r.run(op::act_norm_fwd<T>{batch, channels, frames, r.value("x"), use.f(r, ""), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    T* dy = r.gradient("y");
    if (in_place) {
      r.gradients("x") = r.gradients("y");
      dy = r.gradient("x");
    }
    const op::act_norm_grad<T> g = use.grad(r, "", static_cast<const T*>(r.value("x")), dy);
    if (use.norm != norm_kind::none) r.run(op::act_norm_close<T>{batch, channels, frames, g});
    r.run(op::act_norm_bwd<T>{batch, channels, frames, g, r.gradient("x"), accumulate});
  }
};

// y_i = W_i f(x) + b_i (+ residual_i); with one target also z = next(y).
struct pointwise_case {
  dim_t batch, in, frames;
  std::vector<dim_t> outs;  // one or two
  act_norm_use use{};
  act_norm_use next{};
  bool bias = true;
  int residual = 0;         // 0: none, 1: an array of its own, 2: y itself
  bool accumulate = false;  // the gradient of f(x)

  bool has_next() const { return next.slope || next.norm != norm_kind::none; }

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", batch * in * frames, role::input}};
    use.declare(a, "in.", batch, in, frames);
    a.push_back({"df", batch * in * frames, role::workspace});
    for (std::size_t k = 0; k < outs.size(); ++k) {
      const std::string i = std::to_string(k);
      const dim_t n = batch * outs[k] * frames;
      a.push_back({"weight" + i, outs[k] * in, role::param});
      if (bias) a.push_back({"bias" + i, outs[k], role::param});
      if (residual) a.push_back({"residual" + i, n, role::constant});
      a.push_back({"y" + i, n, has_next() ? role::made : role::output});
    }
    if (has_next()) {
      next.declare(a, "next.", batch, outs[0], frames);
      a.push_back({"z", batch * outs[0] * frames, role::output});
    }
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::act_norm<T> f = use.f(r, "in.");
    if (use.norm != norm_kind::none) r.run(op::moments<T>{batch, in, frames, r.value("x"), f});
    op::pointwise_fwd<T> o{batch, in, frames, r.value("x"), f, static_cast<int>(outs.size()), {}, {}};
    for (std::size_t k = 0; k < outs.size(); ++k) {
      const std::string i = std::to_string(k);
      if (residual == 2) r.values("y" + i) = r.values("residual" + i);
      o.target[k] = {outs[k], r.value("weight" + i), r.value("bias" + i),
                     residual == 2 ? r.value("y" + i) : r.value("residual" + i), r.value("y" + i)};
    }
    if (has_next()) o.next = next.f(r, "next.");
    r.run(o);
    if (has_next()) r.run(op::act_norm_fwd<T>{batch, outs[0], frames, r.value("y0"), o.next, r.value("z")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const T* x = r.value("x");
    const bool direct = !use.slope && use.norm == norm_kind::none;  // df is dx
    T* df = direct ? r.gradient("x") : r.value("df");
    if (accumulate) std::fill_n(df, batch * in * frames, T(gradient_start));
    op::pointwise_bwd<T> o{batch, in, frames, use.grad(r, "in.", x, df), accumulate, static_cast<int>(outs.size()), {}, {}};
    for (std::size_t k = 0; k < outs.size(); ++k) {
      const std::string i = std::to_string(k);
      o.target[k] = {outs[k], r.value("weight" + i), r.gradient("y" + i), r.gradient("weight" + i), r.gradient("bias" + i)};
    }
    if (has_next()) {
      o.output = next.grad(r, "next.", static_cast<const T*>(r.value("y0")), r.gradient("z"));
      if (next.norm != norm_kind::none) r.run(op::act_norm_close<T>{batch, outs[0], frames, o.output});
    }
    r.run(o);
    if (accumulate)
      for (dim_t i = 0; i < batch * in * frames; ++i) df[i] -= T(gradient_start);
    if (!direct) r.run(op::act_norm_bwd<T>{batch, in, frames, o.input, r.gradient("x"), false});
  }
};

// y = depthwise(f(x)), z = next(y).
struct depthwise_case {
  dim_t batch, channels, frames;
  dim_t kernel, dilation;
  bool causal = false;
  act_norm_use use{};
  act_norm_use next{};
  bool bias = true;
  bool in_place = false;  // y where x was; input.df where output.df was

  dim_t left() const { return (kernel - 1) * dilation / (causal ? 1 : 2); }

  std::vector<array_spec> arrays() const {
    const dim_t n = batch * channels * frames;
    std::vector<array_spec> a{{"x", n, role::input}, {"weight", channels * kernel, role::param}};
    if (bias) a.push_back({"bias", channels, role::param});
    use.declare(a, "in.", batch, channels, frames);
    next.declare(a, "next.", batch, channels, frames);
    a.push_back({"y", n, role::made});
    a.push_back({"z", n, role::output});
    a.push_back({"df", n, role::workspace});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::act_norm<T> f = use.f(r, "in."), g = next.f(r, "next.");
    if (use.norm != norm_kind::none) r.run(op::moments<T>{batch, channels, frames, r.value("x"), f});
    const T* x = r.value("x");
    if (in_place) {
      r.values("y") = r.values("x");
      x = r.value("y");
    }
    r.run(op::depthwise_fwd<T>{batch, channels, frames, kernel, dilation, left(), x, f, r.value("weight"), r.value("bias"),
                               r.value("y"), g});
    r.run(op::act_norm_fwd<T>{batch, channels, frames, r.value("y"), g, r.value("z")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    T* const dz = r.gradient("z");
    const op::act_norm_grad<T> output = next.grad(r, "next.", static_cast<const T*>(r.value("y")), dz);
    const op::act_norm_grad<T> input = use.grad(r, "in.", static_cast<const T*>(r.value("x")), in_place ? dz : r.value("df"));
    if (next.norm != norm_kind::none) r.run(op::act_norm_close<T>{batch, channels, frames, output});
    r.run(op::depthwise_bwd<T>{batch, channels, frames, kernel, dilation, left(), output, r.value("weight"),
                               r.gradient("weight"), r.gradient("bias"), input});
    r.run(op::act_norm_bwd<T>{batch, channels, frames, input, r.gradient("x"), false});
  }
};

// w = act(analysis(x)), z = next(w).
struct analysis_case {
  dim_t batch, length, filters, window, stride, frames, left;
  activation act = activation::identity;
  bool bias = true;
  act_norm_use next{};
  bool want_dx = true;

  std::vector<array_spec> arrays() const {
    const dim_t n = batch * filters * frames;
    std::vector<array_spec> a{{"x", batch * length, want_dx ? role::input : role::constant},
                              {"weight", filters * window, role::param}};
    if (bias) a.push_back({"bias", filters, role::param});
    next.declare(a, "next.", batch, filters, frames);
    a.push_back({"w", n, role::made});
    a.push_back({"z", n, role::output});
    a.push_back({"dw", n, role::workspace});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::act_norm<T> f = next.f(r, "next.");
    r.run(op::analysis_fwd<T>{batch, length, frames, filters, window, stride, left, r.value("x"), r.value("weight"),
                              r.value("bias"), act, r.value("w"), f});
    r.run(op::act_norm_fwd<T>{batch, filters, frames, r.value("w"), f, r.value("z")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::act_norm_grad<T> g = next.grad(r, "next.", static_cast<const T*>(r.value("w")), r.gradient("z"));
    if (next.norm != norm_kind::none) r.run(op::act_norm_close<T>{batch, filters, frames, g});
    r.run(op::act_norm_bwd<T>{batch, filters, frames, g, r.value("dw"), false});
    r.run(op::analysis_bwd<T>{batch, length, frames, filters, window, stride, left, r.value("x"), r.value("weight"), act,
                              r.value("w"), r.value("dw"), r.gradient("weight"), r.gradient("bias"), r.gradient("x")});
  }
};

// out = synthesis(masks(z) w).
struct synthesis_case {
  dim_t batch, in, sources, filters, window, stride, frames, left, length;
  activation act = activation::sigmoid;
  bool slope = true, mask_bias = true, bias = true;
  double far_logits = 0;  // with mask_bias: these, of either sign, in place of it

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"z", batch * in * frames, role::input},
                              {"mask_weight", sources * filters * in, role::param},
                              {"w", batch * filters * frames, role::input},
                              {"decoder", filters * window, role::param},
                              {"out", batch * sources * length, role::output}};
    if (slope) a.push_back({"slope", 1, role::param});
    if (mask_bias) a.push_back({"mask_bias", sources * filters, role::param});
    if (bias) a.push_back({"bias", 1, role::param});
    return a;
  }
  template <class B, class T = typename B::value_type>
  op::masked_synthesis_fwd<T> describe(op_run<B>& r) const {
    return {batch,
            in,
            sources,
            filters,
            frames,
            window,
            stride,
            left,
            length,
            r.value("z"),
            r.value("slope"),
            r.value("mask_weight"),
            r.value("mask_bias"),
            act,
            r.value("w"),
            r.value("decoder"),
            r.value("bias"),
            r.value("out")};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    if (far_logits != 0)
      for (std::size_t i = 0; i < r.values("mask_bias").size(); ++i)
        r.values("mask_bias")[i] = static_cast<T>(i % 3 == 1 ? -far_logits : far_logits);
    r.run(describe(r));
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    op::masked_synthesis_fwd<T> f = describe(r);
    f.out = nullptr;
    r.run(op::masked_synthesis_bwd<T>{f, r.gradient("out"), r.gradient("z"), r.gradient("w"), r.gradient("slope"),
                                      r.gradient("mask_weight"), r.gradient("mask_bias"), r.gradient("decoder"),
                                      r.gradient("bias")});
  }
};

// y = part of x, or y += part of x.
struct copy_case {
  dim_t rows, n, from_pitch, to_pitch;
  bool accumulate = false;

  std::vector<array_spec> arrays() const {
    return {{"x", rows * from_pitch, role::constant},
            {"start", rows * to_pitch, role::constant},
            {"y", rows * to_pitch, role::made}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.values("y") = r.values("start");
    if (!accumulate)
      for (dim_t i = 0; i < rows; ++i) std::fill_n(r.value("y") + i * to_pitch, n, std::numeric_limits<T>::quiet_NaN());
    r.run(op::copy<T>{rows, n, from_pitch, to_pitch, r.value("x"), r.value("y"), accumulate});
  }
  template <class B>
  void backward(op_run<B>&) const {}
};

}  // namespace avss::test
