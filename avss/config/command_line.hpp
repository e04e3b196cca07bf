// The frame of every main(): reads the command line, composes the configuration, and runs the tool once or many times.
#pragma once

#include <omp.h>

#include <algorithm>
#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/flags.hpp>
#include <avss/config/info.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/multirun.hpp>
#include <avss/config/places.hpp>
#include <avss/config/run.hpp>
#include <avss/config/run_log.hpp>
#include <avss/config/store.hpp>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace avss::config {

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

// What a tool does with its settings; gives the exit status.
using tool_body = std::function<int(const settings&, const command_line&)>;

// Warns of keys that the command line added and that nothing has read so far, of each once; run_tool() does it at the end.
inline void warn_unread(const settings& s, const std::string& tool, std::ostream& err) {
  for (const std::string& key : s.unread()) {
    std::vector<std::string> others = s.root().paths(true);
    std::erase_if(others, [&](const std::string& o) { return key.starts_with(o); });
    err << tool << ": warning: nothing reads '" << one_line(key) << "', which was added" << did_you_mean(key, others)
        << std::endl;
  }
}

namespace detail {

// Errors as one line and a status: 0, 1 for an error (output that was not taken is one), 2 for a wrong flag.
inline int reported(const tool& t, std::ostream& out, std::ostream& err, const std::function<int()>& run) {
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

// One run, with its record: the folder, the log in it.
class recorded_run {
 public:
  recorded_run(const tool& t, const command_line& c, std::ostream& out, std::ostream& err)
      : t_(t), c_(c), out_(out), err_(err) {}

  int run(const planned_run& r, const tool_body& body, bool one_of_many) {
    std::optional<run_log> log;
    const std::filesystem::path folder = open(r, one_of_many, log);
    return reported(t_, out_, err_, [&] {
      enter_run(r, folder);
      if (c_.threads > 0) omp_set_num_threads(c_.threads);
      const settings s = r.settings();
      const int status = body(s, c_);
      if (status == 0) warn_unread(s, t_.name, err_);
      return status;
    });
  }

 private:
  // Whether the user asked for the folder; else a run goes on without where it cannot be made.
  bool asked_for(const planned_run& r) const {
    for (const std::string& line : r.get<std::vector<std::string>>("overrides.hydra"))
      if (line.starts_with("hydra.run.dir=") || line.starts_with("hydra.job.chdir=")) return true;
    return false;
  }

  std::filesystem::path open(const planned_run& r, bool one_of_many, std::optional<run_log>& log) {
    const bool needed = one_of_many || asked_for(r);
    const auto file = r.get<std::optional<std::string>>("job_logging.handlers.file.filename", std::nullopt);
    const bool nothing = !file && !r.get<std::optional<std::string>>("output_subdir") && !needed;
    if (nothing || (!t_.records && !needed)) return {};
    try {
      const std::filesystem::path folder = make_run_folder(r);
      if (file) log.emplace(*file, r.get<std::string>("job.name"), out_, err_);
      const value verbose = settings(r.full, r.full).at("hydra.verbose");  // or a list of Python's loggers
      if (!verbose.is_null() && !(verbose == value(false))) tell(r, folder);
      return folder;
    } catch (const error& e) {
      if (needed) throw;
      err_ << t_.name << ": warning: " << one_line(e.what()) << std::endl;
      return {};
    }
  }

  void tell(const planned_run& r, const std::filesystem::path& folder) {
    for (const auto& s : r.steps)
      err_ << '[' << log_time() << "][HYDRA] " << s.path << " in " << (s.package.empty() ? "_global_" : s.package) << "\n";
    err_ << '[' << log_time() << "][HYDRA] the record of this run is in " << one_line(folder.string()) << std::endl;
  }

  const tool& t_;
  const command_line& c_;
  std::ostream &out_, &err_;
};

// What was asked for instead of a run.
inline bool told(const tool& t, const command_line& c, config_store& store, std::ostream& out) {
  if (c.completion == "query=bash")
    print_completions(t, c, store, out);
  else if (c.help)
    print_help(t, c, store, out);
  else
    return false;
  return true;
}

inline bool told_of_run(const command_line& c, const planned_run& r, const config_store& store, std::ostream& out) {
  if (!c.info.empty()) {
    print_info(c.info, r, store, out);
    return true;
  }
  if (c.print.empty()) return false;
  value root = c.print == "job" ? r.job : r.full;
  if (c.resolve) root = resolved(root, &r.full);
  if (c.print == "hydra") {
    value hydra{value::map{}};
    hydra["hydra"] = root["hydra"];
    root = std::move(hydra);
  }
  out << package_text(root, c.package);
  return true;
}

}  // namespace detail

// The frame of a tool: reads the command line, prints what was asked for or calls `body`, for --multirun in one process
// after the other, and gives the exit status (detail::reported).
inline int run_tool(int argc, const char* const* argv, const tool& t, const tool_body& body, std::ostream& out = std::cout,
                    std::ostream& err = std::cerr) {
  return detail::reported(t, out, err, [&] {
    const command_line c = parse_command_line(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    if (c.version || c.hydra_help || c.completion.ends_with("install=bash")) {
      if (c.version) out << t.name << " of avss; its command line is that of Hydra 1.3.2\n";
      if (c.hydra_help) print_hydra_help(t, out);
      if (!c.completion.empty()) print_completion_script(t.name, c.completion == "install=bash", out);
      return 0;
    }
    config_store store = open_store(c, argc > 0 ? argv[0] : "");
    if (detail::told(t, c, store, out)) return 0;
    const std::string name = c.config_name.empty() ? t.default_config : c.config_name;
    if (name.empty()) throw usage_error("give a configuration: -cn NAME; available: " + listed(store.options("")));
    add_hydra_files(store, name, c.overrides);
    detail::recorded_run run(t, c, out, err);
    const bool many =
        c.multirun || std::find(c.overrides.begin(), c.overrides.end(), "hydra.mode=MULTIRUN") != c.overrides.end();
    if (many && c.print.empty() && c.info.empty())
      return run_all(
          store, t, name, c.overrides, [&](const planned_run& r) { return run.run(r, body, true); }, out, err);
    const planned_run r = plan_run(store, t, name, c.overrides);
    if (detail::told_of_run(c, r, store, out)) return 0;
    return run.run(r, body, false);
  });
}

}  // namespace avss::config
