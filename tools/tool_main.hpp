// What every tool's main is.
#pragma once

#include <avss/config/command_line.hpp>
#include <avss/core/parallel.hpp>
#include <functional>

namespace avss::tools {

// config::run_tool, with what a process of ours needs:
// - A write beyond the file-size limit fails, and is reported, instead of ending the program.
// - OpenMP's threads are made now, with SIGINT, SIGTERM and SIGHUP blocked, and inherit that: such a signal is then always the
//   main thread's, which stop_on_signal lets wait. Only a thread that had it unblocked could end the program at once.
// - OpenMP's threads wait a few microseconds for work, not for milliseconds (tool_main.cc).
int tool_main(int argc, char** argv, const config::tool& t,
              const std::function<int(const config::settings&, const config::command_line&)>& body);

// --threads, or all that this process may use.
inline int threads_of(const config::command_line& c) { return c.threads > 0 ? c.threads : available_threads(); }

}  // namespace avss::tools
