// Conv-TasNet: one template for the paper's network and its published variants.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/part.hpp>
#include <avss/layer/temporal_block.hpp>
#include <avss/op/filterbank.hpp>
#include <string>
#include <string_view>

namespace avss {

// How the waveform is padded before it is cut into frames of L samples every S samples.
enum class edge_padding {
  none,           // frames start at sample 0; a rest shorter than S is not seen, and silent in the output (asteroid)
  both_ends,      // to a multiple of S, then S zeros on either side (torchaudio)
  end_to_window,  // to a multiple of L at the end (the reference project)
  authors         // the authors' code: to a multiple of L with at least one zero, then S zeros on either side
};

// The convolution to the residual stream in the last block, whose result nobody reads where there is a skip path.
enum class last_residual { used, unused, left_out };

// Symbols as in table I of the paper.
struct convtasnet_config {
  int sample_rate = 8000;  // Hz
  dim_t sources = 2;       // C
  dim_t filters = 512;     // N
  dim_t window = 16;       // L, samples
  dim_t stride = 8;        // samples
  dim_t bottleneck = 128;  // B
  dim_t skip = 128;        // Sc; 0: no skip path, the mask is made of the residual stream
  dim_t hidden = 512;      // H
  dim_t kernel = 3;        // P
  int blocks = 8;          // X in a repeat, dilations 1, 2, 4, ...
  int repeats = 3;         // R
  edge_padding padding = edge_padding::none;
  activation encoder_activation = activation::identity;  // or relu
  bool encoder_bias = false;
  bool decoder_bias = false;
  norm_kind first_norm = norm_kind::global;  // of the encoder's output
  double first_eps = 1e-8;
  norm_kind norm = norm_kind::global;  // within the blocks
  double eps = 1e-8;
  bool bias = true;                       // of the convolutions in between
  bool mask_prelu = true;                 // before the mask's convolution
  activation mask = activation::sigmoid;  // relu, sigmoid or softmax
  bool causal = false;                    // of the depthwise convolutions; choose the norms to match
  last_residual last = last_residual::left_out;

  friend constexpr bool operator==(const convtasnet_config&, const convtasnet_config&) = default;
};

// x [B, T] mixtures  ->  y [B, C, T] estimates. Any T >= 1.
template <convtasnet_config S>
class ConvTasNet {
 public:
  static constexpr convtasnet_config config = S;
  static constexpr dim_t sources = S.sources, filters = S.filters, window = S.window, stride = S.stride;
  static constexpr dim_t bottleneck = S.bottleneck, skip = S.skip;
  static constexpr std::size_t n_blocks = static_cast<std::size_t>(S.blocks) * S.repeats;
  static constexpr bool has_skip = S.skip > 0;
  static constexpr dim_t mask_in = has_skip ? S.skip : S.bottleneck;
  static_assert(S.sources >= 1 && S.blocks >= 1 && S.repeats >= 1,
                "avss: Conv-TasNet needs at least one source, block and repeat");
  static_assert(S.stride >= 1 && S.stride <= S.window, "avss: Conv-TasNet's stride must lie between 1 and its window");
  static_assert(S.padding != edge_padding::both_ends || S.stride == S.window / 2,
                "avss: Conv-TasNet's padding both_ends needs a stride of half a window");
  static_assert(has_skip || S.last == last_residual::used, "avss: without a skip path the last block's residual must be used");
  static_assert(!has_skip || S.last != last_residual::used, "avss: with a skip path nobody reads the last block's residual");

  using mixture_shape = shape<dyn, dyn>;
  using estimate_shape = shape<dyn, sources, dyn>;
  using block =
      temporal_block<temporal_block_spec{S.bottleneck, S.hidden, S.skip, S.kernel, S.norm, S.eps, S.bias, S.causal, true}>;
  using last_block = temporal_block<temporal_block_spec{S.bottleneck, S.hidden, S.skip, S.kernel, S.norm, S.eps, S.bias,
                                                        S.causal, !has_skip || S.last != last_residual::left_out}>;

  struct framing {
    dim_t frames;
    dim_t left;  // zeros before the first sample
  };
  // Frames of a mixture of `length` samples.
  static constexpr framing frame(dim_t length) {
    const auto up = [](dim_t n, dim_t to) { return (n + to - 1) / to * to; };
    if constexpr (S.padding == edge_padding::both_ends) {
      const dim_t odd = window % 2;
      return {up(std::max<dim_t>(length - odd, 0), stride) / stride + 1, stride};
    } else if constexpr (S.padding == edge_padding::end_to_window) {
      return {(up(length, window) - window) / stride + 1, 0};
    } else if constexpr (S.padding == edge_padding::authors) {
      const dim_t rest = window - (stride + length % window) % window;
      return {(length + rest + 2 * stride - window) / stride + 1, stride};
    } else {
      return {(std::max(length, window) - window) / stride + 1, 0};
    }
  }

  // Samples that one output sample depends on, through the convolutions (global norms see everything).
  static constexpr dim_t receptive_field() {
    dim_t frames = 1;
    for (std::size_t i = 0; i < n_blocks; ++i) frames += (S.kernel - 1) * dilation(i);
    return frames * stride + window - stride;
  }

  ConvTasNet() {
    for (std::size_t i = 0; i + 1 < n_blocks; ++i) blocks_[i].dilation = dilation(i);
    last_.dilation = dilation(n_blocks - 1);
    if constexpr (S.last == last_residual::unused) {
      last_.residual_used = false;
      last_.res_out.freeze();
    }
    extent_ = assign_offsets(*this);
  }

  param_extent extent() const { return extent_; }

  // See core/part.hpp. Masks and decoder are one operation.
  struct parts {
    static constexpr const char* encoder = "encoder";
    static constexpr const char* separator = "separator";
    static constexpr const char* decoder = "masks and decoder";

    // Of the parameter that visit() gives that name.
    static const char* of_parameter(std::string_view name) {
      if (name.starts_with("encoder.")) return encoder;
      return name.starts_with("decoder.") || name.starts_with("mask_generator.output_") ? decoder : separator;
    }
  };

  template <class T>
  struct saved {
    view<mixture_shape, T> x;
    view<shape<dyn, filters, dyn>, T> w;  // the encoder's output
    norm_stats<T> stats;
    std::array<typename block::template saved<T>, n_blocks - 1> blocks;
    typename last_block::template saved<T> last;
    T* z = nullptr;  // [B, mask_in, K], what the mask is made of
  };

  template <class C, class T>
  void forward(C& ctx, view<mixture_shape, T> x, view<estimate_shape, T> y, saved<T>& s) const {
    const auto whole = ctx.frame();  // inference leaves nothing behind
    const dim_t batch = x.dim(0), length = x.dim(1);
    const framing cut = frame(length);
    const dim_t frames = cut.frames, left = cut.left;
    using narrow = shape<dyn, bottleneck, dyn>;
    s.x = x;
    s.w = ctx.hold(shape<dyn, filters, dyn>(batch, frames));
    s.stats = hold_stats(ctx, S.first_norm, batch, frames);
    const op::act_norm<T> first = make_act_norm(ctx, absent{}, input_norm_, S.first_norm, S.first_eps, s.stats);
    {
      const auto part = part_of(ctx, parts::encoder);
      ctx.run(op::analysis_fwd<T>{batch, length, frames, filters, window, stride, left, x.data, ctx.value(encoder_.weight),
                                  ctx.value(encoder_.bias), S.encoder_activation, s.w.data, first});
    }

    view<narrow, T> stream = ctx.hold(narrow(batch, frames));
    op::pointwise_fwd<T> narrow_down{batch, filters, frames, s.w.data, first, 1, {}, {}};
    narrow_down.target[0] = {bottleneck, ctx.value(input_conv_.weight), ctx.value(input_conv_.bias), nullptr, stream.data};
    const auto separator = part_of(ctx, parts::separator);
    ctx.run(narrow_down);

    T* const skip_sum = has_skip ? ctx.hold(shape<dyn, dyn, dyn>(batch, skip, frames)).data : nullptr;
    // named captures: clang 14, clang-tidy's, cannot capture structured bindings otherwise
    const auto next = [&, batch = batch, frames = frames](view<narrow, T> now, bool last) {
      return ctx.training() && !(last && has_skip) ? ctx.keep(narrow(batch, frames)) : now;
    };
    for (std::size_t i = 0; i + 1 < n_blocks; ++i) {
      const auto guard = ctx.frame();
      const view<narrow, T> to = next(stream, false);
      blocks_[i].forward(ctx, stream, to, skip_sum, i > 0, s.blocks[i]);
      stream = to;
    }
    {
      const auto guard = ctx.frame();
      const view<narrow, T> to = next(stream, true);
      last_.forward(ctx, stream, to, skip_sum, n_blocks > 1, s.last);
      stream = to;
    }
    s.z = has_skip ? skip_sum : stream.data;
    const auto decoder = part_of(ctx, parts::decoder);
    ctx.run(synthesis(ctx, s, y.data, length));
  }

  // dy [B, C, T]: dL/dy. dx [B, T]: assigned, or not wanted if its data is null. The context's gradients are added to.
  template <class C, class T>
  void backward(C& ctx, view<estimate_shape, const T> dy, view<mixture_shape, T> dx, const saved<T>& s) const {
    const dim_t batch = dy.dim(0), length = dy.dim(2);
    const auto [frames, left] = frame(length);
    using narrow = shape<dyn, bottleneck, dyn>;
    const auto guard = ctx.frame();
    const auto dw = ctx.scratch(s.w.extents);
    const view<narrow, T> dstream = ctx.scratch(narrow(batch, frames));
    T* const dskip = has_skip ? ctx.scratch(shape<dyn, dyn, dyn>(batch, skip, frames)).data : nullptr;

    ctx.run(op::masked_synthesis_bwd<T>{synthesis(ctx, s, static_cast<T*>(nullptr), length), dy.data,
                                        has_skip ? dskip : dstream.data, dw.data, ctx.gradient(output_prelu_weight()),
                                        ctx.gradient(output_conv_.weight), ctx.gradient(output_conv_.bias),
                                        ctx.gradient(decoder_.weight), ctx.gradient(decoder_.bias)});
    last_.backward(ctx, dstream, dskip, s.last);
    for (std::size_t i = n_blocks - 1; i-- > 0;) blocks_[i].backward(ctx, dstream, dskip, s.blocks[i]);

    {
      const auto inner = ctx.frame();
      const op::act_norm<T> first = make_act_norm(ctx, absent{}, input_norm_, S.first_norm, S.first_eps, s.stats);
      const op::act_norm_grad<T> g =
          make_act_norm_grad(ctx, absent{}, input_norm_, first, s.w.data, ctx.scratch(s.w.extents).data, batch, frames);
      op::pointwise_bwd<T> narrow_down{batch, filters, frames, g, false, 1, {}, {}};
      narrow_down.target[0] = {bottleneck, ctx.value(input_conv_.weight), dstream.data, ctx.gradient(input_conv_.weight),
                               ctx.gradient(input_conv_.bias)};
      ctx.run(narrow_down);
      ctx.run(op::act_norm_bwd<T>{batch, filters, frames, g, dw.data, true});
    }
    ctx.run(op::analysis_bwd<T>{batch, length, frames, filters, window, stride, left, s.x.data, ctx.value(encoder_.weight),
                                S.encoder_activation, s.w.data, dw.data, ctx.gradient(encoder_.weight),
                                ctx.gradient(encoder_.bias), dx.data});
  }

  template <class V>
  void visit(V&& v) {
    v("encoder", encoder_);
    v("mask_generator.input_norm", input_norm_);
    v("mask_generator.input_conv", input_conv_);
    for (std::size_t i = 0; i + 1 < n_blocks; ++i) v("mask_generator.conv_layers." + std::to_string(i), blocks_[i]);
    v("mask_generator.conv_layers." + std::to_string(n_blocks - 1), last_);
    v("mask_generator.output_prelu", output_prelu_);
    v("mask_generator.output_conv", output_conv_);
    v("decoder", decoder_);
  }

 private:
  // weight [N, 1, L], bias [N]
  struct encoder_params {
    param<S.filters, 1, S.window> weight;
    optional_param<S.encoder_bias, param<S.filters>> bias;
    template <class V>
    void visit(V&& v) {
      v("weight", weight);
      v("bias", bias);
    }
  };
  // weight [N, 1, L], bias [1]
  struct decoder_params {
    param<S.filters, 1, S.window> weight;
    optional_param<S.decoder_bias, param<1>> bias;
    template <class V>
    void visit(V&& v) {
      v("weight", weight);
      v("bias", bias);
    }
  };

  static constexpr dim_t dilation(std::size_t block) { return dim_t{1} << (block % S.blocks); }

  auto output_prelu_weight() const {
    if constexpr (S.mask_prelu)
      return output_prelu_.weight;
    else
      return absent{};
  }

  template <class C, class T>
  op::masked_synthesis_fwd<T> synthesis(const C& ctx, const saved<T>& s, T* out, dim_t length) const {
    const auto [frames, left] = frame(length);
    return {s.w.dim(0),
            mask_in,
            sources,
            filters,
            frames,
            window,
            stride,
            left,
            length,
            s.z,
            ctx.value(output_prelu_weight()),
            ctx.value(output_conv_.weight),
            ctx.value(output_conv_.bias),
            S.mask,
            s.w.data,
            ctx.value(decoder_.weight),
            ctx.value(decoder_.bias),
            out};
  }

  encoder_params encoder_;
  norm_params<S.filters> input_norm_;
  pointwise_params<S.bottleneck, S.filters, S.bias> input_conv_;
  std::array<block, n_blocks - 1> blocks_;
  last_block last_;
  optional_param<S.mask_prelu, prelu_params> output_prelu_;
  pointwise_params<S.sources * S.filters, mask_in, S.bias> output_conv_;
  decoder_params decoder_;
  param_extent extent_;
};

}  // namespace avss
