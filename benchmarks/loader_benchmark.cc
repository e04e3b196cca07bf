// How many items of 2 s dynamic mixing makes a second on one core, and what the loader adds to it.
//   bazel run //benchmarks:loader_benchmark -- [FOLDER [SPEAKER_RULE]] [--benchmark_...]
// Without a folder, recordings as long as LibriSpeech's are synthesised: 16 speakers, 12.7 s at 16 kHz, flac and wav.
#include <benchmark/benchmark.h>
#include <sndfile.h>

#include <avss/data/dynamic_mixing.hpp>
#include <avss/data/loader.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/synthesised_voices.hpp"

namespace {

namespace benchmarks = avss::benchmarks;
namespace fs = std::filesystem;

// A folder of synthesised recordings, gone at the end.
class synthesised {
 public:
  synthesised() : scratch_("avss_loader_benchmark") {
    for (std::uint64_t s = 0; s < 16; ++s) {
      const std::vector<float> x = benchmarks::voice(s, 16000, 12.7);
      benchmarks::store(folder() / "flac" / (std::to_string(s) + "-1.flac"), SF_FORMAT_FLAC, 16000, x);
      benchmarks::store(folder() / "wav" / (std::to_string(s) + "-1.wav"), SF_FORMAT_WAV, 16000, x);
    }
  }
  const fs::path& folder() const { return scratch_.folder(); }

 private:
  benchmarks::scratch_folder scratch_;
};

struct setting {
  fs::path folder;
  avss::speaker_rule rule;
  avss::speech_storage storage;
  int rate;
  bool speed;
};

avss::dynamic_mixing open(const setting& s) {
  // Nothing is cached: on demand, every segment costs the decoding of its file.
  const std::size_t bytes = s.storage == avss::speech_storage::memory ? std::size_t{4} << 30 : 0;
  auto pool = std::make_shared<const avss::speech_pool>(
      s.folder, avss::speech_pool_options{.speaker = s.rule, .rate = s.rate, .storage = s.storage, .max_bytes = bytes});
  return {pool, {.length = 2 * s.rate, .speed_lowest = s.speed ? 0.95 : 1.0, .speed_highest = s.speed ? 1.05 : 1.0}};
}

// One thread, by its processor time.
void make_items(benchmark::State& state, const setting& s) {
  const avss::dynamic_mixing source = open(s);
  std::vector<float> mixture(static_cast<std::size_t>(source.length())), targets(2 * mixture.size());
  std::uint64_t n = 0;
  for (auto _ : state) source.make(n++, mixture, targets);
  state.SetItemsProcessed(state.iterations());
  state.counters["skipped"] = static_cast<double>(source.skipped());
}

// Batches of 8 through the loader, by the wall clock; the processor time is that of all threads.
void load_batches(benchmark::State& state, const setting& s, int workers) {
  const avss::dynamic_mixing source = open(s);
  avss::loader loader(source, {.batch_size = 8, .workers = workers});
  avss::batch b;
  for (auto _ : state) loader.next(b);
  state.SetItemsProcessed(8 * state.iterations());
}

void add(const std::string& name, const setting& s) {
  benchmark::RegisterBenchmark(("make/" + name).c_str(), [s](benchmark::State& state) {
    make_items(state, s);
  })->Unit(benchmark::kMillisecond);
}

int run(int argc, char** argv) {
  using avss::speech_storage;
  benchmark::Initialize(&argc, argv);
  if (argc > 1 && argv[1][0] == '-') return benchmark::ReportUnrecognizedArguments(argc, argv) ? 2 : 0;
  const avss::speaker_rule rule(argc > 2 ? argv[2] : "stem:-:0");
  std::unique_ptr<synthesised> made;
  fs::path flac, wav;
  if (argc > 1) {
    flac = argv[1];
  } else {
    made = std::make_unique<synthesised>();
    flac = made->folder() / "flac", wav = made->folder() / "wav";
  }
  for (const int rate : {8000, 16000}) {
    const std::string hz = std::to_string(rate / 1000) + "kHz/";
    add(hz + "memory", {flac, rule, speech_storage::memory, rate, false});
    add(hz + "memory/speed", {flac, rule, speech_storage::memory, rate, true});
    add(hz + "on_demand/" + (made ? "flac" : "folder"), {flac, rule, speech_storage::on_demand, rate, false});
    if (made) add(hz + "on_demand/wav", {wav, rule, speech_storage::on_demand, rate, false});
  }
  for (const int workers : {0, 1, 2})
    benchmark::RegisterBenchmark(("loader/8kHz/memory/workers:" + std::to_string(workers)).c_str(),
                                 [=](benchmark::State& state) {
                                   load_batches(state, {flac, rule, speech_storage::memory, 8000, false}, workers);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime()
        ->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "loader_benchmark: %s\n", e.what());
    return 1;
  }
}
