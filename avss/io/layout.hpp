// Tables that translate the names and shapes of published weights into a network's own, and back. Knows no network.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/name_list.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// One line of a table. Names may hold a block index: {i} on both sides, or on theirs the pair {i/X} and {i%X}, where X is
// the layout's period. Axes are letters and 1, as in {"1 c 1", "c"} or {"l n", "n 1 l"}; empty leaves the shape alone. A
// rule without `ours` drops the tensor when loading.
struct layout_rule {
  std::string theirs, ours, their_axes = {}, our_axes = {};
};

// A layout without rules is the network's own.
struct layout {
  std::string name;
  std::vector<std::string> signature;  // names, in their terms, that together tell this layout from the others
  std::vector<layout_rule> rules;
  dim_t period = 1;              // X
  bool others_are_ours = false;  // names that no rule knows are the network's own; otherwise they have no place
};

namespace detail {

// A block index as a name gives it.
struct block_index {
  std::optional<dim_t> whole, quotient, remainder;

  // The index, 0 for a name without one; nothing where remainder and period contradict each other.
  std::optional<dim_t> value(dim_t period) const {
    if (whole || !quotient) return whole.value_or(0);
    if (!remainder || *remainder >= period) return std::nullopt;
    return *quotient * period + *remainder;
  }
};

// The place of the index that `pattern` shows at `at` ("{i}", "{i/X}", "{i%X}"), and the length of that text.
inline std::pair<std::optional<dim_t> block_index::*, std::size_t> placeholder(std::string_view pattern, std::size_t at) {
  const std::string_view rest = pattern.substr(at);
  if (rest.starts_with("{i}")) return {&block_index::whole, 3};
  if (rest.starts_with("{i/X}")) return {&block_index::quotient, 5};
  if (rest.starts_with("{i%X}")) return {&block_index::remainder, 5};
  return {nullptr, 0};
}

inline std::optional<block_index> match_name(std::string_view pattern, std::string_view name) {
  block_index index;
  std::size_t n = 0;
  for (std::size_t p = 0; p < pattern.size();) {
    const auto [field, length] = placeholder(pattern, p);
    if (!field) {
      if (n >= name.size() || name[n++] != pattern[p++]) return std::nullopt;
      continue;
    }
    const std::size_t first = n;
    dim_t v = 0;
    while (n < name.size() && name[n] >= '0' && name[n] <= '9' && n - first < 9) v = v * 10 + (name[n++] - '0');
    if (n == first || (name[first] == '0' && n - first > 1)) return std::nullopt;
    index.*field = v;
    p += length;
  }
  return n == name.size() ? std::optional(index) : std::nullopt;
}

inline std::string fill_name(std::string_view pattern, dim_t index, dim_t period) {
  const block_index parts{index, index / period, index % period};
  std::string name;
  for (std::size_t p = 0; p < pattern.size();) {
    const auto [field, length] = placeholder(pattern, p);
    if (field) {
      name += std::to_string(*(parts.*field));
      p += length;
    } else {
      name += pattern[p++];
    }
  }
  return name;
}

// "n 1 l" without the spaces: one character an axis.
inline std::string axis_letters(std::string_view axes) {
  std::string letters;
  for (char c : axes)
    if (c != ' ') letters += c;
  return letters;
}

// From axes such as "l n" to "n 1 l". A tensor whose shape does not fit stays as it is: matching will name it.
inline tensor with_axes(tensor t, const std::string& from, const std::string& to) {
  if (from == to) return t;
  const std::string given = axis_letters(from);
  const std::size_t rank = given.size();
  if (rank != t.shape.size()) return t;
  for (std::size_t a = 0; a < rank; ++a)
    if (given[a] == '1' && t.shape[a] != 1) return t;
  std::vector<dim_t> strides(rank, 1);
  for (std::size_t a = rank; a-- > 1;) strides[a - 1] = strides[a] * t.shape[a];
  stored_tensor turned{t.type, {}, {}, 0, t.bytes, nullptr};
  for (char axis : axis_letters(to)) {
    const std::size_t a = given.find(axis);
    if (axis != '1' && a == std::string::npos) fail("layout rule: axis ", axis, " of '", to, "' is not in '", from, "'");
    turned.shape.push_back(axis == '1' ? 1 : t.shape[a]);
    turned.strides.push_back(axis == '1' ? 1 : strides[a]);
  }
  if (checked_bytes(turned.shape, turned.type) != t.bytes.size()) fail("layout rule: '", to, "' lacks an axis of '", from, "'");
  return turned.load();
}

}  // namespace detail

// Names and shapes of a file in the network's own terms. Tensors that no rule knows keep their names, so that matching
// lists them as unexpected.
inline tensor_dict to_canonical(const layout& from, tensor_dict weights) {
  if (from.rules.empty()) return weights;
  tensor_dict ours;
  for (named_tensor& e : weights.entries) {
    const layout_rule* rule = nullptr;
    std::optional<dim_t> index;
    for (const layout_rule& r : from.rules) {
      const auto matched = detail::match_name(r.theirs, e.name);
      index = matched ? matched->value(from.period) : std::nullopt;
      if (index) {
        rule = &r;
        break;
      }
    }
    if (!rule)
      ours.entries.push_back(std::move(e));
    else if (!rule->ours.empty())
      ours.add(detail::fill_name(rule->ours, *index, from.period),
               detail::with_axes(std::move(e.value), rule->their_axes, rule->our_axes));
  }
  return ours;
}

namespace detail {

inline std::pair<const layout_rule*, dim_t> rule_for_ours(const layout& to, std::string_view ours) {
  for (const layout_rule& r : to.rules)
    if (const auto matched = match_name(r.ours, ours); matched && !r.ours.empty())
      return {&r, matched->value(to.period).value_or(0)};
  return {nullptr, 0};
}

}  // namespace detail

// What the layout calls a tensor of the network; empty where it has no place for it.
inline std::string their_name(const layout& to, std::string_view ours) {
  if (to.rules.empty()) return std::string(ours);
  const auto [rule, index] = detail::rule_for_ours(to, ours);
  if (!rule) return to.others_are_ours ? std::string(ours) : "";
  return detail::fill_name(rule->theirs, index, to.period);
}

// The network's own tensors as the layout names and shapes them. Throws avss::error, with all names that it has no place
// for.
inline tensor_dict from_canonical(const layout& to, tensor_dict weights) {
  if (to.rules.empty()) return weights;
  tensor_dict theirs;
  name_list homeless;
  for (named_tensor& e : weights.entries) {
    const auto [rule, index] = detail::rule_for_ours(to, e.name);
    if (!rule && to.others_are_ours) {
      theirs.add(std::move(e.name), std::move(e.value));
      continue;
    }
    if (!rule) {
      homeless.add(printable(e.name));
      continue;
    }
    theirs.add(detail::fill_name(rule->theirs, index, to.period),
               detail::with_axes(std::move(e.value), rule->our_axes, rule->their_axes));
  }
  if (homeless.size() > 0) fail("the ", to.name, " layout has no place for ", homeless.text(), "; save in another layout");
  return theirs;
}

// The layout all of whose signature the names hold, the longest signature where several fit; nullptr where none does.
inline const layout* recognise(std::span<const layout> layouts, const tensor_dict& weights) {
  const layout* best = nullptr;
  for (const layout& l : layouts) {
    const bool all = std::all_of(l.signature.begin(), l.signature.end(),
                                 [&](const std::string& name) { return weights.find(name) != nullptr; });
    if (all && (!best || l.signature.size() > best->signature.size())) best = &l;
  }
  return best;
}

// X as the names of a file show it: one more than the largest {i%X}; nothing where no name has one.
inline std::optional<dim_t> period_of(const layout& of, const tensor_dict& weights) {
  std::optional<dim_t> period;
  for (const named_tensor& e : weights.entries)
    for (const layout_rule& r : of.rules)
      if (const auto matched = detail::match_name(r.theirs, e.name); matched && matched->remainder)
        period = std::max(period.value_or(0), *matched->remainder + 1);
  return period;
}

}  // namespace avss
