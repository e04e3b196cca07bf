// Where the time of a network goes, operation by operation.
#pragma once

#include <cxxabi.h>

#include <algorithm>
#include <avss/core/context.hpp>
#include <avss/cpu/backend.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace avss {

// Of this thread: other work on the machine does not count.
inline double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// The CPU backend, which notes how long each operation takes.
struct timed_cpu {
  using value_type = float;
  struct entry {
    double seconds = 0;
    int calls = 0;
  };
  cpu inner;
  std::map<std::string, entry>* times;
};

// Its name, and for products the sizes.
template <class Op>
std::string name_of(const Op& o) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(typeid(Op).name(), nullptr, nullptr, &status),
                                                         std::free);
  std::string name = demangled ? demangled.get() : typeid(Op).name();
  name = name.substr(name.rfind(':') + 1);
  name = name.substr(0, name.find('<'));
  if constexpr (requires { o.target[0].out; })
    name += " " + std::to_string(o.in) + " -> " + std::to_string(o.target[0].out) + ", " + std::to_string(o.frames);
  else if constexpr (requires { o.n.window, o.n.in; })
    name += " " + std::to_string(o.n.in * o.n.window) + " -> " + std::to_string(o.n.out);
  else if constexpr (requires { o.n.plane(); })
    name += " " + std::to_string(o.n.channels) + " x " + std::to_string(o.n.plane());
  else if constexpr (requires { o.plan.kernel; })
    name += " " + std::to_string(o.plan.n.channels) + " -> " + std::to_string(o.plan.kernel.out) + ", " +
            std::to_string(o.plan.kernel.size) + " x " + std::to_string(o.plan.kernel.size) + ", of " +
            std::to_string(o.plan.n.height) + " x " + std::to_string(o.plan.n.width);
  else if constexpr (requires { o.fwd.n.plane(); })
    name += " " + std::to_string(o.fwd.n.channels) + " x " + std::to_string(o.fwd.n.plane());
  return name;
}

template <class Op>
std::size_t scratch_bytes(const timed_cpu& b, const Op& o) {
  return scratch_bytes(b.inner, o);
}
template <class Op>
requires executes<cpu, Op>
void execute(timed_cpu& b, const Op& o, void* scratch) {
  const double start = processor_seconds();
  execute(b.inner, o, scratch);
  timed_cpu::entry& e = (*b.times)[name_of(o)];
  e.seconds += processor_seconds() - start;
  ++e.calls;
}

// The fastest of a few runs, which note their times in `times`.
template <class Run>
void print_by_operation(std::map<std::string, timed_cpu::entry>& times, const char* name, Run&& run) {
  std::map<std::string, timed_cpu::entry> best;
  double least = 1e9;
  for (int i = 0; i < 6; ++i) {
    times.clear();
    run();
    double all = 0;
    for (const auto& [op, e] : times) all += e.seconds;
    if (all < least) {
      least = all;
      best = times;
    }
  }
  std::printf("%s: %.1f ms\n", name, 1e3 * least);
  std::vector<std::pair<std::string, timed_cpu::entry>> sorted(best.begin(), best.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  for (const auto& [op, e] : sorted)
    if (e.seconds > 1e-4)
      std::printf("%8.2f ms %5.1f %%  %3d x  %s\n", 1e3 * e.seconds, 100 * e.seconds / least, e.calls, op.c_str());
}

}  // namespace avss
