// One configuration out of many files: the primary one, what its defaults list names (and theirs), the command line's
// choices of options, and its overrides of values last.
#pragma once

#include <avss/config/apply.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/store.hpp>
#include <avss/config/value.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace avss::config {

namespace detail {

// The order of composition: the defaults lists, depth first. Files are visited from the last to the first, because an
// 'override' in a later file decides on an option of an earlier one.
class defaults_walk {
 public:
  struct step {
    std::string path;                // of the file
    std::string package;             // where its contents go
    std::vector<std::string> chain;  // the entries of defaults lists that led here, its own last
    std::string key;                 // of an option without a defaults list of its own, what selects another one
  };

  defaults_walk(config_store& store, const std::vector<override_item>& overrides) : store_(store) {
    for (const override_item& o : overrides) sort_in(o);
  }

  std::vector<step> run(const std::string& primary, bool with_run) {
    default_item root;
    root.name = primary;
    root.primary = true;
    root.place("", "");
    std::vector<step> steps = expand(root, nullptr, false);
    if (with_run) {  // after the primary one, which may override its choices, and before it in the order
      default_item run;
      run.name = "hydra/config";
      run.place("", "");
      std::vector<step> first = expand(run, nullptr, false);
      steps.insert(steps.begin(), first.begin(), first.end());
    }
    check_used();
    std::set<std::string> seen;
    for (const step& s : steps)
      if (!s.key.empty() && !seen.insert(s.key).second) fail(s.key, " appears more than once in the final defaults list");
    return steps;
  }

  const std::vector<override_item>& value_overrides() const { return values_; }
  const std::map<std::string, std::optional<std::string>>& choices() const { return known_; }

 private:
  struct choice {
    default_item option;  // name or options
    bool from_command_line = false;
    bool used = false;
    std::string file, text;
  };
  struct deletion {
    std::optional<std::string> name;
    bool used = false;
  };

  void sort_in(const override_item& o) {
    if (!store_.has_group(o.key) || (o.given && o.given->is(kind::map))) {
      values_.push_back(o);
      return;
    }
    const std::string key = o.key + (o.has_package ? "@" + o.package : "");
    if (o.kind == override_kind::force_add) fail("'", o.line, "': ++ does not work with a group; use +", key, "=OPTION");
    default_item d;
    d.is_group = true;
    d.group = o.key;
    if (o.has_package) d.package = o.package;
    if (o.given && o.given->is(kind::list)) {
      d.has_options = true;
      d.options = o.given->as<std::vector<std::string>>(o.key);
    } else if (o.given && !o.given->is_null()) {
      d.name = o.given->is(kind::string) ? o.given->text() : o.given->as<std::string>(o.key);
    }
    if (o.kind == override_kind::remove)
      deletions_[key].name = d.name;
    else if (o.kind == override_kind::add)
      appended_.push_back(d);
    else
      choices_[key] = {d, true, false, "", o.line};
  }

  static std::string in(const default_item* parent) { return parent ? "In '" + parent->config_path() + "': " : ""; }

  [[noreturn]] void not_found(const default_item& d, const default_item* parent) const {
    const std::string searched = "; searched in " + listed(store_.folders());
    if (d.primary) {
      const auto known = store_.options("");
      fail("Cannot find primary config '", d.config_path(), "'; available: ", listed(known), searched,
           did_you_mean(d.config_path(), known));
    }
    const std::string group = d.group_path();
    const auto known = store_.options(group);
    const std::string name = d.is_group ? *d.name : d.config_path().substr(group.empty() ? 0 : group.size() + 1);
    fail(in(parent), "Could not find '", d.config_path(),
         group.empty() ? "'; available configurations: " : "'; available options of '" + group + "': ", listed(known), searched,
         did_you_mean(name, known));
  }

  void remember(const default_item& d, const default_item* parent) {
    if (!d.is_group) return;
    const std::string key = d.override_key();
    const auto [known, fresh] = known_.emplace(key, d.name);
    if (!fresh && known->second != d.name)
      fail(in(parent), "Multiple values for ", key, ". To override a value use 'override ", key, ": ", d.name.value_or("null"),
           "'");
    keys_of_group_[d.group_path()].insert(key);
  }

  std::vector<step> expand(default_item& node, const default_item* parent, bool interpolated) {
    if (++depth_ > 50 || ++expanded_ > 10'000)
      fail(in(parent), "the defaults lists refer to each other without end ('", node.config_path(), "')");
    struct leave {
      int& depth;
      ~leave() { --depth; }
    } const at_end{depth_};
    const bool named = node.name && *node.name != "???";
    const config_file* file = named ? store_.load(node.config_path()) : nullptr;
    if (file && file->header) {
      node.header = *file->header;
      if (*node.header == "_group_")
        node.header.reset();
      else if (*node.header != "_global_" && !node.header->starts_with("_global_."))
        node.header = "_global_." + *node.header;
    }
    if (node.is_group) {
      const std::string key = node.override_key();
      if (const auto d = deletions_.find(key); d != deletions_.end() && (!d->second.name || d->second.name == node.name)) {
        d->second.used = true;
        return {};
      }
    }
    remember(node, parent);
    if (!node.name) return {};
    if (!named) {
      const std::string key = node.override_key();
      fail(in(parent), "You must specify '", key, "', e.g, ", key,
           "=<OPTION>; available options: ", listed(store_.options(node.group_path())));
    }
    if (!file) {
      if (node.optional) return {};
      not_found(node, parent);
    }

    std::vector<default_item> list = file->defaults;
    const bool takes_appended = node.primary && !appended_.empty();
    if (list.empty() && !takes_appended)
      return {{node.config_path(), node.final_package(), {node.config_path()}, node.is_group ? node.override_key() : ""}};
    add_self(list, node);
    if (node.primary) list.insert(list.end(), appended_.begin(), appended_.end());
    collect_overrides(list, node, interpolated);

    std::vector<std::vector<step>> parts(list.size());
    std::vector<std::size_t> later;
    for (std::size_t i = list.size(); i-- > 0;) {
      default_item& d = list[i];
      if (d.self) {
        parts[i] = {{node.config_path(), node.final_package(), {"_self_"}, ""}};
        continue;
      }
      if (d.is_override) continue;
      d.place(node.group_path(), node.final_package());
      if (d.is_group) take_choice(d);
      if (d.has_options) {
        for (const std::string& option : d.options) {
          default_item one;
          one.name = d.group + "/" + option;
          one.package = d.package;
          one.optional = d.optional;
          one.where = d.where;
          one.place(node.group_path(), node.final_package());
          const auto steps = expand(one, &node, interpolated);
          parts[i].insert(parts[i].end(), steps.begin(), steps.end());
        }
      } else if (d.name && d.name->find("${") != std::string::npos) {
        later.push_back(i);  // until all other choices are known
      } else {
        parts[i] = expand(d, &node, interpolated);
      }
    }
    for (const std::size_t i : later) {
      list[i].name = filled_in(*list[i].name, list[i], node);
      parts[i] = expand(list[i], &node, true);
    }
    std::vector<step> steps;
    for (const auto& p : parts) steps.insert(steps.end(), p.begin(), p.end());
    for (step& s : steps) s.chain.insert(s.chain.begin(), node.config_path());
    return steps;
  }

  // A list that does not say where the file's own values go puts them last.
  static void add_self(std::vector<default_item>& list, const default_item& node) {
    int selves = 0;
    for (const default_item& d : list) selves += d.self;
    if (selves > 1) fail("Duplicate _self_ defined in ", node.config_path());
    if (selves) return;
    default_item self;
    self.self = true;
    self.name = "_self_";
    list.push_back(self);
  }

  void collect_overrides(std::vector<default_item>& list, const default_item& node, bool interpolated) {
    const default_item* last = nullptr;
    for (default_item& d : list) {
      if (d.self) continue;
      d.place(node.group_path(), node.final_package());
      const bool is_appended = !d.where.source;
      if (last && !d.is_override && !is_appended)
        fail("In ", node.config_path(), ": Override '", last->override_key(), "' is defined before '",
             d.is_group ? d.override_key() : *d.name, "'. Overrides must be at the end of the defaults list");
      if (!d.is_override) continue;
      last = &d;
      if (interpolated)
        fail("In ", node.config_path(), ": overrides are not allowed below an option chosen by an interpolation (",
             d.where.text(), ")");
      choices_.try_emplace(d.override_key(), choice{d, false, false, node.config_path(), d.override_key()});
    }
  }

  void take_choice(default_item& d) {
    const auto c = choices_.find(d.override_key());
    if (c == choices_.end()) return;
    c->second.used = true;
    d.name = c->second.option.name;
    d.options = c->second.option.options;
    d.has_options = c->second.option.has_options;
  }

  std::string filled_in(const std::string& text, const default_item& d, const default_item& node) const {
    value tree{value::map{}};
    for (const auto& [key, name] : known_) tree[key] = name ? value(*name) : value();
    value v(text);
    v.set_where(d.where);
    tree["_option_"] = v;
    try {
      return settings(tree).get<std::string>("_option_");
    } catch (const error& e) {
      std::vector<std::string> keys;
      for (const auto& k : known_) keys.push_back(k.first);
      fail("In '", node.config_path(), "': Error resolving interpolation '", text,
           "', possible interpolation keys: ", listed(keys));
    }
  }

  void check_used() const {
    for (const auto& [key, c] : choices_) {
      if (c.used) continue;
      const auto similar = keys_of_group_.find(key.substr(0, key.find('@')));
      std::vector<std::string> keys;
      if (similar != keys_of_group_.end()) keys.assign(similar->second.begin(), similar->second.end());
      fail(c.file.empty() ? "" : "In '" + c.file + "': ", "Could not override '", key, "'. ",
           keys.empty() ? "No match in the defaults list." : "Did you mean to override " + listed(keys) + "?",
           c.from_command_line ? " To append to your default list use +" + c.text : "");
    }
    for (const auto& [key, d] : deletions_)
      if (!d.used) fail("Could not delete '", key, d.name ? "=" + *d.name : "", "'. No match in the defaults list");
  }

  config_store& store_;
  std::map<std::string, choice> choices_;
  std::map<std::string, deletion> deletions_;
  std::vector<default_item> appended_;
  std::vector<override_item> values_;
  std::map<std::string, std::optional<std::string>> known_;
  std::map<std::string, std::set<std::string>> keys_of_group_;
  int depth_ = 0;
  int expanded_ = 0;
};

}  // namespace detail

// A configuration with how it came about.
struct composition {
  value root;                                                 // with the section "hydra" if it was asked for
  std::vector<detail::defaults_walk::step> steps;             // the files, in the order in which they were laid over each other
  std::map<std::string, std::optional<std::string>> choices;  // of the groups
};

// The configuration `name` of the store with the overrides of a command line; `with_run`: and the store's section "hydra".
// Interpolations stay as written; read it through settings, or resolved().
inline composition compose_steps(config_store& store, const std::string& name, const std::vector<std::string>& overrides,
                                 bool with_run) {
  std::vector<override_item> parsed;
  for (const std::string& line : overrides) {
    parsed.push_back(parse_override(line));
    refuse_sweep(parsed.back());
  }
  detail::defaults_walk walk(store, parsed);
  composition c;
  c.root = value(value::map{});
  c.steps = walk.run(name, with_run);
  for (const auto& step : c.steps) {
    const value& body = store.load(step.path)->body;
    value embedded{value::map{}};
    value* at = &embedded;
    for (const std::string& part : split_path(step.package)) at = &(*at)[part];
    *at = body;
    merge(c.root, embedded);
  }
  for (const override_item& o : walk.value_overrides()) apply(c.root, o);
  c.choices = walk.choices();
  return c;
}

inline value compose(config_store& store, const std::string& name, const std::vector<std::string>& overrides) {
  return compose_steps(store, name, overrides, false).root;
}

}  // namespace avss::config
