// Convolutions of images by oneDNN, channels side by side. The one place that knows its C++ interface, of API 2 and API 3.
#pragma once

#include <avss/core/error.hpp>
#include <avss/cpu/gemm.hpp>
#include <avss/op/image.hpp>
#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

namespace avss::cpu_kernel {

// One image at a time, by one thread: oneDNN's kernels are as fast as with many images, and a result depends on its image
// alone. Several threads may run it at once, each with a scratchpad of its own. PReLU is left to the caller.
class dnnl_conv {
 public:
  explicit dnnl_conv(const op::image_conv_plan& p) try : plan_(p), desc_(describe(p)), primitive_(made(desc_)) {
  } catch (const dnnl::error& e) {
    fail("oneDNN cannot convolve an image of ", p.n.height, " x ", p.n.width, " x ", p.n.channels, " to ", p.kernel.out,
         " channels: ", e.what());
  }

  std::size_t packed_bytes() const { return desc_.weights_desc().get_size(); }
  std::size_t scratch_bytes() const { return desc_.scratchpad_desc().get_size(); }

  // weight [out, in, size, size] -> packed [packed_bytes()]
  void pack(const float* weight, float* packed) const {
    const op::image_kernel& k = plan_.kernel;
    const dnnl::memory::desc plain({k.out, plan_.n.channels, k.size, k.size}, type, dnnl::memory::format_tag::oihw);
    dnnl::memory from(plain, engine(), const_cast<float*>(weight)), to(desc_.weights_desc(), engine(), packed);
    dnnl::stream stream(engine());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }

  static const dnnl::engine& engine() {
    static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
    return cpu;
  }

  void run(const float* x, const float* packed, const float* offset, float* y, void* scratch) const {
    const auto at = [&](const dnnl::memory::desc& d, const void* p) {
      return dnnl::memory(d, engine(), const_cast<void*>(p));  // inputs are read only
    };
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, at(desc_.src_desc(), x)},
                                                    {DNNL_ARG_WEIGHTS, at(desc_.weights_desc(), packed)},
                                                    {DNNL_ARG_DST, at(desc_.dst_desc(), y)},
                                                    {DNNL_ARG_SCRATCHPAD, at(desc_.scratchpad_desc(), scratch)}};
    if (plan_.offset) arguments.emplace(DNNL_ARG_BIAS, at(desc_.bias_desc(), offset));
    dnnl::stream stream(engine());
    primitive_.execute(stream, arguments);
    stream.wait();
  }

 private:
  using descriptor = dnnl::convolution_forward::primitive_desc;
  static constexpr auto type = dnnl::memory::data_type::f32;

  // With as many threads as it was described for: oneDNN counts them anew.
  static dnnl::convolution_forward made(const descriptor& d) {
    const serial_gemm one_thread;
    return dnnl::convolution_forward(d);
  }

  static dnnl::primitive_attr attributes(const op::image_conv_plan& p) {
    dnnl::post_ops after;
    if (p.add) after.append_sum(1.f);
    if (p.form == image_curve::relu) append(after, dnnl::algorithm::eltwise_relu, 0.f);
    if (p.form == image_curve::swish) append(after, dnnl::algorithm::eltwise_swish, 1.f);
    dnnl::primitive_attr a;
    a.set_post_ops(after);
    a.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return a;
  }

  static descriptor describe(const op::image_conv_plan& p) {
    const serial_gemm one_thread;
    using tag = dnnl::memory::format_tag;
    const op::image_kernel& k = p.kernel;
    const op::image_size out = k.over(p.n);
    const dnnl::memory::desc x({1, p.n.channels, p.n.height, p.n.width}, type, tag::nhwc),
        w({k.out, p.n.channels, k.size, k.size}, type, tag::any), y({1, k.out, out.height, out.width}, type, tag::nhwc);
    const dnnl::memory::desc b = p.offset ? dnnl::memory::desc({k.out}, type, tag::a) : dnnl::memory::desc();
    const dnnl::memory::dims stride{k.stride, k.stride}, pad{k.pad, k.pad};
    const auto inference = dnnl::prop_kind::forward_inference;
    const auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return {engine(), inference, direct, x, w, b, y, stride, pad, pad, attributes(p)};
#else
    return {dnnl::convolution_forward::desc(inference, direct, x, w, b, y, stride, pad, pad), attributes(p), engine()};
#endif
  }

  static void append(dnnl::post_ops& after, dnnl::algorithm curve, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
    after.append_eltwise(curve, alpha, 0.f);
#else
    after.append_eltwise(1.f, curve, alpha, 0.f);
#endif
  }

  op::image_conv_plan plan_;
  descriptor desc_;
  dnnl::convolution_forward primitive_;
};

}  // namespace avss::cpu_kernel
