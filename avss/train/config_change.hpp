// What differs between the configuration that a run was started with and the one that it goes on with.
#pragma once

#include <algorithm>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/printable.hpp>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace avss {
namespace detail {

inline std::string number_text(double v) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, v).ptr};
}

// A leaf or list on one line; a dict is none.
inline std::string config_text(const checkpoint_value& v) {
  using kind = checkpoint_value::kind;
  if (v.is_text()) return printable(v.text());
  if (v.type() == kind::boolean) return *v.boolean() ? "true" : "false";
  if (const auto n = v.number()) return number_text(*n);
  if (v.type() == kind::list || v.type() == kind::tuple) {
    std::string all = "[";
    for (const checkpoint_value& i : v.items()) all += (all.size() > 1 ? ", " : "") + config_text(i);
    return all + "]";
  }
  return v.is_dict() ? "{...}" : "null";
}

inline void add_changes(const checkpoint_value& before, const checkpoint_value& after, const std::string& path,
                        std::vector<std::string>& changes) {
  if (!before.is_dict() || !after.is_dict()) {
    const std::string was = config_text(before), is = config_text(after);
    if (was != is) changes.push_back(path + " was " + was + ", is " + is);
    return;
  }
  const std::string stem = path.empty() ? "" : path + ".";
  for (const auto& [key, value] : before.fields()) {
    const checkpoint_value* now = after.find(key.text());
    add_changes(value, now ? *now : checkpoint_value(), stem + key.text(), changes);
  }
  for (const auto& [key, value] : after.fields())
    if (!before.find(key.text())) add_changes({}, value, stem + key.text(), changes);
}

}  // namespace detail

// "KEY was VALUE, is VALUE" for every key that differs, dotted; a key that is not there counts as null. None where one of the
// two is no configuration: programs of one's own need not have one. `besides`: keys that may differ, with all below them.
inline std::vector<std::string> config_changes(const checkpoint_value& before, const checkpoint_value& after,
                                               std::initializer_list<std::string_view> besides = {}) {
  std::vector<std::string> changes;
  if (!before.is_dict() || !after.is_dict()) return changes;
  detail::add_changes(before, after, "", changes);
  std::erase_if(changes, [&](const std::string& c) {
    return std::any_of(besides.begin(), besides.end(), [&](std::string_view key) {
      return c.starts_with(key) && (c[key.size()] == ' ' || c[key.size()] == '.');
    });
  });
  return changes;
}

}  // namespace avss
