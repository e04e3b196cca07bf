// The scores of one mixture's saved estimates.
#pragma once

#include <avss/data/prediction_layout.hpp>
#include <avss/metric/named.hpp>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace avss::tools {

// One number of each file.
struct metric_column {
  std::string name;
  metric_choice choice;
  bool permuted = false;   // estimates in the best order (PIT), else as given
  bool own_order = false;  // permuted, and the order is the best by this metric, else by SI-SNR
};

struct prediction_scores {
  double seconds = 0;              // of the mixture
  int rate = 0, channels = 0;      // Hz; of its file
  std::vector<std::size_t> order;  // the best by SI-SNR: order[target] = estimate
  // [column][source]
  std::vector<std::vector<ratio>> columns;
  std::vector<std::vector<std::size_t>> orders;  // [column], as it was taken; of scored files only
  // [source], in either order and of the mixture, whatever the columns
  std::vector<ratio> si_snr_given, si_snr_best, si_snr_mixture;
  std::string clipped;  // "mix, estimate s2": which files have clipped parts
  std::string refused;  // why nothing above was measured, one line; empty for files that were

  bool scored() const { return refused.empty(); }
  bool swapped() const { return order != given_order(order.size()); }
};

// A signal is clipped where three samples in a row are the same, at full scale or beyond.
class clipping_meter {
 public:
  void observe(std::span<const float> samples) {
    for (const float v : samples) {
      row_ = std::abs(v) < full_scale ? 0 : row_ > 0 && v == last_ ? row_ + 1 : 1;
      last_ = v;
      clipped_ = clipped_ || row_ >= 3;
    }
  }
  bool clipped() const { return clipped_; }

 private:
  static constexpr float full_scale = 32767.f / 32768;  // of 16 bits
  std::size_t row_ = 0;
  float last_ = 0;
  bool clipped_ = false;
};

// Files are read in blocks, as they are: first channel, no resampling, cutting or levelling. Whole signals are held only for
// metrics that need them. Throws error for a file that cannot be read, that has a sample that is not finite, or whose rate,
// channels or length are not its mixture's.
prediction_scores score_prediction(const prediction_item& item, std::span<const metric_column> columns);

}  // namespace avss::tools
