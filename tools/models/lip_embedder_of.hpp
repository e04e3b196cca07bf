// lip_embedder for one network, on one backend.
#pragma once

#include <avss/core/random.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/model/lip_weights.hpp>
#include <utility>

#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

template <lip_encoder_config S, class B>
class lip_embedder_of final : public lip_embedder {
 public:
  lip_embedder_of(int workers, B backend) : engine_(std::move(backend)), work_(static_cast<std::size_t>(workers)) {
    static_assert(LipEncoder<S>::features == features);
  }

  image_curve activation() const override { return S.activation; }
  dim_t parameters() const override { return count_params(engine_.net()); }
  lip_weights_report load(const loaded_weights& file, const std::string& origin) override {
    return load_weights(engine_, file, origin);
  }
  void draw(std::uint64_t seed) override { init_params(engine_.net(), seed, engine_.values(), engine_.state()); }
  void save(const std::string& path, std::vector<std::pair<std::string, std::string>> said) override {
    save_weights(engine_, path, std::move(said));
  }
  std::uint64_t hash() const override {
    const auto text = [](std::span<const float> v) {
      return std::string_view(reinterpret_cast<const char*>(v.data()), v.size_bytes());
    };
    return hash_name(text(engine_.values())) * 0x100000001B3u ^ hash_name(text(engine_.state()));
  }

  void prepare(dim_t side, bool batch_statistics) override { engine_.prepare(side, side, batch_statistics); }
  std::vector<float> embed(std::span<const float> clip, int worker) override {
    std::vector<float> y(clip.size() / engine_.frame_size() * static_cast<std::size_t>(features));
    engine_.embed(work_.at(static_cast<std::size_t>(worker)), clip, y);
    return y;
  }

  void calibrate(std::span<const float> clips, dim_t each, dim_t side) override {
    typename lip_engine<LipEncoder<S>, B>::workspace once;  // much larger than what clips need
    engine_.calibrate(once, clips, each, side, side);
  }

 private:
  lip_engine<LipEncoder<S>, B> engine_;
  std::vector<typename lip_engine<LipEncoder<S>, B>::workspace> work_;
};

}  // namespace avss::tools
