// RTFS-Net at the paper's sizes on the CPU, sound of 16 kHz: inference and a training pass.
//   bazel run //benchmarks:rtfsnet_benchmark -- --benchmark_filter=infer/rtfsnet_4/2s
//   bazel run //benchmarks:rtfsnet_benchmark -- --by_operation     one thread, 4 passes, 2 s: where the time goes
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

using namespace avss;

struct shape {
  pass mode;
  int seconds, faces;

  av_size size() const { return {1, 16000 * dim_t{seconds}, faces, 25 * dim_t{seconds}}; }
};

template <class Net, class B>
class task {
 public:
  task(B backend, const shape& s) : engine_(std::move(backend)), shape_(s), size_(s.size()) {
    init_params(engine_.net(), 1, engine_.values(), engine_.state());
    mixture_.resize(static_cast<std::size_t>(size_.length));
    video_.resize(static_cast<std::size_t>(512 * size_.faces * size_.video_frames));
    voices_.resize(static_cast<std::size_t>(size_.faces * size_.length));
    for (std::size_t i = 0; i < mixture_.size(); ++i) mixture_[i] = 0.1f * std::sin(0.01f * static_cast<float>(i));
    for (std::size_t i = 0; i < video_.size(); ++i) video_[i] = std::sin(0.37f * static_cast<float>(i));
  }
  void run() {
    if (shape_.mode == pass::infer) return engine_.separate(size_, mixture_, video_, voices_);
    const pass_rules rules{.batch_statistics = true};
    engine_.train_step(size_, mixture_, video_, voices_, rules, [](auto&, auto voices, auto, auto d, auto) {
      std::fill_n(d.data, voices.size(), 1e-3f);
      return 0.0;
    });
  }
  double planned_megabytes() const { return static_cast<double>(engine_.planned_bytes(shape_.mode, size_)) / 1e6; }

 private:
  av_engine<Net, B> engine_;
  shape shape_;
  av_size size_;
  std::vector<float> mixture_, video_, voices_;
};

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

template <const auto& Preset>
void measure(benchmark::State& state, const shape& s, int threads) {
  task<RtfsNet<Preset>, cpu> t{cpu(threads), s};
  t.run();  // touches the memory
  for (auto _ : state) t.run();
  state.counters["arena_MB"] = t.planned_megabytes();
  state.counters["peak_rss_MB"] = peak_megabytes();
}

template <const auto& Preset>
void add(const char* preset, const shape& s) {
  for (const int threads : {1, 2}) {
    const std::string name = std::string(s.mode == pass::infer ? "infer/" : "train/") + preset + "/" +
                             std::to_string(s.seconds) + "s/faces:" + std::to_string(s.faces) +
                             "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(), [s, threads](benchmark::State& state) { measure<Preset>(state, s, threads); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

// The fastest of a few runs.
void by_operation(pass mode, const char* name) {
  std::map<std::string, timed_cpu::entry> times;
  task<RtfsNet<presets::rtfsnet_4>, timed_cpu> t{timed_cpu{cpu(1), &times}, {mode, 2, 1}};
  print_by_operation(times, name, [&] { t.run(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--by_operation") {
    by_operation(pass::infer, "inference");
    by_operation(pass::train, "a training pass");
    return 0;
  }
  add<presets::rtfsnet_4>("rtfsnet_4", {pass::infer, 2, 1});
  add<presets::rtfsnet_4>("rtfsnet_4", {pass::infer, 2, 2});
  add<presets::rtfsnet_4>("rtfsnet_4", {pass::infer, 10, 1});
  add<presets::rtfsnet_12>("rtfsnet_12", {pass::infer, 2, 1});
  add<presets::rtfsnet_4>("rtfsnet_4", {pass::train, 2, 1});
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
