// DNSMOS: mean opinion scores of speech without a target, by the networks that Microsoft published (Reddy, Gopal and Cutler,
// "DNSMOS: a non-intrusive perceptual objective speech quality metric to evaluate noise suppressors", ICASSP 2021, and "DNSMOS
// P.835", ICASSP 2022; github.com/microsoft/DNS-Challenge). Their files are the user's to bring.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/onnx_graph.hpp>
#include <avss/metric/dnsmos_features.hpp>
#include <avss/metric/image_chain.hpp>
#include <avss/metric/opinion.hpp>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace avss {

// Speech of any length and rate; other rates are resampled to 16 kHz. Segments of 9.01 s are heard one second apart and their
// scores averaged; shorter speech is heard again and again, doubled until it is long enough. Takes about 120 MB while it
// measures.
class dnsmos final : public opinion_meter {
 public:
  static constexpr const char *p835_file = "sig_bak_ovr.onnx", *p808_file = "model_v8.onnx";

  // A folder with one of the files or both. Throws error for a file that is there and cannot be used, and where none is.
  explicit dnsmos(const std::filesystem::path& folder) : folder_(folder) {
    namespace features = dnsmos_features;
    std::error_code ignored;
    if (std::filesystem::exists(folder / p835_file, ignored)) {
      const std::string path = (folder / p835_file).string();
      const onnx_graph graph = read_onnx(path);
      learned_ = learned_transform(graph, path);
      p835_.emplace(graph, features::frames, features::bins, path);
      if (p835_->outputs() != 3) fail(path, ": gives ", p835_->outputs(), " scores, expected 3: another network");
    }
    if (std::filesystem::exists(folder / p808_file, ignored)) {
      const std::string path = (folder / p808_file).string();
      p808_.emplace(read_onnx(path), features::frames, features::mels, path);
      if (p808_->outputs() != 1) fail(path, ": gives ", p808_->outputs(), " scores, expected 1: another network");
    }
    if (!p835_ && !p808_) fail(folder.string(), ": holds neither ", p835_file, " nor ", p808_file, "; ", remedy);
  }

  // Throw error where the file is not there.
  void expect_p835() const {
    if (!p835_) fail((folder_ / p835_file).string(), ": is not there, and dnsmos_sig, _bak and _ovrl need it; ", remedy);
  }
  void expect_p808() const {
    if (!p808_) fail((folder_ / p808_file).string(), ": is not there, and dnsmos_p808 needs it; ", remedy);
  }

  opinions p835(std::span<const float> speech, int rate) const override {
    expect_p835();
    double sum[3] = {};
    const ratio_status status = hear(speech, rate, [&](std::span<const float> x) {
      const std::vector<float> raw = p835_->run(cpu(1), dnsmos_features::log_powers(learned_, x));
      const double s = raw[0], b = raw[1], o = raw[2];
      sum[0] += (-0.08397278 * s + 1.22083953) * s + 0.0052439;
      sum[1] += (-0.13166888 * b + 1.60915514) * b - 0.39604546;
      sum[2] += (-0.06766283 * o + 1.11546468) * o + 0.04602535;
    });
    const auto mean = [&](double all) { return mean_of(all, status, segments_of(speech.size(), rate)); };
    return {mean(sum[0]), mean(sum[1]), mean(sum[2])};
  }

  ratio p808(std::span<const float> speech, int rate) const override {
    expect_p808();
    double sum = 0;
    const ratio_status status = hear(speech, rate, [&](std::span<const float> x) {
      sum += p808_->run(cpu(1), dnsmos_features::log_mels(x.first(x.size() - 160))).front();
    });
    return mean_of(sum, status, segments_of(speech.size(), rate));
  }

 private:
  static constexpr const char* remedy =
      "download it from github.com/microsoft/DNS-Challenge, DNSMOS/DNSMOS, into a folder and name that, "
      "metrics.dnsmos.path=DIR";

  // Two matrices of 161 bins by 320 samples, whichever way they lie; which of them is real does not matter for powers.
  static dnsmos_features::transform learned_transform(const onnx_graph& graph, const std::string& origin) {
    namespace features = dnsmos_features;
    constexpr dim_t taps = 320;
    std::vector<std::vector<float>> found;
    for (const auto& [name, t] : graph.tensors) {
      std::vector<dim_t> extents;
      for (const dim_t e : t.shape)
        if (e != 1) extents.push_back(e);
      if (extents == std::vector<dim_t>{features::bins, taps}) found.push_back(t.values<float>());
      if (extents != std::vector<dim_t>{taps, features::bins}) continue;
      const std::vector<float> lying = t.values<float>();
      std::vector<float>& m = found.emplace_back(lying.size());
      for (dim_t k = 0; k < features::bins; ++k)
        for (dim_t i = 0; i < taps; ++i)
          m[static_cast<std::size_t>(k * taps + i)] = lying[static_cast<std::size_t>(i * features::bins + k)];
    }
    if (found.size() != 2)
      fail(origin, ": holds ", found.size(), " matrices of 161 x 320 where 2 make the spectrum; expected the file ", p835_file,
           " of github.com/microsoft/DNS-Challenge");
    return {taps, std::move(found[0]), std::move(found[1])};
  }

  // Samples at 16 kHz once it is long enough, and the segments of so many.
  static std::size_t heard_samples(std::size_t samples, int rate) {
    std::size_t n = static_cast<std::size_t>(resampled_length(static_cast<dim_t>(samples), rate, dnsmos_features::rate));
    while (n > 0 && n < static_cast<std::size_t>(dnsmos_features::segment)) n *= 2;
    return n;
  }
  static double segments_of(std::size_t samples, int rate) {
    const double seconds = std::floor(static_cast<double>(heard_samples(samples, rate)) / dnsmos_features::rate);
    return std::max(1., std::trunc(seconds - 9.01) + 1);
  }

  static ratio mean_of(double sum, ratio_status status, double segments) {
    if (status == ratio_status::empty || status == ratio_status::not_finite)
      return {std::numeric_limits<double>::quiet_NaN(), status};
    return {sum / segments, status};
  }

  // listen(segment) for one after the other, where there is something to hear.
  template <class Listen>
  static ratio_status hear(std::span<const float> speech, int rate, Listen&& listen) {
    namespace features = dnsmos_features;
    if (speech.empty() || rate < 1) return ratio_status::empty;
    if (!std::all_of(speech.begin(), speech.end(), [](float v) { return std::isfinite(v); })) return ratio_status::not_finite;
    std::vector<float> x =
        rate == features::rate ? std::vector<float>(speech.begin(), speech.end()) : resample(speech, rate, features::rate);
    const std::size_t once = x.size(), all = heard_samples(speech.size(), rate);
    x.resize(all);
    for (std::size_t i = once; i < all; ++i) x[i] = x[i - once];
    for (double s = 0; s < segments_of(speech.size(), rate); ++s)
      listen(std::span<const float>(x).subspan(static_cast<std::size_t>(s) * features::rate, features::segment));
    const bool constant = std::all_of(speech.begin(), speech.end(), [&](float v) { return v == speech[0]; });
    return constant ? ratio_status::silent_estimate : ratio_status::measured;
  }

  std::filesystem::path folder_;
  dnsmos_features::transform learned_;
  std::optional<image_chain> p835_, p808_;
};

}  // namespace avss
