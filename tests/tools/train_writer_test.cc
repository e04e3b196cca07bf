// What //tools:train records of a run, by the writers that there are.
#include <gtest/gtest.h>
#include <signal.h>

#include <avss/io/strict_json.hpp>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/tools/train_fixture.hpp"
#include "tests/track/event_reader.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class train_writer : public train_in_folder {
 protected:
  std::string tiny(const std::string& name) const {
    return "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=1 trainer.epoch_len=4 trainer.log_step=2 "
           "dataloader.batch_size=2 datasets.train.segment=0.1 datasets.val.segment=0.1 datasets.val.limit=3 "
           "trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " ";
  }
  std::vector<fs::path> event_files(const std::string& name) const {
    std::vector<fs::path> found;
    for (const std::string& f : files_in(folder / name))
      if (f.find("tfevents") != std::string::npos) found.push_back(folder / name / f);
    return found;
  }
  // Lines of starts.jsonl.
  std::vector<json_value> starts(const std::string& name) const {
    std::istringstream in(bytes_of_file(folder / name / "starts.jsonl"));
    std::vector<json_value> all;
    for (std::string line; std::getline(in, line);) all.push_back(strict_json::parse(line, "starts.jsonl"));
    return all;
  }
  static std::string text(const json_value& start, const char* key) {
    const json_value* v = start.find(key);
    return v ? v->text : "(none)";
  }
};

TEST_F(train_writer, local_records_all_of_it) {
  const outcome r = run(tiny("a") + "trainer.examples_to_log_on_val=2");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  ASSERT_EQ(event_files("a").size(), 1u);
  const read_events e = parse_events(bytes_of_file(event_files("a")[0]));
  std::size_t sounds = 0;
  std::string config;
  for (const read_value& v : e.values) {
    sounds += v.fields.contains(6);
    if (v.tag == "config") config = parse_message(v.fields.find(8)->second.bytes).find(8)->second.bytes;
  }
  EXPECT_EQ(sounds, 2u * 5);
  EXPECT_EQ(config, "```yaml\n" + bytes_of_file(folder / "a/config.yaml") + "```\n");
  const std::vector<json_value> s = starts("a");
  ASSERT_EQ(s.size(), 1u);
  EXPECT_NE(text(s[0], "command").find("model=convtasnet_tiny datasets=synthetic"), std::string::npos) << text(s[0], "command");
  EXPECT_EQ(text(s[0], "version").substr(0, 2), "0.");
  EXPECT_EQ(text(s[0], "time").size(), std::string("2026-01-01T00:00:00Z").size());
}

TEST_F(train_writer, more_items_than_there_are_and_none) {
  EXPECT_EQ(run(tiny("a") + "trainer.examples_to_log_on_val=50").status, 0);
  std::size_t sounds = 0;
  for (const read_value& v : parse_events(bytes_of_file(event_files("a")[0])).values) sounds += v.fields.contains(6);
  EXPECT_EQ(sounds, 3u * 5);
  EXPECT_EQ(run(tiny("b") + "writer.event_files=false").status, 0);
  EXPECT_TRUE(event_files("b").empty());
  EXPECT_TRUE(fs::exists(folder / "b/metrics.csv"));
}

TEST_F(train_writer, services_are_named_and_nothing_is_sent) {
  const auto of = [&](const std::string& writer, const char* service, std::size_t id_length) {
    const outcome r = run(tiny(writer) + "writer=" + writer);
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_TRUE(says(r.err.substr(0, r.err.find('\n')), service, "nothing is sent", "writer=local", "README.md"));
    EXPECT_EQ(event_files(writer).size(), 1u);
    ASSERT_EQ(starts(writer).size(), 1u);
    const std::string id = text(starts(writer)[0], "run_id");
    EXPECT_EQ(id.size(), id_length) << id;
    // A run that goes on keeps its id.
    ASSERT_EQ(run(tiny(writer) + "writer=" + writer + " trainer.n_epochs=2 trainer.resume_from=checkpoint-last.pth").status, 0);
    ASSERT_EQ(starts(writer).size(), 2u);
    EXPECT_EQ(text(starts(writer)[1], "run_id"), id);
    EXPECT_EQ(event_files(writer).size(), 2u);
  };
  of("cometml", "Comet", 32);
  of("cometml_multiloss", "Comet", 32);
  of("wandb", "Weights & Biases", 8);
}

TEST_F(train_writer, losses_are_chosen) {
  const outcome r = run(tiny("a") + "writer=wandb writer.loss_names=[si_snr_loss]");
  EXPECT_NE(r.err.find("there is no loss 'si_snr_loss'"), std::string::npos) << r.err;
  for (const read_value& v : parse_events(bytes_of_file(event_files("a")[0])).values)
    EXPECT_FALSE(v.tag.ends_with("_loss")) << v.tag;
}

TEST_F(train_writer, killed_and_resumed_has_every_point_once) {
  const std::string more = "trainer.epoch_len=60 trainer.n_epochs=2 trainer.save_steps=7 datasets.train.segment=0.5 ";
  ASSERT_EQ(run(tiny("whole") + more).status, 0);
  const auto points = [this](const std::string& name) {
    std::multimap<std::string, std::string> all;
    for (const fs::path& f : event_files(name)) {
      const read_events e = parse_events(bytes_of_file(f));
      EXPECT_FALSE(e.torn) << f;
      for (const read_value& v : e.values)
        if (const auto x = v.fields.find(2);
            x != v.fields.end() && !v.tag.ends_with("_per_second") && !v.tag.ends_with("waiting_for_data"))
          all.emplace(std::to_string(v.step) + " " + v.tag, std::to_string(x->second.single()));
    }
    return all;
  };
  const auto expected = points("whole");
  EXPECT_GT(expected.size(), 200u);
  for (const std::size_t size : {8'000u, 12'000u, 100'000u}) {  // bytes of the event file at which it is killed
    const std::string name = "killed" + std::to_string(size);
    std::istringstream in(tiny(name) + more);
    std::vector<std::string> words{"./tools/train"};
    for (std::string w; in >> w;) words.push_back(w);
    {
      child_process child(words, folder / "out", folder / "err");
      ASSERT_TRUE(child.runs_until([&] {
        std::error_code none;
        return fs::exists(folder / name / "checkpoint-last.pth") && !event_files(name).empty() &&
               fs::file_size(event_files(name)[0], none) >= size;
      })) << bytes_of_file(folder / "err");
      child.signal(SIGKILL);
      child.wait();
    }
    const outcome r = run(tiny(name) + more + "trainer.resume_from=checkpoint-last.pth");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(points(name), expected) << size;
    EXPECT_EQ(event_files(name).size(), 2u);
  }
}

TEST_F(train_writer, refuses) {
  expect_refusal(tiny("a") + "writer._target_=mlflow", "writer._target_", "local", "mlflow");
  expect_refusal(tiny("a") + "writer=cometml writer._target_=src.logger.CometMlWriter", "writer._target_",
                 "did you mean 'CometMLWriter'?");
  expect_refusal(tiny("a") + "writer=cometml writer._target_=src.model.CometMLWriter", "writer._target_",
                 "src.logger.CometMLWriter");
  expect_refusal(tiny("a") + "writer=cometml writer._target_=wandb.CometMLWriter", "writer._target_",
                 "give CometMLWriter alone");
  expect_refusal(tiny("a") + "+writer.run_nam=x", "run_nam", "run_name");
  expect_refusal(tiny("a") + "writer=wandb +writer.workspace=x", "workspace", "entity");
  expect_refusal(tiny("a") + "writer=wandb writer.mode=sometimes", "writer.mode", "offline");
  expect_refusal(tiny("a") + "writer=cometml writer.id_length=0", "writer.id_length", "128");
  expect_refusal(tiny("a") + "trainer.examples_to_log_on_val=-1", "trainer.examples_to_log_on_val", "-1");
  EXPECT_FALSE(fs::exists(folder / "a"));
}

}  // namespace
}  // namespace avss
