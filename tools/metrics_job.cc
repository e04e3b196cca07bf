#include "tools/metrics_job.hpp"

#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/left_parts.hpp>
#include <avss/io/read_file.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/item_progress.hpp"
#include "tools/score_files.hpp"
#include "tools/score_groups.hpp"
#include "tools/score_page.hpp"
#include "tools/score_report.hpp"
#include "tools/score_statistics.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss {
namespace {

namespace fs = std::filesystem;

constexpr const char* save_key = "metric_calculator.save_path";
constexpr const char* report_key = "metric_calculator.report";
constexpr const char* csv_name = "scores.csv";
constexpr const char* json_name = "scores.json";
constexpr const char* differences_name = "differences.csv";
constexpr std::size_t most_told = 100;  // broken files, each on a line

void make_folder(const fs::path& folder, const char* key) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another ", key);
}

// The folder that a page goes into.
fs::path folder_of(const fs::path& file) { return fs::absolute(file).lexically_normal().parent_path(); }

// Before anything is scored: results that could not be written, or would replace a file of somebody else.
void check_writable(const fs::path& folder, const char* key) {
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
         "; choose another ", key);
}

void check_folder(const fs::path& folder) {
  check_writable(folder, save_key);
  std::error_code ignored;
  const auto check = [&](const char* name, std::string_view begin) {
    const fs::path file = folder / name;
    if (!fs::exists(file, ignored)) return;
    const std::vector<std::byte> bytes = input_file(file.string()).prefix(begin.size());
    if (as_text(bytes) != begin)
      fail(file.string(), ": is not of an earlier //tools:calc_metrics and is not overwritten; choose another folder, ",
           "metric_calculator.save_path=DIR");
  };
  check(csv_name, tools::csv_begin);
  check(differences_name, tools::differences_begin);
  check(json_name, tools::json_begin);
}

// Both, sorted, each once.
template <class T>
void join(std::vector<T>& into, const std::vector<T>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
}

template <class Which>
void leave_out(prediction_list& list, Which&& which) {
  const auto gone = std::stable_partition(list.items.begin(), list.items.end(), std::not_fn(which));
  for (auto item = gone; item != list.items.end(); ++item) list.left_out.push_back(item->name);
  list.items.erase(gone, list.items.end());
}

// The items of both lists of predictions for the same mixtures; names that only one has are left out of both. What is left
// aside of either is told by the first.
void keep_common(prediction_list& a, prediction_list& b) {
  const auto only_in = [](prediction_list& list, const prediction_list& other) {
    const auto lacks = [&](const prediction_item& item) {
      const auto before = [](const prediction_item& x, const prediction_item& y) { return x.name < y.name; };
      return !std::binary_search(other.items.begin(), other.items.end(), item, before);
    };
    leave_out(list, lacks);
  };
  only_in(a, b), only_in(b, a);
  join(a.left_out, b.left_out), join(a.skipped, b.skipped);
  if (a.items.empty()) fail(a.predictions.string(), " and ", b.predictions.string(), ": have no name in common");
}

// What could not be scored has the reason in `refused`.
std::vector<tools::prediction_scores> score_all(const metrics_options& options, const prediction_list& list,
                                                tools::item_progress& progress) {
  std::vector<tools::prediction_scores> scores(list.items.size());
  parallel_for(options.threads, static_cast<dim_t>(list.items.size()), [&](dim_t n, int) {
    const std::size_t i = static_cast<std::size_t>(n);
    tools::check_stop();
    try {
      scores[i] = tools::score_prediction(list.items[i], options.columns, options.instruments);
    } catch (const error& e) {
      scores[i].refused = e.what();
    } catch (const std::bad_alloc&) {
      scores[i].refused = one_line(list.items[i].mixture.string() + ": not enough memory for metrics of whole signals");
    }
    progress.step();
  });
  return scores;
}

// Throws where nothing is left to tell of, or nothing may be left out. Of a comparison a file counts in both folders or in
// none.
std::size_t check_refused(const metrics_options& options, std::vector<tools::prediction_scores>& scores,
                          std::vector<tools::prediction_scores>& others, std::ostream& err) {
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (scores[i].scored()) scores[i].refused = others[i].refused;
    others[i].refused = scores[i].refused;
  }
  std::vector<std::string> why;
  for (const tools::prediction_scores& f : scores)
    if (!f.scored()) why.push_back(f.refused);
  const std::string count = std::to_string(why.size()) + " of " + std::to_string(scores.size()) + " files";
  if (!why.empty() && (options.refuse_broken || why.size() == scores.size()))
    fail(why.front(), why.size() > 1 ? " (" + count + " are refused)" : "");
  for (std::size_t i = 0; i < std::min(most_told, why.size()); ++i) err << "not scored: " << why[i] << '\n';
  if (why.size() > most_told) err << "not scored: " << why.size() - most_told << " more files\n";
  err << std::flush;
  return why.size();
}

std::vector<tools::score_grouping> groupings_of(const metrics_options& options, const prediction_list& list,
                                                std::ostream& err) {
  std::vector<std::string> names;
  for (const prediction_item& item : list.items) names.push_back(item.name);
  std::vector<tools::score_grouping> all;
  for (const std::string& rule : options.group_by) all.push_back(tools::group_by_name(rule, names));
  if (options.attributes.empty()) return all;
  std::size_t unknown = 0;
  for (tools::score_grouping& g : tools::group_by_table(options.attributes, names, unknown)) all.push_back(std::move(g));
  if (unknown > 0)
    err << "note: " << one_line(options.attributes.string()) << ": has " << unknown << " names that are not scored\n";
  return all;
}

void say_notes(const prediction_list& list, const std::vector<tools::prediction_scores>& scores, std::ostream& err) {
  if (const std::size_t n = list.left_out.size(); n > 0) {
    err << "note: " << n << (n == 1 ? " name that is" : " names that are") << " not in all folders left out: ";
    for (std::size_t i = 0; i < std::min(most_told, n); ++i) err << (i > 0 ? ", " : "") << one_line(list.left_out[i]);
    err << (n > most_told ? ", ..." : "") << '\n';
  }
  if (!list.skipped.empty())
    err << "note: " << list.skipped.size() << " files that are no audio by their names skipped, such as "
        << one_line(list.skipped.front().string()) << '\n';
  std::size_t several = 0, which = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i].channels > 1 && several++ == 0) which = i;
  if (several > 0)
    err << "note: " << one_line(list.items[which].mixture.string()) << ": has " << scores[which].channels
        << " channels; the first is used" << (several > 1 ? joined(", here and in ", several - 1, " more files") : "") << '\n';
  err << std::flush;
}

// Columns that stay empty, and why.
void say_what_is_missing(const metrics_options& o, std::ostream& err) {
  if (o.instruments.pesq)
    if (const std::string trouble = o.instruments.pesq->trouble(); !trouble.empty())
      err << "note: PESQ is not measured" << (o.instruments.pesq->absent() ? "" : " for some sources; of the first") << ": "
          << trouble << std::endl;
  std::string names;
  for (const tools::metric_column& c : o.columns)
    if (std::string_view(c.choice.metric->name).starts_with("dnsmos_")) names += (names.empty() ? "" : ", ") + c.name;
  if (!names.empty() && !o.instruments.dnsmos)
    err << "note: " << names << ": not measured, for metrics.dnsmos.path names no folder; download sig_bak_ovr.onnx and "
        << "model_v8.onnx of github.com/microsoft/DNS-Challenge, DNSMOS/DNSMOS, into one" << std::endl;
}

void save(const fs::path& folder, const tools::score_report& report, std::ostream& out) {
  make_folder(folder, save_key);
  const bool compared = report.statistics.comparison.has_value();
  std::vector<std::unique_ptr<atomic_file>> files;
  const auto write = [&](const char* name, const std::string& text) {
    remove_left_temporaries_of(folder / name);
    files.push_back(std::make_unique<atomic_file>((folder / name).string()));
    files.back()->write(text);
  };
  write(csv_name, tools::scores_csv(report));
  write(json_name, tools::scores_json(report));
  if (compared) write(differences_name, tools::differences_csv(report));
  for (const auto& file : files) file->commit();
  std::error_code ignored;
  if (!compared) fs::remove(folder / differences_name, ignored);  // of an earlier run: check_folder() knows it
  out << "scores of all files: ";
  for (std::size_t i = 0; i < files.size(); ++i) out << (i > 0 ? ", " : "") << files[i]->path();
  out << '\n';
}

void save_page(const metrics_options& options, const tools::score_report& report, std::ostream& out) {
  tools::example_options examples = options.examples;
  if (examples.mouths.empty()) examples.mouths = tools::mouths_of(report.files.truth);
  const std::string page = tools::score_page(report, tools::pick_examples(report, examples));
  make_folder(folder_of(options.report), report_key);
  remove_left_temporaries_of(options.report);
  atomic_file file(options.report.string());
  file.write(page);
  file.commit();
  out << "report: " << file.path() << '\n';
}

// All that is measured, before anything is said of it.
struct measured {
  prediction_list list;
  std::vector<tools::score_grouping> groupings;
  std::vector<tools::prediction_scores> scores, others;
  prediction_list other;
};

measured measure(const metrics_options& options, std::ostream& err) {
  measured m;
  m.list = list_predictions(options.truth, options.predictions, options.names);
  if (options.only)
    leave_out(m.list, [&](const prediction_item& item) {
      return !std::binary_search(options.only->begin(), options.only->end(), item.name);
    });
  if (!options.compare.empty()) {
    m.other = list_predictions(options.truth, options.compare, options.names);
    keep_common(m.list, m.other);
  }
  m.groupings = groupings_of(options, m.list, err);
  if (!options.save_path.empty()) check_folder(options.save_path);
  if (!options.report.empty()) check_report_page(options.report, report_key);
  if (std::error_code ignored; !options.examples.mouths.empty() && !fs::is_directory(options.examples.mouths, ignored))
    fail(options.examples.mouths.string(),
         ": no such folder; give metric_calculator.mouths=DIR with DIR/ID.npz, or leave it out");
  tools::item_progress progress(err, options.terminal, m.list.items.size() + m.other.items.size());
  m.scores = score_all(options, m.list, progress);
  m.others = score_all(options, m.other, progress);
  return m;
}

}  // namespace

void check_report_page(const fs::path& file, const char* key) {
  check_writable(folder_of(file), key);
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) fail(file.string(), ": is a folder; name a file, ", key, "=scores.html");
  if (!fs::exists(file, ignored)) return;
  if (!fs::is_regular_file(file, ignored)) fail(file.string(), ": is no regular file; name another, ", key, "=scores.html");
  const std::vector<std::byte> bytes =
      input_file(file.string()).prefix(std::min<std::uintmax_t>(2000, fs::file_size(file, ignored)));
  if (as_text(bytes).find(tools::scores_generator) == std::string_view::npos)
    fail(file.string(), ": is no page of an earlier //tools:calc_metrics and is not overwritten; choose another name, ", key,
         "=FILE.html");
}

int run_metrics(const metrics_options& options, std::ostream& out, std::ostream& err) {
  if (options.columns.empty()) fail("no metric is asked for");
  const tools::stop_on_signal guard;
  measured m;
  try {
    m = measure(options, err);
  } catch (const tools::stopped&) {
    err << "stopped; nothing is written" << std::endl;
    return 130;
  }
  const std::size_t refused = check_refused(options, m.scores, m.others, err);
  say_notes(m.list, m.scores, err);
  say_what_is_missing(options, err);
  const bootstrap_options bootstrap{.seed = options.seed, .threads = options.threads};
  tools::score_statistics statistics = tools::statistics_of(options.columns, m.scores, m.groupings, bootstrap);
  if (!options.compare.empty())
    statistics.comparison =
        tools::compare_scores(options.columns, m.scores, m.other.predictions, std::move(m.others), bootstrap);
  const tools::score_report report{m.list, options.columns, m.scores, statistics};
  out << m.scores.size() << (m.scores.size() == 1 ? " file of " : " files of ") << m.list.sources
      << (m.list.sources == 1 ? " source, " : " sources, ") << one_line(m.list.predictions.string()) << " against "
      << one_line(m.list.truth.string()) << "\n\n";
  report.print(out);
  if (!options.save_path.empty()) save(options.save_path, report, out);
  if (!options.report.empty()) save_page(options, report, out);
  out.flush();
  if (!out) fail("the table could not be written: the output is closed or full");
  return refused > 0 ? 1 : 0;
}

}  // namespace avss
