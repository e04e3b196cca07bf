#include "tools/infer_report.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/metric/named.hpp>
#include <utility>

#include "tools/metrics_job.hpp"

namespace avss::tools {
namespace {

constexpr const char* page_key = "inferencer.report";

mixture_list items_of(const infer_options& o) {
  return o.dataset.empty() ? list_input(o.input) : list_dataset(o.dataset, o.partition);
}

// Hz, of the first mixture that can be read; 0 where none can.
int rate_of(const mixture_list& list) {
  for (const mixture_item& item : list.items) try {
      return check_item(item).rate;
    } catch (const error&) {
      continue;
    }
  return 0;
}

}  // namespace

bool wants_report(const infer_options& o, const infer_report& report) {
  const bool page = !report.page.empty();
  if (page) check_report_page(report.page, page_key);
  if (page && report.columns.empty())
    fail("metrics.inference is empty: a page of scores needs some; choose metrics=pit or metrics=default");
  const bool more = std::any_of(report.columns.begin(), report.columns.end(),
                                [](const metric_column& c) { return !c.choice.metric->of_energies; });
  if (!page && !more) return false;
  const mixture_list list = items_of(o);
  const bool truth = list.sources > 0 && o.use_truth;
  if (!page && !truth) return false;
  const char* const key = page ? page_key : "metrics.inference";
  if (!truth)
    fail(key, ": there is no ground truth to score against; give a data set with s1/, s2/ beside mix/, or leave it out");
  if (const int rate = rate_of(list); o.target_rate != 0 && rate != 0 && o.target_rate != rate)
    fail(key, ": results of ", o.target_rate, " Hz cannot be scored against ground truth of ", rate,
         " Hz; leave out datasets.inf.target_sr");
  return true;
}

int write_report(const infer_options& o, const infer_report& report, std::vector<std::string> written, std::ostream& out,
                 std::ostream& err) {
  std::sort(written.begin(), written.end());
  metrics_options m;
  m.truth = items_of(o).folder, m.predictions = o.save_path / o.key, m.names = name_rule::intersection;
  m.only = std::move(written);
  m.columns = report.columns, m.instruments = report.instruments;
  m.report = report.page, m.threads = report.threads;
  out << '\n';
  return run_metrics(m, out, err);
}

}  // namespace avss::tools
