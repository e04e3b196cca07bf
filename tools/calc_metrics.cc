// Scores saved estimates against their ground truth:
//   bazel run //tools:calc_metrics -- metric_calculator.gt_path=DIR metric_calculator.pred_path=DIR
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/config/suggest.hpp>
#include <avss/config/value.hpp>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "tools/metric_config.hpp"
#include "tools/metrics_job.hpp"
#include "tools/section.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

int calc_metrics(const settings& s, const avss::config::command_line& c) {
  avss::tools::expect_section(s, "metric_calculator", "calc_metrics_convtasnet or calc_metrics_rtfsnet");
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
  const avss::config::value rules = s.at("metric_calculator.group_by");
  if (rules.is(avss::config::kind::list))
    o.group_by = rules.as<std::vector<std::string>>("metric_calculator.group_by");
  else if (!rules.is_null())
    o.group_by = {rules.as<std::string>("metric_calculator.group_by")};
  o.attributes = path("metric_calculator.attributes");
  o.compare = path("metric_calculator.compare");
  o.report = path("metric_calculator.report");
  o.examples.mouths = path("metric_calculator.mouths");
  o.examples.of_each_kind = s.get<std::uint16_t>("metric_calculator.examples");
  o.examples.seconds = s.get<double>("metric_calculator.example_seconds");
  if (!(o.examples.seconds > 0 && o.examples.seconds <= 60))
    avss::fail("metric_calculator.example_seconds: expected more than 0 and at most 60");
  o.refuse_broken = s.one_of("metric_calculator.broken", {"leave_out", "refuse"}) == "refuse";
  o.seed = s.get<std::uint64_t>("metric_calculator.seed");
  s.one_of("metric_calculator.device", {"auto", "cpu"});
  s.one_of("metrics.device", {"auto", "cpu"});
  avss::tools::read_metrics(s, "metrics.train");  // not measured here, but a wrong name in it is an error
  o.columns = avss::tools::read_metrics(s, "metrics.inference");
  if (o.columns.empty())
    avss::fail("metrics.inference is empty: nothing to measure; choose metrics=pit, metrics=default or a list of ",
               avss::config::listed(avss::tools::known_metric_names()));
  o.instruments = avss::tools::read_instruments(s, o.columns);
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
