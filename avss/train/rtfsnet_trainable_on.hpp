// RTFS-Net with a loss and an optimiser, as a training loop sees it. Operations as for separation_trainable.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/model/rtfsnet_weights.hpp>
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
template <rtfsnet_config S, class B>
class rtfsnet_trainable_on : public separation_trainable<av_engine<RtfsNet<S>, B>> {
 public:
  rtfsnet_trainable_on(std::string name, const separation_training_on<B>& t, B backend, int passes = S.passes)
      : base(about(std::move(name), t.faces), t, std::move(backend), t.permutes(), RtfsNet<S>(passes)), t_(t) {
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
  using base = separation_trainable<av_engine<network, B>>;
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
  void learn(const batch& b, const typename base::loss_function& loss) override {
    if (part_ == 0) keep_state();
    pass_rules rules{.batch_statistics = true, .recompute = t_.recompute};
    if (t_.dropout) rules.dropout = random_stream(t_.seed, "dropout", static_cast<std::uint64_t>(this->steps()), part_);
    ++part_;
    engine_.train_step(size_of(b), b.mixtures, b.features, {}, rules,
                       [&](auto&, auto voices, auto spectrum, auto d_voices, auto d_spectrum) {
                         loss(voices.data, d_voices.data, {framing_of(b), spectrum.data, d_spectrum.data});
                         return 0;
                       });
  }
  own_spectra<float> separate(const batch& b, std::span<float> estimates) override {
    const av_size n = size_of(b);
    spectrum_.resize(this->takes_spectra() ? static_cast<std::size_t>(engine_.spectrum_of(n).size()) : 0);
    engine_.separate(n, b.mixtures, b.features, estimates, spectrum_);
    if (spectrum_.empty()) return {};
    return {framing_of(b), seen_spectrum_.in(engine_.backend(), spectrum_, "the spectra of the voices"), nullptr};
  }
  void settle(bool taken) override {
    if (!taken && part_ > 0) copy(kept_, engine_.state());
    part_ = 0;
  }

  void keep_state() {
    grow(engine_.backend(), kept_, engine_.state().size());
    copy(engine_.state(), kept_);
  }
  template <class From, class To>
  void copy(const From& from, To&& to) {
    placement<B>::copy(engine_.backend(), std::span<const float>(from.data(), from.size()),
                       std::span<float>(to.data(), to.size()));
  }

  separation_training_on<B> t_;
  std::uint64_t part_ = 0;                      // batches of the step so far
  typename av_engine<network, B>::array kept_;  // state before the step
  std::vector<float> spectrum_;                 // of the last evaluation
  typename placement<B>::template passage<float> seen_spectrum_;
};

}  // namespace avss
