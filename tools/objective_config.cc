#include "tools/objective_config.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/train/cpu_criterion.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/section.hpp"

namespace avss::tools {
namespace {

using config::settings;

const std::vector<std::string> losses{
    "PITSISNRLoss",
    "SISNRLoss",
    "PITSNRLoss",
    "SNRLoss",
    "SISDRLoss",
    "SDSDRLoss",
    "ThresholdedSNRLoss",
    "ComplexSpecMappingMSELoss",
    "ComplexSpecL1Loss",
    "MagnitudeL1Loss",
    "MagnitudeMSELoss",
    "LogMagnitudeL1Loss",
    "LogMagnitudeMSELoss",
    "MultiResolutionSTFTLoss",
    "WaveformL1Loss",
    "WaveformMSELoss",
    "LossMix",
    "WeightedSum",
    "PIT",
};
// Columns of the record of metrics.
const std::vector<std::string> taken{"loss",    "si_snr", "si_snri", "grad_norm", "lr", "items_per_second",
                                     "skipped", "step",   "epoch",   "partition"};

double finite(const section& s, const std::string& key, double fallback) {
  const double v = s.get<double>(key, fallback);
  if (!std::isfinite(v)) s.wrong(key, "expected a finite number, found ", v);
  return v;
}

std::string part_name(const section& s, const std::string& key, const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), plain))
    s.wrong(key, "expected a part's name of letters, digits and _, found '", name, "'");
  return name;
}

stft_size read_size(const section& s) {
  s.allow({"window", "hop"});
  const stft_size d;
  return {s.get<std::int64_t>("window", d.window), s.get<std::int64_t>("hop", d.hop)};
}

distance_loss read_resolutions(const section& s) {
  s.allow({"windows", "hops", "convergence_weight", "log_magnitude_weight"});
  using list = std::vector<std::int64_t>;
  const list windows = s.get<list>("windows", {512, 1024, 2048}), hops = s.get<list>("hops", {128, 256, 512});
  if (windows.size() != hops.size())
    s.wrong("hops", "expected one for each of the ", windows.size(), " windows, found ", hops.size());
  std::vector<stft_size> sizes;
  for (std::size_t i = 0; i < windows.size(); ++i) sizes.push_back({windows[i], hops[i]});
  return multi_resolution_stft(sizes.data(), sizes.size(), finite(s, "convergence_weight", 1),
                               finite(s, "log_magnitude_weight", 1));
}

// Those that have windows, by their names.
distance_loss read_spectral(const section& s, const std::string& target) {
  if (target == "MultiResolutionSTFTLoss") return read_resolutions(s);
  const stft_size size = read_size(s);
  if (target == "ComplexSpecMappingMSELoss") return complex_mapping_mse(size);
  if (target == "ComplexSpecL1Loss") return complex_spectrum_l1(size);
  if (target == "MagnitudeL1Loss") return magnitude_l1(size);
  if (target == "MagnitudeMSELoss") return magnitude_mse(size);
  if (target == "LogMagnitudeL1Loss") return log_magnitude_l1(size);
  return log_magnitude_mse(size);
}

chosen_loss read_loss(const settings& s, const std::string& name, bool permuted);

void add_part(chosen_loss& to, chosen_loss part, std::string name, double weight) {
  part.name = std::move(name), part.weight = weight;
  to.sum.push_back(std::move(part));
}

chosen_loss read_mix(const settings& s, const section& own, bool permuted) {
  own.allow({"loss1", "loss1_name", "loss2", "loss2_name", "loss2_weight"});
  chosen_loss mix;
  for (const std::string k : {"loss1", "loss2"})
    add_part(mix, read_loss(s, own.path(k), permuted), part_name(own, k + "_name", own.get<std::string>(k + "_name", k)),
             k == "loss1" ? 1 : finite(own, "loss2_weight", 0.1));
  return mix;
}

chosen_loss read_sum(const settings& s, const section& own, bool permuted) {
  own.allow({"losses"});
  const config::value all = own.at("losses");
  if (all.kind() != config::kind::map || all.entries().empty())
    own.wrong("losses", "expected at least one part, as NAME: {weight: W, loss: {_target_: ...}}");
  chosen_loss sum;
  for (const config::value::entry& e : all.entries()) {
    part_name(own, "losses", e.key);
    const section part = own.group("losses").group(e.key);
    if (e.item.kind() != config::kind::map) own.wrong("losses." + e.key, "expected {weight: W, loss: {_target_: ...}}");
    for (const config::value::entry& k : e.item.entries())
      if (k.key != "weight" && k.key != "loss") part.wrong(k.key, "a part of a sum has no such key; it has weight and loss");
    add_part(sum, read_loss(s, part.path("loss"), permuted), e.key, finite(part, "weight", 1));
  }
  return sum;
}

// `permuted`: within a permuted one.
chosen_loss read_loss(const settings& s, const std::string& name, bool permuted) {
  const section own(s, name);
  const std::string target = own.target(losses);
  const bool permutes = target.starts_with("PIT");
  if (permutes && permuted)
    own.wrong("_target_", "a permutation within a permutation; take ", target, " or the outer one away");
  if (target == "PIT") {
    own.allow({"loss"});
    chosen_loss inner = read_loss(s, own.path("loss"), true);
    inner.permuted = true;
    return inner;
  }
  if (target == "LossMix") return read_mix(s, own, permuted);
  if (target == "WeightedSum") return read_sum(s, own, permuted);
  chosen_loss loss;
  loss.permuted = permutes;
  if (target.find("Spec") != std::string::npos || target.find("Magnitude") != std::string::npos ||
      target == "MultiResolutionSTFTLoss") {
    const distance_loss d = read_spectral(own, target);
    try {
      d.check();
    } catch (const error& e) {
      fail(name, ": ", e.what());
    }
    loss.leaf = d;
    return loss;
  }
  if (target == "ThresholdedSNRLoss") {
    own.allow({"max_db"});
    loss.leaf = thresholded_snr(finite(own, "max_db", 30));
    return loss;
  }
  own.allow({});
  if (target == "WaveformL1Loss") loss.leaf = waveform_l1();
  if (target == "WaveformMSELoss") loss.leaf = waveform_mse();
  if (target == "SISNRLoss" || target == "PITSISNRLoss") loss.leaf = si_snr();
  if (target == "SNRLoss" || target == "PITSNRLoss") loss.leaf = snr();
  if (target == "SISDRLoss") loss.leaf = si_sdr();
  if (target == "SDSDRLoss") loss.leaf = sd_sdr();
  return loss;
}

}  // namespace

chosen_loss read_objective(const settings& s) {
  chosen_loss loss = read_loss(s, "loss_function", false);
  std::vector<std::string> known = taken;
  for (const std::string& name : cpu_criterion(loss).names()) {
    if (std::find(known.begin(), known.end(), name) != known.end())
      fail("loss_function: the name '", name, "' of a part is taken; choose another, e.g. ", name, "_loss");
    known.push_back(name);
  }
  return loss;
}

std::shared_ptr<const criterion> read_criterion(const settings& s) {
  return std::make_shared<const cpu_criterion>(read_objective(s));
}

}  // namespace avss::tools
