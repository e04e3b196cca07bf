#include "tools/score_prediction.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/metric/item_signals.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/metric/separation.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block = 1 << 14;  // samples read at a time

void check_alike(const audio_reader& file, const audio_reader& mixture) {
  const audio_info &a = file.info(), &b = mixture.info();
  const auto differs = [&](const auto& found, const auto& expected, const char* unit, const char* remedy) {
    fail(file.path().string(), ": has ", found, unit, " where its mixture ", mixture.path().string(), " has ", expected, unit,
         "; ", remedy);
  };
  if (a.rate != b.rate) differs(a.rate, b.rate, " Hz", "resample one of them");
  if (a.channels != b.channels) differs(a.channels, b.channels, " channel(s)", "convert one of them");
  if (a.frames != b.frames) differs(a.frames, b.frames, " samples", "cut or pad one of them");
}

// All files of an item from their beginnings, in step.
class item_reader {
 public:
  explicit item_reader(const prediction_item& item) {
    files_.emplace_back(item.mixture);
    for (const auto* paths : {&item.targets, &item.estimates})
      for (const fs::path& p : *paths) {
        files_.emplace_back(p);
        check_alike(files_.back(), files_.front());
      }
    sources_ = item.targets.size();
  }

  const audio_info& info() const { return files_.front().info(); }

  // Calls act(mixture [n], targets [sources][n], estimates [sources][n]) for block after block.
  template <class Act>
  void each_block(Act&& act) {
    std::vector<float> x(block), y(2 * sources_ * block);
    while (const std::size_t n = files_.front().read(x)) {
      for (std::size_t i = 0; i + 1 < files_.size(); ++i)
        if (files_[i + 1].read(std::span(y).subspan(i * n, n)) != n) changed(files_[i + 1]);
      const std::span<const float> all = std::span<const float>(y).first(2 * sources_ * n);
      act(std::span<const float>(x).first(n), all.first(sources_ * n), all.subspan(sources_ * n));
    }
    for (const audio_reader& f : files_)
      if (f.position() != info().frames) changed(f);
  }

 private:
  [[noreturn]] static void changed(const audio_reader& file) { fail(file.path().string(), ": changed while it was read"); }

  std::vector<audio_reader> files_;  // mixture, targets, estimates
  std::size_t sources_ = 0;
};

// Metrics of whole signals. What several columns need is read and measured once.
class whole_signals {
 public:
  whole_signals(const prediction_item& item, const metric_instruments& instruments) : item_(item), instruments_(instruments) {}

  ratio measure(const named_metric& metric, std::size_t estimate, std::size_t target) {
    const auto [at, fresh] = measured_.try_emplace({&metric, estimate, target});
    if (fresh) {
      if (!signals_) signals_.emplace(read_all());
      at->second = metric.of_item ? metric.of_item(*signals_, estimate, target)
                                  : metric.of_signals(signals_->estimate(estimate), signals_->target(target), signals_->rate());
    }
    return at->second;
  }

 private:
  item_signals read_all() {
    const std::span<const float> mixture = read(item_.mixture);
    std::vector<std::span<const float>> targets, estimates;
    for (const fs::path& p : item_.targets) targets.push_back(read(p));
    for (const fs::path& p : item_.estimates) estimates.push_back(read(p));
    return {files_.front().info.rate, mixture, std::move(targets), std::move(estimates), instruments_};
  }
  std::span<const float> read(const fs::path& path) {
    files_.push_back(read_audio(path));
    if (files_.back().samples.size() != files_.front().samples.size()) fail(path.string(), ": changed while it was read");
    return files_.back().samples;
  }

  const prediction_item& item_;
  const metric_instruments& instruments_;
  std::deque<audio_signal> files_;  // the mixture is the first
  std::optional<item_signals> signals_;
  std::map<std::tuple<const named_metric*, std::size_t, std::size_t>, ratio> measured_;
};

// "mix, s1, estimate s2" of the clipped ones, given mixture, targets, estimates.
std::string names_of_clipped(std::span<const clipping_meter> meters) {
  const std::size_t sources = (meters.size() - 1) / 2;
  std::string text;
  for (std::size_t i = 0; i < meters.size(); ++i) {
    if (!meters[i].clipped()) continue;
    const std::string name = i == 0         ? "mix"
                             : i <= sources ? source_folder_name(i)
                                            : "estimate " + source_folder_name(i - sources);
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

prediction_scores score_prediction(const prediction_item& item, std::span<const metric_column> columns,
                                   const metric_instruments& instruments) {
  prediction_scores result;
  separation_meter meter(item.targets.size());
  {
    item_reader files(item);
    result.seconds = files.info().seconds(), result.rate = files.info().rate, result.channels = files.info().channels;
    std::vector<clipping_meter> clipping(1 + 2 * meter.sources());
    files.each_block([&](auto x, auto targets, auto estimates) {
      meter.observe(x, targets, estimates);
      clipping[0].observe(x);
      for (std::size_t s = 0; s < meter.sources(); ++s) {
        clipping[1 + s].observe(targets.subspan(s * x.size(), x.size()));
        clipping[1 + meter.sources() + s].observe(estimates.subspan(s * x.size(), x.size()));
      }
    });
    result.clipped = names_of_clipped(clipping);
  }
  item_reader(item).each_block([&](auto x, auto targets, auto estimates) { meter.resolve(x, targets, estimates); });

  const std::vector<std::size_t> given = given_order(meter.sources());
  result.order = meter.order();
  result.si_snr_given = score_sources({&si_snr_metric, false}, given, meter);
  result.si_snr_best = score_sources({&si_snr_metric, false}, result.order, meter);
  for (std::size_t t = 0; t < meter.sources(); ++t) result.si_snr_mixture.push_back(meter.mixture(t).si_snr());
  whole_signals signals(item, instruments);
  for (const metric_column& c : columns) {
    const auto measure = [&](const named_metric& m, std::size_t e, std::size_t t) {
      if (m.of_energies) return m.of_energies(e == meter.sources() ? meter.mixture(t) : meter.pair(e, t));
      return signals.measure(m, e, t);
    };
    const bool own = c.own_order && !c.choice.metric->of_estimate_alone &&
                     measure(*c.choice.metric, 0, 0).status != ratio_status::not_installed;
    result.orders.push_back(!c.permuted ? given : own ? order_by(*c.choice.metric, meter.sources(), measure) : result.order);
    result.columns.push_back(score_sources_by(c.choice, result.orders.back(), measure));
  }
  return result;
}

}  // namespace avss::tools
