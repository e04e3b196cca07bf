#include "tools/infer_report.hpp"

#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/metric/named.hpp>

#include "tools/metrics_job.hpp"

namespace avss::tools {
namespace {

constexpr const char* key = "inferencer.report";

mixture_list items_of(const infer_options& o) {
  return o.dataset.empty() ? list_input(o.input) : list_dataset(o.dataset, o.partition);
}

}  // namespace

void check_report(const infer_options& o, const infer_report& report) {
  check_report_page(report.page, key);
  const mixture_list list = items_of(o);
  if (list.sources == 0 || !o.use_truth)
    fail(key, ": there is no ground truth to score against; give a data set with s1/, s2/ beside mix/, or leave it out");
  if (const int rate = check_item(list.items.front()).rate; o.target_rate != 0 && o.target_rate != rate)
    fail(key, ": results of ", o.target_rate, " Hz cannot be scored against ground truth of ", rate,
         " Hz; leave out datasets.inf.target_sr");
}

int write_report(const infer_options& o, const infer_report& report, std::ostream& out, std::ostream& err) {
  metrics_options m;
  m.truth = items_of(o).folder, m.predictions = o.save_path / o.key, m.names = name_rule::intersection;
  for (const char* name : {"si_snri", "si_sdri", "snri", "si_snr"})
    m.columns.push_back({name, *find_metric(name), report.permuted});
  m.report = report.page, m.threads = report.threads;
  out << '\n';
  return run_metrics(m, out, err);
}

}  // namespace avss::tools
