// The way back through convolutions of images by oneDNN, channels side by side, of API 2 and API 3.
#pragma once

#include <avss/core/error.hpp>
#include <avss/cpu/dnnl_conv.hpp>
#include <avss/op/image_back.hpp>
#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

namespace avss::cpu_kernel {

// What the two gradients share: sizes, for `images` images at once, and how they are run.
class dnnl_conv_shapes {
 public:
  using desc = dnnl::memory::desc;

  dnnl_conv_shapes(const op::image_size& n, const op::image_kernel& k, dim_t images)
      : stride{k.stride, k.stride},
        pad{k.pad, k.pad},
        x({images, n.channels, n.height, n.width}, type, dnnl::memory::format_tag::nhwc),
        w({k.out, n.channels, k.size, k.size}, type, dnnl::memory::format_tag::any),
        plain({k.out, n.channels, k.size, k.size}, type, dnnl::memory::format_tag::oihw),
        y({images, k.out, k.over(n).height, k.over(n).width}, type, dnnl::memory::format_tag::nhwc) {
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  }

  // A descriptor of the backward primitive P, that of the forward one as its hint.
  template <class P>
  typename P::primitive_desc describe(const desc& weights) const try {
    const serial_gemm one_thread;
    const auto direct = dnnl::algorithm::convolution_direct;
    const auto training = dnnl::prop_kind::forward_training;
    const dnnl::engine& engine = dnnl_conv::engine();
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::convolution_forward::primitive_desc hint(engine, training, direct, x, w, y, stride, pad, pad);
    return {engine, direct, x, weights, y, stride, pad, pad, hint, attributes};
#else
    const dnnl::convolution_forward::primitive_desc hint({training, direct, x, w, y, stride, pad, pad}, engine);
    return {typename P::desc(direct, x, weights, y, stride, pad, pad), attributes, engine, hint};
#endif
  } catch (const dnnl::error& e) {
    fail("oneDNN cannot go back through a convolution: ", e.what());
  }

  static constexpr auto type = dnnl::memory::data_type::f32;
  dnnl::memory::dims stride, pad;
  desc x, w, plain, y;
  dnnl::primitive_attr attributes;
};

// With as many threads as it was described for: oneDNN counts them anew.
template <class P>
P dnnl_made(const typename P::primitive_desc& d) {
  const serial_gemm one_thread;
  return P(d);
}
inline dnnl::memory dnnl_at(const dnnl::memory::desc& d, const void* p) {
  return {d, dnnl_conv::engine(), const_cast<void*>(p)};  // inputs are read only
}
inline void dnnl_run(const dnnl::primitive& p, const std::unordered_map<int, dnnl::memory>& arguments) {
  dnnl::stream stream(dnnl_conv::engine());
  p.execute(stream, arguments);
  stream.wait();
}
// to (+)= from in another layout
inline void dnnl_reorder(dnnl::memory from, dnnl::memory to, bool add) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops after;
  if (add) after.append_sum(1.f);
  attributes.set_post_ops(after);
  dnnl::stream stream(dnnl_conv::engine());
  dnnl::reorder(from, to, attributes).execute(stream, from, to);
  stream.wait();
}

// To the input of one image. As dnnl_conv, for several threads at once.
class dnnl_conv_data_back {
 public:
  dnnl_conv_data_back(const op::image_size& n, const op::image_kernel& k)
      : s_(n, k, 1),
        desc_(s_.describe<dnnl::convolution_backward_data>(s_.w)),
        primitive_(dnnl_made<dnnl::convolution_backward_data>(desc_)) {}

  std::size_t packed_bytes() const { return desc_.weights_desc().get_size(); }
  std::size_t scratch_bytes() const { return desc_.scratchpad_desc().get_size(); }

  void pack(const float* weight, float* packed) const {
    dnnl_reorder(dnnl_at(s_.plain, weight), dnnl_at(desc_.weights_desc(), packed), false);
  }
  void run(const float* dy, const float* packed, float* dx, void* scratch) const {
    dnnl_run(primitive_, {{DNNL_ARG_DIFF_DST, dnnl_at(desc_.diff_dst_desc(), dy)},
                          {DNNL_ARG_WEIGHTS, dnnl_at(desc_.weights_desc(), packed)},
                          {DNNL_ARG_DIFF_SRC, dnnl_at(desc_.diff_src_desc(), dx)},
                          {DNNL_ARG_SCRATCHPAD, dnnl_at(desc_.scratchpad_desc(), scratch)}});
  }

 private:
  dnnl_conv_shapes s_;
  dnnl::convolution_backward_data::primitive_desc desc_;
  dnnl::convolution_backward_data primitive_;
};

// To the weights, summed over `images` images. The layout of what comes out does not depend on how many they are.
class dnnl_conv_weights_back {
 public:
  dnnl_conv_weights_back(const op::image_size& n, const op::image_kernel& k, dim_t images)
      : s_(n, k, images), desc_(s_.describe<back>(layout(n, k))), primitive_(dnnl_made<back>(desc_)) {}

  std::size_t packed_bytes() const { return desc_.diff_weights_desc().get_size(); }
  std::size_t scratch_bytes() const { return desc_.scratchpad_desc().get_size(); }

  // dweight in the layout of oneDNN's choice
  void run(const float* x, const float* dy, float* dweight, void* scratch) const {
    dnnl_run(primitive_, {{DNNL_ARG_SRC, dnnl_at(desc_.src_desc(), x)},
                          {DNNL_ARG_DIFF_DST, dnnl_at(desc_.diff_dst_desc(), dy)},
                          {DNNL_ARG_DIFF_WEIGHTS, dnnl_at(desc_.diff_weights_desc(), dweight)},
                          {DNNL_ARG_SCRATCHPAD, dnnl_at(desc_.scratchpad_desc(), scratch)}});
  }
  // plain [out, in, size, size] += packed
  void add_to(const float* packed, float* plain) const {
    dnnl_reorder(dnnl_at(desc_.diff_weights_desc(), packed), dnnl_at(s_.plain, plain), true);
  }

 private:
  using back = dnnl::convolution_backward_weights;

  // What oneDNN chooses for one image.
  static dnnl::memory::desc layout(const op::image_size& n, const op::image_kernel& k) {
    const dnnl_conv_shapes one(n, k, 1);
    return one.describe<back>(one.w).diff_weights_desc();
  }

  dnnl_conv_shapes s_;
  back::primitive_desc desc_;
  back primitive_;
};

}  // namespace avss::cpu_kernel
