// The flags of a tool's command line; everything else on it is an override, in any order.
#pragma once

#include <algorithm>
#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <charconv>
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
  std::string print;                     // --cfg: job, hydra or all
  std::string package;                   // -p, the part of it that is printed
  std::string info;                      // --info
  std::string completion;                // -sc
  bool multirun = false;
  bool version = false;
  bool hydra_help = false;
  bool resolve = false;
  bool help = false;
  int threads = 0;  // 0: all
  std::vector<std::string> overrides;
};

namespace detail {

struct flag {
  const char *brief, *name, *argument, *help;  // argument: null pointer if it takes none
};

inline constexpr flag flags[] = {
    {"-cn", "--config-name", "NAME", "the configuration to start from"},
    {"-cd", "--config-dir", "DIR", "a folder of configurations, searched first (may be repeated)"},
    {"-cp", "--config-path", "DIR", "a folder of configurations instead of those that come with the tool"},
    {"-m", "--multirun", nullptr, "run once for every combination of values: key=a,b  key=range(1,4)  group=glob(*)"},
    {"-r", "--run", nullptr, "run once (default)"},
    {"-c", "--cfg", "job|hydra|all", "print the composed configuration and end"},
    {"-p", "--package", "KEY", "with --cfg: print this part of it"},
    {"", "--resolve", nullptr, "with --cfg: print it with the ${references} followed"},
    {"-i", "--info", "TOPIC", "print all, config, defaults, defaults-tree, plugins or searchpath, and end"},
    {"-sc", "--shell-completion", "install=bash",
     "print what makes bash complete this tool's words: eval \"$(TOOL -sc install=bash)\""},
    {"", "--hydra-help", nullptr, "print the keys of a run itself (hydra.run.dir and others), and end"},
    {"", "--version", nullptr, "print the version, and end"},
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
  std::vector<std::string> known;
  for (const flag& f : flags) known.insert(known.end(), {f.name, f.brief});
  std::erase(known, "");
  usage("unknown flag '", name, "'; a value is given as key=value, and --help lists flags and keys", did_you_mean(name, known));
}

}  // namespace detail

// What --info can be asked.
inline const std::vector<std::string>& info_topics() {
  static const std::vector<std::string> all{"all", "config", "defaults", "defaults-tree", "plugins", "searchpath"};
  return all;
}
inline bool is_topic(const std::string& word) {
  return std::find(info_topics().begin(), info_topics().end(), word) != info_topics().end();
}

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
    } else if (std::string_view(f.name) == "--info" && (i + 1 == arguments.size() || !is_topic(arguments[i + 1]))) {
      given = "all";
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
      if (given != "job" && given != "hydra" && given != "all") detail::usage("--cfg ", given, ": expected job, hydra or all");
      c.print = given;
    } else if (name == "--package") {
      c.package = given;
    } else if (name == "--info") {
      if (!is_topic(given))
        detail::usage("--info ", given, ": expected one of ", listed(info_topics()), did_you_mean(given, info_topics()));
      c.info = given;
    } else if (name == "--shell-completion") {
      if (given != "install=bash" && given != "uninstall=bash" && given != "query=bash")
        detail::usage("--shell-completion ", given, ": expected install=bash or uninstall=bash; other shells are not known");
      c.completion = given;
    } else if (name == "--multirun" || name == "--run") {
      c.multirun = name == "--multirun";
    } else if (name == "--version") {
      c.version = true;
    } else if (name == "--hydra-help") {
      c.hydra_help = true;
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
  if (c.resolve && c.print.empty() && !c.help) detail::usage("--resolve goes with --cfg job");
  if (!c.package.empty() && c.print.empty()) detail::usage("--package goes with --cfg job");
  return c;
}

}  // namespace avss::config
