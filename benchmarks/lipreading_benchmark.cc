// The lip-reading encoder, full size, on the CPU: 50 frames of 88 x 88 pixels, 2 s of video; and 10 of them there and back.
//   bazel run //benchmarks:lipreading_benchmark -- --benchmark_filter=running/threads:1
//   bazel run //benchmarks:lipreading_benchmark -- --by_operation     one thread, where the time goes
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <avss/lipreading.hpp>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/timed_cpu.hpp"

namespace avss {

inline dim_t packed_values(const timed_cpu& b, const op::image_conv_plan& p) { return packed_values(b.inner, p); }

}  // namespace avss

namespace {

using avss::timed_cpu;
using net = avss::LipEncoder<avss::presets::lip_swish>;

constexpr std::size_t frames = 50, side = 88;
constexpr double operations = 31.6e9;          // a multiplication and an addition counted as two
constexpr double there_and_back = 3 * 6.32e9;  // of ten frames

template <class B>
class task {
 public:
  task(B backend, bool batch) : engine_(std::move(backend)), clip_(frames * side * side), features_(frames * 512) {
    avss::init_params(engine_.net(), 1, engine_.values(), engine_.state());
    for (std::size_t i = 0; i < clip_.size(); ++i) clip_[i] = std::sin(0.37f * static_cast<float>(i));
    engine_.prepare(side, side, batch);
  }
  void run() { engine_.embed(work_, clip_, features_); }
  double megabytes() const { return static_cast<double>(engine_.planned_bytes(frames)) / 1e6; }

 private:
  avss::lip_engine<net, B> engine_;
  typename avss::lip_engine<net, B>::workspace work_;
  std::vector<float> clip_, features_;
};

// Ten frames forward and back, BatchNorm by their statistics.
template <class B>
class training_task {
 public:
  explicit training_task(B backend)
      : trainer_(std::move(backend)), clip_(size.all() * side * side), features_(static_cast<std::size_t>(size.all() * 512)) {
    avss::init_params(trainer_.net(), 1, trainer_.values(), trainer_.state());
    for (std::size_t i = 0; i < clip_.size(); ++i) clip_[i] = std::sin(0.37f * static_cast<float>(i));
  }
  void run() {
    trainer_.train_step(size, clip_, features_, avss::image_rules::training(), [](auto&, auto, auto d) {
      for (std::size_t i = 0; i < d.size(); ++i) d[i] = std::sin(static_cast<float>(i));
      return 0;
    });
  }
  double megabytes() const {
    return static_cast<double>(trainer_.planned_bytes(size, avss::image_rules::training(), false)) / 1e6;
  }

 private:
  static constexpr avss::lip_clips size{1, 10, side, side};
  avss::lip_trainer<net, B> trainer_;
  std::vector<float> clip_, features_;
};

template <class Task>
void measure(benchmark::State& state, Task&& t, double flops) {
  t.run();  // touches the memory
  for (auto _ : state) t.run();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["arena_MB"] = t.megabytes();
  state.counters["peak_rss_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  state.counters["GFLOPs"] = benchmark::Counter(flops / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

void by_operation(bool batch, const char* name) {
  std::map<std::string, timed_cpu::entry> times;
  task<timed_cpu> t{timed_cpu{avss::cpu(1), &times}, batch};
  avss::print_by_operation(times, name, [&] { t.run(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--by_operation") {
    by_operation(false, "running statistics");
    by_operation(true, "statistics of the clip");
    std::map<std::string, timed_cpu::entry> times;
    training_task<timed_cpu> t{timed_cpu{avss::cpu(1), &times}};
    avss::print_by_operation(times, "ten frames there and back", [&] { t.run(); });
    return 0;
  }
  for (const auto& [batch, name] : {std::pair{false, "running"}, std::pair{true, "batch"}})
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark((std::string(name) + "/threads:" + std::to_string(threads)).c_str(),
                                   [batch = batch, threads](benchmark::State& s) {
                                     measure(s, task<avss::cpu>{avss::cpu(threads), batch}, operations);
                                   })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  for (const int threads : {1, 2})
    benchmark::RegisterBenchmark(
        ("train/threads:" + std::to_string(threads)).c_str(),
        [threads](benchmark::State& s) { measure(s, training_task<avss::cpu>{avss::cpu(threads)}, there_and_back); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
