#include "tools/infer_item.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <avss/core/error.hpp>
#include <avss/data/signal_stream.hpp>
#include <avss/dsp/joint_level.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/model/long_form.hpp>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>

#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block = 1 << 14;  // samples moved at a time

// An earlier result under a hidden second name, until the new ones are all there.
class kept_result {
 public:
  explicit kept_result(const fs::path& target) : target_(target) {
    static std::atomic<unsigned> serial{0};
    std::error_code code;
    if (!fs::exists(target_, code)) return;
    was_there_ = true;
    aside_ = target_.parent_path() / (".part-" + std::to_string(::getpid()) + "-kept-" + std::to_string(serial++) + ".wav");
    fs::create_hard_link(target_, aside_, code);
    if (code) aside_.clear();  // a file system without links
  }
  kept_result(kept_result&& from) noexcept
      : target_(std::move(from.target_)), aside_(std::exchange(from.aside_, {})), was_there_(from.was_there_) {}
  kept_result& operator=(kept_result&&) = delete;
  ~kept_result() {
    std::error_code ignored;
    if (!aside_.empty()) fs::remove(aside_, ignored);
  }

  // Takes the new result back. Where the earlier one could not be kept, the new one stays: a result is never just gone.
  void restore() {
    std::error_code ignored;
    if (!was_there_) fs::remove(target_, ignored);
    if (!aside_.empty()) fs::rename(aside_, target_, ignored), aside_.clear();
  }

 private:
  fs::path target_, aside_;
  bool was_there_ = false;
};

}  // namespace

void publish_together(std::span<audio_writer> writers) {
  std::vector<kept_result> kept;
  for (const audio_writer& w : writers) kept.emplace_back(w.target());
  std::size_t done = 0;
  try {
    for (; done < writers.size(); ++done) writers[done].publish();
  } catch (...) {
    for (std::size_t s = 0; s < done; ++s) kept[s].restore();
    throw;
  }
}

fs::path source_folder(const infer_options& options, std::size_t source) {
  return options.save_path / options.key / source_folder_name(source + 1);
}

item_job::item_job(const infer_options& options, part_separator& network, const mixture_item& item, const audio_info& audio)
    : options_(options),
      network_(network),
      item_(item),
      sources_(static_cast<std::size_t>(network.info().sources)),
      rate_(options.target_rate > 0 ? options.target_rate : audio.rate),
      length_(static_cast<std::size_t>(resampled_length(audio.frames, audio.rate, rate_))) {}

void item_job::run() {
  separate();
  find_gains();
  write();
}

void item_job::separate() {
  const int network_rate = network_.info().sample_rate;
  for (std::size_t s = 0; s < sources_; ++s) estimates_.emplace_back(options_.save_path / options_.key);
  std::vector<resampler<float>> back(sources_, resampler<float>(network_rate, rate_));
  signal_stream mixture(item_.mixture, network_rate, options_.channels);
  long_form network(network_, {.window = options_.window, .free_level = options_.free_level});
  std::vector<float> in(block), separated, out;
  const auto drain = [&](bool last) {
    const std::size_t n = network.ready();
    separated.resize(sources_ * n);
    network.pop(separated);
    for (std::size_t s = 0; s < sources_; ++s) {
      out.clear();
      back[s].push(std::span<const float>(separated).subspan(s * n, n), out);
      if (last) back[s].finish(out);
      // Rounded up twice, the way there and back can end a sample or more late.
      estimates_[s].append(std::span<const float>(out).first(std::min(out.size(), length_ - estimates_[s].size())));
    }
  };
  while (const std::size_t n = mixture.read(in)) {
    check_stop();
    network.push(std::span<const float>(in).first(n));
    drain(false);
  }
  check_stop();
  network.finish();
  drain(true);
}

void item_job::each_block(const with_estimates& act) {
  signal_stream mixture(item_.mixture, rate_, options_.channels);
  std::vector<float> x(block), y;
  for (std::size_t at = 0; at < length_;) {
    check_stop();
    const std::size_t n = mixture.read(std::span(x).first(std::min(block, length_ - at)));
    if (n == 0) fail(item_.mixture.string(), ": changed while it was read");
    y.resize(sources_ * n);
    for (std::size_t s = 0; s < sources_; ++s) {
      const auto part = std::span(y).subspan(s * n, n);
      estimates_[s].read(at, part);
      for (float& v : part) v = static_cast<float>(v * gains_[s]);
    }
    act(std::span<const float>(x).first(n), y);
    at += n;
  }
}

void item_job::find_gains() {
  gains_.assign(sources_, 1.);
  if (options_.level == level_policy::none) return;
  joint_level level(sources_);
  double mixture_peak = 0;
  std::vector<double> peaks(sources_, 0.);
  const auto peak_of = [](std::span<const float> x) {
    double most = 0;
    for (float v : x) most = std::max(most, std::abs(double{v}));
    return most;
  };
  each_block([&](std::span<const float> x, std::span<const float> y) {
    level.add(x, y);
    mixture_peak = std::max(mixture_peak, peak_of(x));
    for (std::size_t s = 0; s < sources_; ++s) peaks[s] = std::max(peaks[s], peak_of(y.subspan(s * x.size(), x.size())));
  });
  if (options_.level == level_policy::mixture)
    gains_ = level.gains();
  else
    for (std::size_t s = 0; s < sources_; ++s) gains_[s] = peaks[s] > 0 ? mixture_peak / peaks[s] : 1;
}

void item_job::each_block_with_truth(const with_truth& act) {
  std::vector<signal_stream> truth;
  for (const fs::path& path : item_.sources) truth.emplace_back(path, rate_, options_.channels);
  std::vector<float> targets;
  each_block([&](std::span<const float> x, std::span<const float> y) {
    targets.resize(truth.size() * x.size());
    for (std::size_t s = 0; s < truth.size(); ++s)
      if (truth[s].read(std::span(targets).subspan(s * x.size(), x.size())) != x.size())
        fail(item_.sources[s].string(), ": changed while it was read");
    act(x, targets, y);
  });
}

void item_job::write() {
  std::vector<fs::path> inputs = options_.protect;
  inputs.insert(inputs.end(), item_.sources.begin(), item_.sources.end());
  inputs.push_back(item_.mixture);
  std::vector<audio_writer> writers;
  for (std::size_t s = 0; s < sources_; ++s)
    writers.emplace_back(source_folder(options_, s) / (item_.name + ".wav"), rate_, inputs);
  const auto store = [&](std::span<const float> x, std::span<const float> y) {
    for (std::size_t s = 0; s < sources_; ++s) writers[s].write(y.subspan(s * x.size(), x.size()));
  };
  if (has_truth()) {
    meter_.emplace(sources_);
    each_block_with_truth([&](auto x, auto t, auto y) {
      store(x, y);
      meter_->observe(x, t, y);
    });
    each_block_with_truth([&](auto x, auto t, auto y) { meter_->resolve(x, t, y); });
  } else {
    each_block(store);
  }
  for (audio_writer& w : writers) w.finish();
  check_stop();
  publish_together(writers);
}

}  // namespace avss::tools
