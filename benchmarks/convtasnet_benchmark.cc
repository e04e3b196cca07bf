// Conv-TasNet as torchaudio configures it (5 M parameters), on the CPU: inference and a training pass, 4 s and 30 s at 8 kHz.
//   bazel run //benchmarks:convtasnet_benchmark -- --benchmark_filter=infer/4s/threads:1
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/engine.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace {

using net = avss::ConvTasNet<avss::presets::convtasnet_torchaudio>;

// Operations of the forward pass on `samples` samples, a multiplication and an addition counted as two. The bound of time
// is this over the cores' peak: 96 % of it are pointwise convolutions.
double operations(avss::dim_t samples) { return 2 * 4.912e6 * static_cast<double>(samples) / 8; }

void separate(benchmark::State& state, avss::pass mode, avss::dim_t samples, int threads) {
  avss::engine<net, avss::cpu> engine(avss::cpu{threads});
  // Values of the usual size; speed does not depend on what they are.
  for (std::size_t i = 0; i < engine.values().size(); ++i) engine.values()[i] = 0.05f * std::sin(0.37f * static_cast<float>(i));
  std::vector<float> mixture(static_cast<std::size_t>(samples)), estimates(2 * mixture.size());
  for (std::size_t i = 0; i < mixture.size(); ++i) mixture[i] = 0.1f * std::sin(0.01f * static_cast<float>(i));
  const auto once = [&] {
    if (mode == avss::pass::infer) return engine.separate(mixture, estimates);
    engine.train_step(mixture, estimates, 1, [](auto&, auto, auto d) {
      for (avss::dim_t i = 0; i < d.size(); ++i) d.data[i] = 1e-3f;
      return 0.0;
    });
  };
  once();  // touches the memory
  for (auto _ : state) once();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["arena_MB"] = static_cast<double>(engine.planned_bytes(mode, 1, samples)) / 1e6;
  state.counters["peak_rss_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  state.counters["GFLOPs"] = benchmark::Counter(operations(samples) * (mode == avss::pass::train ? 3 : 1) / 1e9,
                                                benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [mode, name] : {std::pair{avss::pass::infer, "infer"}, std::pair{avss::pass::train, "train"}})
    for (const avss::dim_t seconds : {4, 30})
      for (const int threads : {1, 2})
        benchmark::RegisterBenchmark(
            (std::string(name) + "/" + std::to_string(seconds) + "s/threads:" + std::to_string(threads)).c_str(),
            [mode = mode, seconds, threads](benchmark::State& s) { separate(s, mode, seconds * 8000, threads); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
