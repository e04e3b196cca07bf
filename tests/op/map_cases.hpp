// Every way to use the operations on maps, as cases for tests/support/op_run.hpp.
#pragma once

#include <avss/op/conv2d.hpp>
#include <avss/op/dropout.hpp>
#include <avss/op/fusion.hpp>
#include <avss/op/map_norm.hpp>
#include <avss/op/resize.hpp>
#include <avss/op/spectrum.hpp>
#include <string>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

inline constexpr norm_over norms_over[] = {norm_over::none, norm_over::item, norm_over::position, norm_over::frame,
                                           norm_over::channel};
inline constexpr curve curves[] = {curve::identity, curve::relu, curve::prelu, curve::sigmoid};

// A normalisation of a map with what stands before and after it.
struct map_norm_use {
  norm_over over = norm_over::none;
  curve pre = curve::identity, post = curve::identity;
  bool fixed = false;
  double eps = 1e-2;  // large: no map of few values is blown up to where float ends

  void declare(std::vector<array_spec>& a, const std::string& p, const op::map_size& n) const {
    if (pre == curve::prelu) a.push_back({p + "pre", 1, role::param});
    if (post == curve::prelu) a.push_back({p + "post", 1, role::param});
    if (over == norm_over::none) return;
    for (const char* name : {"gamma", "beta"})
      a.push_back({p + name, n.channels * (over == norm_over::frame ? n.bins : 1), role::param});
    for (const char* name : {"mean", "rstd"}) a.push_back({p + name, stats_of(over, n), fixed ? role::constant : role::made});
  }
  template <class B>
  op::map_norm<typename B::value_type> f(op_run<B>& r, const std::string& p) const {
    return {over,
            eps,
            r.value(p + "gamma"),
            r.value(p + "beta"),
            r.value(p + "mean"),
            r.value(p + "rstd"),
            fixed,
            {pre, r.value(p + "pre")},
            {post, r.value(p + "post")}};
  }
  template <class B>
  op::map_norm_grad<typename B::value_type> grad(op_run<B>& r, const std::string& p) const {
    return {r.gradient(p + "gamma"), r.gradient(p + "beta"), r.gradient(p + "pre"), r.gradient(p + "post")};
  }
};

// y = f(x) + plus
struct map_norm_case {
  op::map_size n;
  map_norm_use use;
  bool plus = false, accumulate = false, in_place = false;  // in place: backward makes dx where dy was

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), accumulate ? role::param : role::input}, {"y", n.size(), role::output}};
    if (plus) a.push_back({"plus", n.size(), role::constant});
    use.declare(a, "", n);
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    r.run(op::map_moments<T>{n, r.value("x"), use.f(r, "")});
    r.run(op::map_norm_fwd<T>{n, r.value("x"), use.f(r, ""), r.value("plus"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const T* dy = r.gradient("y");
    if (in_place) {
      r.gradients("x") = r.gradients("y");
      dy = r.gradient("x");
    }
    r.run(op::map_norm_bwd<T>{n, r.value("x"), use.f(r, ""), dy, use.grad(r, ""), r.gradient("x"), accumulate});
  }
};

struct stft_case {
  op::framing n;

  dim_t values() const { return n.batch * 2 * n.frames() * n.bins(); }
  std::vector<array_spec> arrays() const {
    return {{"x", n.batch * n.given, role::input}, {"spectrum", values(), role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::stft_fwd<typename B::value_type>{n, r.value("x"), r.value("spectrum")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::stft_bwd<typename B::value_type>{n, r.gradient("spectrum"), r.gradient("x")});
  }
};

struct istft_case {
  op::framing n;
  dim_t covered;

  std::vector<array_spec> arrays() const {
    return {{"spectrum", stft_case{n}.values(), role::input}, {"x", n.batch * n.given, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::istft_fwd<typename B::value_type>{n, covered, r.value("spectrum"), r.value("x")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::istft_bwd<typename B::value_type>{n, covered, r.gradient("x"), r.gradient("spectrum")});
  }
};

struct conv2d_case {
  op::map_size n;
  dim_t out;
  op::sliding s;
  bool transposed = false, bias = true, want_dx = true;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), want_dx ? role::input : role::constant},
                              {"weight", n.channels * out * s.taps(), role::param},
                              {"y", n.batch * out * n.plane(), role::output}};
    if (bias) a.push_back({"bias", out, role::param});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::conv2d_fwd<typename B::value_type>{n, out, s, transposed, r.value("x"), r.value("weight"), r.value("bias"),
                                                 r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::conv2d_bwd<typename B::value_type>{n, out, s, transposed, r.value("x"), r.value("weight"), r.gradient("y"),
                                                 r.gradient("x"), r.gradient("weight"), r.gradient("bias")});
  }
};

struct depthwise2d_case {
  op::map_size n;
  op::sliding s;
  bool bias = true, accumulate = false;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), accumulate ? role::param : role::input},
                              {"weight", n.channels * s.taps(), role::param},
                              {"y", s.out(n, n.channels).size(), role::output}};
    if (bias) a.push_back({"bias", n.channels, role::param});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::depthwise2d_fwd<typename B::value_type>{n, s, r.value("x"), r.value("weight"), r.value("bias"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::depthwise2d_bwd<typename B::value_type>{n, s, r.value("x"), r.value("weight"), r.gradient("y"), r.gradient("x"),
                                                      accumulate, r.gradient("weight"), r.gradient("bias")});
  }
};

struct grouped_pointwise_case {
  dim_t batch, groups, in, out, frames;
  bool bias = true, accumulate = false;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", batch * groups * in * frames, accumulate ? role::param : role::input},
                              {"weight", groups * out * in, role::param},
                              {"y", batch * groups * out * frames, role::output}};
    if (bias) a.push_back({"bias", groups * out, role::param});
    return a;
  }
  template <class B>
  void forward(op_run<B>& r) const {
    r.run(op::grouped_pointwise_fwd<typename B::value_type>{batch, groups, in, out, frames, r.value("x"), r.value("weight"),
                                                            r.value("bias"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    r.run(op::grouped_pointwise_bwd<typename B::value_type>{batch, groups, in, out, frames, r.value("x"), r.value("weight"),
                                                            r.gradient("y"), r.gradient("x"), accumulate, r.gradient("weight"),
                                                            r.gradient("bias")});
  }
};

// Pooling to [frames, bins], of one map or added to another's.
struct pool_case {
  op::map_size n;
  dim_t frames, bins;

  std::vector<array_spec> arrays() const {
    return {{"x", n.size(), role::param}, {"y", n.batch * n.channels * frames * bins, role::output}};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    for (bool again : {false, true}) r.run(op::adaptive_pool_fwd<T>{n, frames, bins, r.value("x"), r.value("y"), again});
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    for (int i = 0; i < 2; ++i) r.run(op::adaptive_pool_bwd<T>{n, frames, bins, r.gradient("y"), r.gradient("x")});
  }
};

struct inject_case {
  op::map_size n;
  dim_t frames, bins;
  norm_over over = norm_over::item;
  bool plus = false;

  op::map_size small() const { return {n.batch, n.channels, frames, bins}; }
  map_norm_use local() const { return {over, curve::identity, curve::identity}; }
  map_norm_use gate() const { return {over, curve::identity, curve::sigmoid}; }

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"local", n.size(), role::input},
                              {"gate", small().size(), role::input},
                              {"embedding", small().size(), role::input},
                              {"dlocal", n.size(), role::workspace},
                              {"dgate", small().size(), role::workspace},
                              {"dembedding", small().size(), role::workspace},
                              {"y", n.size(), role::output}};
    if (plus) a.push_back({"plus", n.size(), role::constant});
    local().declare(a, "l.", n);
    gate().declare(a, "g.", small());
    local().declare(a, "e.", small());
    return a;
  }
  template <class B, class T = typename B::value_type>
  op::inject_fwd<T> describe(op_run<B>& r) const {
    return {n,
            frames,
            bins,
            r.value("local"),
            local().f(r, "l."),
            r.value("gate"),
            gate().f(r, "g."),
            r.value("embedding"),
            local().f(r, "e."),
            r.value("plus"),
            r.value("y")};
  }
  template <class B>
  void forward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::inject_fwd<T> o = describe(r);
    r.run(op::map_moments<T>{n, o.local, o.f_local});
    r.run(op::map_moments<T>{small(), o.gate, o.f_gate});
    r.run(op::map_moments<T>{small(), o.embedding, o.f_embedding});
    r.run(o);
  }
  template <class B>
  void backward(op_run<B>& r) const {
    using T = typename B::value_type;
    const op::inject_fwd<T> o = describe(r);
    r.run(op::inject_bwd<T>{o, r.gradient("y"), r.value("dlocal"), r.value("dgate"), r.value("dembedding")});
    r.run(op::map_norm_bwd<T>{n, o.local, o.f_local, r.value("dlocal"), local().grad(r, "l."), r.gradient("local"), false});
    r.run(op::map_norm_bwd<T>{small(), o.gate, o.f_gate, r.value("dgate"), gate().grad(r, "g."), r.gradient("gate"), false});
    r.run(op::map_norm_bwd<T>{small(), o.embedding, o.f_embedding, r.value("dembedding"), local().grad(r, "e."),
                              r.gradient("embedding"), false});
  }
};

}  // namespace avss::test
