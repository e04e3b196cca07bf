// Metrics by the names that configurations, tables and files use.
#pragma once

#include <avss/metric/item_signals.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/metric/ratio.hpp>
#include <avss/metric/separation.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

// How an estimate is measured against its target. One of the three functions is given, the others are null: energies are
// gathered block by block for signals of any length, signals are held in memory whole, and an item's signals are all there is
// of it, for metrics that need the other targets or share work. Larger values are better.
struct named_metric {
  const char* name;   // "si_snr"; its improvement over the mixture is "si_snri"
  const char* title;  // "SI-SNR"
  const char* unit;   // "dB", or "" for none
  int decimals;       // that are worth printing
  ratio (*of_energies)(const pair_meter&) = nullptr;
  ratio (*of_signals)(std::span<const float> estimate, std::span<const float> target, int rate) = nullptr;
  ratio (*of_item)(item_signals& item, std::size_t estimate, std::size_t target) = nullptr;  // sources(): the mixture
  bool of_estimate_alone = false;  // whatever the target: it prefers no order
};

// A further metric is one entry here.
inline constexpr named_metric known_metrics[] = {
    {"si_snr", "SI-SNR", "dB", 2, [](const pair_meter& m) { return m.si_snr(); }},
    {"si_sdr", "SI-SDR", "dB", 2, [](const pair_meter& m) { return m.si_sdr(); }},
    {"snr", "SNR", "dB", 2, [](const pair_meter& m) { return m.snr(); }},
    // What RTFS-Net and its relatives publish as SDR: SNR of signals less their means.
    {"zm_snr", "zero-mean SNR", "dB", 2, nullptr,
     [](std::span<const float> e, std::span<const float> t, int) { return measure_snr(e, t, true); }},
    {"sdr", "SDR", "dB", 2, nullptr, nullptr, [](item_signals& x, std::size_t e, std::size_t t) { return x.bss().sdr(e, t); }},
    {"sir", "SIR", "dB", 2, nullptr, nullptr, [](item_signals& x, std::size_t e, std::size_t t) { return x.bss().sir(e, t); }},
    {"sar", "SAR", "dB", 2, nullptr, nullptr, [](item_signals& x, std::size_t e, std::size_t t) { return x.bss().sar(e, t); }},
    {"stoi", "STOI", "", 4, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t t) { return x.intelligibility().stoi(e, t); }},
    {"estoi", "ESTOI", "", 4, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t t) { return x.intelligibility().estoi(e, t); }},
    // A program's, which the user has; see pesq.hpp.
    {"pesq", "PESQ", "", 3, nullptr, nullptr, [](item_signals& x, std::size_t e, std::size_t t) { return x.pesq(e, t); }},
    // Networks', whose files the user has; see dnsmos.hpp. They hear the estimate alone.
    {"dnsmos_sig", "DNSMOS SIG", "", 3, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t) { return x.p835(e).signal; }, true},
    {"dnsmos_bak", "DNSMOS BAK", "", 3, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t) { return x.p835(e).background; }, true},
    {"dnsmos_ovrl", "DNSMOS OVRL", "", 3, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t) { return x.p835(e).overall; }, true},
    {"dnsmos_p808", "DNSMOS P.808", "", 3, nullptr, nullptr,
     [](item_signals& x, std::size_t e, std::size_t) { return x.p808(e); }, true},
};
inline constexpr const named_metric& si_snr_metric = known_metrics[0];

// A metric, or its improvement over the mixture.
struct metric_choice {
  const named_metric* metric = nullptr;
  bool improvement = false;

  std::string name() const { return std::string(metric->name) + (improvement ? "i" : ""); }
  std::string title() const { return std::string(metric->title) + (improvement ? "i" : ""); }
};

// All there are: si_snr, si_snri, si_sdr, ...
inline std::vector<metric_choice> metric_choices(std::span<const named_metric> known = known_metrics) {
  std::vector<metric_choice> choices;
  for (const named_metric& m : known)
    for (const bool improvement : {false, true}) choices.push_back({&m, improvement});
  return choices;
}

// The choice of that name, if there is one.
inline std::optional<metric_choice> find_metric(std::string_view name, std::span<const named_metric> known = known_metrics) {
  for (const metric_choice& c : metric_choices(known))
    if (c.name() == name) return c;
  return std::nullopt;
}

// The choice's value for each target, by `measure(metric, estimate, target)` with estimate = order[target] or, for the
// mixture, order.size().
template <class Measure>
std::vector<ratio> score_sources_by(const metric_choice& choice, std::span<const std::size_t> order, Measure&& measure) {
  std::vector<ratio> scores(order.size());
  for (std::size_t t = 0; t < order.size(); ++t) {
    scores[t] = measure(*choice.metric, order[t], t);
    if (choice.improvement) scores[t] = improvement(scores[t], measure(*choice.metric, order.size(), t));
  }
  return scores;
}

// The order that is the best by this metric alone: order[target] = estimate. The mixture's part is the same in every order.
template <class Measure>
std::vector<std::size_t> order_by(const named_metric& metric, std::size_t sources, Measure&& measure) {
  std::vector<double> score(sources * sources);
  for (std::size_t i = 0; i < score.size(); ++i) score[i] = measure(metric, i / sources, i % sources).value;
  return best_permutation(score, sources);
}

// score_sources_by for a metric of energies.
inline std::vector<ratio> score_sources(const metric_choice& choice, std::span<const std::size_t> order,
                                        const separation_meter& meter) {
  return score_sources_by(choice, order, [&](const named_metric& m, std::size_t estimate, std::size_t target) {
    return m.of_energies(estimate == order.size() ? meter.mixture(target) : meter.pair(estimate, target));
  });
}

}  // namespace avss
