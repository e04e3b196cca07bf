// The command line of a tool: -cn NAME, -cd DIR, --cfg job, --help and overrides in any order; where the configurations
// lie; and the frame of every main().
#pragma once

#include <omp.h>

#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/store.hpp>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace avss::config {

// A wrong flag; tools end with status 2.
class usage_error : public error {
 public:
  using error::error;
};

struct command_line {
  std::string config_name;
  std::vector<std::string> config_dirs;  // -cd, searched before the tool's own
  std::string config_path;               // -cp, instead of the tool's own
  bool print = false;                    // --cfg job
  bool resolve = false;
  bool help = false;
  int threads = 0;  // 0: all
  std::vector<std::string> overrides;
};

struct tool {
  std::string name;            // "infer"
  std::string about;           // one sentence for --help
  std::string default_config;  // used without -cn; "" if -cn must be given
};

// A path as the user meant it: relative to the folder where `bazel run` was called, "~/" at home.
inline std::string user_path(const std::string& path) {
  if (path.empty()) return path;
  if (const char* home = std::getenv("HOME"); home && (path == "~" || path.starts_with("~/"))) return home + path.substr(1);
  const char* base = std::getenv("BUILD_WORKING_DIRECTORY");
  if (!base || std::filesystem::path(path).is_absolute()) return path;
  return (std::filesystem::path(base) / path).lexically_normal().string();
}

namespace detail {

struct flag {
  const char *brief, *name, *argument, *help;  // argument: null pointer if it takes none
};

inline constexpr flag flags[] = {
    {"-cn", "--config-name", "NAME", "the configuration to start from"},
    {"-cd", "--config-dir", "DIR", "a folder of configurations, searched first (may be repeated)"},
    {"-cp", "--config-path", "DIR", "a folder of configurations instead of those that come with the tool"},
    {"-c", "--cfg", "job", "print the composed configuration and end"},
    {"", "--resolve", nullptr, "with --cfg: print it with the ${references} followed"},
    {"", "--threads", "N", "threads of the computation, 0 for all (default)"},
    {"-h", "--help", nullptr, "print this, the configurations, the groups and the keys, and end"},
};

template <class... Parts>
[[noreturn]] void usage(const Parts&... parts) {
  throw usage_error(one_line(joined(parts...)));
}

inline const flag& flag_called(const std::string& name) {
  for (const flag& f : flags)
    if (name == f.brief || name == f.name) return f;
  for (std::string_view known : {"-m", "--multirun", "-r", "--run", "-p", "--package", "--hydra-help", "-i", "--info", "-sc",
                                 "--shell-completion", "--version"})
    if (name == known) usage("the flag ", name, " of Hydra is not supported by this tool; see --help");
  std::vector<std::string> known;
  for (const flag& f : flags) known.insert(known.end(), {f.name, f.brief});
  std::erase(known, "");
  usage("unknown flag '", name, "'; a value is given as key=value, and --help lists flags and keys", did_you_mean(name, known));
}

}  // namespace detail

// Throws usage_error for a wrong flag. Overrides are not looked into.
inline command_line parse_command_line(const std::vector<std::string>& arguments) {
  command_line c;
  bool only_overrides = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    if (only_overrides || !a.starts_with('-')) {
      c.overrides.push_back(a);
      continue;
    }
    if (a == "--") {
      only_overrides = true;
      continue;
    }
    const std::size_t equal = a.find('=');
    const detail::flag& f = detail::flag_called(a.substr(0, equal));
    std::string given;
    if (!f.argument) {
      if (equal != std::string::npos) detail::usage("the flag ", f.name, " takes no value, found '", a, "'");
    } else if (equal != std::string::npos) {
      given = a.substr(equal + 1);
    } else if (++i < arguments.size()) {
      given = arguments[i];
    } else {
      detail::usage("the flag ", a, " needs a value: ", a, " ", f.argument);
    }
    const std::string_view name = f.name;
    if (f.argument && given.empty()) detail::usage("the flag ", f.name, " needs a value: ", f.name, " ", f.argument);
    if (name == "--config-name") {
      c.config_name = given.ends_with(".yaml") ? given.substr(0, given.size() - 5) : given;
    } else if (name == "--config-dir") {
      c.config_dirs.push_back(given);
    } else if (name == "--config-path") {
      c.config_path = given;
    } else if (name == "--cfg") {
      if (given != "job") detail::usage("--cfg ", given, ": only --cfg job is known");
      c.print = true;
    } else if (name == "--resolve") {
      c.resolve = true;
    } else if (name == "--help") {
      c.help = true;
    } else {
      const auto r = std::from_chars(given.data(), given.data() + given.size(), c.threads);
      if (r.ec != std::errc() || r.ptr != given.data() + given.size() || c.threads < 0 || c.threads > 4096)
        detail::usage("--threads: expected a number from 0 to 4096, found '", given, "'");
    }
  }
  if (c.resolve && !c.print && !c.help) detail::usage("--resolve goes with --cfg job");
  return c;
}

// Where a file or folder of this project that comes with the program may lie, in the order of the search: `inside` the
// runfiles of a build by bazel ("tools/configs"), or `installed` in ../share/avss of an installation.
inline std::vector<std::string> own_places(const std::string& argv0, const std::string& inside, const std::string& installed) {
  std::vector<std::string> places;
  const std::string below = "/avss/" + inside;
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"})
    if (const char* folder = std::getenv(variable)) places.push_back(folder + below);
  if (!argv0.empty()) places.push_back(argv0 + ".runfiles" + below);
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    places.push_back(program.string() + ".runfiles" + below);
    places.push_back((program.parent_path().parent_path() / "share/avss" / installed).string());
  }
  return places;
}

// The folder of configurations that comes with the program.
inline std::string own_configs(const std::string& argv0) {
  const std::vector<std::string> places = own_places(argv0, "tools/configs", "configs");
  std::error_code ignored;
  for (const std::string& p : places)
    if (std::filesystem::is_directory(p, ignored)) return p;
  fail("the tool's own configurations were not found; give their folder with -cp DIR; searched in ", listed(places));
}

inline config_store open_store(const command_line& c, const std::string& argv0) {
  std::vector<std::string> folders;
  for (const std::string& d : c.config_dirs) folders.push_back(user_path(d));
  folders.push_back(c.config_path.empty() ? own_configs(argv0) : user_path(c.config_path));
  for (const std::string& f : folders) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(f, ignored)) fail(f, ": no such folder of configurations");
  }
  return config_store(folders);
}

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
    name.resize(std::max<std::size_t>(name.size(), 26), ' ');
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

// The frame of a tool: reads the command line, prints what was asked for or calls `body`, and turns errors into one line
// and a status: 0, 1 for an error (output that was not taken is one), 2 for a wrong flag.
inline int run_tool(int argc, const char* const* argv, const tool& t,
                    const std::function<int(const settings&, const command_line&)>& body, std::ostream& out = std::cout,
                    std::ostream& err = std::cerr) {
  const auto run = [&] {
    const command_line c = parse_command_line(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    config_store store = open_store(c, argc > 0 ? argv[0] : "");
    if (c.help) {
      print_help(t, c, store, out);
      return 0;
    }
    const std::string name = c.config_name.empty() ? t.default_config : c.config_name;
    if (name.empty()) throw usage_error("give a configuration: -cn NAME; available: " + listed(store.options("")));
    const value root = compose(store, name, c.overrides);
    if (c.print) {
      out << to_yaml(c.resolve ? resolved(root) : root);
      return 0;
    }
    if (c.threads > 0) omp_set_num_threads(c.threads);
    return body(settings(root), c);
  };
  try {
    const int status = run();
    if (!out.flush() && status == 0)
      fail("what it prints could not be written: the output is closed or full; free some space or print elsewhere");
    return status;
  } catch (const usage_error& e) {
    err << t.name << ": " << one_line(e.what()) << "\n";
    return 2;
  } catch (const std::bad_alloc&) {
    err << t.name << ": out of memory\n";
  } catch (const std::exception& e) {
    err << t.name << ": " << one_line(e.what()) << "\n";
  }
  return 1;
}

}  // namespace avss::config
