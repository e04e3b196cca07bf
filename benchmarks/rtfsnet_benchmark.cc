// RTFS-Net with 4 passes, the paper's sizes, on the CPU: inference and a training pass on 2 s of sound at 16 kHz.
//   bazel run //benchmarks:rtfsnet_benchmark -- --benchmark_filter=infer/threads:1
//   bazel run //benchmarks:rtfsnet_benchmark -- --by_operation     one thread, where the time goes
#include <benchmark/benchmark.h>
#include <cxxabi.h>
#include <sys/resource.h>

#include <algorithm>
#include <avss/cpu/rtfsnet.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace {

using avss::dim_t;

// Of this thread: other work on the machine does not count.
double processor_seconds() {
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
  avss::cpu inner;
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
  else if constexpr (requires { o.fwd.n.plane(); })
    name += " " + std::to_string(o.fwd.n.channels) + " x " + std::to_string(o.fwd.n.plane());
  return name;
}

template <class Op>
std::size_t scratch_bytes(const timed_cpu& b, const Op& o) {
  return scratch_bytes(b.inner, o);
}
template <class Op>
requires avss::executes<avss::cpu, Op>
void execute(timed_cpu& b, const Op& o, void* scratch) {
  const double start = processor_seconds();
  execute(b.inner, o, scratch);
  timed_cpu::entry& e = (*b.times)[name_of(o)];
  e.seconds += processor_seconds() - start;
  ++e.calls;
}

using net = avss::RtfsNet<avss::presets::rtfsnet_4>;
constexpr avss::av_size size{1, 32000, 1, 50};
constexpr double operations = 43.8e9;  // of the forward pass, a multiplication and an addition counted as two

template <class B>
class task {
 public:
  explicit task(B backend) : engine_(std::move(backend)), mixture_(32000), video_(512 * 50), voices_(32000) {
    avss::init_params(engine_.net(), 1, engine_.values(), engine_.state());
    for (std::size_t i = 0; i < mixture_.size(); ++i) mixture_[i] = 0.1f * std::sin(0.01f * static_cast<float>(i));
    for (std::size_t i = 0; i < video_.size(); ++i) video_[i] = std::sin(0.37f * static_cast<float>(i));
  }
  void run(avss::pass mode) {
    if (mode == avss::pass::infer) return engine_.separate(size, mixture_, video_, voices_);
    const avss::pass_rules rules{.batch_statistics = true};
    engine_.train_step(size, mixture_, video_, voices_, rules, [](auto&, auto voices, auto, auto d, auto) {
      std::fill_n(d.data, voices.size(), 1e-3f);
      return 0.0;
    });
  }
  double planned_megabytes(avss::pass mode) const { return static_cast<double>(engine_.planned_bytes(mode, size)) / 1e6; }

 private:
  avss::av_engine<net, B> engine_;
  std::vector<float> mixture_, video_, voices_;
};

void measure(benchmark::State& state, avss::pass mode, int threads) {
  task<avss::cpu> t{avss::cpu(threads)};
  t.run(mode);  // touches the memory
  for (auto _ : state) t.run(mode);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["arena_MB"] = t.planned_megabytes(mode);
  state.counters["peak_rss_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  state.counters["GFLOPs"] =
      benchmark::Counter(operations * (mode == avss::pass::train ? 3 : 1) / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

// The fastest of a few runs.
void by_operation(avss::pass mode, const char* name) {
  std::map<std::string, timed_cpu::entry> times, best;
  task<timed_cpu> t{timed_cpu{avss::cpu(1), &times}};
  double least = 1e9;
  for (int i = 0; i < 6; ++i) {
    times.clear();
    t.run(mode);
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

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--by_operation") {
    by_operation(avss::pass::infer, "inference");
    by_operation(avss::pass::train, "a training pass");
    return 0;
  }
  for (const auto& [mode, name] : {std::pair{avss::pass::infer, "infer"}, std::pair{avss::pass::train, "train"}})
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark((std::string(name) + "/threads:" + std::to_string(threads)).c_str(),
                                   [mode = mode, threads](benchmark::State& s) { measure(s, mode, threads); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
