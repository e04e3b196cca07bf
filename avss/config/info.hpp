// What a tool tells about itself and its configuration: --help, --hydra-help, --info, --shell-completion.
#pragma once

#include <algorithm>
#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/flags.hpp>
#include <avss/config/run.hpp>
#include <avss/config/store.hpp>
#include <avss/config/value.hpp>
#include <cstdlib>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace avss::config {

namespace detail {

inline std::string flow_text(const value& v) {
  std::string out;
  if (v.is(kind::list)) {
    for (const value& item : v.items()) out += (out.empty() ? "" : ", ") + flow_text(item);
    return "[" + out + "]";
  }
  if (v.is(kind::map)) {
    for (const value::entry& e : v.entries()) out += (out.empty() ? "" : ", ") + e.key + ": " + flow_text(e.item);
    return "{" + out + "}";
  }
  emit(v, 0, out);
  return out;
}

inline void list_groups(const config_store& store, const std::string& group, std::ostream& out) {
  for (const std::string& g : store.groups(group)) {
    const std::string path = group.empty() ? g : group + "/" + g;
    if (const auto options = store.options(path); !options.empty())
      out << "  " << path << "=OPTION   " << listed(options) << "\n";
    list_groups(store, path, out);
  }
}

}  // namespace detail

// What --help prints.
inline void print_help(const tool& t, const command_line& c, config_store& store, std::ostream& out) {
  out << t.name << ": " << t.about << "\n\nusage: " << t.name
      << " [-cn NAME] [key=value] [+new_key=value] [~key] [group=OPTION] [flags]\n\nflags\n";
  for (const detail::flag& f : detail::flags) {
    std::string name =
        std::string(f.brief) + (*f.brief ? ", " : "    ") + f.name + (f.argument ? " " + std::string(f.argument) : "");
    name.resize(std::max<std::size_t>(name.size() + 1, 34), ' ');
    out << "  " << name << f.help << "\n";
  }
  out << "\nconfigurations (-cn)\n  " << listed(store.options("")) << "\n\ngroups\n";
  detail::list_groups(store, "", out);
  const std::string name = c.config_name.empty() ? t.default_config : c.config_name;
  if (name.empty()) return;
  const value root = compose(store, name, c.overrides);
  out << "\nkeys of " << name << " and their values\n";
  for (const std::string& path : root.paths()) out << "  " << path << "=" << detail::flow_text(*root.find(path)) << "\n";
}

inline void print_hydra_help(const tool& t, std::ostream& out) {
  out << "The overrides of a run itself, as Hydra 1.3.2 has them\n"
         "  hydra.run.dir=DIR                 folder of the run's record (outputs/DATE/TIME)\n"
         "  hydra.output_subdir=NAME|null     where it keeps config.yaml, hydra.yaml, overrides.yaml (.hydra)\n"
         "  hydra/job_logging=disabled|stdout no "
      << t.name
      << ".log there\n"
         "  hydra/hydra_logging=disabled      no lines about the jobs of --multirun\n"
         "  hydra.job.name=NAME               the name of the log and in its lines\n"
         "  hydra.job.chdir=true              run in the folder of the record\n"
         "  +hydra.job.env_set.NAME=VALUE     set a variable for the run\n"
         "  hydra.sweep.dir=DIR               folder of all runs of --multirun (multirun/DATE/TIME)\n"
         "  hydra.sweep.subdir=NAME           folder of one of them, such as '${hydra.job.override_dirname}' (its number)\n"
         "  hydra.sweeper.max_batch_size=N    stop after N jobs where one of them failed\n"
         "  hydra.searchpath=[DIR]            more folders of configurations, searched last\n"
         "  hydra.verbose=true                tell where the configuration comes from and the record goes\n"
         "--cfg hydra prints all keys\n";
}

namespace detail {

inline void title(const char* text, std::ostream& out) {
  out << text << "\n" << std::string(std::string_view(text).size(), '-') << "\n";
}

inline void print_tree(const std::vector<defaults_walk::step>& steps, std::ostream& out) {
  std::vector<std::string> before;
  for (const defaults_walk::step& s : steps) {
    std::size_t same = 0;
    while (same < before.size() && same < s.chain.size() && before[same] == s.chain[same]) ++same;
    for (std::size_t i = same; i < s.chain.size(); ++i) out << std::string(2 * i, ' ') << s.chain[i] << "\n";
    before = s.chain;
  }
}

inline void print_list(const std::vector<defaults_walk::step>& steps, std::ostream& out) {
  for (const defaults_walk::step& s : steps)
    out << "  " << s.path << (s.chain.back() == "_self_" ? " (_self_)" : "") << "   package "
        << (s.package.empty() ? "_global_" : s.package) << "\n";
}

}  // namespace detail

inline void print_info(const std::string& topic, const planned_run& r, const config_store& store, std::ostream& out) {
  const bool all = topic == "all";
  if (all || topic == "plugins") {
    detail::title("Plugins", out);
    out << "  sweeper: basic\n  launcher: basic (one job after the other, each in a process of its own)\n";
  }
  if (all || topic == "searchpath") {
    detail::title("Config search path", out);
    for (const std::string& f : store.folders()) out << "  file://" << f << "\n";
    out << "  built in: hydra\n";
  }
  if (all || topic == "defaults-tree") {
    detail::title("Defaults Tree", out);
    detail::print_tree(r.steps, out);
  }
  if (all || topic == "defaults") {
    detail::title("Defaults List", out);
    detail::print_list(r.steps, out);
  }
  if (all || topic == "config") {
    detail::title("Config", out);
    out << to_yaml(r.full);
  }
}

// The part that --package names, with the header that a file of it would have.
inline std::string package_text(const value& root, const std::string& package) {
  if (package.empty()) return to_yaml(root);
  const value* part = package == "_global_" ? &root : root.find(package);
  if (!part) fail("--package: '", package, "' is not in the configuration", did_you_mean(package, root.paths(true)));
  return "# @package " + package + "\n" + to_yaml(*part);
}

// What the shell evaluates.
inline void print_completion_script(const std::string& name, bool install, std::ostream& out) {
  if (!install) {
    out << "complete -r " << name << "\nunset -f _" << name << "_words\n";
    return;
  }
  out << "_" << name << "_words() {\n  local IFS=$'\\n'\n"
      << "  COMPREPLY=($(COMP_LINE=\"${COMP_LINE:0:COMP_POINT}\" \"$1\" -sc query=bash 2>/dev/null))\n}\n"
      << "complete -o nospace -o default -F _" << name << "_words " << name << "\n";
}

// The words that may stand at the end of the line in COMP_LINE, one a line.
inline void print_completions(const tool& t, const command_line& given, config_store& store, std::ostream& out) {
  const char* line = std::getenv("COMP_LINE");
  if (!line)
    throw usage_error("-sc query=bash is for the shell, which sets COMP_LINE; install with eval \"$(" + t.name +
                      " -sc install=bash)\"");
  std::istringstream words(line);
  std::vector<std::string> all;
  for (std::string w; words >> w;) all.push_back(w);
  const bool begun = !all.empty() && !std::string_view(line).ends_with(' ');
  const std::string last = begun && all.size() > 1 ? all.back() : "";
  if (begun && !all.empty()) all.pop_back();
  if (!all.empty()) all.erase(all.begin());
  std::set<std::string> found;
  const auto offer = [&](const std::string& word) {
    if (word.starts_with(last)) found.insert(word);
  };
  command_line c = given;
  try {
    c = parse_command_line(all);
  } catch (const usage_error&) {  // a flag whose value is being typed
    for (const std::string& name : store.options("")) offer(name);
  }
  const std::size_t equal = last.find('=');
  const std::string key = last.substr(0, equal);
  if (last.starts_with('-')) {
    for (const detail::flag& f : detail::flags) offer(f.name);
    if (equal != std::string::npos)
      for (const std::string& name : store.options("")) offer(key + "=" + name);
  } else if (equal != std::string::npos) {
    const std::string group = key.substr(key.find_first_not_of("+~"));
    for (const std::string& option : store.options(group.substr(0, group.find('@')))) offer(key + "=" + option);
  } else {
    const std::string name = c.config_name.empty() ? t.default_config : c.config_name;
    for (const std::string& g : store.groups("")) offer(g + "=");
    if (!name.empty())
      for (const std::string& path : compose(store, name, {}).paths()) offer(path + "=");
  }
  for (const std::string& word : found) out << word << "\n";
}

}  // namespace avss::config
