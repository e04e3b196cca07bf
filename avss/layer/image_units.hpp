// What residual networks over images are made of: a convolution with the BatchNorm behind it, and PReLU for each channel.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/op/image.hpp>
#include <avss/op/image_back.hpp>
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

  // As PyTorch trains: by the statistics of the batch, which are collected; or with the running ones, which stay as they are.
  static image_rules training(bool frozen_statistics = false) {
    return frozen_statistics ? image_rules{} : image_rules{true, running_momentum};
  }
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
  void prepare(C& ctx, const op::image_size& n, const image_rules& rules, conv_method method, image_curve form, bool add,
               prepared<T>& p) const {
    const auto frame = ctx.frame();
    const bool folded = !rules.batch_statistics;
    p.plan = {{1, n.height, n.width, In}, kernel, folded, folded && add, folded ? form : image_curve::identity, method};
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
    take_moments(ctx, n, z.data, mean, rstd, rules);
    ctx.run(op::image_norm<T>{n, z.data, mean, rstd, ctx.value(norm.weight), ctx.value(norm.bias), add, bend, y.data});
  }

  // What the way back needs.
  template <class T>
  struct saved {
    view<image_shape<In>, T> x;   // the input, which its maker keeps
    view<image_shape<Out>, T> z;  // conv(x)
    T *mean = nullptr, *rstd = nullptr;
    bool fixed = false;
  };

  // The same for training, without anything prepared: weights change with every step.
  template <class C, class T>
  void forward(C& ctx, view<image_shape<In>, T> x, view<image_shape<Out>, T> y, bool add, op::image_bend<T> bend,
               const image_rules& rules, saved<T>& s) const {
    const auto frame = ctx.frame();
    s = {x, ctx.keep(y.extents), ctx.keep(shape<Out>()).data, ctx.keep(shape<Out>()).data, !rules.batch_statistics};
    const op::image_conv_plan plan{{1, x.dim(1), x.dim(2), In}, kernel};
    T* const packed = ctx.scratch(shape<dyn>(packed_for(ctx, plan))).data;
    ctx.run(op::pack_image_conv<T>{plan, ctx.value(conv.weight), nullptr, packed});
    ctx.run(op::image_conv<T>{x.dim(0), plan, x.data, packed, nullptr, nullptr, s.z.data});
    if (s.fixed)
      use_running(ctx, norm, s.mean, s.rstd);
    else
      take_moments(ctx, size_of(y), s.z.data, s.mean, s.rstd, rules);
    ctx.run(norm_of(ctx, s, add, bend, y.data));
  }

  // norm(conv(x)) once more.
  template <class C, class T>
  void normalised_again(C& ctx, const saved<T>& s, view<image_shape<Out>, T> y) const {
    ctx.run(norm_of(ctx, s, false, op::image_bend<T>{}, y.data));
  }

  // d holds dL/dy and becomes the gradient of what was added, `plus` if `add`; of which nothing is left where nothing was
  // added. dx is assigned, if it is wanted.
  template <class C, class T>
  void backward(C& ctx, view<image_shape<Out>, T> d, bool add, const given<T>* plus, op::image_bend<T> bend, given<T>* dslope,
                view<image_shape<In>, T> dx, bool want_dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    T* const dz = add ? ctx.scratch(d.extents).data : d.data;
    ctx.run(op::image_norm_bwd<T>{size_of(d), s.z.data, s.mean, s.rstd, ctx.value(norm.weight), ctx.value(norm.bias), s.fixed,
                                  add ? plus : nullptr, bend, d.data, dz, ctx.gradient(norm.weight), ctx.gradient(norm.bias),
                                  dslope});
    ctx.run(op::image_conv_bwd<T>{size_of(s.x), kernel, s.x.data, ctx.value(conv.weight), dz, want_dx ? dx.data : nullptr,
                                  ctx.gradient(conv.weight)});
  }

 private:
  // mean and rstd of z, taken into the running statistics as the rules say.
  template <class C, class T>
  void take_moments(C& ctx, const op::image_size& n, const T* z, T* mean, T* rstd, const image_rules& rules) const {
    ctx.run(op::image_moments<T>{n, map_eps, z, mean, rstd});
    if (rules.momentum > 0)
      ctx.run(op::update_running<T>{Out, n.size() / Out, map_eps, rules.momentum, mean, rstd, ctx.value(norm.running_mean),
                                    ctx.value(norm.running_var), ctx.value(norm.num_batches_tracked)});
  }

  template <class C, class T>
  op::image_norm<T> norm_of(const C& ctx, const saved<T>& s, bool add, op::image_bend<T> bend, T* y) const {
    return {size_of(s.z), s.z.data, s.mean, s.rstd, ctx.value(norm.weight), ctx.value(norm.bias), add, bend, y};
  }

  template <class C>
  static dim_t packed_for(C& ctx, const op::image_conv_plan& plan) {
    if constexpr (detail::is_measure<typename C::backend_type>)
      return packed_values(ctx.backend().backend, plan);
    else
      return packed_values(ctx.backend(), plan);
  }
};

}  // namespace avss
