// An optimiser's buffers as the state_dict() of torch.optim:
//   {state: {index: {step, exp_avg, exp_avg_sq}}, param_groups: [{lr, ..., params: [0, 1, ...]}]}
// The index is the position among the parameters; those that are not trained have no state.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/tensor.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/rates.hpp>
#include <avss/optim/sgd.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

inline std::vector<checkpoint_value::field> group_of(const adam_config& c, const rates& r) {
  return {{"lr", r.lr},
          {"betas", checkpoint_value::tuple({r.momentum.value_or(c.beta1), c.beta2})},
          {"eps", c.eps},
          {"weight_decay", c.weight_decay},
          {"amsgrad", false},
          {"maximize", false},
          {"foreach", {}},
          {"capturable", false},
          {"differentiable", false},
          {"fused", {}}};
}
inline std::vector<checkpoint_value::field> group_of(const sgd_config& c, const rates& r) {
  return {{"lr", r.lr},
          {"momentum", r.momentum.value_or(c.momentum)},
          {"dampening", c.dampening},
          {"weight_decay", c.weight_decay},
          {"nesterov", c.nesterov},
          {"maximize", false},
          {"foreach", {}},
          {"differentiable", false}};
}

template <class T>
inline constexpr bool is_counter = std::is_same_v<std::remove_cvref_t<T>, std::int64_t>;

}  // namespace detail

// `params` as list_params gives them.
template <class Optimiser>
checkpoint_value optimiser_state(Optimiser& o, const std::vector<param_info>& params, const rates& r) {
  std::vector<checkpoint_value::field> states;
  std::vector<checkpoint_value> indices;
  std::int64_t index = 0;
  for (const param_info& p : params) {
    if (p.is_state) continue;
    indices.emplace_back(index);
    if (p.trained && o.steps() > 0) {
      std::vector<checkpoint_value::field> own;
      o.visit_state([&](std::string_view name, auto& held) {
        if constexpr (detail::is_counter<decltype(held)>) {
          const float steps = static_cast<float>(held);
          // torch's SGD counts nothing
          if constexpr (requires { o.config().beta1; }) own.emplace_back(name, tensor::of<float>({}, std::span(&steps, 1)));
        } else if (held.size() > 0) {
          using T = std::remove_cvref_t<decltype(held[0])>;
          own.emplace_back(name, tensor::of<T>(p.shape, std::span<const T>(held).subspan(static_cast<std::size_t>(p.offset),
                                                                                         static_cast<std::size_t>(p.size))));
        }
      });
      states.emplace_back(index, checkpoint_value::dict(std::move(own)));
    }
    ++index;
  }
  std::vector<checkpoint_value::field> group = detail::group_of(o.config(), r);
  group.emplace_back("params", checkpoint_value::list(std::move(indices)));
  return checkpoint_value::dict({{"state", checkpoint_value::dict(std::move(states))},
                                 {"param_groups", checkpoint_value::list({checkpoint_value::dict(std::move(group))})}});
}

// Sets the buffers and the number of steps. Strict; `origin` is named in errors.
template <class Optimiser>
void restore_optimiser(Optimiser& o, const std::vector<param_info>& params, const checkpoint_value& from, std::int64_t steps,
                       const std::string& origin) {
  const checkpoint_value* states = from.find("state");
  if (!states || !states->is_dict() || steps < 0) fail(origin, ": damaged checkpoint: optimizer.state is no dict");
  const auto state_of = [&](std::int64_t index) -> const checkpoint_value& {
    for (const checkpoint_value::field& f : states->fields())
      if (f.first.integer() == index) return f.second;
    fail(origin, ": the optimiser's state of parameter ", index, " is missing; was it another optimiser or network?");
  };
  std::size_t expected = 0;
  std::int64_t index = -1;
  for (const param_info& p : params) {
    if (p.is_state) continue;
    ++index;
    if (!p.trained || steps == 0) continue;
    ++expected;
    o.visit_state([&](std::string_view name, auto& held) {
      if constexpr (!detail::is_counter<decltype(held)>) {
        if (held.size() == 0) return;
        using T = std::remove_cvref_t<decltype(held[0])>;
        const checkpoint_value* v = state_of(index).find(name);
        const stored_tensor* t = v ? v->tensor_view() : nullptr;
        if (!t || t->shape != p.shape)
          fail(origin, ": the optimiser's ", name, " of ", p.name, " is ", t ? "of another shape" : "missing",
               "; was it another optimiser or network?");
        const std::vector<T> values = t->load().template values<T>();
        std::copy(values.begin(), values.end(), held.begin() + p.offset);
      }
    });
  }
  if (states->fields().size() != expected)
    fail(origin, ": the optimiser has the state of ", states->fields().size(), " parameters where ", expected,
         " are trained; was it another optimiser or network?");
  o.visit_state([&](std::string_view, auto& held) {
    if constexpr (detail::is_counter<decltype(held)>) held = steps;
  });
}

}  // namespace avss
