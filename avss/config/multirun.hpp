// Several runs of a tool, one after the other, each in a process of its own: one that fails or is killed does not end the
// others.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <avss/config/jobs.hpp>
#include <avss/config/run.hpp>
#include <avss/config/run_log.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iostream>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace avss::config {

namespace detail {

// A process that runs `job`, waited for. A signal to stop is handed on to it, and then `stopped` is set.
inline int run_in_process(const std::function<int()>& job, int& stopped) {
  sigset_t watched, before;
  sigemptyset(&watched);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&watched, s);
  sigprocmask(SIG_BLOCK, &watched, &before);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    const int why = errno;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    fail("no process could be started: ", std::strerror(why));
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    const int status = job();
    std::cout.flush();
    std::cerr.flush();
    ::_exit(status);
  }
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    siginfo_t info{};
    const timespec soon{0, 200'000'000};
    const int s = sigtimedwait(&watched, &info, &soon);
    if (s != SIGINT && s != SIGTERM && s != SIGHUP) continue;
    stopped = s;
    if (info.si_code <= 0) ::kill(child, s);  // a terminal's own goes to both
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline std::string in_one_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& w : words) line += (line.empty() ? "" : " ") + w;
  return line;
}

}  // namespace detail

// The jobs of the overrides' sweeps; `job` runs one of them in its process. Gives the status: 0 if all of them did well.
inline int run_all(config_store& store, const tool& t, const std::string& name, const std::vector<std::string>& overrides,
                   const std::function<int(const planned_run&)>& job, std::ostream& out, std::ostream& err) {
  std::vector<std::string> own, task;
  for (const std::string& line : overrides) (detail::is_of_hydra(line) ? own : task).push_back(line);
  for (const std::string& line : own)
    if (parse_override(line).swept) fail("Sweeping over Hydra's configuration is not supported: '", line, "'");
  std::vector<std::string> fixed;
  for (const std::string& line : task)
    if (!parse_override(line).swept) fixed.push_back(line);
  std::vector<std::string> master = fixed;
  master.insert(master.end(), own.begin(), own.end());
  planned_run all = plan_run(store, t, name, master, 0);
  std::vector<std::string> swept;  // hydra.sweeper.params, then the command line
  const value params = settings(all.full, all.full).at("hydra.sweeper.params");
  if (params.is(kind::map))
    for (const value::entry& e : params.entries())
      swept.push_back(e.key + "=" + (e.item.is(kind::string) ? e.item.text() : typed_text(e.item)));
  swept.insert(swept.end(), task.begin(), task.end());
  const std::vector<std::vector<std::string>> jobs = sweep_jobs(store, swept);
  std::vector<planned_run> plans;  // a mistake in any of them is found before the first one runs
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    std::vector<std::string> lines = jobs[i];
    lines.insert(lines.end(), own.begin(), own.end());
    plans.push_back(plan_run(store, t, name, lines, i));
  }
  const std::filesystem::path folder = detail::absolute_path(all.get<std::string>("sweep.dir"));
  std::error_code why;
  std::filesystem::create_directories(folder, why);
  if (why)
    fail(folder.string(), ": this folder for the runs cannot be made (", why.message(),
         "); hydra.sweep.dir=DIR names another one");
  all.full["hydra"]["job"]["num"] = all.full["hydra"]["job"]["id"] = value("???");
  detail::write_text(folder / "multirun.yaml", to_yaml(all.full));

  const auto handlers = all.get<std::vector<std::string>>("hydra_logging.handlers", {});
  const auto say = [&](const std::string& line) {
    if (!handlers.empty()) out << '[' << log_time() << "][HYDRA] " << line << std::endl;
  };
  const std::size_t batch = all.get<std::size_t>("sweeper.max_batch_size", plans.size());
  if (batch == 0) fail("hydra.sweeper.max_batch_size: expected a number from 1 or null, found 0");
  int failed = 0, stopped = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (i % batch == 0) {
      if (failed) break;
      say("Launching " + std::to_string(std::min(batch, plans.size() - i)) + " jobs locally");
    }
    const std::string shown = "#" + std::to_string(i) + " : " + detail::in_one_line(jobs[i]);
    say("\t" + shown);
    out.flush();
    const int status = detail::run_in_process([&] { return job(plans[i]); }, stopped);
    if (status != 0) {
      err << t.name << ": the job " << one_line(shown) << " ended with status " << status << std::endl;
      if (!failed) failed = status;
    }
    if (stopped || status == 128 + SIGINT || status == 128 + SIGTERM || status == 128 + SIGHUP)
      return status != 0 ? status : 128 + stopped;
  }
  return failed;
}

}  // namespace avss::config
