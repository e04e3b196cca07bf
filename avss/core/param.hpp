// Parameters and state: static shapes and an offset into flat buffers that the context holds. The network object itself
// holds no numbers.
#pragma once

#include <array>
#include <avss/core/shape.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace avss {

// A trained array of the static shape [D...].
template <dim_t... D>
struct param {
  static constexpr std::array<dim_t, sizeof...(D)> extents{D...};
  static constexpr dim_t size = (dim_t{1} * ... * D);

  dim_t offset = -1;    // in values, into the flat buffers; set by assign_offsets
  bool trained = true;  // false: it never gets a gradient, and the optimiser skips it as PyTorch does
};

// An array that is kept with the weights but not trained: running statistics, counters.
template <dim_t... D>
struct state {
  static constexpr std::array<dim_t, sizeof...(D)> extents{D...};
  static constexpr dim_t size = (dim_t{1} * ... * D);

  dim_t offset = -1;
};

// Stands where a configuration leaves a parameter out; visit() passes over it.
struct absent {};

template <bool Present, class P>
using optional_param = std::conditional_t<Present, P, absent>;

template <class P>
inline constexpr bool is_param = false;
template <dim_t... D>
inline constexpr bool is_param<param<D...>> = true;
template <class P>
inline constexpr bool is_state = false;
template <dim_t... D>
inline constexpr bool is_state<state<D...>> = true;

// Calls leaf(name, p) for every parameter and state below `node`, in the order of visit(), with dotted names.
template <class Node, class Leaf>
void for_each_leaf(Node& node, const std::string& prefix, Leaf&& leaf) {
  using bare = std::remove_const_t<Node>;
  if constexpr (is_param<bare> || is_state<bare>) {
    leaf(prefix, node);
  } else if constexpr (!std::is_same_v<bare, absent>) {
    node.visit([&](std::string_view name, auto& child) {
      for_each_leaf(child, prefix.empty() ? std::string(name) : name.empty() ? prefix : prefix + "." + std::string(name), leaf);
    });
  }
}

// How much the flat buffers hold, in values.
struct param_extent {
  dim_t values = 0;  // trained, padding included
  dim_t state = 0;
};

// Gives every parameter and state its place; offsets are multiples of 64 bytes for float and double.
template <class Net>
param_extent assign_offsets(Net& net) {
  constexpr dim_t line = 16;
  param_extent used;
  for_each_leaf(net, "", [&](const std::string&, auto& p) {
    dim_t& next = is_param<std::remove_reference_t<decltype(p)>> ? used.values : used.state;
    p.offset = next;
    next += (p.size + line - 1) / line * line;
  });
  return used;
}

// One entry of the list of a network's arrays.
struct param_info {
  std::string name;
  std::vector<dim_t> shape;
  dim_t offset = 0;
  dim_t size = 0;
  bool is_state = false;
  bool trained = true;
};

template <class Net>
std::vector<param_info> list_params(const Net& net) {
  std::vector<param_info> list;
  // visit() hands out references to change things; listing changes nothing.
  for_each_leaf(const_cast<Net&>(net), "", [&](const std::string& name, auto& p) {
    using P = std::remove_reference_t<decltype(p)>;
    param_info info{name, {P::extents.begin(), P::extents.end()}, p.offset, P::size, is_state<P>, false};
    if constexpr (is_param<P>) info.trained = p.trained;
    list.push_back(std::move(info));
  });
  return list;
}

// Number of parameters in the sense of the field: state not counted.
template <class Net>
dim_t count_params(const Net& net) {
  dim_t n = 0;
  for (const param_info& p : list_params(net))
    if (!p.is_state) n += p.size;
  return n;
}

}  // namespace avss
