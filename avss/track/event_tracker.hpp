// Follows a run with TensorBoard's event files in its folder.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/track/event.hpp>
#include <avss/track/event_file.hpp>
#include <avss/track/example_event.hpp>
#include <avss/train/tracker.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct event_tracker_options {
  std::filesystem::path folder;  // the run's
  std::int64_t examples = 0;     // validation items that are heard and seen
  // The losses that are recorded; none: all.
  std::optional<std::vector<std::string>> loss_names;
  // Recorded when a run begins: texts by tag, and the hyper-parameters by key.
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::pair<std::string, hparams::value>> parameters;
  // Recorded again, with the first step of the new one, where a run goes on with another configuration.
  bool configuration_changed = false;
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  std::function<double()> now = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  };
};

// Every event is in the file when the call that made it returns. A resumed run goes on in a file of its own; what earlier files
// hold of steps that are made again is cut off, and a TensorBoard that has read it already is told so.
class event_tracker final : public tracker {
 public:
  explicit event_tracker(event_tracker_options o) : o_(std::move(o)) {}

  void begin(std::int64_t step, bool resumed) override {
    for (const std::filesystem::path& f : event_files_in(o_.folder))
      cut_event_file(f, [&](std::string_view record) {
        const event_head h = head_of(record);
        return h.step > step || h.tag == hparams::end_tag;
      });
    const double now = o_.now();
    file_.emplace(new_event_file(o_.folder, now).string());
    file_->append(event::version(now));
    if (resumed) file_->append(event::restart(now, step + 1));
    if (!resumed || o_.configuration_changed)
      for (const auto& [tag, text] : o_.texts) put(event(now, step).text(tag, text));
    if (!resumed)
      put(event(now, step).plugin_data(hparams::start_tag, hparams::plugin_name,
                                       hparams::session_start(o_.parameters, o_.folder.filename().string(), now)));
    file_->sync();
  }

  void scalars(std::int64_t step, std::string_view partition, const std::vector<named_value>& losses,
               const std::vector<named_value>& others) override {
    check_names(losses);
    event e(o_.now(), step);
    const std::string stem = std::string(partition) + "_";
    for (const named_value& v : losses)
      if (is_wanted(v.name)) e.scalar(stem + v.name, v.value);
    for (const named_value& v : others) e.scalar(stem + v.name, v.value);
    if (!e.empty()) put(e);
    const auto heard = heard_.find(partition);
    if (heard == heard_.end()) return;
    for (const event& item : heard->second.items) put(item);
    heard->second = {{}, true};
    file_->sync();
  }

  std::int64_t examples() const override { return o_.examples; }

  void example(std::int64_t step, const heard_item& item) override {
    heard& of = heard_[std::string(item.partition)];
    if (item.number == 0) of.items.clear();  // an evaluation that was broken off is made anew
    const std::string name = std::string(item.partition) + "_" + std::to_string(item.number + 1);
    of.items.push_back(example_event(o_.now(), step, name, item, !of.truth));
  }

  void end(std::int64_t step) override {
    const double now = o_.now();
    put(event(now, step).plugin_data(hparams::end_tag, hparams::plugin_name, hparams::session_end(now)));
    file_->sync();
  }

 private:
  void put(const event& e) {
    if (!file_) fail("a run that is followed must begin first");
    file_->append(e.bytes());
  }

  bool is_wanted(const std::string& loss) const {
    return !o_.loss_names || std::find(o_.loss_names->begin(), o_.loss_names->end(), loss) != o_.loss_names->end();
  }

  // Once: a name that no loss has is a mistake in the configuration, but no reason to end a run that computes.
  void check_names(const std::vector<named_value>& losses) {
    if (checked_ || !o_.loss_names || losses.empty()) return;
    checked_ = true;
    std::string known;
    for (const named_value& v : losses) known += (known.empty() ? "" : ", ") + v.name;
    for (const std::string& name : *o_.loss_names)
      if (std::none_of(losses.begin(), losses.end(), [&](const named_value& v) { return v.name == name; }))
        o_.warn("writer.loss_names: there is no loss '" + name + "'; there are: " + known);
  }

  // Of a partition.
  struct heard {
    std::vector<event> items;  // in the evaluation that goes on
    bool truth = false;        // is in the file
  };

  event_tracker_options o_;
  std::optional<event_file> file_;  // once the run has begun
  std::map<std::string, heard, std::less<>> heard_;
  bool checked_ = false;
};

}  // namespace avss
