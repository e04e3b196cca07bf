#include "tools/infer_job.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/signal_stream.hpp>
#include <avss/dsp/joint_level.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/scratch_file.hpp>
#include <avss/metric/separation.hpp>
#include <avss/model/long_form.hpp>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "tools/score_table.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block = 1 << 14;  // samples moved at a time

struct stopped {};
void check_stop() {
  if (tools::stop_on_signal::requested()) throw stopped();
}

fs::path source_folder(const infer_options& options, std::size_t source) {
  return options.save_path / options.key / std::string(1, 's').append(std::to_string(source + 1));
}

// One mixture on its way through the network. Estimates go to unnamed files first, because their level is known only at
// the end.
class item_job {
 public:
  item_job(const infer_options& options, separator& network, const mixture_item& item)
      : options_(options), network_(network), item_(item), sources_(static_cast<std::size_t>(network.info().sources)) {
    info_ = check_item(item);
    rate_ = options.target_rate > 0 ? options.target_rate : info_.rate;
    length_ = static_cast<std::size_t>(resampled_length(info_.frames, info_.rate, rate_));
  }

  const audio_info& info() const { return info_; }
  bool has_truth() const { return !item_.sources.empty(); }

  void run() {
    separate();
    find_gains();
    write();
  }

  std::vector<source_scores> scores(bool permuted) const { return meter_->scores(permuted); }

 private:
  void separate() {
    const int network_rate = network_.info().sample_rate;
    for (std::size_t s = 0; s < sources_; ++s) estimates_.emplace_back(options_.save_path / options_.key);
    std::vector<resampler<float>> back(sources_, resampler<float>(network_rate, rate_));
    signal_stream mixture(item_.mixture, network_rate, options_.channels);
    long_form network(network_, {.window = options_.window, .free_level = options_.free_level});
    std::vector<float> in(block), separated, out;
    const auto drain = [&](bool last) {
      const std::size_t n = network.ready();
      separated.resize(sources_ * n);
      network.pop(separated);
      for (std::size_t s = 0; s < sources_; ++s) {
        out.clear();
        back[s].push(std::span<const float>(separated).subspan(s * n, n), out);
        if (last) back[s].finish(out);
        // Rounded up twice, the way there and back can end a sample or more late.
        estimates_[s].append(std::span<const float>(out).first(std::min(out.size(), length_ - estimates_[s].size())));
      }
    };
    while (const std::size_t n = mixture.read(in)) {
      check_stop();
      network.push(std::span<const float>(in).first(n));
      drain(false);
    }
    check_stop();
    network.finish();
    drain(true);
  }

  // Runs through mixture [n] and estimates [sources][n], rescaled, at the rate of the results.
  void each_block(const std::function<void(std::span<const float>, std::span<const float>)>& act) {
    signal_stream mixture(item_.mixture, rate_, options_.channels);
    std::vector<float> x(block), y;
    for (std::size_t at = 0; at < length_;) {
      check_stop();
      const std::size_t n = mixture.read(std::span(x).first(std::min(block, length_ - at)));
      if (n == 0) fail(item_.mixture.string(), ": changed while it was read");
      y.resize(sources_ * n);
      for (std::size_t s = 0; s < sources_; ++s) {
        const auto part = std::span(y).subspan(s * n, n);
        estimates_[s].read(at, part);
        for (float& v : part) v = static_cast<float>(v * gains_[s]);
      }
      act(std::span<const float>(x).first(n), y);
      at += n;
    }
  }

  void find_gains() {
    gains_.assign(sources_, 1.);
    if (options_.level == level_policy::none) return;
    joint_level level(sources_);
    double mixture_peak = 0;
    std::vector<double> peaks(sources_, 0.);
    const auto peak_of = [](std::span<const float> x) {
      double most = 0;
      for (float v : x) most = std::max(most, std::abs(double{v}));
      return most;
    };
    each_block([&](std::span<const float> x, std::span<const float> y) {
      level.add(x, y);
      mixture_peak = std::max(mixture_peak, peak_of(x));
      for (std::size_t s = 0; s < sources_; ++s) peaks[s] = std::max(peaks[s], peak_of(y.subspan(s * x.size(), x.size())));
    });
    if (options_.level == level_policy::mixture)
      gains_ = level.gains();
    else
      for (std::size_t s = 0; s < sources_; ++s) gains_[s] = peaks[s] > 0 ? mixture_peak / peaks[s] : 1;
  }

  // The targets [sources][n] beside the blocks of each_block.
  void each_block_with_truth(
      const std::function<void(std::span<const float>, std::span<const float>, std::span<const float>)>& act) {
    std::vector<signal_stream> truth;
    for (const fs::path& path : item_.sources) truth.emplace_back(path, rate_, options_.channels);
    std::vector<float> targets;
    each_block([&](std::span<const float> x, std::span<const float> y) {
      targets.resize(truth.size() * x.size());
      for (std::size_t s = 0; s < truth.size(); ++s)
        if (truth[s].read(std::span(targets).subspan(s * x.size(), x.size())) != x.size())
          fail(item_.sources[s].string(), ": changed while it was read");
      act(x, targets, y);
    });
  }

  void write() {
    std::vector<fs::path> inputs = options_.protect;
    inputs.insert(inputs.end(), item_.sources.begin(), item_.sources.end());
    inputs.push_back(item_.mixture);
    std::vector<audio_writer> writers;
    for (std::size_t s = 0; s < sources_; ++s)
      writers.emplace_back(source_folder(options_, s) / (item_.name + ".wav"), rate_, inputs);
    const auto store = [&](std::span<const float> x, std::span<const float> y) {
      for (std::size_t s = 0; s < sources_; ++s) writers[s].write(y.subspan(s * x.size(), x.size()));
    };
    if (has_truth()) {
      meter_.emplace(sources_);
      each_block_with_truth([&](auto x, auto t, auto y) {
        store(x, y);
        meter_->observe(x, t, y);
      });
      each_block_with_truth([&](auto x, auto t, auto y) { meter_->resolve(x, t, y); });
    } else {
      each_block(store);
    }
    for (audio_writer& w : writers) w.finish();
    check_stop();
    publish(writers);
  }

  static void publish(std::vector<audio_writer>& writers) {
    std::size_t done = 0;
    try {
      for (; done < writers.size(); ++done) writers[done].publish();
    } catch (...) {  // one name refused: take the others back
      std::error_code ignored;
      for (std::size_t s = 0; s < done; ++s) fs::remove(writers[s].target(), ignored);
      throw;
    }
  }

  const infer_options& options_;
  separator& network_;
  const mixture_item& item_;
  std::size_t sources_;
  audio_info info_;
  int rate_ = 0;            // Hz of the results
  std::size_t length_ = 0;  // of the results
  std::vector<scratch_file> estimates_;
  std::vector<double> gains_;
  std::optional<separation_meter> meter_;
};

mixture_list find_items(const infer_options& options, const separator_info& info) {
  if (options.input.empty() == options.dataset.empty())
    fail("give either an input (a file or a folder) or a data set, ", options.input.empty() ? "not neither" : "not both");
  if (options.save_path.empty()) fail("save_path is empty; name the folder for the results");
  if (options.target_rate < 0) fail("target_rate = ", options.target_rate, ": expected Hz, or 0 for each file's own rate");
  if (options.target_rate > highest_rate)
    fail("target_rate = ", options.target_rate, ": expected at most ", highest_rate, " Hz");
  mixture_list list = options.input.empty() ? list_dataset(options.dataset, options.partition) : list_input(options.input);
  if (list.sources != 0 && list.sources != static_cast<std::size_t>(info.sources))
    fail(list.folder.string(), ": has ", list.sources, " sources where ", info.name, " gives ", info.sources,
         "; take a network for as many, or a folder with mix/ only");
  return list;
}

void make_folders(const infer_options& options, const mixture_list& list, std::size_t sources) {
  std::set<fs::path> inputs;
  const auto add = [&](const fs::path& file) { inputs.insert(file.has_parent_path() ? file.parent_path() : fs::path(".")); };
  for (const mixture_item& item : list.items) {
    add(item.mixture);
    for (const fs::path& s : item.sources) add(s);
  }
  for (std::size_t s = 0; s < sources; ++s) {
    const fs::path folder = source_folder(options, s);
    std::error_code code, ignored;
    fs::create_directories(folder, code);
    if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another save_path");
    for (const fs::path& input : inputs)
      if (fs::equivalent(folder, input, ignored))
        fail(folder.string(), ": holds input files and cannot take results; choose another save_path");
  }
}

// "3.000 s at 16000 Hz in 0.412 s (7.3 times real time)"
std::string effort(const audio_info& info, double seconds) {
  char text[128];
  std::snprintf(text, sizeof text, "%.3f s at %d Hz in %.3f s (%.1f times real time)", info.seconds(), info.rate, seconds,
                info.seconds() / std::max(seconds, 1e-9));
  return text;
}

double mean_si_snr(const std::vector<source_scores>& scores, bool improvement) {
  tools::score_mean mean;  // leaves out what the table leaves out
  for (const source_scores& s : scores) mean.add(improvement ? s.si_snr_improvement : s.si_snr);
  return mean.value();
}

class inference {
 public:
  inference(const infer_options& options, separator& network, std::ostream& out, std::ostream& err)
      : options_(options), network_(network), out_(out), err_(err) {}

  int run() {
    const mixture_list list = find_items(options_, network_.info());
    const long_form refuses_a_bad_window(network_, {.window = options_.window});  // here, and not once an item
    make_folders(options_, list, static_cast<std::size_t>(network_.info().sources));
    if (!list.skipped.empty())
      err_ << "note: " << list.skipped.size() << " files that are no audio by their names skipped, such as "
           << one_line(list.skipped.front().string()) << '\n';
    std::size_t done = 0, failed = 0;
    for (const mixture_item& item : list.items) {
      position_ = "[" + std::to_string(done + 1).append("/").append(std::to_string(list.items.size())) + "] ";
      try {
        check_stop();
        run_item(item);
      } catch (const stopped&) {
        err_ << "stopped after " << done << " of " << list.items.size() << " items; what is written is whole" << std::endl;
        return 130;
      } catch (const std::bad_alloc&) {
        ++failed;
        err_ << "error: " << position_ << one_line(item.mixture.string()) << ": not enough memory; choose a shorter window"
             << std::endl;
      } catch (const std::exception& e) {
        ++failed;
        err_ << "error: " << position_ << one_line(e.what()) << std::endl;
      }
      ++done;
    }
    errno = 0;
    if (measured_ > 0) {
      out_ << '\n' << options_.key << ": means over " << measured_ << " mixtures\n";
      tools::print_table(out_, given_, permuted_);
    }
    flush_lines();
    if (failed > 0) err_ << "error: " << failed << " of " << done << " items failed" << std::endl;
    if (!out_)
      err_ << "error: the results' lines could not be written: "
           << (out_error_ != 0 ? std::generic_category().message(out_error_) : "the output is closed or full") << std::endl;
    return failed > 0 || !out_ ? 1 : 0;
  }

 private:
  void run_item(const mixture_item& item) {
    const auto start = std::chrono::steady_clock::now();
    item_job job(options_, network_, item);
    if (job.info().channels > 1)
      err_ << "note: " << one_line(item.mixture.string()) << ": has " << job.info().channels << " channels; "
           << (options_.channels == channel_choice::mean ? "their mean" : "the first") << " is used\n";
    job.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    errno = 0;
    out_ << position_ << one_line(item.name) << ": " << effort(job.info(), took.count());
    if (job.has_truth()) {
      const auto given = job.scores(false), permuted = job.scores(true);
      given_.add(given);
      permuted_.add(permuted);
      ++measured_;
      out_ << ", SI-SNR " << tools::decibels(mean_si_snr(given, false)) << " dB, permuted "
           << tools::decibels(mean_si_snr(permuted, false)) << " dB, improvement "
           << tools::decibels(mean_si_snr(permuted, true)) << " dB";
    }
    out_ << '\n';
    flush_lines();
  }

  // The stream keeps that writing failed, not why.
  void flush_lines() {
    out_.flush();
    if (!out_ && out_error_ == 0) out_error_ = errno;
  }

  const infer_options& options_;
  separator& network_;
  std::ostream& out_;
  std::ostream& err_;
  int out_error_ = 0;  // errno of the first line that could not be written
  std::string position_;
  tools::score_summary given_, permuted_;
  std::size_t measured_ = 0;
};

}  // namespace

int run_inference(const infer_options& options, separator& network, std::ostream& out, std::ostream& err) {
  try {
    const tools::stop_on_signal guard;
    return inference(options, network, out, err).run();
  } catch (const std::exception& e) {
    err << "error: " << one_line(e.what()) << std::endl;
    return 1;
  }
}

}  // namespace avss
