// How many audio-visual items of 2 s one core makes a second: mixed anew, with lip embeddings from files, augmented.
//   bazel run //benchmarks:augment_benchmark -- [NOISES RESPONSES] [--benchmark_...]
// Voices and faces are synthesised: 32 of 8 s at 16 kHz, embeddings of 512 channels. Without folders so are 16 noises of 10 s
// and 16 impulse responses of half a second, both at 48 kHz. Rates are by processor time.
#include <benchmark/benchmark.h>
#include <sndfile.h>

#include <avss/augment.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/dynamic_faces.hpp>
#include <avss/data/face_folder.hpp>
#include <avss/data/loader.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/npz.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/synthesised_voices.hpp"

namespace {

namespace fs = std::filesystem;
using namespace avss;

constexpr int rate = 16000;
constexpr dim_t item_length = 2 * rate, channels = 512;

void store_faces(const fs::path& data) {
  const auto embed = [&](const std::string& id, std::uint64_t k) {
    constexpr dim_t frames = 200;
    std::vector<float> x(static_cast<std::size_t>(channels * frames));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = random_stream(2, k).normal<float>(i);
    tensor_dict arrays;
    arrays.add("embedding", tensor::of<float>({channels, frames}, x));
    write_npz((data / "video_embeddings" / (id + ".npz")).string(), arrays);
  };
  fs::create_directories(data / "video_embeddings");
  for (std::uint64_t k = 0; k < 32; k += 2) {
    const std::string a = std::to_string(k), b = std::to_string(k + 1), name = a + "_" + b + ".wav";
    const std::vector<float> s1 = benchmarks::voice(k, rate, 8), s2 = benchmarks::voice(k + 1, rate, 8);
    std::vector<float> mix(s1);
    for (std::size_t i = 0; i < mix.size(); ++i) mix[i] += s2[i];
    benchmarks::store(data / "audio/train/s1" / name, SF_FORMAT_WAV, rate, s1);
    benchmarks::store(data / "audio/train/s2" / name, SF_FORMAT_WAV, rate, s2);
    benchmarks::store(data / "audio/train/mix" / name, SF_FORMAT_WAV, rate, mix);
    embed(a, k), embed(b, k + 1);
  }
}

void store_sounds(const fs::path& data) {
  for (std::uint64_t k = 0; k < 16; ++k) {
    std::vector<float> noise(480000), response(24000);
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = 0.1f * random_stream(3, k).normal<float>(i);
    for (std::size_t i = 0; i < response.size(); ++i)
      response[i] = 0.1f * random_stream(4, k).normal<float>(i) * std::exp(-static_cast<float>(i) / 4000);
    response[100] = 1;
    benchmarks::store(data / "noises" / (std::to_string(k) + ".wav"), SF_FORMAT_WAV, 48000, noise);
    benchmarks::store(data / "responses" / (std::to_string(k) + ".wav"), SF_FORMAT_WAV, 48000, response);
  }
}

std::unique_ptr<const item_source> open_faces(const fs::path& data) {
  dynamic_faces_options o{.rate = rate, .length = item_length};
  o.faces = std::make_shared<face_folder>(data / "video_embeddings", channels, rate);
  return std::make_unique<dynamic_faces>(list_dataset(data, "train"), o);
}

struct sounds {
  std::shared_ptr<const sound_bank> noises, responses;
};

// As transforms=audio_augmentations: noise and a room for every item.
any_augmentation reference_project(const sounds& s) {
  return chain{background_noise{.noises = s.noises, .snr_db = {0, 30}, .clamp = true},
               impulse_response{.responses = s.responses, .clamp = true}, peak_normalization{}};
}

// As transforms=all_augmentations_av, but everything for every item.
any_augmentation everything(const sounds& s) {
  return chain{each_source{chain{gain{}, polarity_inversion{}, random_equalizer{},
                                 impulse_response{.responses = s.responses, .compensate_delay = true, .keep_level = true}}},
               one_of{low_pass{}, high_pass{}, band_pass{}, band_stop{}},
               background_noise{.noises = s.noises},
               coloured_noise{},
               one_of{dropped_chunks{}, spectrum_masks{}, clipping{}},
               peak_normalization{}};
}

// One augmentation of a mixture and one target of 2 s.
void add_one(const std::string& name, any_augmentation what) {
  benchmark::RegisterBenchmark(("one/" + name).c_str(), [what](benchmark::State& state) {
    std::vector<float> mixture(item_length), target(item_length);
    for (std::size_t i = 0; i < mixture.size(); ++i) {
      mixture[i] = 0.1f * random_stream(5).normal<float>(i);
      target[i] = 0.7f * mixture[i];
    }
    std::uint64_t n = 0;
    for (auto _ : state) {
      std::vector<float> m = mixture, t = target;
      what.apply({m, t, rate, true}, random_stream(6, n++));
      benchmark::DoNotOptimize(m.data());
    }
  })->Unit(benchmark::kMicrosecond);
}

void add_items(const std::string& name, const fs::path& data, const any_augmentation& what) {
  benchmark::RegisterBenchmark(("items/" + name).c_str(), [=](benchmark::State& state) {
    const augmented_source source(open_faces(data), what, 1);
    batch b;
    prepare_batch(source, 1, b);
    std::uint64_t n = 0;
    for (; n < 200; ++n) make_item(source, n, 0, b);  // files are decoded once
    for (auto _ : state) make_item(source, n++, 0, b);
    state.SetItemsProcessed(state.iterations());
  })->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(("loader/" + name).c_str(),
                               [=](benchmark::State& state) {
                                 const augmented_source source(open_faces(data), what, 1);
                                 loader from(source, {.batch_size = 8, .workers = 1});
                                 batch b;
                                 for (int i = 0; i < 25; ++i) from.next(b);
                                 for (auto _ : state) from.next(b);
                                 state.SetItemsProcessed(8 * state.iterations());
                               })
      ->Unit(benchmark::kMillisecond)
      ->MeasureProcessCPUTime();
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 1 && argc != 3) fail("expected no argument, or two folders: NOISES RESPONSES");
  const benchmarks::scratch_folder scratch("avss_augment_benchmark");
  const fs::path data = scratch.folder();
  store_faces(data);
  if (argc == 1) store_sounds(data);
  const auto bank = [&](int argument, const char* name, std::size_t max_bytes = std::size_t{1} << 30) {
    return std::make_shared<const sound_bank>(argc == 3 ? fs::path(argv[argument]) : data / name, name,
                                              sound_bank_options{.rate = rate, .max_bytes = max_bytes});
  };
  const sounds s{bank(1, "noises"), bank(2, "responses")}, decoded_anew{bank(1, "noises", 0), s.responses};
  add_one("gain", gain{});
  add_one("background_noise", background_noise{.noises = s.noises});
  add_one("coloured_noise", coloured_noise{});
  add_one("impulse_response", impulse_response{.responses = s.responses});
  add_one("low_pass", low_pass{});
  add_one("random_equalizer", random_equalizer{});
  add_one("speed_perturbation", speed_perturbation{{1.05}});
  add_one("dropped_chunks", dropped_chunks{});
  add_one("clipping", clipping{});
  add_one("spectrum_masks", spectrum_masks{});
  add_items("plain", data, chain_of{});
  add_items("reference_project", data, reference_project(s));
  add_items("reference_project/noises_from_files", data, reference_project(decoded_anew));
  add_items("everything", data, everything(s));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "augment_benchmark: %s\n", e.what());
    return 1;
  }
}
