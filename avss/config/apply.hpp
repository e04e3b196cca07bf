// Overrides laid over a composed configuration, whose set of keys is closed: only + adds to it.
#pragma once

#include <avss/config/emit.hpp>
#include <avss/config/override.hpp>
#include <avss/config/value.hpp>
#include <string>
#include <vector>

namespace avss::config {

namespace detail {

[[noreturn]] inline void cannot_override(const value& root, const override_item& o, const std::string& unknown) {
  const std::string hint = did_you_mean(unknown, root.paths(true));
  fail("Could not override '", o.key, "'. Key '", unknown, "' is not in the configuration", hint.empty() ? "." : hint,
       " To append to your config use +", o.line);
}

// The first key of `from` that `onto` lacks, "" if there is none.
inline std::string unknown_key(const value& onto, const value& from, const std::string& path) {
  for (const value::entry& e : from.entries()) {
    const std::string here = path + "." + e.key;
    const value* old = onto.child(e.key);
    if (!old) return here;
    if (old->is(kind::map) && e.item.is(kind::map))
      if (std::string deeper = unknown_key(*old, e.item, here); !deeper.empty()) return deeper;
  }
  return "";
}

inline void set(value& root, const override_item& o, bool may_add) {
  const std::vector<std::string> parts = split_path(o.key);
  value* node = &root;
  std::string path;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    path += (i ? "." : "") + parts[i];
    value* next = node->child(parts[i]);
    if (!next) {
      if (!may_add) cannot_override(root, o, path);
      if (node->is(kind::list))
        fail("Could not override '", o.key, "'. '", path, "' is no item of its list of ", node->items().size(),
             "; give the whole list: ", o.key.substr(0, o.key.rfind('.')), "=[..]");
      if (node->is_interpolation())
        fail("Could not override '", o.key, "'. '", node->text(), "' stands there; override what it names");
      next = &(*node)[parts[i]];
    }
    node = next;
  }
  if (node->is(kind::map) && o.given->is(kind::map)) {
    if (const std::string unknown = may_add ? "" : unknown_key(*node, *o.given, o.key); !unknown.empty())
      cannot_override(root, o, unknown);
    merge(*node, *o.given);
  } else {
    *node = *o.given;
  }
}

inline void remove(value& root, const override_item& o) {
  const value* node = root.find(o.key);
  if (!node) fail("Could not delete from config. '", o.key, "' does not exist", did_you_mean(o.key, root.paths(true)));
  if (o.given && !(*o.given == *node))
    fail("Could not delete from config. The value of '", o.key, "' is ", node->described(), " and not ", o.given->described());
  const std::size_t dot = o.key.rfind('.');
  value* parent = dot == std::string::npos ? &root : root.find(o.key.substr(0, dot));
  parent->erase(dot == std::string::npos ? o.key : o.key.substr(dot + 1));
}

}  // namespace detail

// Changes the tree as the override says; throws if the key is unknown (change), known (add) or absent (remove).
inline void apply(value& root, const override_item& o) {
  refuse_sweep(o);
  if (o.has_package || o.key.find('/') != std::string::npos)
    fail("'", o.line, "' selects an option of the group '", o.key, "', and there is no such group");
  switch (o.kind) {
    case override_kind::remove: detail::remove(root, o); return;
    case override_kind::change: detail::set(root, o, false); return;
    case override_kind::force_add: detail::set(root, o, true); return;
    case override_kind::add: break;
  }
  const value* old = root.find(o.key);
  if (old && !old->is_null() && !old->is_missing() && !o.given->is(kind::map) && !o.given->is(kind::list))
    fail("Could not append to config. An item is already at '", o.key, "'. Either remove + prefix: '", o.line.substr(1),
         "' or add a second + to add or override '", o.key, "': '+", o.line, "'");
  detail::set(root, o, true);
}

}  // namespace avss::config
