// What a network costs: parameters, MACs, memory and time, part by part.
#pragma once

#include <algorithm>
#include <avss/core/context.hpp>
#include <avss/core/param.hpp>
#include <avss/core/part.hpp>
#include <avss/op/products.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

struct part_cost {
  std::string name;
  dim_t parameters = 0;
  double macs = 0;     // see op/products.hpp
  double seconds = 0;  // of the clock
};

struct model_cost {
  std::string name;
  int sample_rate = 0;  // Hz
  dim_t length = 0;     // samples of the mixture
  dim_t faces = 0;      // 0: the network hears only
  int threads = 1;
  std::size_t inference_bytes = 0, training_bytes = 0;  // of working memory, planned; weights and gradients not counted
  std::vector<part_cost> parts;                         // in the order in which the network runs through them

  double audio_seconds() const { return static_cast<double>(length) / sample_rate; }
  part_cost sum() const {
    part_cost all{"all"};
    for (const part_cost& p : parts) {
      all.parameters += p.parameters;
      all.macs += p.macs;
      all.seconds += p.seconds;
    }
    return all;
  }
};

// Sums for each part of a network.
class cost_ledger {
 public:
  // Null: no part, as before the first and behind the last.
  const char* enter(const char* part) {
    const char* const before = part_;
    part_ = part;
    return before;
  }
  void add_macs(dim_t n) { here().macs += static_cast<double>(n); }
  void add_seconds(double s) { here().seconds += s; }
  void add_parameters(dim_t n) { here().parameters += n; }

  bool counts = false;  // MACs; one pass has several plans
  std::vector<part_cost> parts;

 private:
  part_cost& here() {
    const std::string_view name = part_ ? part_ : "rest";
    const auto at = std::find_if(parts.begin(), parts.end(), [&](const part_cost& p) { return p.name == name; });
    if (at != parts.end()) return *at;
    return parts.emplace_back(part_cost{std::string(name)});
  }
  const char* part_ = nullptr;
};

// Backend B, which notes in a ledger: what operations multiply while memory is planned, and how long they take.
template <class B>
struct noted {
  using value_type = typename B::value_type;
  B inner;
  cost_ledger* ledger;

  const char* enter(const char* part) const { return ledger->enter(part); }
};

template <class B, class Op>
std::size_t scratch_bytes(const noted<B>& b, const Op& o) {
  if (b.ledger->counts) b.ledger->add_macs(products(o));
  return scratch_bytes(b.inner, o);
}
template <class B, class Op>
requires executes<B, Op>
void execute(noted<B>& b, const Op& o, void* scratch) {
  const auto start = std::chrono::steady_clock::now();
  execute(b.inner, o, scratch);
  b.ledger->add_seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

template <class B>
dim_t packed_values(const noted<B>& b, const op::image_conv_plan& p) {
  return packed_values(b.inner, p);
}

// Which part a parameter of that name belongs to.
using part_of_parameter = const char* (*)(std::string_view name);

// The parts as the plan of a pass goes through them: plan() makes an engine of backend noted<B> plan for inference.
// Parameters are counted by the names that the network gives them.
template <class Net, class Plan>
std::vector<part_cost> planned_cost(const Net& net, cost_ledger& ledger, part_of_parameter part, Plan&& plan) {
  ledger.parts.clear();
  ledger.counts = true;
  plan();
  ledger.counts = false;
  cost_ledger all = ledger;
  for (const param_info& p : list_params(net)) {
    if (p.is_state) continue;
    all.enter(part(p.name));
    all.add_parameters(p.size);
  }
  return all.parts;
}

// Adds to the parts how long they took in the fastest of `repeats` runs.
template <class Run>
void add_times(std::vector<part_cost>& parts, cost_ledger& ledger, int repeats, Run&& run) {
  run();  // touches the memory
  std::vector<part_cost> best;
  double least = 0;
  for (int i = 0; i < repeats; ++i) {
    ledger.parts.clear();
    run();
    double all = 0;
    for (const part_cost& p : ledger.parts) all += p.seconds;
    if (i > 0 && all >= least) continue;
    least = all;
    best = ledger.parts;
  }
  for (const part_cost& timed : best)
    for (part_cost& p : parts)
      if (p.name == timed.name) p.seconds = timed.seconds;
}

}  // namespace avss
