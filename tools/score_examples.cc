#include "tools/score_examples.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/mouth_clip.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/report/colour_map.hpp>
#include <avss/report/png.hpp>
#include <avss/report/spectrogram.hpp>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <system_error>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t picture_width = 480, picture_height = 160, shown_mouths = 12;

// The beginning of a file's first channel.
std::vector<float> beginning(const fs::path& path, double seconds) {
  audio_reader file(path);
  const double wanted = std::min(std::ceil(seconds * file.info().rate), static_cast<double>(file.info().frames));
  std::vector<float> x(static_cast<std::size_t>(wanted));
  std::size_t done = 0;
  while (done < x.size()) {
    const std::size_t n = file.read(std::span(x).subspan(done));
    if (n == 0) fail(path.string(), ": changed while the report was made");
    done += n;
  }
  return file.info().rate > highest_example_rate ? resample<float>(x, file.info().rate, highest_example_rate) : x;
}

void draw_sound(example_sound& sound, int rate, double top) {
  if (sound.samples.empty()) return;
  sound.picture =
      encode_png(draw(analyse(sound.samples, rate), picture_width, picture_height, top, example_range), colour_map());
}
double top_of(const example_sound& sound, int rate) {
  return sound.samples.empty() ? 0 : avss::top_of(analyse(sound.samples, rate));
}

// Not beyond full scale, where players clip.
void tame(std::initializer_list<example_sound*> together) {
  float peak = 0;
  for (const example_sound* s : together)
    for (const float v : s->samples) peak = std::max(peak, std::abs(v));
  if (peak <= 1) return;
  for (example_sound* s : together)
    for (float& v : s->samples) v /= peak;
}

std::vector<float> error_of(std::span<const float> estimate, std::span<const float> truth) {
  double et = 0, tt = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    et += static_cast<double>(estimate[i]) * truth[i], tt += static_cast<double>(truth[i]) * truth[i];
  const double a = tt > 0 ? et / tt : 0;
  std::vector<float> error(truth.size());
  for (std::size_t i = 0; i < error.size(); ++i) error[i] = static_cast<float>(estimate[i] - a * truth[i]);
  return error;
}

// Frames of a clip, as many as belong to the seconds that are shown, at even distances.
std::string mouth_strip(const mouth_clip& clip, double seconds) {
  const auto frames = std::min<std::size_t>(static_cast<std::size_t>(clip.frames),
                                            std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(seconds * 25))));
  const std::size_t shown = std::min(shown_mouths, frames), w = static_cast<std::size_t>(clip.width),
                    h = static_cast<std::size_t>(clip.height);
  indexed_picture strip{shown * w, h, std::vector<std::uint8_t>(shown * w * h)};
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t frame = shown < 2 ? 0 : i * (frames - 1) / (shown - 1);
    for (std::size_t y = 0; y < h; ++y)
      std::copy_n(clip.pixels.data() + (frame * h + y) * w, w, strip.pixels.data() + y * strip.width + i * w);
  }
  colour_table grey;
  for (std::size_t i = 0; i < grey.size(); ++i) grey[i].fill(static_cast<std::uint8_t>(i));
  return encode_png(strip, grey);
}

void add_mouths(score_example& e, const std::string& name, const fs::path& folder, double seconds) {
  const std::vector<std::string> ids = face_ids(name);
  if (folder.empty() || ids.size() != e.voices.size()) return;
  for (std::size_t s = 0; s < ids.size(); ++s) try {
      const std::vector<fs::path> files = face_files(folder, ids[s]);
      if (files.size() == 1) e.voices[s].mouths = mouth_strip(read_mouth_clip(files[0].string()), seconds);
    } catch (const error& problem) {
      e.voices[s].no_mouths = problem.what();
    }
}

void add_voice(score_example& e, const prediction_item& item, std::size_t target, std::size_t estimate, double seconds) {
  example_voice v;
  v.estimate = estimate;
  v.truth.samples = beginning(item.targets[target], seconds);
  v.estimated.samples = beginning(item.estimates[estimate], seconds);
  if (v.truth.samples.size() != e.mixture.samples.size() || v.estimated.samples.size() != e.mixture.samples.size())
    fail(item.mixture.string(), ": changed while the report was made");
  v.error.samples = error_of(v.estimated.samples, v.truth.samples);
  tame({&v.truth}), tame({&v.estimated, &v.error});
  const double top = top_of(v.estimated, e.rate);
  draw_sound(v.truth, e.rate, top_of(v.truth, e.rate));
  draw_sound(v.estimated, e.rate, top), draw_sound(v.error, e.rate, top);
  e.voices.push_back(std::move(v));
}

void fill_example(score_example& e, const score_report& report, const example_options& options) {
  const prediction_item& item = report.files.items[e.file];
  const prediction_scores& scores = report.scores[e.file];
  e.rate = std::min(scores.rate, highest_example_rate);
  e.cut = scores.seconds > options.seconds;
  const std::vector<std::size_t> order =
      report.columns[report.statistics.lead].permuted ? scores.order : given_order(scores.order.size());
  try {
    e.mixture.samples = beginning(item.mixture, options.seconds);
    tame({&e.mixture});
    draw_sound(e.mixture, e.rate, top_of(e.mixture, e.rate));
    for (std::size_t t = 0; t < order.size(); ++t) add_voice(e, item, t, order[t], options.seconds);
    add_mouths(e, item.name, options.mouths, std::min(options.seconds, scores.seconds));
  } catch (const error& problem) {
    e.problem = problem.what();
  }
}

// In base64: four characters for three bytes.
std::size_t bytes_of(const example_sound& s) { return (2 * s.samples.size() + s.picture.size()) * 4 / 3; }
std::size_t bytes_of(const score_example& e) {
  std::size_t sum = bytes_of(e.mixture);
  for (const example_voice& v : e.voices)
    sum += bytes_of(v.truth) + bytes_of(v.estimated) + bytes_of(v.error) + v.mouths.size() * 4 / 3;
  return sum;
}

}  // namespace

std::vector<score_example> pick_examples(const score_report& report, const example_options& options) {
  const std::vector<double> values = values_of(report.scores, report.statistics.lead);
  const std::vector<std::size_t> ranked = smallest(values, values.size());
  std::vector<score_example> picked;
  const auto pick = [&](const char* kind, std::size_t place) {
    const auto same = [&](const score_example& e) { return e.rank == place + 1; };
    if (place >= ranked.size() || std::any_of(picked.begin(), picked.end(), same)) return;
    score_example& e = picked.emplace_back();
    e.file = ranked[place], e.kind = kind, e.rank = place + 1;
  };
  for (std::size_t k = 0; k < options.of_each_kind && k < ranked.size(); ++k) {
    pick("worst", k);
    pick("best", ranked.size() - 1 - k);
    const std::size_t middle = (ranked.size() - 1) / 2, away = (k + 1) / 2;
    pick("middle", k % 2 == 1 ? middle + away : middle - std::min(middle, away));
  }
  std::sort(picked.begin(), picked.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
  std::size_t bytes = 0;
  for (score_example& e : picked) {
    fill_example(e, report, options);
    bytes += bytes_of(e);
    if (bytes <= most_example_bytes) continue;
    bytes -= bytes_of(e);
    e.mixture = {}, e.voices.clear();
    e.problem =
        joined("Not shown, since examples are limited to ", most_example_bytes >> 20, " MiB; take fewer or shorter ones");
  }
  return picked;
}

fs::path mouths_of(const fs::path& truth) {
  fs::path folder = fs::absolute(truth).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (int up = 0; up < 3; ++up, folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::is_directory(folder / "mouths", ignored)) return folder / "mouths";
  }
  return {};
}

}  // namespace avss::tools
