// Blocks of residual networks over images.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/param.hpp>
#include <avss/layer/image_units.hpp>
#include <avss/op/copy.hpp>

namespace avss {

// conv 3x3 -> norm -> bend -> conv 3x3 -> norm -> (+ x, or + its norm(conv 1x1) where the shape changes) -> bend.
// (He et al. 2016, "Deep residual learning", figure 2; names as in torchvision.)
template <image_curve Form, dim_t In, dim_t Out, dim_t Stride>
struct residual_block {
  static constexpr bool changes = In != Out || Stride != 1;
  using unit1 = conv_norm<In, Out, 3, Stride>;
  using unit2 = conv_norm<Out, Out, 3, 1>;
  using unit3 = conv_norm<In, Out, 1, Stride>;
  unit1 first;
  unit2 second;
  image_slope<Form, Out> bend_first, bend_second;
  struct shortcut {
    unit3 unit;
    template <class V>
    void visit(V&& v) {
      v("0", unit.conv);
      v("1", unit.norm);
    }
  };
  optional_param<changes, shortcut> downsample;

  static op::image_size over(const op::image_size& n) { return unit1::kernel.over(n); }

  template <class T>
  struct prepared {
    typename unit1::template prepared<T> first;
    typename unit2::template prepared<T> second;
    typename unit3::template prepared<T> shortcut;
  };

  template <class C, class T>
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, conv_method method, prepared<T>& p) const {
    first.prepare(ctx, n, rules, method, Form, false, p.first);
    second.prepare(ctx, over(n), rules, method, Form, true, p.second);
    if constexpr (changes) downsample.unit.prepare(ctx, n, rules, method, image_curve::identity, false, p.shortcut);
  }

  // Where the shape stays, y is x.
  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, const image_rules& rules,
               const prepared<T>& p) const {
    const auto frame = ctx.frame();
    const view<image_shape<Out>, T> h = ctx.scratch(y.extents);
    first.forward(ctx, x, h, false, bend_of(ctx, bend_first), rules, p.first);
    if constexpr (changes) downsample.unit.forward(ctx, x, y, false, op::image_bend<T>{}, rules, p.shortcut);
    second.forward(ctx, h, y, true, bend_of(ctx, bend_second), rules, p.second);
  }

  template <class T>
  struct saved {
    typename unit1::template saved<T> first;
    typename unit2::template saved<T> second;
    typename unit3::template saved<T> shortcut;
  };

  // For training; y is not x, and both are kept by the caller.
  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, const image_rules& rules, saved<T>& s) const {
    const view<image_shape<Out>, T> h = ctx.keep(y.extents);
    first.forward(ctx, x, h, false, bend_of(ctx, bend_first), rules, s.first);
    if constexpr (changes)
      downsample.unit.forward(ctx, x, y, false, op::image_bend<T>{}, rules, s.shortcut);
    else
      ctx.run(op::copy<T>{1, x.size(), x.size(), x.size(), x.data, y.data, false});
    second.forward(ctx, h, y, true, bend_of(ctx, bend_second), rules, s.second);
  }

  // d holds dL/dy, which is used up; dx is assigned.
  template <class C, class T>
  void backward(C& ctx, view<image_shape<Out>, T> d, view<image_shape<In>, T> dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const view<image_shape<Out>, T> dh = ctx.scratch(d.extents);
    if constexpr (changes) {
      const view<image_shape<Out>, T> plus = ctx.scratch(d.extents);
      downsample.unit.normalised_again(ctx, s.shortcut, plus);
      back_to(ctx, d, plus.data, dh, dx, s);
      const view<image_shape<In>, T> more = ctx.scratch(dx.extents);
      downsample.unit.backward(ctx, d, false, nullptr, op::image_bend<T>{}, nullptr, more, true, s.shortcut);
      ctx.run(op::copy<T>{1, dx.size(), dx.size(), dx.size(), more.data, dx.data, true});
    } else {
      back_to(ctx, d, s.first.x.data, dh, dx, s);
      ctx.run(op::copy<T>{1, dx.size(), dx.size(), dx.size(), d.data, dx.data, true});
    }
  }

  template <class V>
  void visit(V&& v) {
    v("conv1", first.conv);
    v("bn1", first.norm);
    v("relu1", bend_first);
    v("relu2", bend_second);
    v("conv2", second.conv);
    v("bn2", second.norm);
    v("downsample", downsample);
  }

  template <class C, class T = typename C::T>
  static op::image_bend<T> bend_of(const C& ctx, const image_slope<Form, Out>& slope) {
    return {Form, ctx.value(slope.weight)};
  }

 private:
  // Through the two convolutions; d becomes the gradient of `plus`, what was added.
  template <class C, class T>
  void back_to(C& ctx, view<image_shape<Out>, T> d, const given<T>* plus, view<image_shape<Out>, T> dh,
               view<image_shape<In>, T> dx, const saved<T>& s) const {
    second.backward(ctx, d, true, plus, bend_of(ctx, bend_second), ctx.gradient(bend_second.weight), dh, true, s.second);
    first.backward(ctx, dh, false, nullptr, bend_of(ctx, bend_first), ctx.gradient(bend_first.weight), dx, true, s.first);
  }
};

// Two blocks; the first changes the shape.
template <image_curve Form, dim_t In, dim_t Out, dim_t Stride>
struct residual_stage {
  using block1 = residual_block<Form, In, Out, Stride>;
  using block2 = residual_block<Form, Out, Out, 1>;
  block1 first;
  block2 second;

  static op::image_size over(const op::image_size& n) { return block1::over(n); }

  template <class T>
  struct prepared {
    typename block1::template prepared<T> first;
    typename block2::template prepared<T> second;
  };

  template <class C, class T>
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, conv_method method, prepared<T>& p) const {
    first.prepare(ctx, n, rules, method, p.first);
    second.prepare(ctx, over(n), rules, method, p.second);
  }

  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, const image_rules& rules,
               const prepared<T>& p) const {
    first.forward(ctx, x, y, rules, p.first);
    second.forward(ctx, y, y, rules, p.second);
  }

  template <class T>
  struct saved {
    typename block1::template saved<T> first;
    typename block2::template saved<T> second;
  };

  // For training; y is kept by the caller, as x is.
  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, const image_rules& rules, saved<T>& s) const {
    const view<image_shape<Out>, T> between = ctx.keep(y.extents);
    first.forward(ctx, x, between, rules, s.first);
    second.forward(ctx, between, y, rules, s.second);
  }

  // d holds dL/dy, which is used up; dx is assigned.
  template <class C, class T>
  void backward(C& ctx, view<image_shape<Out>, T> d, view<image_shape<In>, T> dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const view<image_shape<Out>, T> between = ctx.scratch(d.extents);
    second.backward(ctx, d, between, s.second);
    first.backward(ctx, between, dx, s.first);
  }

  template <class V>
  void visit(V&& v) {
    v("0", first);
    v("1", second);
  }
};

}  // namespace avss
