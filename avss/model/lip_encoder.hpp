// The video encoder of "Lipreading using Temporal Convolutional Networks" (Martinez et al. 2020, arXiv:2001.08702): a 3-D front
// end and a ResNet-18, which turn pictures of a mouth into the features that audio-visual separators read.
#pragma once

#include <avss/core/part.hpp>
#include <avss/layer/image_units.hpp>
#include <avss/layer/residual_image.hpp>
#include <string_view>

namespace avss {

struct lip_encoder_config {
  image_curve activation = image_curve::swish;
  dim_t width = 64;  // channels of the front end and of the first stage; the last stage has eight times as many
  // Of the convolutions with prepared weights. On the CPU in float winograd takes half of the time; training is direct.
  conv_method method = conv_method::winograd;

  friend constexpr bool operator==(const lip_encoder_config&, const lip_encoder_config&) = default;
};

namespace presets {

// lrw_resnet18_{dctcn_boundary, dctcn, mstcn}, as published since 2022: 11,182,784 parameters.
inline constexpr lip_encoder_config lip_swish{};
inline constexpr lip_encoder_config lip_relu{.activation = image_curve::relu};
// Published until 2021, and the backbone of CTCNet and of the paper's RTFS-Net: 11,186,688 parameters.
inline constexpr lip_encoder_config lip_prelu{.activation = image_curve::prelu};
// For tests and first steps.
inline constexpr lip_encoder_config lip_tiny{.width = 4};

}  // namespace presets

// x [B x T, H, W] clips of T frames, one after another, normalised  ->  y [features, n], of the frames first .. first + n - 1
// of all.
//
// A frame's features are made of the frames from two before to two behind it, zeros where the clip has none; nothing else joins
// frames when BatchNorm goes by its running statistics, so any part of a clip can be made by itself. There are two ways
// forward: with weights that were prepared once, for an encoder that is used frozen, and one for training, which goes back,
// too.
template <lip_encoder_config S>
class LipEncoder {
 public:
  static constexpr lip_encoder_config config = S;
  static constexpr dim_t width = S.width, features = 8 * S.width, taps = 5;
  static_assert(S.width >= 1, "avss: a lip-reading encoder has at least one channel");
  static_assert(S.activation != image_curve::identity, "avss: a lip-reading encoder bends: relu, prelu or swish");

  using clip_shape = shape<dyn, dyn, dyn>;

  // See core/part.hpp.
  struct parts {
    static constexpr const char* front = "3-D front end";
    static constexpr const char* stages[] = {"stage 1", "stage 2", "stage 3", "stage 4"};

    static const char* of_parameter(std::string_view name) {
      constexpr std::string_view trunk = "trunk.layer";
      return name.starts_with(trunk) ? stages[name[trunk.size()] - '1'] : front;
    }
  };

  LipEncoder() { extent_ = assign_offsets(*this); }
  param_extent extent() const { return extent_; }

  using front_unit = conv_norm<taps, width, 7, 2, image_weight<width, 1, taps, 7, 7>>;
  template <dim_t In, dim_t Out, dim_t Stride>
  using stage = residual_stage<S.activation, In, Out, Stride>;
  using stage1 = stage<width, width, 1>;
  using stage2 = stage<width, 2 * width, 2>;
  using stage3 = stage<2 * width, 4 * width, 2>;
  using stage4 = stage<4 * width, 8 * width, 2>;

  template <class T>
  struct prepared {
    typename front_unit::template prepared<T> front;
    typename stage1::template prepared<T> layer1;
    typename stage2::template prepared<T> layer2;
    typename stage3::template prepared<T> layer3;
    typename stage4::template prepared<T> layer4;
  };

  // Weights laid out once for frames of a size; what is made lasts as what the context keeps.
  template <class C, class T>
  void prepare(C& ctx, dim_t height, dim_t frame_width, const image_rules& rules, prepared<T>& p) const {
    const sizes n({1, height, frame_width, taps});
    front_.prepare(ctx, n.stacked, rules, S.method, S.activation, false, p.front);
    layer1_.prepare(ctx, n.pooled, rules, S.method, p.layer1);
    layer2_.prepare(ctx, n.pooled, rules, S.method, p.layer2);
    layer3_.prepare(ctx, n.second, rules, S.method, p.layer3);
    layer4_.prepare(ctx, n.third, rules, S.method, p.layer4);
  }

  // clip: frames of one of the clips. y[c pitch + i] is feature c of frame first + i. With statistics of the batch these are
  // those of the n frames.
  template <class C, class T>
  void forward(C& ctx, view<clip_shape, T> x, dim_t clip, dim_t first, dim_t frames, given<T>* y, dim_t pitch,
               const image_rules& rules, const prepared<T>& p) const {
    const auto whole = ctx.frame();
    const sizes n({frames, x.dim(1), x.dim(2), taps});
    const auto third = scratch<4 * width>(ctx, n.third);
    {
      const auto inner = ctx.frame();
      const auto pooled = scratch<width>(ctx, n.pooled);
      see(ctx, x, clip, first, n, pooled, rules, p);
      run_stage(ctx, 0, layer1_, pooled, pooled, rules, p.layer1);
      const auto second = scratch<2 * width>(ctx, n.second);
      run_stage(ctx, 1, layer2_, pooled, second, rules, p.layer2);
      run_stage(ctx, 2, layer3_, second, third, rules, p.layer3);
    }
    const auto last = scratch<features>(ctx, n.fourth);
    run_stage(ctx, 3, layer4_, third, last, rules, p.layer4);
    const auto part = part_of(ctx, parts::stages[3]);
    ctx.run(op::image_mean<T>{n.fourth, pitch, last.data, y});
  }

  template <class T>
  struct saved {
    dim_t clip = 0, height = 0, frame_width = 0;
    typename front_unit::template saved<T> front;
    view<image_shape<width>, T> bent;  // before pooling
    typename stage1::template saved<T> layer1;
    typename stage2::template saved<T> layer2;
    typename stage3::template saved<T> layer3;
    typename stage4::template saved<T> layer4;
  };

  // For training: all frames of clips of `clip` each -> y [features, frames].
  template <class C, class T>
  void forward(C& ctx, view<clip_shape, T> x, dim_t clip, given<T>* y, const image_rules& rules, saved<T>& s) const {
    const sizes n({x.dim(0), x.dim(1), x.dim(2), taps});
    s.clip = clip, s.height = x.dim(1), s.frame_width = x.dim(2);
    const auto stacked = kept<taps>(ctx, n.stacked);
    s.bent = kept<width>(ctx, n.front);
    ctx.run(op::stack_frames<T>{clip, s.height, s.frame_width, taps, 0, n.stacked.images, x.data, stacked.data});
    front_.forward(ctx, stacked, s.bent, false, bend_of(ctx), rules, s.front);
    const auto pooled = kept<width>(ctx, n.pooled), first = kept<width>(ctx, n.pooled);
    ctx.run(op::image_max<T>{n.front, s.bent.data, pooled.data});
    layer1_.forward(ctx, pooled, first, rules, s.layer1);
    const auto second = kept<2 * width>(ctx, n.second);
    layer2_.forward(ctx, first, second, rules, s.layer2);
    const auto third = kept<4 * width>(ctx, n.third);
    layer3_.forward(ctx, second, third, rules, s.layer3);
    const auto last = kept<features>(ctx, n.fourth);
    layer4_.forward(ctx, third, last, rules, s.layer4);
    ctx.run(op::image_mean<T>{n.fourth, n.fourth.images, last.data, y});
  }

  // dy [features, frames]; dx, as x, is assigned, if it is wanted.
  template <class C, class T>
  void backward(C& ctx, const given<T>* dy, given<T>* dx, bool want_dx, const saved<T>& s) const {
    const auto frame = ctx.frame();
    const sizes n({s.bent.dim(0), s.height, s.frame_width, taps});
    const auto front = scratch<width>(ctx, n.front);
    {
      const auto inner = ctx.frame();
      const auto pooled = scratch<width>(ctx, n.pooled), first = scratch<width>(ctx, n.pooled);
      const auto second = scratch<2 * width>(ctx, n.second);
      const auto third = scratch<4 * width>(ctx, n.third);
      const auto last = scratch<features>(ctx, n.fourth);
      ctx.run(op::image_mean_bwd<T>{n.fourth, n.fourth.images, dy, last.data});
      layer4_.backward(ctx, last, third, s.layer4);
      layer3_.backward(ctx, third, second, s.layer3);
      layer2_.backward(ctx, second, first, s.layer2);
      layer1_.backward(ctx, first, pooled, s.layer1);
      ctx.run(op::image_max_bwd<T>{n.front, s.bent.data, pooled.data, front.data});
    }
    view<image_shape<taps>, T> stacked{nullptr, s.front.x.extents};
    if (want_dx) stacked = scratch<taps>(ctx, n.stacked);
    front_.backward(ctx, front, false, nullptr, bend_of(ctx), ctx.gradient(bend_.weight), stacked, want_dx, s.front);
    if (want_dx) ctx.run(op::unstack_frames<T>{s.clip, s.height, s.frame_width, taps, n.stacked.images, stacked.data, dx});
  }

  template <class V>
  void visit(V&& v) {
    v("trunk.layer1", layer1_);
    v("trunk.layer2", layer2_);
    v("trunk.layer3", layer3_);
    v("trunk.layer4", layer4_);
    v("frontend3D.0", front_.conv);
    v("frontend3D.1", front_.norm);
    v("frontend3D.2", bend_);
  }

 private:
  // Of the images between the parts.
  struct sizes {
    explicit sizes(const op::image_size& n)
        : stacked(n),
          front(front_unit::kernel.over(stacked)),
          pooled(op::image_max<float>::kernel(width).over(front)),
          second(stage2::over(pooled)),
          third(stage3::over(second)),
          fourth(stage4::over(third)) {}
    op::image_size stacked, front, pooled, second, third, fourth;
  };

  template <dim_t N, class C>
  static auto scratch(C& ctx, const op::image_size& n) {
    return ctx.scratch(image_shape<N>(n.images, n.height, n.width));
  }

  template <dim_t N, class C>
  static auto kept(C& ctx, const op::image_size& n) {
    return ctx.keep(image_shape<N>(n.images, n.height, n.width));
  }
  template <class C, class T = typename C::T>
  op::image_bend<T> bend_of(const C& ctx) const {
    return {S.activation, ctx.value(bend_.weight)};
  }

  template <class C, class Stage, class X, class Y, class P>
  static void run_stage(C& ctx, int number, const Stage& stage, const X& x, const Y& y, const image_rules& rules, const P& p) {
    const auto part = part_of(ctx, parts::stages[number]);
    stage.forward(ctx, x, y, rules, p);
  }

  // The front end: convolution over five frames, normalisation, bend, pooling.
  template <class C, class T>
  void see(C& ctx, view<clip_shape, T> x, dim_t clip, dim_t first, const sizes& n, view<image_shape<width>, T> y,
           const image_rules& rules, const prepared<T>& p) const {
    const auto part = part_of(ctx, parts::front);
    const auto frame = ctx.frame();
    const auto stacked = scratch<taps>(ctx, n.stacked);
    const auto front = scratch<width>(ctx, n.front);
    ctx.run(op::stack_frames<T>{clip, x.dim(1), x.dim(2), taps, first, n.stacked.images, x.data, stacked.data});
    front_.forward(ctx, stacked, front, false, bend_of(ctx), rules, p.front);
    ctx.run(op::image_max<T>{n.front, front.data, y.data});
  }

  front_unit front_;
  image_slope<S.activation, width> bend_;
  stage1 layer1_;
  stage2 layer2_;
  stage3 layer3_;
  stage4 layer4_;
  param_extent extent_;
};

}  // namespace avss
