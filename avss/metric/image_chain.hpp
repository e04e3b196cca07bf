// Small networks over one picture, as ONNX files have them: convolutions of 3 x 3 with ReLU, maxima of 2 x 2, the maximum of
// each channel, and dense layers.
#pragma once

#include <algorithm>
#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/cpu/image.hpp>
#include <avss/io/onnx_graph.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/tensor.hpp>
#include <avss/op/image.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

class image_chain {
 public:
  // The part of the graph from its first 3 x 3 convolution on, for pictures [height, width] of one channel. Throws error,
  // which starts with `origin`, for a graph that is anything else.
  image_chain(const onnx_graph& graph, dim_t height, dim_t width, const std::string& origin) : origin_(origin) {
    op::image_size n{1, height, width, 1};
    const auto begin =
        std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const onnx_node& node) { return is_image_conv(graph, node); });
    if (begin == graph.nodes.end()) refuse("has no convolution of 3 x 3");
    last_ = begin->inputs.front();
    for (auto node = begin; node != graph.nodes.end(); ++node) follow(graph, *node, n);
    if (!flat_ || layers_.back().kind != step::dense) refuse("does not end with a dense layer");
  }

  dim_t outputs() const { return layers_.back().out; }

  // picture [height, width]. Several threads may run it at once, each with a backend of its own.
  std::vector<float> run(cpu backend, std::span<const float> picture) const {
    arena plan;
    context<measure<cpu>> dry({backend}, plan, pass::infer);
    pass_through(dry, nullptr);
    arena memory(plan.peak());
    context<cpu> ctx(backend, memory, pass::infer);
    return pass_through(ctx, picture.data());
  }

 private:
  enum class step { conv, pool, top, dense };
  struct layer {
    step kind;
    op::image_size n;  // of the input
    dim_t out = 0;     // channels of the result
    bool relu = false;
    std::vector<float> weight{}, bias{};  // conv: packed; dense: [out, in]
    op::image_conv_plan plan{};
  };

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(origin_, ": ", parts..., "; expected a network of DNSMOS as github.com/microsoft/DNS-Challenge has it");
  }

  static const tensor* constant(const onnx_graph& g, const onnx_node& n, std::size_t input) {
    if (input >= n.inputs.size()) return nullptr;
    const auto at = g.tensors.find(n.inputs[input]);
    return at == g.tensors.end() ? nullptr : &at->second;
  }
  static bool is_image_conv(const onnx_graph& g, const onnx_node& n) {
    const tensor* w = n.op == "Conv" ? constant(g, n, 1) : nullptr;
    return w && w->shape.size() == 4 && w->shape[2] == 3 && w->shape[3] == 3;
  }

  template <std::size_t N>
  static bool is_any_of(const std::string_view (&known)[N], std::string_view op) {
    return std::find(std::begin(known), std::end(known), op) != std::end(known);
  }

  // Takes the next step along the chain. What is made of other values than the last step's must be the shape of something.
  void follow(const onnx_graph& g, const onnx_node& node, op::image_size& n) {
    static constexpr std::string_view of_shapes[] = {"Constant", "Shape",     "Gather",  "Concat",  "Slice",
                                                     "Cast",     "Unsqueeze", "Squeeze", "Identity"};
    const bool second = node.op == "Add" && node.inputs.size() == 2 && node.inputs[1] == last_;
    const bool first = !node.inputs.empty() && node.inputs[0] == last_;
    if (first && node.op == "Shape") return;
    if (!first && !second) {
      const bool uses = std::find(node.inputs.begin(), node.inputs.end(), last_) != node.inputs.end();
      if (uses || !is_any_of(of_shapes, node.op)) refuse("has a node ", printable(node.op), " beside its chain");
      return;
    }
    if (node.outputs.empty()) refuse("has a node ", printable(node.op), " without a result");
    add(g, node, n);
    last_ = node.outputs.front();
  }

  void add(const onnx_graph& g, const onnx_node& node, op::image_size& n) {
    static constexpr std::string_view of_vectors[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
    if (node.op == "Identity" || node.op == "Dropout") return;
    if (flat_ && (is_any_of(of_vectors, node.op) || node.op == "Transpose")) return;  // the order of the numbers stays
    if (node.op == "Transpose") return turn(node);
    if (node.op == "GlobalMaxPool" || node.op == "ReduceMax") return add_top(g, node, n);
    if (turned_) refuse("has a node ", printable(node.op), " for channels that come last");
    if (node.op == "Conv") return add_conv(g, node, n);
    if (node.op == "MaxPool") return add_pool(node, n);
    if (node.op == "MatMul" || node.op == "Gemm") return add_dense(g, node, n);
    if (node.op == "Add") return add_bias(g, node);
    if (node.op == "Relu" && !layers_.empty()) {
      layers_.back().relu = true;
      if (layers_.back().kind == step::conv) layers_.back().plan.form = image_curve::relu;
      return;
    }
    refuse("has a node ", printable(node.op), ", which is not known here");
  }

  // Channels may come last for a maximum over the picture.
  void turn(const onnx_node& node) {
    const auto at = node.integers.find("perm");
    const std::vector<std::int64_t> last{0, 2, 3, 1}, first{0, 3, 1, 2};
    if (at == node.integers.end() || at->second != (turned_ ? first : last))
      refuse("has a Transpose that exchanges height and width");
    turned_ = !turned_;
  }

  void expect(const onnx_node& node, const char* name, std::int64_t value) const {
    const auto at = node.integers.find(name);
    if (at == node.integers.end()) return;
    for (const std::int64_t v : at->second)
      if (v != value) refuse("has a ", node.op, " whose ", name, " are not ", value);
  }

  void add_conv(const onnx_graph& g, const onnx_node& node, op::image_size& n) {
    if (flat_ || !is_image_conv(g, node)) refuse("has a convolution that is not of 3 x 3, or behind the dense layers");
    const tensor& w = *constant(g, node, 1);
    if (w.shape[1] != n.channels || w.shape[0] < 1 || w.shape[0] > 4096)
      refuse("has a convolution of ", w.shape[1], " to ", w.shape[0], " channels where ", n.channels, " come in");
    for (const char* name : {"strides", "dilations", "group", "pads"}) expect(node, name, 1);
    const auto padding = node.texts.find("auto_pad");
    const std::string how = padding == node.texts.end() ? "NOTSET" : padding->second;
    if (how == "NOTSET" ? !node.integers.contains("pads") : !how.starts_with("SAME"))
      refuse("has a convolution without padding by 1");
    layer l{step::conv, n, w.shape[0]};
    l.plan = {n, {w.shape[0], 3, 1, 1}, true, false, image_curve::identity, conv_method::direct};
    l.bias = bias_of(g, node, l.out);
    const std::vector<float> weight = w.values<float>();
    const cpu one(1);
    l.weight.resize(static_cast<std::size_t>(packed_values(one, l.plan)));
    arena memory(scratch_bytes(one, op::pack_image_conv<float>{l.plan, weight.data(), nullptr, l.weight.data()}) + 64);
    context<cpu> ctx(one, memory, pass::infer);
    ctx.run(op::pack_image_conv<float>{l.plan, weight.data(), nullptr, l.weight.data()});
    layers_.push_back(std::move(l));
    n = layers_.back().plan.kernel.over(n);
  }

  void add_pool(const onnx_node& node, op::image_size& n) {
    for (const char* name : {"kernel_shape", "strides"}) expect(node, name, 2);
    for (const char* name : {"pads", "ceil_mode"}) expect(node, name, 0);
    expect(node, "dilations", 1);
    if (const auto at = node.texts.find("auto_pad"); at != node.texts.end() && at->second.starts_with("SAME"))
      refuse("has a maximum that is padded");
    if (flat_ || !node.integers.contains("strides") || n.height < 2 || n.width < 2)
      refuse("has a maximum that is not of 2 x 2");
    layers_.push_back({step::pool, n, n.channels});
    n.height /= 2, n.width /= 2;
  }

  void add_top(const onnx_graph& g, const onnx_node& node, op::image_size& n) {
    if (flat_) refuse("takes the maximum of the channels twice");
    std::vector<std::int64_t> axes{2, 3};
    if (node.op == "ReduceMax") {
      const auto at = node.integers.find("axes");
      const tensor* const given = constant(g, node, 1);
      axes.clear();
      if (at != node.integers.end())
        axes = at->second;
      else if (given && given->type == dtype::i64)
        axes = given->values<std::int64_t>();
      for (std::int64_t& a : axes) a += a < 0 ? 4 : 0;
      std::sort(axes.begin(), axes.end());
    }
    if (axes != (turned_ ? std::vector<std::int64_t>{1, 2} : std::vector<std::int64_t>{2, 3}))
      refuse("has a ", node.op, " that is not over height and width");
    layers_.push_back({step::top, n, n.channels});
    n.height = n.width = 1;
    flat_ = true, turned_ = false;
  }

  void add_dense(const onnx_graph& g, const onnx_node& node, op::image_size& n) {
    for (const char* name : {"alpha", "beta"})
      if (const auto at = node.reals.find(name); at != node.reals.end() && at->second != 1)
        refuse("has a dense layer that is scaled");
    expect(node, "transA", 0);
    const tensor* w = constant(g, node, 1);
    if (!flat_ || !w || w->shape.size() != 2) refuse("has a matrix product that is no dense layer");
    const auto turned = node.integers.find("transB");
    const bool rows_out = turned != node.integers.end() && turned->second.front() != 0;  // [out, in]
    const dim_t in = w->shape[rows_out ? 1 : 0], out = w->shape[rows_out ? 0 : 1];
    if (in != n.channels || out < 1) refuse("has a dense layer for ", in, " values where ", n.channels, " come in");
    const std::vector<float> values = w->values<float>();
    layer l{step::dense, n, out};
    for (dim_t o = 0; o < out; ++o)
      for (dim_t i = 0; i < in; ++i) l.weight.push_back(values[static_cast<std::size_t>(rows_out ? o * in + i : i * out + o)]);
    l.bias = bias_of(g, node, out);
    layers_.push_back(std::move(l));
    n.channels = out;
  }

  // Of the dense layer before.
  void add_bias(const onnx_graph& g, const onnx_node& node) {
    const tensor* b = constant(g, node, 0) ? constant(g, node, 0) : constant(g, node, 1);
    if (!b || layers_.empty() || layers_.back().kind != step::dense || layers_.back().relu)
      refuse("adds something that is no bias of a dense layer");
    const std::vector<float> more = checked_bias(*b, layers_.back().out);
    for (std::size_t i = 0; i < more.size(); ++i) layers_.back().bias[i] += more[i];
  }

  // The node's third input; zeros where there is none.
  std::vector<float> bias_of(const onnx_graph& g, const onnx_node& node, dim_t out) const {
    if (node.inputs.size() < 3 || node.inputs[2].empty()) return std::vector<float>(static_cast<std::size_t>(out));
    const tensor* b = constant(g, node, 2);
    if (!b) refuse("has a ", node.op, " whose bias is computed");
    return checked_bias(*b, out);
  }
  std::vector<float> checked_bias(const tensor& b, dim_t out) const {
    std::vector<float> values = b.values<float>();
    if (static_cast<dim_t>(values.size()) != out) refuse("has a bias of ", values.size(), " values for ", out, " channels");
    return values;
  }

  // The result is empty while memory is measured.
  template <class C>
  std::vector<float> pass_through(C& ctx, const float* picture) const {
    const auto frame = ctx.frame();
    std::size_t room = 0;
    for (const layer& l : layers_) room = std::max(room, static_cast<std::size_t>(l.n.plane() * std::max(l.n.channels, l.out)));
    const auto one = ctx.scratch(shape<dyn>(static_cast<dim_t>(room))),
               other = ctx.scratch(shape<dyn>(static_cast<dim_t>(room)));
    const float* x = picture;
    float *y = one.data, *next = other.data;
    for (const layer& l : layers_) {
      if (l.kind == step::conv) ctx.run(op::image_conv<float>{1, l.plan, x, l.weight.data(), l.bias.data(), nullptr, y});
      if (!y) continue;
      if (l.kind == step::pool) pool(l.n, x, y);
      if (l.kind == step::top) top(l.n, x, y);
      if (l.kind == step::dense) dense(l, x, y);
      if (l.relu && (l.kind == step::pool || l.kind == step::top))
        for (dim_t i = 0; i < values_behind(l); ++i) y[i] = std::max(y[i], 0.f);
      x = y;
      std::swap(y, next);
    }
    return x ? std::vector<float>(x, x + outputs()) : std::vector<float>();
  }

  static dim_t values_behind(const layer& l) {
    return l.kind == step::top ? l.out : (l.n.height / 2) * (l.n.width / 2) * l.out;
  }
  static void pool(const op::image_size& n, const float* x, float* y) {
    for (dim_t h = 0; h < n.height / 2; ++h)
      for (dim_t w = 0; w < n.width / 2; ++w)
        for (dim_t c = 0; c < n.channels; ++c) {
          const float* const at = x + (2 * h * n.width + 2 * w) * n.channels + c;
          const float* const below = at + n.width * n.channels;
          *y++ = std::max(std::max(at[0], at[n.channels]), std::max(below[0], below[n.channels]));
        }
  }
  static void top(const op::image_size& n, const float* x, float* y) {
    std::copy_n(x, n.channels, y);
    for (dim_t i = 1; i < n.plane(); ++i)
      for (dim_t c = 0; c < n.channels; ++c) y[c] = std::max(y[c], x[i * n.channels + c]);
  }
  static void dense(const layer& l, const float* x, float* y) {
    for (dim_t o = 0; o < l.out; ++o) {
      double sum = l.bias[static_cast<std::size_t>(o)];
      for (dim_t i = 0; i < l.n.channels; ++i)
        sum += static_cast<double>(l.weight[static_cast<std::size_t>(o * l.n.channels + i)]) * static_cast<double>(x[i]);
      y[o] = static_cast<float>(l.relu ? std::max(sum, 0.) : sum);
    }
  }

  std::string origin_;
  std::vector<layer> layers_;
  bool flat_ = false;    // behind the maximum of the channels
  bool turned_ = false;  // channels come last
  std::string last_;     // what the layers so far give
};

}  // namespace avss
