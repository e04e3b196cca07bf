#include "tools/infer_job.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/metric/named.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/model/long_form.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "tools/infer_item.hpp"
#include "tools/infer_network.hpp"
#include "tools/score_table.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss {
namespace {

namespace fs = std::filesystem;

mixture_list find_items(const infer_options& options) {
  if (options.input.empty() == options.dataset.empty())
    fail("give either an input (a file or a folder) or a data set, ", options.input.empty() ? "not neither" : "not both");
  if (options.save_path.empty()) fail("save_path is empty; name the folder for the results");
  if (options.target_rate < 0) fail("target_rate = ", options.target_rate, ": expected Hz, or 0 for each file's own rate");
  if (options.target_rate > 0 && (options.target_rate < lowest_rate || options.target_rate > highest_rate))
    fail("target_rate = ", options.target_rate, ": expected ", lowest_rate, " to ", highest_rate, " Hz");
  mixture_list list = options.input.empty() ? list_dataset(options.dataset, options.partition) : list_input(options.input);
  if (!options.use_truth) {
    list.sources = 0;
    for (mixture_item& item : list.items) item.sources.clear();
  }
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
    const fs::path folder = tools::source_folder(options, s);
    std::error_code code, ignored;
    fs::create_directories(folder, code);
    if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another save_path");
    for (const fs::path& input : inputs)
      if (fs::equivalent(folder, input, ignored))
        fail(folder.string(), ": holds input files and cannot take results; choose another save_path");
    remove_left_audio(folder);
  }
}

// "3.000 s at 16000 Hz in 0.412 s (7.3 times real time)"
std::string effort(const audio_info& info, double seconds) {
  char text[128];
  std::snprintf(text, sizeof text, "%.3f s at %d Hz in %.3f s (%.1f times real time)", info.seconds(), info.rate, seconds,
                info.seconds() / std::max(seconds, 1e-9));
  return text;
}

class inference {
 public:
  inference(const infer_options& options, tools::infer_network& network, std::ostream& out, std::ostream& err)
      : options_(options), network_(network), out_(out), err_(err) {}

  int run(std::vector<std::string>* written) {
    const mixture_list list = find_items(options_);
    check_window(network_.info(), {.window = options_.window});  // here, and not once an item
    make_folders(options_, list, network_.check(list));
    if (!list.skipped.empty())
      err_ << "note: " << list.skipped.size() << " files that are no audio by their names skipped, such as "
           << one_line(list.skipped.front().string()) << '\n';
    std::size_t done = 0, failed = 0;
    for (const mixture_item& item : list.items) {
      position_ = "[" + std::to_string(done + 1).append("/").append(std::to_string(list.items.size())) + "] ";
      try {
        tools::check_stop();
        run_item(item);
        if (written) written->push_back(item.name);
      } catch (const tools::stopped&) {
        err_ << "stopped after " << done << " of " << list.items.size() << " items; what is written is whole" << std::endl;
        return 130;
      } catch (const std::bad_alloc&) {
        ++failed;
        err_ << "infer: " << position_ << one_line(item.mixture.string()) << ": not enough memory; choose a shorter window"
             << std::endl;
      } catch (const std::exception& e) {
        ++failed;
        err_ << "infer: " << position_ << one_line(e.what()) << std::endl;
      }
      ++done;
    }
    errno = 0;
    if (measured_ > 0) {
      out_ << '\n' << options_.key << ": means over " << measured_ << " mixtures\n";
      tools::print_table(out_, given_, permuted_);
    }
    flush_lines();
    if (failed > 0 && done > 1) err_ << "infer: " << failed << " of " << done << " items failed" << std::endl;
    if (!out_)
      err_ << "infer: the results' lines could not be written: "
           << (out_error_ != 0 ? std::generic_category().message(out_error_) : "the output is closed or full") << std::endl;
    return failed > 0 || !out_ ? 1 : 0;
  }

 private:
  void run_item(const mixture_item& item) {
    const auto start = std::chrono::steady_clock::now();
    const audio_info audio = check_item(item);
    tools::item_job job(options_, network_.of(item, audio), item, audio);
    if (audio.channels > 1)
      err_ << "note: " << one_line(item.mixture.string()) << ": has " << audio.channels << " channels; "
           << (options_.channels == channel_choice::mean ? "their mean" : "the first") << " is used\n";
    job.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    errno = 0;
    out_ << position_ << one_line(item.name) << ": " << effort(audio, took.count());
    if (job.has_truth()) {
      const std::vector<std::size_t> given = given_order(job.meter().sources()), best = job.meter().order();
      given_.add(job.meter(), given);
      permuted_.add(job.meter(), best);
      ++measured_;
      const auto si_snr = [&](bool improvement, const std::vector<std::size_t>& order) {
        return tools::shown(tools::mixture_score(score_sources({&si_snr_metric, improvement}, order, job.meter())).value);
      };
      out_ << ", SI-SNR " << si_snr(false, given) << " dB, permuted " << si_snr(false, best) << " dB, improvement "
           << si_snr(true, best) << " dB";
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
  tools::infer_network& network_;
  std::ostream& out_;
  std::ostream& err_;
  int out_error_ = 0;  // errno of the first line that could not be written
  std::string position_;
  tools::score_summary given_, permuted_;
  std::size_t measured_ = 0;
};

int run(const infer_options& options, tools::infer_network&& network, std::ostream& out, std::ostream& err,
        std::vector<std::string>* written) {
  try {
    const tools::stop_on_signal guard;
    return inference(options, network, out, err).run(written);
  } catch (const std::exception& e) {
    err << "infer: " << one_line(e.what()) << std::endl;
    return 1;
  }
}

}  // namespace

int run_inference(const infer_options& options, separator& network, std::ostream& out, std::ostream& err,
                  std::vector<std::string>* written) {
  return run(options, tools::heard_network(network), out, err, written);
}

int run_inference(const infer_options& options, av_separator& network, std::ostream& out, std::ostream& err,
                  std::vector<std::string>* written) {
  return run(options, tools::seen_network(network, options.faces), out, err, written);
}

}  // namespace avss
