// What layers on maps [B, C, T, F] are made of: parameter groups with the published names, and normalisation.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/core/random.hpp>
#include <avss/layer/named.hpp>
#include <avss/op/dropout.hpp>
#include <avss/op/map_norm.hpp>
#include <optional>
#include <string_view>
#include <type_traits>

namespace avss {

// T as the other arguments of a function say: a null pointer or one to const goes there without a cast.
template <class T>
using given = std::type_identity_t<T>;

// Channels are known to the type; frames and bins vary from level to level of one block.
template <dim_t C>
using map_shape = shape<dyn, C, dyn, dyn>;

template <class Shape, class T>
op::map_size size_of(const view<Shape, T>& x) {
  static_assert(Shape::rank == 4, "avss: a map has four axes: batch, channels, frames, bins");
  return {x.dim(0), x.dim(1), x.dim(2), x.dim(3)};
}

// What a pass does, beside keeping or not keeping what backward needs.
struct pass_rules {
  // BatchNorm normalises by the batch and updates its running statistics; otherwise it uses these.
  bool batch_statistics = false;
  // Blocks keep their input only and are made anew on the way back: less memory, a third more time.
  bool recompute = false;
  // Dropout, where the network has any; none: nothing is dropped. Keyed by the run's seed and step.
  std::optional<random_stream> dropout = std::nullopt;
  // Or where the backend finds that stream, for a pass that is captured into a graph and replayed in later steps.
  const random_stream* dropout_at = nullptr;

  op::dropout_rule drop(double rate, std::string_view place) const {
    if (dropout_at) return {rate, random_stream{0}, dropout_at, hash_name(place)};
    return dropout ? op::dropout_rule{rate, dropout->sub(place)} : op::dropout_rule{};
  }
};

// weight [Out, Rest...], bias [Out]
template <bool Bias, dim_t Out, dim_t... Rest>
struct conv_params {
  param<Out, Rest...> weight;
  optional_param<Bias, param<Out>> bias;

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
  }
};

// Convolutions over frames (one axis), or over frames and bins (two).
template <int Axes, bool Bias, dim_t Out, dim_t In, dim_t Kernel>
struct kernel_of : conv_params<Bias, Out, In, Kernel> {};
template <bool Bias, dim_t Out, dim_t In, dim_t Kernel>
struct kernel_of<2, Bias, Out, In, Kernel> : conv_params<Bias, Out, In, Kernel, Kernel> {};

// gamma, beta [D...]
template <dim_t... D>
struct gain_params {
  param<D...> gamma;
  param<D...> beta;

  static constexpr init_rule initial(std::string_view leaf) { return {init_rule::kind::constant, leaf == "gamma" ? 1.0 : 0.0}; }

  template <class V>
  void visit(V&& v) {
    v("gamma", gamma);
    v("beta", beta);
  }
};

// How the blocks of a network normalise.
enum class block_norm { global, batch };

inline constexpr double map_eps = 1e-5;          // of all normalisations of maps
inline constexpr double running_momentum = 0.1;  // of BatchNorm

template <dim_t C, block_norm Kind>
struct block_norm_params {  // GroupNorm(1, C)
  norm_params<C> norm;

  template <class V>
  void visit(V&& v) {
    v("norm", norm);
  }
};

template <dim_t C>
struct block_norm_params<C, block_norm::batch> {
  param<C> weight;
  param<C> bias;
  state<C> running_mean;
  state<C> running_var;
  state<> num_batches_tracked;

  static constexpr init_rule initial(std::string_view leaf) {
    return {init_rule::kind::constant, leaf == "weight" || leaf == "running_var" ? 1.0 : 0.0};
  }

  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
    v("running_mean", running_mean);
    v("running_var", running_var);
    v("num_batches_tracked", num_batches_tracked);
  }
};

// Sets mean and rstd [C] to those of BatchNorm's running statistics.
template <class C, dim_t N, class T>
void use_running(C& ctx, const block_norm_params<N, block_norm::batch>& p, T* mean, T* rstd) {
  ctx.run(op::running_to_moments<T>{N, map_eps, ctx.value(p.running_mean), ctx.value(p.running_var), mean, rstd});
}
// Takes mean and rstd, made of n values for each channel, into the running statistics.
template <class C, dim_t N, class T>
void count_batch(C& ctx, const block_norm_params<N, block_norm::batch>& p, dim_t n, const T* mean, const T* rstd) {
  ctx.run(op::update_running<T>{N, n, map_eps, running_momentum, mean, rstd, ctx.value(p.running_mean),
                                ctx.value(p.running_var), ctx.value(p.num_batches_tracked)});
}

// A function f over the map x [n]: its statistics are held as the pass demands, and made.
template <class C, class T = typename C::T>
op::map_norm<T> make_map_norm(C& ctx, norm_over over, const op::map_size& n, const given<T>* x, const given<T>* gamma,
                              const given<T>* beta, op::bend<given<T>> pre = {}, op::bend<given<T>> post = {}) {
  const shape<dyn> each(stats_of(over, n));
  op::map_norm<T> f{over, map_eps, gamma, beta, ctx.hold(each).data, ctx.hold(each).data, false, pre, post};
  ctx.run(op::map_moments<T>{n, x, f});
  return f;
}
// A function without normalisation.
template <class T>
op::map_norm<T> only_bend(op::bend<T> post) {
  op::map_norm<T> f{};
  f.post = post;
  return f;
}

template <class C, dim_t N, class T = typename C::T>
op::map_norm<T> make_block_norm(C& ctx, const block_norm_params<N, block_norm::global>& p, const op::map_size& n,
                                const given<T>* x, const pass_rules&, op::bend<given<T>> post = {}) {
  return make_map_norm(ctx, norm_over::item, n, x, ctx.value(p.norm.weight), ctx.value(p.norm.bias), {}, post);
}
template <class C, dim_t N, class T = typename C::T>
op::map_norm<T> make_block_norm(C& ctx, const block_norm_params<N, block_norm::batch>& p, const op::map_size& n,
                                const given<T>* x, const pass_rules& rules, op::bend<given<T>> post = {}) {
  const shape<dyn> each(N);
  op::map_norm<T> f{norm_over::channel,
                    map_eps,
                    ctx.value(p.weight),
                    ctx.value(p.bias),
                    ctx.hold(each).data,
                    ctx.hold(each).data,
                    !rules.batch_statistics,
                    {},
                    post};
  if (f.fixed) {
    use_running(ctx, p, f.mean, f.rstd);
  } else {
    ctx.run(op::map_moments<T>{n, x, f});
    count_batch(ctx, p, n.size() / N, f.mean, f.rstd);
  }
  return f;
}

template <class C, dim_t N, class T = typename C::T>
op::map_norm_grad<T> gradients_of(const C& ctx, const block_norm_params<N, block_norm::global>& p,
                                  given<T>* dpost_slope = nullptr) {
  return {ctx.gradient(p.norm.weight), ctx.gradient(p.norm.bias), nullptr, dpost_slope};
}
template <class C, dim_t N, class T = typename C::T>
op::map_norm_grad<T> gradients_of(const C& ctx, const block_norm_params<N, block_norm::batch>& p,
                                  given<T>* dpost_slope = nullptr) {
  return {ctx.gradient(p.weight), ctx.gradient(p.bias), nullptr, dpost_slope};
}

}  // namespace avss
