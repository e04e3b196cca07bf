// Every way to use the operations on images, as cases for tests/support/op_run.hpp.
#pragma once

#include <avss/op/image.hpp>
#include <avss/op/image_back.hpp>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

// Weights are packed, with or without a gain; offset, sum and curve have no way back, which is that of image_norm.
struct image_conv_case {
  op::image_size n;
  op::image_kernel kernel;
  bool want_dx = true;

  op::image_size over() const { return kernel.over(n); }
  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), role::input},
                              {"weight", kernel.out * n.channels * kernel.taps(), role::param},
                              {"y", over().size(), role::output}};
    if (!want_dx) a[0].what = role::constant;
    return a;
  }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    const op::image_conv_plan plan{n, kernel};
    typename array_memory<B>::template array<T> packed(static_cast<std::size_t>(packed_values(B{}, plan)));
    r.run(op::pack_image_conv<T>{plan, r.value("weight"), nullptr, packed.data()});
    r.run(op::image_conv<T>{n.images, plan, r.value("x"), packed.data(), nullptr, nullptr, r.value("y")});
  }
  template <class B, class T = typename B::value_type>
  void backward(op_run<B>& r) const {
    r.run(op::image_conv_bwd<T>{n, kernel, r.value("x"), r.value("weight"), r.gradient("y"), r.gradient("x"),
                                r.gradient("weight")});
  }
};

// The whole of an inference's convolution: the norm in the weights, the sum and the curve behind it.
struct image_unit_case {
  op::image_size n;
  op::image_kernel kernel;
  image_curve form;
  bool add;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), role::constant},
                              {"weight", kernel.out * n.channels * kernel.taps(), role::constant},
                              {"plus", kernel.over(n).size(), role::constant},
                              {"y", kernel.over(n).size(), role::made}};
    for (const char* name : {"gamma", "beta", "mean", "var", "slope"}) a.push_back({name, kernel.out, role::constant});
    for (const char* name : {"gain", "offset"}) a.push_back({name, kernel.out, role::made});
    return a;
  }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    const op::image_conv_plan plan{n, kernel, true, add, form};
    for (T& v : r.values("var")) v = v * v;
    r.values("y") = r.values("plus");
    typename array_memory<B>::template array<T> packed(static_cast<std::size_t>(packed_values(B{}, plan)));
    r.run(op::fold_norm<T>{kernel.out, 1e-2, r.value("gamma"), r.value("beta"), r.value("mean"), r.value("var"),
                           r.value("gain"), r.value("offset")});
    r.run(op::pack_image_conv<T>{plan, r.value("weight"), r.value("gain"), packed.data()});
    r.run(op::image_conv<T>{n.images, plan, r.value("x"), packed.data(), r.value("offset"), r.value("slope"), r.value("y")});
  }
  template <class B>
  void backward(op_run<B>&) const {}
};

// y = bend(norm(x) (+ plus))
struct image_norm_case {
  op::image_size n;
  image_curve form;
  bool plus, fixed, in_place;

  std::vector<array_spec> arrays() const {
    std::vector<array_spec> a{{"x", n.size(), role::input}, {"y", n.size(), role::output}};
    for (const char* name : {"gamma", "beta"}) a.push_back({name, n.channels, role::param});
    for (const char* name : {"mean", "rstd"}) a.push_back({name, n.channels, fixed ? role::constant : role::made});
    if (form == image_curve::prelu) a.push_back({"slope", n.channels, role::param});
    if (plus) a.push_back({"plus", n.size(), role::input});
    return a;
  }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    if (!fixed) r.run(op::image_moments<T>{n, 1e-2, r.value("x"), r.value("mean"), r.value("rstd")});
    if (plus) r.values("y") = r.values("plus");
    r.run(op::image_norm<T>{n,
                            r.value("x"),
                            r.value("mean"),
                            r.value("rstd"),
                            r.value("gamma"),
                            r.value("beta"),
                            plus,
                            {form, r.value("slope")},
                            r.value("y")});
  }
  template <class B, class T = typename B::value_type>
  void backward(op_run<B>& r) const {
    auto d = r.gradients("y");
    T* const dx = in_place ? d.data() : r.gradient("x");
    r.run(op::image_norm_bwd<T>{n,
                                r.value("x"),
                                r.value("mean"),
                                r.value("rstd"),
                                r.value("gamma"),
                                r.value("beta"),
                                fixed,
                                r.value("plus"),
                                {form, r.value("slope")},
                                d.data(),
                                dx,
                                r.gradient("gamma"),
                                r.gradient("beta"),
                                r.gradient("slope")});
    if (in_place) r.gradients("x") = d;
    if (plus) r.gradients("plus") = d;
  }
};

struct image_max_case {
  op::image_size n;
  bool equal;  // all values are: the first of a window takes its gradient

  op::image_size over() const { return op::image_max<float>::kernel(n.channels).over(n); }
  std::vector<array_spec> arrays() const { return {{"x", n.size(), role::input}, {"y", over().size(), role::output}}; }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    if (equal)
      for (T& v : r.values("x")) v = T(-0.5);
    r.run(op::image_max<T>{n, r.value("x"), r.value("y")});
  }
  template <class B, class T = typename B::value_type>
  void backward(op_run<B>& r) const {
    r.run(op::image_max_bwd<T>{n, r.value("x"), r.gradient("y"), r.gradient("x")});
  }
};

// Columns of the result that are of no image stay as they are: there are none.
struct image_mean_case {
  op::image_size n;
  std::vector<array_spec> arrays() const { return {{"x", n.size(), role::input}, {"y", n.channels * n.images, role::output}}; }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    r.run(op::image_mean<T>{n, n.images, r.value("x"), r.value("y")});
  }
  template <class B, class T = typename B::value_type>
  void backward(op_run<B>& r) const {
    r.run(op::image_mean_bwd<T>{n, n.images, r.gradient("y"), r.gradient("x")});
  }
};

// Clips of `clip` frames each, in two parts.
struct stack_frames_case {
  dim_t clips, clip, height, width, taps;

  dim_t frames() const { return clips * clip; }
  std::vector<array_spec> arrays() const {
    const dim_t size = frames() * height * width;
    return {{"x", size, role::input}, {"y", size * taps, role::output}};
  }
  template <class B, class T = typename B::value_type>
  void forward(op_run<B>& r) const {
    const dim_t first = frames() / 2;
    r.run(op::stack_frames<T>{clip, height, width, taps, 0, first, r.value("x"), r.value("y")});
    r.run(op::stack_frames<T>{clip, height, width, taps, first, frames() - first, r.value("x"),
                              r.value("y") + first * height * width * taps});
  }
  template <class B, class T = typename B::value_type>
  void backward(op_run<B>& r) const {
    r.run(op::unstack_frames<T>{clip, height, width, taps, frames(), r.gradient("y"), r.gradient("x")});
  }
};

}  // namespace avss::test
