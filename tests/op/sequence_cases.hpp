// Every way to use the operations along sequences, as cases for tests/support/op_run.hpp.
#pragma once

#include <algorithm>
#include <avss/op/attention.hpp>
#include <avss/op/recurrent.hpp>
#include <avss/op/sequence.hpp>
#include <string>
#include <tests/op/map_cases.hpp>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

// A map to sequences, and back onto another map.
struct walk_case {
  op::walk w;
  map_norm_use use{};
  bool table = false, plus = false;

  std::vector<array_spec> arrays() const {
    const dim_t n = w.n.size();
    std::vector<array_spec> a{{"x", n, role::input},
                              {"between", n, role::made},
                              {"dbetween", n, role::workspace},
                              {"y", n, role::output},
                              {"dnormed", n, role::workspace}};
    if (table) a.push_back({"table", w.steps() * w.n.channels, role::constant});
    if (plus) a.push_back({"plus", n, role::constant});
    use.declare(a, "", w.n);
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.run(op::map_moments<T>{w.n, r.value("x"), use.f(r, "")});
    r.run(op::to_sequences<T>{w, r.value("x"), use.f(r, ""), r.value("table"), r.value("between")});
    r.run(op::from_sequences<T>{w, r.value("between"), r.value("plus"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.run(op::to_sequences<T>{w, r.gradient("y"), {}, nullptr, r.value("dbetween")});
    r.run(op::from_sequences<T>{w, r.value("dbetween"), nullptr, r.value("dnormed")});
    r.run(op::map_norm_bwd<T>{w.n, r.value("x"), use.f(r, ""), r.value("dnormed"), use.grad(r, ""), r.gradient("x"), false});
  }
};

struct window_linear_case {
  op::window_size n;
  bool in_major, bias = true, accumulate = false;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.steps * n.rows * n.in, accumulate ? role::param : role::input},
                              {"weight", n.in * n.window * n.out, role::param},
                              {"y", n.out_steps() * n.rows * n.out, role::output}};
    if (bias) a.push_back({"bias", n.out, role::param});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::window_linear_fwd<typename B::value_type>{n, in_major, r.value("x"), r.value("weight"), r.value("bias"),
                                                        r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::window_linear_bwd<typename B::value_type>{n, in_major, r.value("x"), r.value("weight"), r.gradient("y"),
                                                        r.gradient("x"), accumulate, r.gradient("weight"), r.gradient("bias")});
  }
};

struct window_fold_case {
  dim_t steps, rows, in, window, out;

  std::vector<array_spec> arrays() const {
    return {{"x", steps * rows * in, role::input},
            {"weight", in * out * window, role::param},
            {"bias", out, role::param},
            {"y", (steps + window - 1) * rows * out, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::window_fold_fwd<typename B::value_type>{steps, rows, in, window, out, r.value("x"), r.value("weight"),
                                                      r.value("bias"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::window_fold_bwd<typename B::value_type>{steps, rows, in, window, out, r.value("x"), r.value("weight"),
                                                      r.gradient("y"), r.gradient("x"), r.gradient("weight"),
                                                      r.gradient("bias")});
  }
};

struct sru_case {
  op::sru_size n;
  bool in_place = false;  // du where u was

  std::vector<array_spec> arrays() const {
    const dim_t values = n.steps * n.rows * 2 * n.hidden;
    std::vector<array_spec> a{{"u", values * n.products, role::input},
                              {"c", values, role::made},
                              {"weight_c", 4 * n.hidden, role::param},
                              {"bias", 4 * n.hidden, role::param},
                              {"h", values, role::output}};
    if (n.products == 3) a.push_back({"x", values, role::input});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::sru_fwd<typename B::value_type>{n, r.value("u"), r.value("x"), r.value("weight_c"), r.value("bias"), r.value("h"),
                                              r.value("c")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const T* u = r.value("u");
    if (in_place) {
      r.gradients("u") = r.values("u");
      u = r.gradient("u");
    }
    r.run(op::sru_bwd<T>{n, u, r.value("x"), r.value("weight_c"), r.value("bias"), r.value("c"), r.gradient("h"),
                         r.gradient("u"), r.gradient("x"), r.gradient("weight_c"), r.gradient("bias")});
  }
};

// The second half of rows that are twice as long as one direction's results.
struct lstm_case {
  op::lstm_size n;

  std::vector<array_spec> arrays() const {
    const dim_t rows = n.steps * n.rows;
    return {{"g", rows * 4 * n.hidden, role::input},
            {"gates", rows * 4 * n.hidden, role::workspace},
            {"weight_hh", 4 * n.hidden * n.hidden, role::param},
            {"bias_ih", 4 * n.hidden, role::param},
            {"bias_hh", 4 * n.hidden, role::param},
            {"c", rows * n.hidden, role::made},
            {"h", rows * n.pitch, role::output}};
  }
  dim_t first() const { return n.pitch - n.hidden; }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.values("gates") = r.values("g");
    std::fill(r.values("h").begin(), r.values("h").end(), T(0));  // the other half
    r.run(op::lstm_fwd<T>{n, r.value("gates"), r.value("weight_hh"), r.value("bias_ih"), r.value("bias_hh"),
                          r.value("h") + first(), r.value("c")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.run(op::lstm_bwd<T>{n, r.value("gates"), r.value("weight_hh"), r.value("h") + first(), r.value("c"),
                          r.gradient("h") + first(), r.gradient("weight_hh"), r.gradient("bias_ih"), r.gradient("bias_hh")});
    r.gradients("g") = r.values("gates");
  }
};

// Packed: queries, keys and values of all inner attentions side by side, [outer, length, 3 inner width]; otherwise three arrays
// [outer, length, inner, width].
struct attention_case {
  dim_t outer, inner, length, width, value_width;
  bool packed = false;  // width == value_width
  double rate = 0;

  op::attention_size size() const {
    const auto lie = [&](dim_t w) { return op::vector_strides{length * inner * w, w, inner * w}; };
    op::attention_size n{outer, inner, length, width, value_width, 0.7, lie(width), lie(value_width), lie(value_width)};
    if (packed) n.query = n.value = {3 * length * inner * width, width, 3 * inner * width};
    return n;
  }
  op::dropout_rule drop() const { return {rate, random_stream(5, "attention")}; }
  std::vector<array_spec> arrays() const {
    const dim_t rows = outer * length * inner;
    std::vector<array_spec> a{{"p", rows * length, role::made}, {"y", rows * value_width, role::output}};
    if (packed) {
      a.push_back({"qkv", 3 * rows * width, role::input});
    } else {
      for (const char* name : {"q", "k"}) a.push_back({name, rows * width, role::input});
      a.push_back({"v", rows * value_width, role::input});
    }
    return a;
  }
  template <class T>
  struct triple {
    T *q, *k, *v;
  };
  template <class Get>
  auto three(Get&& get) const {
    using T = std::remove_pointer_t<decltype(get("q"))>;
    if (!packed) return triple<T>{get("q"), get("k"), get("v")};
    return triple<T>{get("qkv"), get("qkv") + inner * width, get("qkv") + 2 * inner * width};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    const auto x = three([&](const char* name) { return r.value(name); });
    r.run(op::attention_fwd<typename B::value_type>{size(), x.q, x.k, x.v, r.value("p"), r.value("y"), drop()});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    const auto x = three([&](const char* name) { return r.value(name); });
    const auto d = three([&](const char* name) { return r.gradient(name); });
    r.run(
        op::attention_bwd<typename B::value_type>{size(), x.q, x.k, x.v, r.value("p"), r.gradient("y"), d.q, d.k, d.v, drop()});
  }
};

// Two parts of different sizes.
struct stacked_pointwise_case {
  dim_t batch, in, plane, out0, out1;

  std::vector<array_spec> arrays() const {
    return {{"x", batch * in * plane, role::param}, {"weight0", out0 * in, role::param},
            {"bias0", out0, role::param},           {"weight1", out1 * in, role::param},
            {"bias1", out1, role::param},           {"y", batch * (out0 + out1) * plane, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    op::stacked_pointwise_fwd<typename B::value_type> o{batch, in, plane, r.value("x"), 2, {}, r.value("y")};
    o.parts[0] = {out0, r.value("weight0"), r.value("bias0")};
    o.parts[1] = {out1, r.value("weight1"), r.value("bias1")};
    r.run(o);
  }
  template <class B>
  void backward(op_run<B>& r) const {
    op::stacked_pointwise_bwd<typename B::value_type> o{batch, in, plane,           r.value("x"),
                                                        2,     {}, r.gradient("y"), r.gradient("x")};
    o.parts[0] = {out0, r.value("weight0"), r.gradient("weight0"), r.gradient("bias0")};
    o.parts[1] = {out1, r.value("weight1"), r.gradient("weight1"), r.gradient("bias1")};
    r.run(o);
  }
};

// Two heads, in an array with channels of somebody else behind theirs.
struct head_norm_case {
  dim_t batch, channels, frames, bins, others;

  op::heads_size size() const { return {batch, 2, channels, frames, bins, (2 * channels + others) * frames * bins}; }
  std::vector<array_spec> arrays() const {
    const op::heads_size n = size();
    std::vector<array_spec> a{{"x", batch * n.pitch, role::input},
                              {"mean", batch * 2 * frames, role::made},
                              {"rstd", batch * 2 * frames, role::made},
                              {"y", batch * 2 * channels * frames * bins, role::output}};
    for (const char* h : {"0", "1"}) {
      a.push_back({std::string("slope") + h, 1, role::param});
      for (const char* name : {"gamma", "beta"}) a.push_back({std::string(name) + h, channels * bins, role::param});
    }
    return a;
  }
  template <class B, class T = typename B::value_type>
  op::head_norm_fwd<T> describe(op_run<B>& r) const {
    return {size(),
            1e-2,
            r.value("x"),
            {r.value("slope0"), r.value("slope1")},
            {r.value("gamma0"), r.value("gamma1")},
            {r.value("beta0"), r.value("beta1")},
            r.value("mean"),
            r.value("rstd"),
            r.value("y")};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(describe(r));
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    std::fill(r.gradients("x").begin(), r.gradients("x").end(), T(0));  // the others' channels
    r.run(op::head_norm_bwd<T>{describe(r),
                               r.gradient("y"),
                               r.gradient("x"),
                               {r.gradient("slope0"), r.gradient("slope1")},
                               {r.gradient("gamma0"), r.gradient("gamma1")},
                               {r.gradient("beta0"), r.gradient("beta1")}});
  }
};

struct swap_axes_case {
  dim_t rows, a, b, inner;

  std::vector<array_spec> arrays() const {
    const dim_t n = rows * a * b * inner;
    return {{"x", n, role::input}, {"y", n, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::swap_axes<typename B::value_type>{rows, a, b, inner, r.value("x"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::swap_axes<typename B::value_type>{rows, b, a, inner, r.gradient("y"), r.gradient("x")});
  }
};

}  // namespace avss::test
