// The metric that decides which checkpoint is the best.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace avss {

// "max val_si_snri", "min val_loss" or "off"; the names are those of the evaluation's metrics behind "val_".
class monitor {
 public:
  monitor(const std::string& spec, const std::vector<std::string>& metrics) {
    std::istringstream in(spec);
    std::string how, name, rest;
    in >> how >> name >> rest;
    if (how == "off" && name.empty()) return;
    std::string known;
    for (const std::string& m : metrics) known += (known.empty() ? "val_" : ", val_") + m;
    if ((how != "max" && how != "min") || !rest.empty())
      fail("trainer.monitor: expected \"max METRIC\", \"min METRIC\" or \"off\", found \"", spec, "\"; metrics: ", known);
    if (!name.starts_with("val_") || std::find(metrics.begin(), metrics.end(), name.substr(4)) == metrics.end())
      fail("trainer.monitor: there is no metric '", name, "'; there are: ", known);
    name_ = name.substr(4);
    higher_ = how == "max";
  }

  bool on() const { return !name_.empty(); }
  bool higher_is_better() const { return higher_; }
  const std::string& name() const { return name_; }
  double worst() const { return (higher_ ? -1 : 1) * std::numeric_limits<double>::infinity(); }
  // NaN is no improvement; an equal value is one, as in the reference project.
  bool improves(double value, double best) const { return on() && (higher_ ? value >= best : value <= best); }

 private:
  std::string name_;
  bool higher_ = true;
};

}  // namespace avss
