// A training run as its event files tell it.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/track/event.hpp>
#include <avss/track/event_file.hpp>
#include <avss/track/event_tracker.hpp>
#include <avss/train/loss_parts.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/track/event_reader.hpp"
#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class tracking : public training_run {
 protected:
  event_tracker_options following(const std::string& name, std::int64_t examples = 2) const {
    event_tracker_options o;
    o.folder = folder / name, o.examples = examples;
    o.texts = {{"config", "a: 1"}};
    o.parameters = {{"lr", 1e-3}, {"model", "tiny"}};
    return o;
  }
  int follow(trainer_options o, event_tracker_options t, std::int64_t steps = 1 << 30) {
    const auto net = make_tiny({.threads = 1});
    event_tracker follower(std::move(t));
    std::int64_t asked = 0;
    trainer run(
        *net, schedule(), data(), std::move(o), out, err, [&] { return asked++ >= steps; }, &follower);
    return run.run();
  }
  // All files of a run, one after another.
  read_events events_of(const std::string& name) const {
    read_events all;
    for (const auto& f : event_files_in(folder / name)) {
      read_events e = parse_events(bytes_of_file(f));
      EXPECT_EQ(e.version, "brain.Event:2");
      EXPECT_FALSE(e.torn) << f;
      std::move(e.values.begin(), e.values.end(), std::back_inserter(all.values));
      all.restarts.insert(all.restarts.end(), e.restarts.begin(), e.restarts.end());
    }
    return all;
  }
  static std::string payload(const read_value& v) {
    for (const int field : {2, 4, 6, 8})  // scalar, image, audio, tensor
      if (const auto f = v.fields.find(field); f != v.fields.end())
        return f->second.bytes.empty() ? std::to_string(f->second.single()) : f->second.bytes;
    return "";
  }
  // What does not depend on the clock, in any order: "STEP TAG" and its value. Every pair once.
  std::map<std::string, std::string> content(const std::string& name, bool with_truth = true) const {
    std::map<std::string, std::string> all;
    for (const read_value& v : events_of(name).values) {
      const bool truth = v.tag.find("/mixture") != std::string::npos || v.tag.find("/target") != std::string::npos;
      if (v.tag.ends_with("_per_second") || v.tag.ends_with("waiting_for_data") || v.tag.starts_with("_hparams_") ||
          (truth && !with_truth))
        continue;
      EXPECT_TRUE(all.emplace(std::to_string(v.step) + " " + v.tag, payload(v)).second) << "twice: " << v.step << " " << v.tag;
    }
    return all;
  }
};

TEST_F(tracking, scalars_are_those_of_metrics_jsonl) {
  ASSERT_EQ(follow(options("run"), following("run")), 0);
  std::map<std::string, float> found;
  for (const read_value& v : events_of("run").values)
    if (const auto f = v.fields.find(2); f != v.fields.end()) found[std::to_string(v.step) + " " + v.tag] = f->second.single();
  // {"step": 4, "epoch": 1, "partition": "train", "loss": 1.5, ...}
  std::ifstream log(folder / "run/metrics.jsonl");
  int checked = 0;
  for (std::string line; std::getline(log, line);) {
    std::istringstream in(line.substr(1, line.size() - 2));
    std::map<std::string, std::string> row;
    for (std::string part; std::getline(in, part, ',');) {
      part.erase(0, part.find('"') + 1);
      row[part.substr(0, part.find('"'))] = part.substr(part.find(':') + 2);
    }
    const std::string partition = row["partition"].substr(1, row["partition"].size() - 2);
    for (const auto& [key, value] : row) {
      if (key == "step" || key == "epoch" || key == "partition") continue;
      const auto at = found.find(row["step"] + " " + partition + "_" + key);
      ASSERT_NE(at, found.end()) << key << " in " << line;
      EXPECT_EQ(at->second, std::stof(value)) << key << " in " << line;
      ++checked;
    }
  }
  EXPECT_GE(checked, 20);
  EXPECT_EQ(found.at("4 train_epoch"), 1);
  EXPECT_EQ(found.at("10 train_epoch"), 2);
  EXPECT_EQ(found.at("12 best_val_si_snri"), std::max(found.at("6 val_si_snri"), found.at("12 val_si_snri")));
  EXPECT_NEAR(found.at("4 train_steps_per_second") * 2, found.at("4 train_items_per_second"), 1e-3);
  EXPECT_GE(found.at("4 train_waiting_for_data"), 0);
  EXPECT_LE(found.at("4 train_waiting_for_data"), 1);
}

TEST_F(tracking, items_are_heard_and_seen_as_far_as_there_are_some) {
  ASSERT_EQ(follow(options("run"), following("run", 9)), 0);  // of 5
  std::set<std::string> sounds, pictures;
  for (const read_value& v : events_of("run").values) {
    if (const auto f = v.fields.find(6); f != v.fields.end()) {
      const read_message sound = parse_message(f->second.bytes);
      EXPECT_EQ(sound.find(1)->second.single(), 8000);
      EXPECT_EQ(sound.find(3)->second.bits, 1000u);
      EXPECT_EQ(sound.find(4)->second.bytes.size(), 44 + 2 * 1000u);
      EXPECT_TRUE(sound.find(4)->second.bytes.starts_with("RIFF"));
      sounds.insert(v.tag);
    }
    if (const auto f = v.fields.find(4); f != v.fields.end()) {
      const read_message picture = parse_message(f->second.bytes);
      EXPECT_EQ(picture.find(1)->second.bits, 160u);
      EXPECT_EQ(picture.find(2)->second.bits, 400u);
      EXPECT_TRUE(picture.find(4)->second.bytes.starts_with("\x89PNG"));
      pictures.insert(v.tag);
    }
  }
  std::set<std::string> expected;
  for (int i = 1; i <= 5; ++i)
    for (const char* what : {"mixture", "estimate_s1", "estimate_s2", "target_s1", "target_s2"})
      expected.insert("val_" + std::to_string(i) + "/" + what);
  EXPECT_EQ(sounds, expected);
  EXPECT_EQ(pictures.size(), expected.size());
  for (const std::string& tag : expected) EXPECT_TRUE(pictures.contains(tag + "_spectrogram")) << tag;
}

TEST_F(tracking, resumed_anywhere_has_every_point_once) {
  ASSERT_EQ(follow(options("whole"), following("whole")), 0);
  const auto whole = content("whole", false);
  for (const int stop : {0, 1, 5, 6, 8, 11, 14}) {  // within an epoch, between two, within a validation
    const std::string name = "stopped" + std::to_string(stop);
    ASSERT_EQ(follow(options(name), following(name), stop), 130);
    trainer_options o = options(name);
    o.resume_from = last_checkpoint;
    ASSERT_EQ(follow(o, following(name)), 0);
    EXPECT_EQ(content(name, false), whole) << stop;
    EXPECT_EQ(event_files_in(folder / name).size(), 2u);
    EXPECT_EQ(events_of(name).restarts.size(), 1u);
  }
}

TEST_F(tracking, steps_that_are_made_again_are_cut_off) {
  ASSERT_EQ(follow(options("whole"), following("whole")), 0);
  // As a crash leaves it: points behind the last checkpoint, and half a record.
  ASSERT_EQ(follow(options("run"), following("run")), 0);
  const auto first = event_files_in(folder / "run").front();
  std::ofstream(first, std::ios::binary | std::ios::app) << framed_record("half").substr(0, 14);
  trainer_options o = options("run");
  o.resume_from = previous_checkpoint;  // of step 6
  ASSERT_EQ(follow(o, following("run")), 0);
  EXPECT_EQ(content("run", false), content("whole", false));
  EXPECT_EQ(events_of("run").restarts, (std::vector<std::int64_t>{7}));
  int sessions = 0, ends = 0;
  for (const read_value& v : events_of("run").values)
    sessions += v.tag == hparams::start_tag, ends += v.tag == hparams::end_tag;
  EXPECT_EQ(sessions, 1);
  EXPECT_EQ(ends, 1);
  // Nothing left to do: nothing twice.
  o.resume_from = last_checkpoint;
  ASSERT_EQ(follow(o, following("run")), 0);
  EXPECT_EQ(content("run", false), content("whole", false));
}

TEST_F(tracking, a_new_configuration_is_told_where_it_begins) {
  ASSERT_EQ(follow(options("run"), following("run"), 8), 130);
  trainer_options o = options("run");
  o.resume_from = last_checkpoint;
  event_tracker_options t = following("run");
  t.configuration_changed = true;
  ASSERT_EQ(follow(o, t), 0);
  std::vector<std::int64_t> told;
  for (const read_value& v : events_of("run").values)
    if (v.tag == "config") told.push_back(v.step);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], 0);
  EXPECT_GT(told[1], 0);
}

TEST_F(tracking, evaluations_that_are_broken_off_are_not_heard) {
  event_tracker_options o = following("run");
  o.folder = folder;
  event_tracker t(o);
  t.begin(0, false);
  const std::vector<float> x = noise(2000, 1, 0.1);
  const auto example = [&](const char* partition, std::int64_t n) { t.example(1, {partition, n, 8000, 1, x, x, x}); };
  example("val", 0), example("val", 1);  // broken off
  example("val", 0), example("val", 1), example("test", 0);
  t.scalars(1, "val", {{"loss", 1}}, {});
  std::multiset<std::string> sounds;
  for (const read_value& v : parse_events(bytes_of_file(event_files_in(folder).front())).values)
    if (v.fields.contains(6)) sounds.insert(v.tag);
  EXPECT_EQ(sounds, (std::multiset<std::string>{"val_1/mixture", "val_1/estimate", "val_1/target", "val_2/mixture",
                                                "val_2/estimate", "val_2/target"}));
}

TEST_F(tracking, loss_names_choose) {
  event_tracker_options o = following("run");
  o.folder = folder;
  o.loss_names = {"loss", "spectrum", "spektrum"};
  std::vector<std::string> warnings;
  o.warn = [&](const std::string& w) { warnings.push_back(w); };
  event_tracker t(o);
  t.begin(0, false);
  for (const int step : {1, 2}) t.scalars(step, "train", {{"loss", 1}, {"si_snr_loss", 2}, {"spectrum", 3}}, {{"lr", 4}});
  std::set<std::string> tags;
  for (const read_value& v : parse_events(bytes_of_file(event_files_in(folder).front())).values)
    if (v.step > 0) tags.insert(v.tag);
  EXPECT_EQ(tags, (std::set<std::string>{"train_loss", "train_spectrum", "train_lr"}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(says(warnings[0], "spektrum", "loss, si_snr_loss, spectrum"));
}

TEST(loss_parts, means_over_steps_and_over_a_checkpoint) {
  loss_parts a;
  a.add({{"loss", 9}, {"x", 1}, {"y", 4}}, 0.5);
  a.add({{"loss", 9}, {"x", 2}, {"y", 8}});
  loss_parts b;
  const checkpoint_value state = a.state();
  b.restore(&state, "here");
  const std::vector<named_value> means = b.means(7, 2);
  ASSERT_EQ(means.size(), 3u);
  EXPECT_EQ(means[0].name, "loss");
  EXPECT_EQ(means[0].value, 7);
  EXPECT_EQ(means[1].value, 1.25);
  EXPECT_EQ(means[2].value, 5);
  EXPECT_TRUE(b.has("y"));
  EXPECT_FALSE(b.has("loss"));
  b.restore(nullptr, "here");
  EXPECT_FALSE(b.has("y"));
  const checkpoint_value wrong = checkpoint_value::dict({{"x", "text"}});
  EXPECT_TRUE(says(error_of([&] { b.restore(&wrong, "file: avss.log_parts"); }), "file: avss.log_parts", "numbers"));
}

}  // namespace
}  // namespace avss
