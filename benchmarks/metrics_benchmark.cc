// Speed of the metrics that take time: a hundred mixtures of two voices, 4 s at 16 kHz, files already read. Compared with
// mir_eval, fast_bss_eval, torchmetrics and pystoi by compare_metrics.py.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <avss/core/parallel.hpp>
#include <avss/metric/item_signals.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

constexpr std::size_t samples = 64000, files = 100;
constexpr int rate = 16000;

// Noise that swells and falls silent, as in compare_metrics.py; speed hardly depends on what it is.
struct voices {
  std::vector<float> s1 = std::vector<float>(samples), s2 = s1, e1 = s1, e2 = s1, mix = s1;

  voices() {
    std::uint32_t state = 1;
    const auto noise = [&] {
      state = state * 1664525u + 1013904223u;
      return static_cast<float>(state) / 4294967296.f - 0.5f;
    };
    const auto swell = [](float f, std::size_t n) { return std::pow(std::max(0.f, std::sin(f * static_cast<float>(n))), 2.f); };
    for (std::size_t n = 0; n < samples; ++n) {
      s1[n] = noise() * swell(0.0009f, n), s2[n] = noise() * swell(0.0013f, n);
      mix[n] = s1[n] + s2[n];
      e1[n] = s1[n] + 0.2f * s2[n] + 0.01f * noise(), e2[n] = s2[n] + 0.1f * s1[n] + 0.01f * noise();
    }
  }
};

using measurement = void (*)(avss::item_signals&);

void score(benchmark::State& state, measurement measure, int threads) {
  const voices v;
  for (auto _ : state)
    avss::parallel_for(threads, static_cast<avss::dim_t>(files), [&](avss::dim_t, int) {
      avss::item_signals item(rate, v.mix, {v.s1, v.s2}, {v.e1, v.e2});
      measure(item);
    });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_rss_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

void sdr(avss::item_signals& x) {
  for (std::size_t s = 0; s < 2; ++s) benchmark::DoNotOptimize(x.bss().sdr(s, s));
}
void bss(avss::item_signals& x) {
  sdr(x);
  for (std::size_t s = 0; s < 2; ++s) benchmark::DoNotOptimize(x.bss().sir(s, s)), benchmark::DoNotOptimize(x.bss().sar(s, s));
}
void stoi(avss::item_signals& x) {
  for (std::size_t s = 0; s < 2; ++s) benchmark::DoNotOptimize(x.intelligibility().stoi(s, s));
}
void estoi(avss::item_signals& x) {
  for (std::size_t s = 0; s < 2; ++s) benchmark::DoNotOptimize(x.intelligibility().estoi(s, s));
}
// What a table has: all five in either order, and their improvements over the mixture.
void all(avss::item_signals& x) {
  for (std::size_t e = 0; e < 3; ++e)
    for (std::size_t t = 0; t < 2; ++t) {
      benchmark::DoNotOptimize(x.bss().sdr(e, t)), benchmark::DoNotOptimize(x.bss().sir(e, t));
      benchmark::DoNotOptimize(x.intelligibility().stoi(e, t)), benchmark::DoNotOptimize(x.intelligibility().estoi(e, t));
    }
}

}  // namespace

int main(int argc, char** argv) {
  const std::pair<const char*, measurement> cases[] = {
      {"sdr", sdr}, {"bss", bss}, {"stoi", stoi}, {"estoi", estoi}, {"all", all}};
  for (const auto& [name, measure] : cases)
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark((std::string(name) + "/threads:" + std::to_string(threads)).c_str(),
                                   [measure = measure, threads](benchmark::State& s) { score(s, measure, threads); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
