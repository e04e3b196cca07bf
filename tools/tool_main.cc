#include "tools/tool_main.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace avss::tools {
namespace {

// How long OpenMP's threads ask for work before they sleep is read from the environment when its library is loaded, so the
// program begins again with it set. On a machine that is busy, threads that ask for long take the core from those they wait
// for: by default, RTFS-Net on two threads beside five other programs took 12 s instead of 2.5; on a quiet one both are as
// fast.
void wait_briefly(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0) execv("/proc/self/exe", argv);
  // It goes on as it is where that is not possible.
}

void start_team() {
  sigset_t left_to_main, before;
  sigemptyset(&left_to_main);
  for (int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&left_to_main, s);
  pthread_sigmask(SIG_BLOCK, &left_to_main, &before);
  std::atomic<int> started = 0;  // an empty region would be left out
#pragma omp parallel
  ++started;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

int tool_main(int argc, char** argv, const config::tool& t,
              const std::function<int(const config::settings&, const config::command_line&)>& body) {
  wait_briefly(argv);
  ::signal(SIGXFSZ, SIG_IGN);
  return config::run_tool(argc, argv, t, [&](const config::settings& s, const config::command_line& c) {
    start_team();
    return body(s, c);
  });
}

}  // namespace avss::tools
