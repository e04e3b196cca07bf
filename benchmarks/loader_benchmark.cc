// How many items of 2 s dynamic mixing makes a second on one core, and what the loader adds to it.
//   bazel run //benchmarks:loader_benchmark -- [FOLDER [SPEAKER_RULE]] [--benchmark_...]
// Without a folder, recordings as long as LibriSpeech's are synthesised: 16 speakers, 12.7 s at 16 kHz, flac and wav.
#include <benchmark/benchmark.h>
#include <sndfile.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/dynamic_mixing.hpp>
#include <avss/data/loader.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Harmonics of a voice that comes and goes, and some noise: compresses about as speech does.
std::vector<float> voice(std::uint64_t speaker, int rate, double seconds) {
  std::vector<float> x(static_cast<std::size_t>(rate * seconds));
  const avss::random_stream random(1, speaker);
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double time = static_cast<double>(t) / rate, pitch = 100 + 7.0 * static_cast<double>(speaker);
    double v = 0.002 * random.normal(t);
    for (int h = 1; h < 12; ++h) v += 0.05 / h * std::sin(6.2832 * pitch * h * time) * std::abs(std::sin(3 * time));
    x[t] = static_cast<float>(v);
  }
  return x;
}

void store(const fs::path& file, int format, int rate, const std::vector<float>& x) {
  SF_INFO info{};
  info.samplerate = rate, info.channels = 1, info.format = format | SF_FORMAT_PCM_16;
  SNDFILE* out = sf_open(file.c_str(), SFM_WRITE, &info);
  if (out == nullptr) avss::fail(file.string(), ": cannot be written: ", sf_strerror(nullptr));
  sf_write_float(out, x.data(), static_cast<sf_count_t>(x.size()));
  sf_close(out);
}

// A folder of synthesised recordings, gone at the end.
class synthesised {
 public:
  synthesised() : folder_(fs::temp_directory_path() / ("avss_loader_benchmark." + std::to_string(::getpid()))) {
    for (const char* kind : {"flac", "wav"}) fs::create_directories(folder_ / kind);
    for (std::uint64_t s = 0; s < 16; ++s) {
      const std::vector<float> x = voice(s, 16000, 12.7);
      store(folder_ / "flac" / (std::to_string(s) + "-1.flac"), SF_FORMAT_FLAC, 16000, x);
      store(folder_ / "wav" / (std::to_string(s) + "-1.wav"), SF_FORMAT_WAV, 16000, x);
    }
  }
  synthesised(const synthesised&) = delete;
  synthesised& operator=(const synthesised&) = delete;
  ~synthesised() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
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
