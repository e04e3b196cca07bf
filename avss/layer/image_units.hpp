// What residual networks over images are made of: a convolution with the BatchNorm behind it, and PReLU for each channel.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/image.hpp>
#include <cmath>
#include <string_view>

namespace avss {

// Channels are known to the type and lie side by side.
template <dim_t C>
using image_shape = shape<dyn, dyn, dyn, C>;

template <dim_t C, class T>
op::image_size size_of(const view<image_shape<C>, T>& x) {
  return {x.dim(0), x.dim(1), x.dim(2), C};
}

// How BatchNorm normalises.
struct image_rules {
  // By the statistics of the images at hand; otherwise by the running ones, which are then part of the convolutions.
  bool batch_statistics = false;
  // With it: running = (1 - momentum) running + momentum new; 0 leaves them alone.
  double momentum = 0;
};

// weight [Out, Rest...], drawn from N(0, 2 / (Out x taps)) (He et al. 2015, fan out)
template <dim_t Out, dim_t... Rest>
struct image_weight {
  param<Out, Rest...> weight;

  static init_rule initial(std::string_view) {
    constexpr dim_t rest[] = {Rest...};
    // xavier_normal is N(0, 2 / (fan_in + fan_out)), with Rest[0] input channels in fan_in.
    return {init_rule::kind::xavier_normal, std::sqrt(static_cast<double>(rest[0] + Out) / static_cast<double>(Out))};
  }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
  }
};

// weight [C]: a slope for each channel; nothing for other curves
template <image_curve Form, dim_t C>
struct image_slope {
  optional_param<Form == image_curve::prelu, param<C>> weight;

  static constexpr init_rule initial(std::string_view) { return {init_rule::kind::constant, 0.25}; }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
  }
};

// A convolution [., In, Kernel, Kernel] and the BatchNorm behind it. Whoever holds it names the two.
template <dim_t In, dim_t Out, dim_t Kernel, dim_t Stride, class Weight = image_weight<Out, In, Kernel, Kernel>>
struct conv_norm {
  Weight conv;
  block_norm_params<Out, block_norm::batch> norm;

  static constexpr op::image_kernel kernel{Out, Kernel, Stride, Kernel / 2};

  // Weights as the backend wants them, for images of one size and one of the rules.
  template <class T>
  struct prepared {
    op::image_conv_plan plan;
    T* packed = nullptr;
    T* offset = nullptr;  // of BatchNorm, which is part of the weights; null: it stands by itself
  };

  // The result lasts as what the context keeps does.
  template <class C, class T>
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, image_curve form, bool add, prepared<T>& p) const {
    const auto frame = ctx.frame();
    const bool folded = !rules.batch_statistics;
    p.plan = {{1, n.height, n.width, In}, kernel, folded, folded && add, folded ? form : image_curve::identity};
    p.packed = ctx.keep(shape<dyn>(packed_for(ctx, p.plan))).data;
    T* gain = nullptr;
    if (folded) {
      p.offset = ctx.keep(shape<Out>()).data;
      gain = ctx.scratch(shape<Out>()).data;
      ctx.run(op::fold_norm<T>{Out, map_eps, ctx.value(norm.weight), ctx.value(norm.bias), ctx.value(norm.running_mean),
                               ctx.value(norm.running_var), gain, p.offset});
    }
    ctx.run(op::pack_image_conv<T>{p.plan, ctx.value(conv.weight), gain, p.packed});
  }

  // y = bend(norm(conv(x)) (+ y))
  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, bool add, op::image_bend<T> bend,
               const image_rules& rules, const prepared<T>& p) const {
    if (!rules.batch_statistics) {
      ctx.run(op::image_conv<T>{x.dim(0), p.plan, x.data, p.packed, p.offset, bend.slope, y.data});
      return;
    }
    const auto frame = ctx.frame();
    const view<image_shape<Out>, T> z = add ? ctx.scratch(y.extents) : y;
    const op::image_size n = size_of(z);
    T *const mean = ctx.scratch(shape<Out>()).data, *const rstd = ctx.scratch(shape<Out>()).data;
    ctx.run(op::image_conv<T>{x.dim(0), p.plan, x.data, p.packed, nullptr, nullptr, z.data});
    ctx.run(op::image_moments<T>{n, map_eps, z.data, mean, rstd});
    if (rules.momentum > 0)
      ctx.run(op::update_running<T>{Out, n.size() / Out, map_eps, rules.momentum, mean, rstd, ctx.value(norm.running_mean),
                                    ctx.value(norm.running_var), ctx.value(norm.num_batches_tracked)});
    ctx.run(op::image_norm<T>{n, z.data, mean, rstd, ctx.value(norm.weight), ctx.value(norm.bias), add, bend, y.data});
  }

 private:
  template <class C>
  static dim_t packed_for(C& ctx, const op::image_conv_plan& plan) {
    if constexpr (detail::is_measure<typename C::backend_type>)
      return packed_values(ctx.backend().backend, plan);
    else
      return packed_values(ctx.backend(), plan);
  }
};

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
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, prepared<T>& p) const {
    first.prepare(ctx, n, rules, Form, false, p.first);
    second.prepare(ctx, over(n), rules, Form, true, p.second);
    if constexpr (changes) downsample.unit.prepare(ctx, n, rules, image_curve::identity, false, p.shortcut);
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
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, prepared<T>& p) const {
    first.prepare(ctx, n, rules, p.first);
    second.prepare(ctx, over(n), rules, p.second);
  }

  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, const image_rules& rules,
               const prepared<T>& p) const {
    first.forward(ctx, x, y, rules, p.first);
    second.forward(ctx, y, y, rules, p.second);
  }

  template <class V>
  void visit(V&& v) {
    v("0", first);
    v("1", second);
  }
};

}  // namespace avss
