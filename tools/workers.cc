#include "tools/workers.hpp"

#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/dist/mpi_group.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace avss::tools {
namespace {

// The number of processes, or something else than "1", where a starter of MPI programs has set one of these.
bool started_by_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
    if (const char* value = std::getenv(name);
        value && (name != std::string_view("PMI_SIZE") || value != std::string_view("1")))
      return true;
  return false;
}

#if defined(AVSS_WITH_MPI)

// No thread of MPI's may take the signals that the tool stops at.
struct signals_left_to_main {
  signals_left_to_main() {
    sigset_t all;
    sigemptyset(&all);
    for (int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&all, s);
    pthread_sigmask(SIG_BLOCK, &all, &before);
  }
  ~signals_left_to_main() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before;
};

int run_joined(const std::string& tool, config::command_line c,
               const std::function<int(worker_group*, const config::command_line&)>& body) {
  std::optional<mpi_group> group;
  {
    const signals_left_to_main guard;
    group.emplace();
  }
  const auto end_all = [&](const char* problem) {
    // What is wrong for all is said once: the first has ended the others by then.
    if (!group->first()) std::this_thread::sleep_for(std::chrono::seconds(5));
    std::cerr << tool << ": " << (group->first() ? "" : joined("process ", group->rank() + 1, " of ", group->size(), ": "))
              << one_line(problem) << std::endl;
    mpi_group::end_all(1);
  };
  try {
    if (c.threads == 0) c.threads = std::getenv("OMP_NUM_THREADS") ? available_threads() : group->share_of_cores();
    omp_set_num_threads(c.threads);
    return body(group->size() > 1 ? &*group : nullptr, c);
  } catch (const std::bad_alloc&) {
    end_all("out of memory");
  } catch (const std::exception& e) {
    end_all(e.what());
  }
  return 1;
}

#endif

}  // namespace

int with_workers(const std::string& tool, config::command_line c,
                 const std::function<int(worker_group*, const config::command_line&)>& body) {
  if (!started_by_mpi()) return body(nullptr, c);
#if defined(AVSS_WITH_MPI)
  return run_joined(tool, std::move(c), body);
#else
  if (const char* size = std::getenv("OMPI_COMM_WORLD_SIZE"); size && size == std::string_view("1")) return body(nullptr, c);
  fail("started by mpirun, and built without MPI: the processes would not work together; build ", tool,
       " with ./bazelw build --config=mpi //tools:", tool, ", or start it without mpirun");
#endif
}

}  // namespace avss::tools
