// RTFS-Net with 4 passes, the paper's sizes, on the CPU: inference and a training pass on 2 s of sound at 16 kHz.
//   bazel run //benchmarks:rtfsnet_benchmark -- --benchmark_filter=infer/threads:1
//   bazel run //benchmarks:rtfsnet_benchmark -- --by_operation     one thread, where the time goes
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <avss/cpu/rtfsnet.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/timed_cpu.hpp"

namespace {

using avss::timed_cpu;

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
  std::map<std::string, timed_cpu::entry> times;
  task<timed_cpu> t{timed_cpu{avss::cpu(1), &times}};
  avss::print_by_operation(times, name, [&] { t.run(mode); });
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
