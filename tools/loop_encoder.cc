#include "tools/loop_encoder.hpp"

#include <avss/core/error.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <span>
#include <utility>

namespace avss::tools {
namespace {

// Lends the encoder's workers to whoever asks.
class shared_encoder {
 public:
  shared_encoder(std::unique_ptr<lip_embedder> encoder, int workers) : encoder_(std::move(encoder)) {
    for (int w = 0; w < workers; ++w) free_.push_back(w);
  }

  std::vector<float> encode(std::span<const float> clip) {
    const loan worker(*this);
    return encoder_->embed(clip, worker.number);
  }

 private:
  struct loan {
    explicit loan(shared_encoder& from) : owner(from) {
      std::unique_lock lock(owner.mutex_);
      owner.returned_.wait(lock, [&] { return !owner.free_.empty(); });
      number = owner.free_.back();
      owner.free_.pop_back();
    }
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;
    ~loan() {
      {
        const std::lock_guard lock(owner.mutex_);
        owner.free_.push_back(number);
      }
      owner.returned_.notify_one();
    }
    shared_encoder& owner;
    int number = 0;
  };

  std::unique_ptr<lip_embedder> encoder_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<int> free_;
};

}  // namespace

std::optional<mouth_encoder> make_loop_encoder(const config::settings& s, const std::vector<seen_mixtures>& sets,
                                               dim_t features, int workers, std::ostream& out, std::ostream& err) {
  if (!s.get<bool>("video_encoder.in_loop", false)) return std::nullopt;
  if (sets.empty()) fail("video_encoder.in_loop: no data set of mixtures and mouths is trained on; leave it false");
  if (features != lip_embedder::features)
    fail("video_encoder.in_loop: the network reads ", features, " features of a face and the encoder gives ",
         lip_embedder::features, "; choose another model, or leave it false");
  const video_encoder_config c = read_video_encoder(s, workers, false, sets.front().dataset);
  if (c.embed.preprocessing != lip_preprocessing::lrw)
    fail("video_encoder.in_loop: mouths are cropped to ", lrw_side, " x ", lrw_side,
         ", as preprocessing lrw does; give video_encoder=lrw, or leave it false");
  if (c.embed.overwrite) fail("video_encoder.overwrite: nothing is written with video_encoder.in_loop; leave it false");
  std::unique_ptr<lip_embedder> encoder = make_encoder(c, out, err);
  encoder->prepare(side_after(c.embed.preprocessing), c.embed.batch_statistics);
  mouth_encoder result;
  result.encode = [shared = std::make_shared<shared_encoder>(std::move(encoder), workers)](std::span<const float> clip) {
    return shared->encode(clip);
  };
  result.channels = lip_embedder::features;
  result.sees_all = c.embed.batch_statistics;
  result.mouth_key = c.embed.mouth_key;
  result.varied = s.get<bool>("video_encoder.augment");
  out << "mouths are seen by the encoder in every step, "
      << (result.varied ? "cropped and mirrored at random for training" : "their centres") << std::endl;
  return result;
}

}  // namespace avss::tools
