#include "tools/metrics_job.hpp"

#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/left_parts.hpp>
#include <avss/io/read_file.hpp>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tools/item_progress.hpp"
#include "tools/score_report.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss {
namespace {

namespace fs = std::filesystem;

constexpr const char* csv_name = "scores.csv";
constexpr const char* json_name = "scores.json";

void make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another metric_calculator.save_path");
}

// Before anything is scored: results that could not be written, or would replace a file of somebody else.
void check_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::path there = fs::absolute(folder).lexically_normal();
  while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
  const std::error_code code(!fs::is_directory(there, ignored)           ? ENOTDIR
                             : ::access(there.c_str(), W_OK | X_OK) != 0 ? errno
                                                                         : 0,
                             std::generic_category());
  if (code)
    fail(folder.string(), ": cannot be ",
         code.value() != ENOTDIR && fs::exists(folder, ignored) ? "written to: " : "made: ", code.message(),
         "; choose another metric_calculator.save_path");
  const auto check = [&](const char* name, std::string_view begin) {
    const fs::path file = folder / name;
    if (!fs::exists(file, ignored)) return;
    const std::vector<std::byte> bytes = input_file(file.string()).prefix(begin.size());
    if (as_text(bytes) != begin)
      fail(file.string(), ": is not of an earlier //tools:calc_metrics and is not overwritten; choose another folder, ",
           "metric_calculator.save_path=DIR");
  };
  check(csv_name, tools::csv_begin);
  check(json_name, tools::json_begin);
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
  make_folder(folder);
  for (const char* name : {csv_name, json_name}) remove_left_temporaries_of(folder / name);
  atomic_file csv((folder / csv_name).string()), json((folder / json_name).string());
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
  if (!options.save_path.empty()) check_folder(options.save_path);
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
