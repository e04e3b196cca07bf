// RTFS-Net with a loss and an optimiser, on the CPU, as a training loop sees it.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/rtfsnet.hpp>
#include <avss/train/separation_trainable.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

// Takes t.faces faces for each mixture, whose voices are the targets in the same order. Metrics are permuted where the
// objective is. BatchNorm uses and collects the statistics of batches; those of a step that is given up are forgotten.
//
// All faces of a batch of B go through the network at once: the mixture is heard once, and BatchNorm takes one mean and
// variance of all B t.faces, and advances its running ones once a step. The reference project's RTFSNet2SpeakersSeparation runs
// its network once for each face instead: statistics of B items, advanced t.faces times a step. So steps of more than one face
// differ from its.
template <rtfsnet_config S>
class rtfsnet_trainable final : public separation_trainable<av_engine<RtfsNet<S>, cpu>> {
 public:
  rtfsnet_trainable(std::string name, const separation_training& t, int passes = S.passes)
      : base(about(std::move(name), t.faces), t, t.permutes(), RtfsNet<S>(passes)), t_(t) {
    if (t.faces < 1) fail("a network that sees cannot be trained with ", t.faces, " faces");
  }

  std::size_t planned_bytes(dim_t batch_size, dim_t length) const override {
    const av_size n{batch_size, length, t_.faces, lip_frames_of(length, S.sample_rate)};
    return engine_.planned_bytes(pass::train, n, {.recompute = t_.recompute}) +
           this->loss_bytes(batch_size, t_.faces, length,
                            this->takes_spectra() ? network::framing_of(batch_size * t_.faces, length) : op::framing{});
  }
  training_state state(const rates& r) override {
    training_state s = base::state(r);
    s.weights = with_whole_counters(std::move(s.weights));
    s.trained_weights = with_whole_counters(std::move(s.trained_weights));
    return s;
  }

 private:
  using network = RtfsNet<S>;
  using base = separation_trainable<av_engine<network, cpu>>;
  using base::engine_;

  static trainable_info about(std::string name, dim_t faces) {
    trainable_info info;
    info.name = std::move(name), info.arch = faces == 1 ? "RTFSNet" : "RTFSNet2SpeakersSeparation";
    info.sample_rate = S.sample_rate, info.sources = faces, info.video_channels = S.video_channels;
    return info;
  }
  static op::framing framing_of(const batch& b) { return network::framing_of(b.size * b.video.faces, b.length); }
  static av_size size_of(const batch& b) { return {b.size, b.length, b.video.faces, b.video.frames}; }

  void check(const batch& b) const override {
    if (b.size < 1 || b.length < 1 || b.sources != t_.faces || b.video.faces != t_.faces ||
        b.video.channels != S.video_channels || b.video.frames < 1)
      fail(this->info_.name, " takes mixtures of ", t_.faces, " faces with ", S.video_channels,
           " features each, not a batch of ", b.size, " with ", b.sources, " sources, ", b.length, " samples, and ",
           b.video.faces, " faces of ", b.video.channels, " features in ", b.video.frames, " frames");
  }

  void take_weights(const loaded_weights& file, const std::string& origin) override {
    avss::load_weights(engine_, file, origin);
  }
  void learn(const batch& b, std::span<float> estimates, const typename base::loss_function& loss) override {
    if (part_ == 0) statistics_.assign(engine_.state().begin(), engine_.state().end());
    pass_rules rules{.batch_statistics = true, .recompute = t_.recompute};
    if (t_.dropout) rules.dropout = random_stream(t_.seed, "dropout", static_cast<std::uint64_t>(this->steps()), part_);
    ++part_;
    engine_.train_step(size_of(b), b.mixtures, b.features, estimates, rules,
                       [&](auto&, auto, auto spectrum, auto d_estimate, auto d_spectrum) {
                         loss(d_estimate.data, {framing_of(b), spectrum.data, d_spectrum.data});
                         return 0;
                       });
  }
  own_spectra<float> separate(const batch& b, std::span<float> estimates) override {
    const av_size n = size_of(b);
    spectrum_.resize(this->takes_spectra() ? static_cast<std::size_t>(engine_.spectrum_of(n).size()) : 0);
    engine_.separate(n, b.mixtures, b.features, estimates, spectrum_);
    if (spectrum_.empty()) return {};
    return {framing_of(b), spectrum_.data(), nullptr};
  }
  void settle(bool taken) override {
    if (!taken && part_ > 0) std::copy(statistics_.begin(), statistics_.end(), engine_.state().begin());
    part_ = 0;
  }

  separation_training t_;
  std::uint64_t part_ = 0;         // batches of the step so far
  std::vector<float> statistics_;  // before the step
  std::vector<float> spectrum_;    // of the last evaluation
};

}  // namespace avss
