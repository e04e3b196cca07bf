// Sums of the parts of a loss over steps.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/train/trainable.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace avss {

class loss_parts {
 public:
  // values[0] is the whole loss and is left out.
  void add(const std::vector<named_value>& values, double weight = 1) {
    for (std::size_t i = 1; i < values.size(); ++i) of(values[i].name) += weight * values[i].value;
  }
  void add(const loss_parts& other) {
    for (const named_value& v : other.sums_) of(v.name) += v.value;
  }
  // Of the same parts of all workers.
  void sum_over(worker_group& group) {
    for (named_value& v : sums_) v.value = group.sum_of(v.value);
  }
  void clear() { sums_.clear(); }

  bool has(const std::string& name) const {
    return std::any_of(sums_.begin(), sums_.end(), [&](const named_value& v) { return v.name == name; });
  }
  // Behind the loss itself, the means over n steps.
  std::vector<named_value> means(double loss, std::int64_t n) const {
    std::vector<named_value> all{{"loss", loss}};
    for (const named_value& v : sums_) all.push_back({v.name, n > 0 ? v.value / static_cast<double>(n) : std::nan("")});
    return all;
  }

  checkpoint_value state() const {
    std::vector<checkpoint_value::field> fields;
    for (const named_value& v : sums_) fields.emplace_back(v.name, v.value);
    return checkpoint_value::dict(std::move(fields));
  }
  // As state() gave it, or nothing: checkpoints of a loss without parts need not have it. `where` is for messages.
  void restore(const checkpoint_value* state, const std::string& where) {
    clear();
    if (!state) return;
    for (const auto& [key, value] : state->fields()) {
      const auto number = value.number();
      if (!key.is_text() || !number) fail(where, " is not a dict of numbers: damaged checkpoint");
      of(key.text()) = *number;
    }
  }

 private:
  double& of(const std::string& name) {
    for (named_value& v : sums_)
      if (v.name == name) return v.value;
    sums_.push_back({name, 0});
    return sums_.back().value;
  }

  std::vector<named_value> sums_;
};

}  // namespace avss
