// One run of a tool: its configuration with the section "hydra" filled in, and the folder with what it was run with.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/flags.hpp>
#include <avss/config/hydra_files.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/places.hpp>
#include <avss/config/store.hpp>
#include <avss/io/atomic_file.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss::config {

struct tool {
  std::string name;            // "infer"
  std::string about;           // one sentence for --help
  std::string default_config;  // used without -cn; "" if -cn must be given
  bool records = false;        // a single run, too, leaves a folder with its configuration and what it printed
};

// A run before it begins.
struct planned_run {
  value job;   // what the tool sees
  value full;  // and the section "hydra"
  std::vector<detail::defaults_walk::step> steps;
  std::vector<std::string> added;  // keys of `job` that the command line added

  config::settings settings() const { return {job, full, added}; }
  // A value of the section "hydra".
  template <class T>
  T get(const std::string& key) const {
    return config::settings(full, full).get<T>("hydra." + key);
  }
  template <class T>
  T get(const std::string& key, T fallback) const {
    return config::settings(full, full).get<T>("hydra." + key, std::move(fallback));
  }
};

namespace detail {

inline bool is_of_hydra(const std::string& line) {
  const override_item o = parse_override(line);
  return o.key == "hydra" || o.key.starts_with("hydra.") || o.key.starts_with("hydra/");
}

inline value text_list(const std::vector<std::string>& texts) {
  value all{value::list{}};
  for (const std::string& t : texts) {
    all.items().emplace_back(t);
    all.items().back().set_literal();
  }
  return all;
}

// The overrides in one line, sorted: "a=1,b=x", for the names of folders.
inline std::string override_dirname(const std::vector<std::string>& overrides, const planned_run& r) {
  const std::string between = r.get<std::string>("job.config.override_dirname.item_sep"),
                    equal = r.get<std::string>("job.config.override_dirname.kv_sep");
  const auto excluded = r.get<std::vector<std::string>>("job.config.override_dirname.exclude_keys");
  std::vector<std::string> lines;
  for (const std::string& line : overrides) {
    const override_item o = parse_override(line);
    if (std::find(excluded.begin(), excluded.end(), o.key) != excluded.end()) continue;
    std::string shown;
    for (const char c : line) shown += c == '=' ? equal : std::string(1, c);
    lines.push_back(std::move(shown));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& l : lines) all += (all.empty() ? "" : between) + l;
  return all;
}

// Whether a reference ends in the key's last word: ${a.b}, ${.b} and ${..b} may all mean a.b.
inline bool is_referred_to(std::string_view key, std::string_view configuration) {
  const std::string_view word = key.substr(key.rfind('.') + 1);
  for (std::size_t at = configuration.find(word); at != std::string_view::npos; at = configuration.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at > 0 && std::string_view("{.").find(configuration[at - 1]) != std::string_view::npos;
    if (begins && end < configuration.size() && configuration[end] == '}') return true;
  }
  return false;
}

// What "+KEY=..." and "++KEY=..." added, but for options of groups and for what other values refer to.
inline std::vector<std::string> added_keys(const value& root, const std::vector<std::string>& overrides) {
  std::vector<std::string> keys;
  std::string text;
  for (const std::string& line : overrides) {
    const override_item o = parse_override(line);
    if ((o.kind != override_kind::add && o.kind != override_kind::force_add) || !o.given) continue;
    const value* node = root.find(o.key);
    if (!node || node->is(kind::map) != o.given->is(kind::map)) continue;
    if (text.empty()) text = to_yaml(root);
    if (!is_referred_to(o.key, text)) keys.push_back(o.key);
  }
  return keys;
}

// hydra.searchpath of the primary configuration and of the command line: folders that are searched last.
inline void add_search_path(config_store& store, const std::string& name, const std::vector<std::string>& overrides) {
  value list;
  if (const config_file* f = store.load(name))
    if (const value* v = f->body.find("hydra.searchpath")) list = *v;
  for (const std::string& line : overrides)
    if (const override_item o = parse_override(line); o.key == "hydra.searchpath" && o.given) list = *o.given;
  if (list.is_null()) return;
  for (std::string folder : list.as<std::vector<std::string>>("hydra.searchpath")) {
    if (folder.starts_with("file://")) folder.erase(0, 7);
    if (folder.find("://") != std::string::npos)
      fail("hydra.searchpath: expected folders, 'DIR' or 'file://DIR', found '", folder, "'");
    std::error_code ignored;
    if (!std::filesystem::is_directory(user_path(folder), ignored)) fail("hydra.searchpath: ", folder, ": no such folder");
    store.add_folder(user_path(folder));
  }
}

inline std::filesystem::path absolute_path(const std::string& path) {
  return std::filesystem::absolute(user_path(path)).lexically_normal();
}

}  // namespace detail

// Where the run's own configurations come from; once for each store.
inline void add_hydra_files(config_store& store, const std::string& name, const std::vector<std::string>& overrides) {
  for (const built_in_file& f : hydra_files) store.add(f.path, f.text);
  detail::add_search_path(store, name, overrides);
}

// `number`: of a job of several. The store has the run's own configurations.
inline planned_run plan_run(config_store& store, const tool& t, const std::string& name,
                            const std::vector<std::string>& overrides, std::optional<std::size_t> number = std::nullopt) {
  composition c = compose_steps(store, name, overrides, true);
  planned_run r;
  r.full = std::move(c.root);
  r.steps = std::move(c.steps);
  r.job = r.full;
  r.job.erase("hydra");
  value& hydra = r.full["hydra"];
  std::vector<std::string> own, task;
  for (const std::string& line : overrides) (detail::is_of_hydra(line) ? own : task).push_back(line);
  hydra["overrides"]["hydra"] = detail::text_list(own);
  hydra["overrides"]["task"] = detail::text_list(task);
  r.added = detail::added_keys(r.full, task);
  value& job = hydra["job"];
  if (job["name"].is_missing()) job["name"] = value(t.name);
  job["config_name"] = value(name);
  if (number) {
    hydra["mode"] = value("MULTIRUN");
    job["num"] = value(static_cast<std::int64_t>(*number));
    job["id"] = value(std::to_string(*number));
  } else if (hydra["mode"].is_null()) {
    hydra["mode"] = value("RUN");
  }
  value& runtime = hydra["runtime"];
  runtime["version"] = value("1.3.2");  // of the Hydra whose contract is kept
  runtime["cwd"] = value(detail::absolute_path(".").parent_path().string());
  runtime["config_sources"] = detail::text_list(store.folders());
  value choices{value::map{}};
  for (const auto& [group, option] : c.choices) choices[group] = option ? value(*option) : value();
  runtime["choices"] = choices;
  job["override_dirname"] = value(detail::override_dirname(task, r));
  const std::string dir =
      number ? r.get<std::string>("sweep.dir") + "/" + r.get<std::string>("sweep.subdir") : r.get<std::string>("run.dir");
  r.full["hydra"]["runtime"]["output_dir"] = value(detail::absolute_path(dir).string());
  return r;
}

namespace detail {

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  write_file_atomically(file.string(), {reinterpret_cast<const byte_span::value_type*>(text.data()), text.size()});
}

}  // namespace detail

// Makes the folder of the run and writes what it was run with. Gives the folder; throws if it cannot be made.
inline std::filesystem::path make_run_folder(const planned_run& r) {
  const std::filesystem::path folder = r.get<std::string>("runtime.output_dir");
  const auto hidden = r.get<std::optional<std::string>>("output_subdir");
  const std::filesystem::path inside = hidden ? folder / *hidden : folder;
  std::error_code why;
  std::filesystem::create_directories(inside, why);
  if (why)
    fail(inside.string(), ": this folder for the record of the run cannot be made (", why.message(),
         "); hydra.run.dir=DIR names another one, hydra.output_subdir=null hydra/job_logging=disabled does without");
  if (!hidden) return folder;
  value hydra{value::map{}};
  hydra["hydra"] = *r.full.child("hydra");
  detail::write_text(inside / "config.yaml", to_yaml(r.job));
  detail::write_text(inside / "hydra.yaml", to_yaml(hydra));
  detail::write_text(inside / "overrides.yaml", to_yaml(*r.full.find("hydra.overrides.task")));
  return folder;
}

// What the section "hydra" sets for the process: its variables and its working directory.
inline void enter_run(const planned_run& r, const std::filesystem::path& folder) {
  const value variables = settings(r.full, r.full).at("hydra.job.env_set");
  for (const value::entry& e : variables.entries())
    ::setenv(e.key.c_str(), e.item.as<std::string>("hydra.job.env_set." + e.key).c_str(), 1);
  if (!r.get<bool>("job.chdir", false)) return;
  std::error_code why;
  std::filesystem::current_path(folder, why);
  if (why) fail("hydra.job.chdir: ", folder.string(), ": ", why.message());
  if (std::getenv("BUILD_WORKING_DIRECTORY")) ::setenv("BUILD_WORKING_DIRECTORY", folder.c_str(), 1);
}

}  // namespace avss::config
