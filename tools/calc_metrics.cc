// Scores saved estimates against their ground truth:
//   bazel run //tools:calc_metrics -- metric_calculator.gt_path=DIR metric_calculator.pred_path=DIR
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/config/suggest.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "tools/metric_config.hpp"
#include "tools/metrics_job.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

int calc_metrics(const settings& s, const avss::config::command_line& c) {
  avss::metrics_options o;
  const auto path = [&](const char* key) { return avss::config::user_path(s.get<std::string>(key, "")); };
  o.truth = path("metric_calculator.gt_path");
  if (o.truth.empty())
    avss::fail("where is the ground truth? give the folder with mix/, s1/, s2/, metric_calculator.gt_path=DIR");
  o.predictions = path("metric_calculator.pred_path");
  if (o.predictions.empty())
    avss::fail("what is to be scored? give the folder with the predicted s1/, s2/, metric_calculator.pred_path=DIR");
  o.save_path = path("metric_calculator.save_path");
  o.names = s.get<bool>("metric_calculator.intersection") ? avss::name_rule::intersection : avss::name_rule::equal;
  s.one_of("metric_calculator.device", {"auto", "cpu"});
  s.one_of("metrics.device", {"auto", "cpu"});
  avss::tools::read_metrics(s, "metrics.train");  // not measured here, but a wrong name in it is an error
  o.columns = avss::tools::read_metrics(s, "metrics.inference");
  if (o.columns.empty())
    avss::fail("metrics.inference is empty: nothing to measure; choose metrics=pit, metrics=default or a list of ",
               avss::config::listed(avss::tools::known_metric_names()));
  o.threads = avss::tools::threads_of(c);
  o.terminal = ::isatty(STDERR_FILENO) != 0;
  return avss::run_metrics(o, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(
      argc, argv, {"calc_metrics", "scores separated speech against its ground truth.", "calc_metrics_convtasnet", true},
      calc_metrics);
}
