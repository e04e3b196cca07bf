// Initial values of a network's parameters, in distribution those of PyTorch's layers.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/init_rule.hpp>
#include <avss/core/param.hpp>
#include <avss/core/random.hpp>
#include <avss/op/sequence.hpp>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace avss {
namespace detail {

template <class Node>
concept has_init_rule = requires {
  { Node::initial(std::string_view()) } -> std::same_as<init_rule>;
};

template <class Node, class T>
concept adjusts_initial = requires(T* values) {
  Node::adjust_initial(std::string_view(), values);
};

// fan_in and fan_out of a weight [out, in, ...], also of a transposed convolution's [in, out, ...] as PyTorch counts it.
struct fans {
  double in, out;
};
template <class P>
constexpr fans fans_of() {
  double area = 1;
  if constexpr (P::extents.size() > 2)
    for (std::size_t a = 2; a < P::extents.size(); ++a) area *= static_cast<double>(P::extents[a]);
  const double second = P::extents.size() > 1 ? static_cast<double>(P::extents[1]) : 1;
  return {second * area, static_cast<double>(P::extents[0]) * area};
}

template <class T>
void fill_initial(init_rule rule, fans f, const random_stream& random, T* values, dim_t n, dim_t row) {
  const auto uniform = [&](double bound) {
    for (dim_t i = 0; i < n; ++i) values[i] = static_cast<T>(random.uniform(static_cast<std::uint64_t>(i), -bound, bound));
  };
  switch (rule.how) {
    case init_rule::kind::fan_in: return uniform(1 / std::sqrt(f.in));
    case init_rule::kind::constant:
      for (dim_t i = 0; i < n; ++i) values[i] = static_cast<T>(rule.value);
      return;
    case init_rule::kind::uniform: return uniform(rule.value);
    case init_rule::kind::xavier_uniform: return uniform(rule.value * std::sqrt(6 / (f.in + f.out)));
    case init_rule::kind::positions:
      for (dim_t i = 0; i < n; ++i) values[i] = static_cast<T>(position_value(i / row, i % row, row));
      return;
    case init_rule::kind::xavier_normal:
      const double s = rule.value * std::sqrt(2 / (f.in + f.out));
      for (dim_t i = 0; i < n; ++i) values[i] = static_cast<T>(s * random.normal(static_cast<std::uint64_t>(i)));
      return;
  }
}

template <class P>
constexpr dim_t last_extent() {
  if constexpr (P::extents.size() > 0)
    return P::extents.back();
  else
    return 1;
}

template <class Node, class T>
void init_group(Node& node, const std::string& prefix, const random_stream& random, std::span<T> values, std::span<T> states) {
  fans f{0, 0};  // of the last weight: a bias, which follows it, is bounded by it too
  node.visit([&](std::string_view name, auto& child) {
    using P = std::remove_const_t<std::remove_reference_t<decltype(child)>>;
    const std::string full = prefix.empty() ? std::string(name) : name.empty() ? prefix : prefix + "." + std::string(name);
    if constexpr (is_param<P> || is_state<P>) {
      const std::span<T> buffer = is_param<P> ? values : states;
      if (is_state<P> && states.empty()) return;
      if (child.offset < 0 || child.offset + P::size > static_cast<dim_t>(buffer.size()))
        fail(full, " has no place in the buffer of ", buffer.size(), " values");
      init_rule rule = is_state<P> ? init_rule{init_rule::kind::constant, 0} : init_rule{};
      if constexpr (has_init_rule<Node>) rule = Node::initial(name);
      if (P::extents.size() > 1) f = fans_of<P>();
      using enum init_rule::kind;
      if (rule.how != constant && rule.how != uniform && rule.how != positions && f.in == 0)
        fail(full, ": its group must say what it is to be initialised with");
      T* const to = buffer.data() + child.offset;
      fill_initial(rule, f, random.sub(full), to, P::size, last_extent<P>());
      if constexpr (adjusts_initial<Node, T>) Node::adjust_initial(name, to);
    } else if constexpr (!std::is_same_v<P, absent>) {
      init_group(child, full, random, values, states);
    }
  });
}

}  // namespace detail

// values [extent().values], states [extent().state] or none: every parameter, trained or not, gets its initial values. They
// depend on the seed, on the parameter's name and shape, and on nothing else. Padding is left as it is.
template <class Net, class T>
void init_params(const Net& net, std::uint64_t seed, std::span<T> values, std::span<T> states = {}) {
  // visit() hands out references to change things; this only reads offsets.
  detail::init_group(const_cast<Net&>(net), "", random_stream(seed, "parameters"), values, states);
}

}  // namespace avss
