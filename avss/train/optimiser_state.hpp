// An optimiser's buffers as the state_dict() of torch.optim:
//   {state: {index: {step, exp_avg, exp_avg_sq}}, param_groups: [{lr, ..., params: [0, 1, ...]}]}
// The index is the position among the parameters; those that are not trained have no state.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <avss/core/placement.hpp>
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

struct indexed_param {
  std::int64_t index;  // among those that are no state
  const param_info& param;
};
inline std::vector<indexed_param> trained_of(const std::vector<param_info>& params) {
  std::vector<indexed_param> trained;
  std::int64_t index = 0;
  for (const param_info& p : params) {
    if (p.is_state) continue;
    if (p.trained) trained.push_back({index, p});
    ++index;
  }
  return trained;
}

template <class Array>
auto span_of(Array& a) {
  return std::span(a.data(), a.size());
}
template <class Array>
auto const_span_of(const Array& a) {
  using T = std::remove_pointer_t<decltype(a.data())>;
  return std::span<const T>(a.data(), a.size());
}

}  // namespace detail

// `params` as list_params gives them; the optimiser's buffers lie in the backend's memory.
template <class B, class Optimiser>
checkpoint_value optimiser_state(const B& backend, Optimiser& o, const std::vector<param_info>& params, const rates& r) {
  const std::vector<detail::indexed_param> trained = detail::trained_of(params);
  std::vector<std::vector<checkpoint_value::field>> own(o.steps() > 0 ? trained.size() : 0);
  const auto add = [&]<class T>(std::string_view name, std::span<const T> held) {
    look(backend, held, [&](std::span<const T> values) {
      for (std::size_t i = 0; i < own.size(); ++i) {
        const param_info& p = trained[i].param;
        own[i].emplace_back(
            name, tensor::of<T>(p.shape, values.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size))));
      }
    });
  };
  o.visit_state([&](std::string_view name, auto& held) {
    if constexpr (detail::is_counter<decltype(held)>) {
      const float steps = static_cast<float>(held);
      // torch's SGD counts nothing
      if constexpr (requires { o.config().beta1; })
        for (auto& fields : own) fields.emplace_back(name, tensor::of<float>({}, std::span(&steps, 1)));
    } else if (held.size() > 0 && !own.empty()) {
      add(name, detail::const_span_of(held));
    }
  });
  std::vector<checkpoint_value::field> states;
  for (std::size_t i = 0; i < own.size(); ++i) states.emplace_back(trained[i].index, checkpoint_value::dict(std::move(own[i])));
  std::vector<checkpoint_value> indices;
  for (const param_info& p : params)
    if (!p.is_state) indices.emplace_back(static_cast<std::int64_t>(indices.size()));
  std::vector<checkpoint_value::field> group = detail::group_of(o.config(), r);
  group.emplace_back("params", checkpoint_value::list(std::move(indices)));
  return checkpoint_value::dict({{"state", checkpoint_value::dict(std::move(states))},
                                 {"param_groups", checkpoint_value::list({checkpoint_value::dict(std::move(group))})}});
}

// Sets the buffers and the number of steps. Strict; `origin` is named in errors.
template <class B, class Optimiser>
void restore_optimiser(const B& backend, Optimiser& o, const std::vector<param_info>& params, const checkpoint_value& from,
                       std::int64_t steps, const std::string& origin) {
  const checkpoint_value* states = from.find("state");
  if (!states || !states->is_dict() || steps < 0) fail(origin, ": damaged checkpoint: optimizer.state is no dict");
  const auto state_of = [&](std::int64_t index) -> const checkpoint_value& {
    for (const checkpoint_value::field& f : states->fields())
      if (f.first.integer() == index) return f.second;
    fail(origin, ": the optimiser's state of parameter ", index, " is missing; was it another optimiser or network?");
  };
  std::vector<detail::indexed_param> trained;
  if (steps > 0) trained = detail::trained_of(params);
  const auto take = [&]<class T>(std::string_view name, std::span<T> held) {
    edit(backend, held, [&](std::span<T> to) {
      for (const auto& [index, p] : trained) {
        const checkpoint_value* v = state_of(index).find(name);
        const stored_tensor* t = v ? v->tensor_view() : nullptr;
        if (!t || t->shape != p.shape)
          fail(origin, ": the optimiser's ", name, " of ", p.name, " is ", t ? "of another shape" : "missing",
               "; was it another optimiser or network?");
        const std::vector<T> values = t->load().template values<T>();
        std::copy(values.begin(), values.end(), to.begin() + p.offset);
      }
    });
  };
  o.visit_state([&](std::string_view name, auto& held) {
    if constexpr (detail::is_counter<decltype(held)>)
      held = steps;
    else if (held.size() > 0 && !trained.empty())
      take(name, detail::span_of(held));
  });
  if (states->fields().size() != trained.size())
    fail(origin, ": the optimiser has the state of ", states->fields().size(), " parameters where ", trained.size(),
         " are trained; was it another optimiser or network?");
}

}  // namespace avss
