#include "tools/metrics_job.hpp"

#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/atomic_file.hpp>
#include <cstddef>
#include <exception>
#include <string>
#include <system_error>

#include "tools/item_progress.hpp"
#include "tools/score_report.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another metric_calculator.save_path");
}

std::vector<tools::prediction_scores> score_all(const metrics_options& options, const prediction_list& list,
                                                tools::item_progress& progress) {
  std::vector<tools::prediction_scores> scores(list.items.size());
  std::vector<std::string> why(list.items.size());
  parallel_for(options.threads, static_cast<dim_t>(list.items.size()), [&](dim_t n, int) {
    const std::size_t i = static_cast<std::size_t>(n);
    tools::check_stop();
    try {
      scores[i] = tools::score_prediction(list.items[i], options.columns);
    } catch (const error& e) {
      why[i] = e.what();
    }
    progress.step();
  });
  std::size_t refused = 0;
  std::string first;
  for (const std::string& w : why)
    if (!w.empty() && refused++ == 0) first = w;
  if (refused > 1) first += " (" + std::to_string(refused) + " of " + std::to_string(why.size()) + " files are refused)";
  if (refused > 0) fail(first);
  return scores;
}

void say_notes(const prediction_list& list, const std::vector<tools::prediction_scores>& scores, std::ostream& err) {
  if (list.left_out > 0) err << "note: " << list.left_out << " names that are not in all folders are left out\n";
  if (!list.skipped.empty())
    err << "note: " << list.skipped.size() << " files that are no audio by their names skipped, such as "
        << one_line(list.skipped.front().string()) << '\n';
  std::size_t several = 0, which = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i].channels > 1 && several++ == 0) which = i;
  if (several > 0)
    err << "note: " << one_line(list.items[which].mixture.string()) << ": has " << scores[which].channels
        << " channels; the first is used, here and in " << several - 1 << " more files\n";
  err << std::flush;
}

void save(const fs::path& folder, const tools::score_report& report, std::ostream& out) {
  atomic_file csv((folder / "scores.csv").string()), json((folder / "scores.json").string());
  csv.write(report.csv());
  json.write(report.json());
  csv.commit();
  json.commit();
  out << "scores of all files: " << csv.path() << ", " << json.path() << '\n';
}

}  // namespace

int run_metrics(const metrics_options& options, std::ostream& out, std::ostream& err) {
  if (options.columns.empty()) fail("no metric is asked for");
  const prediction_list list = list_predictions(options.truth, options.predictions, options.names);
  if (!options.save_path.empty()) make_folder(options.save_path);
  const tools::stop_on_signal guard;
  std::vector<tools::prediction_scores> scores;
  try {
    tools::item_progress progress(err, options.terminal, list.items.size());
    scores = score_all(options, list, progress);
  } catch (const tools::stopped&) {
    err << "stopped; nothing is written" << std::endl;
    return 130;
  }
  say_notes(list, scores, err);
  const tools::score_report report{list, options.columns, scores};
  out << scores.size() << (scores.size() == 1 ? " file of " : " files of ") << list.sources
      << (list.sources == 1 ? " source, " : " sources, ") << one_line(list.predictions.string()) << " against "
      << one_line(list.truth.string()) << "\n\n";
  report.print(out);
  if (!options.save_path.empty()) save(options.save_path, report, out);
  out.flush();
  if (!out) fail("the table could not be written: the output is closed or full");
  return 0;
}

}  // namespace avss
