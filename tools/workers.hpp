// A tool that mpirun has started several times works as one.
#pragma once

#include <avss/config/command_line.hpp>
#include <avss/dist/worker_group.hpp>
#include <functional>
#include <string>

namespace avss::tools {

// body(group, c): alone, the group is null and c the command line; under mpirun, the group is that of all processes, and
// c.threads this one's share of the machine's cores where neither --threads nor OMP_NUM_THREADS said how many. What the body
// throws in one process ends all of them with that message and status 1. Throws error where MPI is needed and not built in.
// Call it before the first computation and with no signal handlers.
int with_workers(const std::string& tool, config::command_line c,
                 const std::function<int(worker_group*, const config::command_line&)>& body);

}  // namespace avss::tools
