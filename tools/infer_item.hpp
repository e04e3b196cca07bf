// One mixture on its way through inference.
#pragma once

#include <avss/data/mixture_layout.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/scratch_file.hpp>
#include <avss/metric/separation.hpp>
#include <avss/model/separator.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tools/infer_options.hpp"

namespace avss::tools {

// <save_path>/<key>/s1 for source 0.
std::filesystem::path source_folder(const infer_options& options, std::size_t source);

// Gives all finished files their names. Where one is refused, throws error, and the others' targets are as they were before.
void publish_together(std::span<audio_writer> writers);

// Estimates go to unnamed files first, because their level is known only at the end.
class item_job {
 public:
  // audio: of the item, from check_item. All that is given must live on.
  item_job(const infer_options& options, part_separator& network, const mixture_item& item, const audio_info& audio);

  bool has_truth() const { return !item_.sources.empty(); }

  // Separates, levels, writes and, with ground truth, measures. All results appear together, at the end. Throws error, and
  // stopped.
  void run();

  // With ground truth, after run().
  const separation_meter& meter() const { return *meter_; }

 private:
  using with_estimates = std::function<void(std::span<const float>, std::span<const float>)>;
  using with_truth = std::function<void(std::span<const float>, std::span<const float>, std::span<const float>)>;

  void separate();
  // Runs through mixture [n] and estimates [sources][n], rescaled, at the rate of the results.
  void each_block(const with_estimates& act);
  void find_gains();
  // The targets [sources][n] between the two of each_block.
  void each_block_with_truth(const with_truth& act);
  void write();

  const infer_options& options_;
  part_separator& network_;
  const mixture_item& item_;
  std::size_t sources_;
  int rate_;            // Hz of the results
  std::size_t length_;  // of the results
  std::vector<scratch_file> estimates_;
  std::vector<double> gains_;
  std::optional<separation_meter> meter_;
};

}  // namespace avss::tools
