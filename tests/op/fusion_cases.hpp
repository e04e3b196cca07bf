// Every way to use the operations that join sound and sight, and dropout, as cases for tests/support/op_run.hpp.
#pragma once

#include <algorithm>
#include <avss/op/dropout.hpp>
#include <avss/op/fusion.hpp>
#include <string>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

struct gateway_case {
  op::map_size n;
  dim_t share = 1;
  bool plus = true, accumulate = false;  // the gradient of plus

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), role::input},
                              {"weight", n.channels, role::param},
                              {"bias", n.channels, role::param},
                              {"slope", 1, role::param},
                              {"y", n.size(), role::output}};
    if (plus) a.push_back({"plus", n.size() / share, accumulate ? role::param : role::input});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::gateway_fwd<typename B::value_type>{n, r.value("x"), r.value("plus"), share, r.value("weight"), r.value("bias"),
                                                  r.value("slope"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.gradients("x") = r.gradients("y");
    r.run(op::gateway_bwd<typename B::value_type>{n, r.value("x"), r.value("plus"), share, r.value("weight"), r.value("bias"),
                                                  r.value("slope"), r.gradient("x"), r.gradient("plus"), accumulate,
                                                  r.gradient("weight"), r.gradient("bias"), r.gradient("slope")});
  }
};

struct fusion_case {
  op::map_size n;
  dim_t share, video_frames;
  bool fixed = false;
  double eps = 1e-2;

  op::map_size single() const { return {n.batch / share, n.channels, n.frames, n.bins}; }
  dim_t seen() const { return n.batch * n.channels * video_frames; }

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"a", single().size(), role::input},
                              {"key", seen(), role::input},
                              {"weights", seen(), role::input},
                              {"y", n.size(), role::output}};
    for (const std::string p : {"gate.", "value."}) {
      for (const char* name : {"weight", "gamma", "beta"}) a.push_back({p + name, n.channels, role::param});
      for (const char* name : {"mean", "rstd"}) a.push_back({p + name, n.channels, fixed ? role::constant : role::made});
    }
    return a;
  }
  template <class B>
  static op::fusion_branch<typename B::value_type> branch(op_run<B>& r, const std::string& p) {
    return {r.value(p + "weight"), r.value(p + "gamma"), r.value(p + "beta"), r.value(p + "mean"), r.value(p + "rstd")};
  }
  template <class B, class T = typename B::value_type>
  op::fusion_fwd<T> describe(op_run<B>& r) const {
    return {n,
            share,
            video_frames,
            r.value("a"),
            branch(r, "gate."),
            branch(r, "value."),
            r.value("key"),
            r.value("weights"),
            r.value("y")};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    if (!fixed)
      for (const char* p : {"gate.", "value."}) r.run(op::fusion_moments<T>{single(), eps, r.value("a"), branch(r, p)});
    r.run(describe(r));
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const auto grad = [&](const std::string& p) {
      return op::fusion_branch_grad<T>{r.gradient(p + "weight"), r.gradient(p + "gamma"), r.gradient(p + "beta")};
    };
    r.run(op::fusion_bwd<T>{describe(r), fixed, r.gradient("y"), r.gradient("a"), r.gradient("key"), r.gradient("weights"),
                            grad("gate."), grad("value.")});
  }
};

struct head_softmax_case {
  dim_t batch, channels, heads, frames;

  std::vector<array_spec> arrays() const {
    return {{"x", batch * channels * heads * frames, role::input}, {"y", batch * channels * frames, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::head_softmax_fwd<typename B::value_type>{batch, channels, heads, frames, r.value("x"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::head_softmax_bwd<typename B::value_type>{batch, channels, heads, frames, r.value("y"), r.gradient("y"),
                                                       r.gradient("x")});
  }
};

struct complex_mask_case {
  dim_t batch, share, channels, plane;
  bool in_place = false;

  std::vector<array_spec> arrays() const {
    const dim_t size = batch * channels * plane;
    return {{"mask", size, role::input}, {"e", size / share, role::input}, {"z", size, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    const T* mask = r.value("mask");
    if (in_place) {
      r.values("z") = r.values("mask");
      mask = r.value("z");
    }
    r.run(op::complex_mask_fwd<T>{batch, share, channels, plane, mask, r.value("e"), r.value("z")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const T* dz = r.gradient("z");
    if (in_place) {
      r.gradients("mask") = r.gradients("z");
      dz = r.gradient("mask");
    }
    r.run(op::complex_mask_bwd<T>{batch, share, channels, plane, r.value("mask"), r.value("e"), dz, r.gradient("mask"),
                                  r.gradient("e")});
  }
};

struct dropout_case {
  dim_t outer, groups, inner;
  double rate;
  bool plus = false;

  std::vector<array_spec> arrays() const {
    const dim_t n = outer * groups * inner;
    std::vector<array_spec> a{{"x", n, role::input}, {"y", n, role::output}};
    if (plus) a.push_back({"plus", n, role::constant});
    return a;
  }
  op::dropout_rule rule() const { return {rate, random_stream(3, "dropout")}; }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::dropout<typename B::value_type>{outer, groups, inner, rule(), r.value("x"), r.value("plus"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::dropout<typename B::value_type>{outer, groups, inner, rule(), r.gradient("y"), nullptr, r.gradient("x")});
  }
};

}  // namespace avss::test
