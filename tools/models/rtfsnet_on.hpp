// An RTFS-Net preset behind the av_separator interface. Operations as for convtasnet_separator_on.
#pragma once

#include <algorithm>
#include <avss/dsp/video_frames.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "tools/models/entry.hpp"

namespace avss::tools {

template <rtfsnet_config S, class B>
class rtfsnet_separator_on final : public av_separator {
 public:
  using net = RtfsNet<S>;

  rtfsnet_separator_on(const model_entry& self, B backend)
      : engine_(std::move(backend), net(std::get<rtfsnet_config>(self.config).passes)) {
    info_.name = self.name;
    info_.sample_rate = S.sample_rate;
    info_.parameters = count_params(engine_.net());
    info_.shortest_window = std::max(net::shortest_mixture(), shortest_frames() * S.sample_rate / lip_frame_rate);
    info_.ordered = true;
  }

  const separator_info& info() const override { return info_; }
  dim_t video_channels() const override { return S.video_channels; }
  dim_t shortest_video() const override { return shortest_frames(); }
  dim_t shortest_sound() const override { return net::shortest_mixture(); }
  void load(const loaded_weights& file, const std::string& origin) override { load_weights(engine_, file, origin); }
  void save(const std::string& path, const std::string& layout) override {
    save_weights(engine_, path, layout.empty() ? "2024" : layout);
  }
  void separate(const av_size& n, std::span<const float> mixture, std::span<const float> features,
                std::span<float> voices) override {
    engine_.separate(n, mixture, features, voices);
  }
  std::size_t planned_bytes(const av_size& n) const override { return engine_.bytes_of_inference(n); }

 private:
  // What the code that such networks were trained with takes: an even kernel is not padded at the end, and every map that is
  // halved must be as long as it.
  static constexpr dim_t shortest_frames() {
    if (S.video_kernel % 2 == 1) return net::shortest_video();
    dim_t frames = S.video_kernel;
    for (int i = 2; i < S.video_levels; ++i) frames *= 2;
    return std::max(frames, net::shortest_video());
  }

  separator_info info_;
  av_engine<net, B> engine_;
};

}  // namespace avss::tools
