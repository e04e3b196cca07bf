// A source of items, augmented.
#pragma once

#include <avss/augment/any.hpp>
#include <avss/augment/item.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace avss {

// Item n is the source's item n, augmented with random numbers that depend on the seed and on n alone. Features of faces are
// the source's.
class augmented_source final : public item_source {
 public:
  // Throws error for augmentations that make no sense for such items.
  augmented_source(std::unique_ptr<const item_source> source, any_augmentation what, std::uint64_t seed)
      : source_(std::move(source)), what_(std::move(what)), seed_(seed), faces_(source_->video().size() > 0) {
    what_.check({source_->sample_rate(), source_->length(), faces_});
  }

  dim_t sources() const override { return source_->sources(); }
  dim_t length() const override { return source_->length(); }
  int sample_rate() const override { return source_->sample_rate(); }
  video_extent video() const override { return source_->video(); }
  dim_t count() const override { return source_->count(); }
  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    source_->make(n, mixture, targets);
    what_.apply({mixture, targets, source_->sample_rate(), faces_}, random_stream(seed_, "augment", n));
  }
  void make_features(std::uint64_t n, std::span<float> features) const override { source_->make_features(n, features); }

 private:
  std::unique_ptr<const item_source> source_;
  any_augmentation what_;
  std::uint64_t seed_;
  bool faces_;
};

}  // namespace avss
