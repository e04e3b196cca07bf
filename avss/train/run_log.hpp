// All that a training run's metrics and examples are written to.
#pragma once

#include <avss/train/metrics_log.hpp>
#include <avss/train/tracker.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// metrics.jsonl and metrics.csv, which have columns for what they know, and the follower, if any, which hears all of it.
// Until begin() nothing is written.
class run_log {
 public:
  // `follower` must outlive the log.
  explicit run_log(tracker* follower) : follower_(follower) {}

  // What was recorded of later steps than `step` goes.
  void begin(const std::filesystem::path& folder, std::vector<std::string> columns, std::int64_t step, bool resumed) {
    file_.emplace(folder, std::move(columns), resumed ? step : -1);
    if (follower_) follower_->begin(step, resumed);
  }
  void write(std::int64_t step, std::int64_t epoch, std::string_view partition, std::vector<named_value> losses,
             const std::vector<named_value>& others) {
    if (!file_) return;
    if (follower_) follower_->scalars(step, partition, losses, others);
    losses.insert(losses.end(), others.begin(), others.end());
    file_->write(step, epoch, partition, losses);
  }
  // The follower alone keeps it.
  void write_best(std::int64_t step, const named_value& best) {
    if (file_ && follower_) follower_->scalars(step, "best", {}, {best});
  }
  std::int64_t examples() const { return file_ && follower_ ? follower_->examples() : 0; }
  void example(std::int64_t step, const heard_item& item) { follower_->example(step, item); }
  void end(std::int64_t step) {
    if (file_ && follower_) follower_->end(step);
  }

 private:
  tracker* follower_;
  std::optional<metrics_log> file_;
};

}  // namespace avss
