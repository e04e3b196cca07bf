// The metric that decides which checkpoint is the best.
#pragma once

#include <avss/core/error.hpp>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace avss {

// "max val_si_snri", "min val_loss" or "off": a metric by the name of the evaluation's part and its own.
class monitor {
 public:
  // parts: those that there are; where there are none, nothing is watched whatever `spec` says.
  monitor(const std::string& spec, const std::vector<std::string>& parts, const std::vector<std::string>& metrics) {
    std::istringstream in(spec);
    std::string how, name, rest;
    in >> how >> name >> rest;
    if (how == "off" && name.empty()) return;
    if ((how != "max" && how != "min") || name.empty() || !rest.empty())
      fail("trainer.monitor: expected \"max METRIC\", \"min METRIC\" or \"off\", found \"", spec, "\"",
           parts.empty() ? "" : "; metrics: " + listed(parts, metrics));
    higher_ = how == "max";
    if (parts.empty()) return;
    for (const std::string& p : parts)
      for (const std::string& m : metrics)
        if (p + "_" + m == name) name_ = name;
    if (name_.empty()) fail("trainer.monitor: there is no metric '", name, "'; there are: ", listed(parts, metrics));
  }

  bool on() const { return !name_.empty(); }
  bool higher_is_better() const { return higher_; }
  const std::string& name() const { return name_; }
  // As it was asked for: "max val_si_snri".
  std::string spec() const { return on() ? (higher_ ? "max " : "min ") + name_ : "off"; }
  double worst() const { return (higher_ ? -1 : 1) * std::numeric_limits<double>::infinity(); }
  // NaN is no improvement; an equal value is one, as in the reference project.
  bool improves(double value, double best) const { return on() && (higher_ ? value >= best : value <= best); }

 private:
  static std::string listed(const std::vector<std::string>& parts, const std::vector<std::string>& metrics) {
    std::string all;
    for (const std::string& p : parts)
      for (const std::string& m : metrics) all += (all.empty() ? "" : ", ") + p + "_" + m;
    return all;
  }

  std::string name_;
  bool higher_ = true;
};

}  // namespace avss
