// The small parameter groups that layers are made of, with the names that PyTorch gives them.
#pragma once

#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/op/act_norm.hpp>
#include <string_view>

namespace avss {

// weight [Out, In, 1], bias [Out]
template <dim_t Out, dim_t In, bool Bias = true>
struct pointwise_params {
  param<Out, In, 1> weight;
  optional_param<Bias, param<Out>> bias;

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
  void freeze() {
    weight.trained = false;
    if constexpr (Bias) bias.trained = false;
  }
};

// weight [C, 1, Kernel], bias [C]
template <dim_t C, dim_t Kernel, bool Bias = true>
struct depthwise_params {
  param<C, 1, Kernel> weight;
  optional_param<Bias, param<C>> bias;

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
};

// weight (gamma) [C], bias (beta) [C]
template <dim_t C>
struct norm_params {
  param<C> weight;
  param<C> bias;

  static constexpr init_rule initial(std::string_view leaf) {
    return {init_rule::kind::constant, leaf == "weight" ? 1.0 : 0.0};
  }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
};

// weight [1]: one slope for all channels
struct prelu_params {
  param<1> weight;

  static constexpr init_rule initial(std::string_view) { return {init_rule::kind::constant, 0.25}; }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
  }
};

// Where the statistics of one normalisation are, and what it was applied to: what act_norm needs beside the parameters.
template <class T>
struct norm_stats {
  T* mean = nullptr;
  T* rstd = nullptr;
};

// Statistics of a normalisation of [batch, ., frames], held as the pass demands.
template <class C>
norm_stats<typename C::T> hold_stats(C& ctx, norm_kind kind, dim_t batch, dim_t frames) {
  const shape<dyn, dyn> each(batch, stats_per_item(kind, frames));
  return {ctx.hold(each).data, ctx.hold(each).data};
}

// The function act_norm of these parameters.
template <class C, class Slope, dim_t Channels>
op::act_norm<typename C::T> make_act_norm(const C& ctx, const Slope& slope, const norm_params<Channels>& norm, norm_kind kind,
                                          double eps, const norm_stats<typename C::T>& stats) {
  return {ctx.value(slope), kind, eps, ctx.value(norm.weight), ctx.value(norm.bias), stats.mean, stats.rstd};
}

// The way back through it: df [B, Channels, T] is given, the sums live in the enclosing frame.
template <class C, class Slope, dim_t Channels>
op::act_norm_grad<typename C::T> make_act_norm_grad(C& ctx, const Slope& slope, const norm_params<Channels>& norm,
                                                    const op::act_norm<typename C::T>& f, const typename C::T* x,
                                                    typename C::T* df, dim_t batch, dim_t frames) {
  const shape<dyn, dyn> each(batch, stats_per_item(f.norm, frames));
  return {f,
          x,
          df,
          ctx.scratch(each).data,
          ctx.scratch(each).data,
          ctx.gradient(norm.weight),
          ctx.gradient(norm.bias),
          ctx.gradient(slope)};
}

}  // namespace avss
