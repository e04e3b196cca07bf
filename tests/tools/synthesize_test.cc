// //tools:synthesize as a user runs it. Skipped where espeak-ng is not installed.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/left_parts.hpp>
#include <avss/io/npz.hpp>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class synthesize : public tool_in_folder {
 protected:
  fs::path corpus() const { return folder / "corpus"; }
  outcome run(const std::string& arguments, const std::string& before = "") const {
    return run_tool("synthesize", "synthesize.save_path=" + corpus().string() + " " + arguments, before);
  }
  std::map<std::string, std::string> contents(const fs::path& where) const {
    std::map<std::string, std::string> all;
    for (const std::string& f : files_in(where)) all[f] = bytes_of_file(where / f);
    return all;
  }
};

std::set<std::string> speakers_of(const mixture_list& list) {
  std::set<std::string> speakers;
  for (const mixture_item& i : list.items) speakers.insert({i.name.substr(0, 5), i.name.substr(12, 5)});
  return speakers;
}

double energy(const std::vector<float>& x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return sum;
}

constexpr const char* few =
    "synthesize.train_items=4 synthesize.val_items=2 synthesize.train_speakers=3 synthesize.val_speakers=2 ";

TEST_F(synthesize, writes_the_layout_of_the_data_sets) {
  const outcome o = run(std::string(few) + "synthesize.seconds=1.2 synthesize.relative_level=[2,3]");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(files_in(corpus()).size(), 6 * 5u + 1);
  const mixture_list train = list_dataset(corpus(), "train"), val = list_dataset(corpus(), "val");
  ASSERT_EQ(train.items.size(), 4u);
  ASSERT_EQ(val.items.size(), 2u);
  for (const std::string& s : speakers_of(val)) EXPECT_EQ(speakers_of(train).count(s), 0u) << s;

  int first_louder = 0;
  for (const mixture_item& item : train.items) {
    ASSERT_EQ(item.name.size(), 23u);
    EXPECT_EQ(item.name[11], '_');
    EXPECT_NE(item.name.substr(0, 5), item.name.substr(12, 5));
    ASSERT_EQ(item.sources.size(), 2u);
    const audio_signal mix = read_audio(item.mixture), a = read_audio(item.sources[0]), b = read_audio(item.sources[1]);
    EXPECT_EQ(mix.info.rate, 16000);
    ASSERT_EQ(mix.samples.size(), 19200u);
    float most = 0;
    for (std::size_t i = 0; i < mix.samples.size(); ++i) {
      ASSERT_EQ(mix.samples[i], a.samples[i] + b.samples[i]);
      most = std::max({most, std::abs(mix.samples[i]), std::abs(a.samples[i]), std::abs(b.samples[i])});
    }
    EXPECT_NEAR(most, 0.9, 1e-4);
    const double decibels = 10 * std::log10(energy(a.samples) / energy(b.samples));
    EXPECT_GT(std::abs(decibels), 1.99);
    EXPECT_LT(std::abs(decibels), 3.01);
    first_louder += decibels > 0;
    for (const std::string& id : {item.name.substr(0, 11), item.name.substr(12)}) {
      const tensor_dict mouth = read_npz((corpus() / "mouths" / (id + ".npz")).string());
      ASSERT_EQ(mouth.entries.size(), 1u);
      EXPECT_EQ(mouth.entries[0].name, "data");
      EXPECT_EQ(mouth.entries[0].value.type, dtype::u8);
      EXPECT_EQ(mouth.entries[0].value.shape, (std::vector<dim_t>{30, 96, 96}));
    }
  }
  EXPECT_EQ(first_louder, 2);

  const std::string about = bytes_of_file(corpus() / "README.txt");
  for (const char* part : {"//tools:synthesize", "espeak-ng", "seed: 1", "train_items: 4", "00005  val"})
    EXPECT_NE(about.find(part), std::string::npos) << part;
  EXPECT_EQ(about.find("save_path"), std::string::npos);
}

TEST_F(synthesize, is_the_same_for_any_number_of_threads_and_another_with_another_seed) {
  const std::string how = std::string(few) + "synthesize.seconds=0.6 --threads ";
  ASSERT_EQ(run(how + "1").status, 0);
  const auto alone = contents(corpus());
  fs::rename(corpus(), folder / "alone");
  ASSERT_EQ(run(how + "3").status, 0);
  EXPECT_TRUE(contents(corpus()) == alone);
  fs::rename(corpus(), folder / "threads");
  ASSERT_EQ(run(how + "1 synthesize.seed=2").status, 0);
  EXPECT_NE(files_in(corpus()), files_in(folder / "alone"));
}

// Mouths that talk: the pictures change where the mouth is, and more while something is said.
TEST_F(synthesize, mouths_move_with_the_speech) {
  const outcome o = run(std::string(few) + "synthesize.seconds=4");
  ASSERT_EQ(o.status, 0) << o.err;
  const std::string mark = "correlate by ";
  const std::size_t at = o.out.find(mark);
  ASSERT_NE(at, std::string::npos) << o.out;
  EXPECT_GT(std::atof(o.out.c_str() + at + mark.size()), 0.2);
  for (const std::string& file : files_in(corpus() / "mouths")) {
    const tensor_dict mouth = read_npz((corpus() / "mouths" / file).string());
    const std::vector<float> v = mouth.entries.at(0).value.values<float>();
    const auto change = [&](std::size_t top, std::size_t left) {  // mean square over 16 x 24 pixels, from frame to frame
      double sum = 0;
      for (std::size_t f = 1; f < 100; ++f)
        for (std::size_t r = top; r < top + 16; ++r)
          for (std::size_t c = left; c < left + 24; ++c)
            sum += std::pow(v[(f * 96 + r) * 96 + c] - v[((f - 1) * 96 + r) * 96 + c], 2);
      return sum;
    };
    EXPECT_GT(change(42, 36), 3 * change(2, 36)) << file;
  }
}

TEST_F(synthesize, overwrites_nothing) {
  fs::create_directories(corpus());
  write_bytes(corpus() / "mine", "x");
  const outcome o = run(few);
  EXPECT_EQ(o.status, 1);
  EXPECT_TRUE(says(o.err.substr(0, o.err.size() - 1), "synthesize: ", corpus().string(), "is there already"));
  EXPECT_EQ(files_in(corpus()), std::vector<std::string>{"mine"});
}

TEST_F(synthesize, refuses_options_that_make_no_sense) {
  const auto refused = [&](const std::string& option, const char* what, const char* more) {
    const outcome o = run(option);
    EXPECT_EQ(o.status, 1) << option;
    EXPECT_TRUE(says(o.err.substr(0, o.err.size() - 1), "synthesize: ", what, more));
    EXPECT_FALSE(fs::exists(corpus()));
  };
  refused("synthesize.seconds=2.01", "synthesize.seconds", "multiple of 0.04");
  refused("synthesize.seconds=100", "synthesize.seconds", "0.2 to 60");
  refused("synthesize.relative_level=[5,0]", "relative_level", "[0, 5]");
  refused("synthesize.relative_level=[1]", "relative_level", "[0, 5]");
  refused("synthesize.train_speakers=1", "train_speakers", "found 1");
  refused("synthesize.train_items=-1", "train_items", "found -1");
  refused("synthesize.train_items=0 synthesize.val_items=0", "val_items", "nothing to make");
  EXPECT_TRUE(says(run_tool("synthesize", "").err.substr(0, 60), "where should the corpus go?"));
}

TEST_F(synthesize, a_full_disk_leaves_nothing) {
  const outcome o = run(few, "ulimit -f 100;");  // blocks of 512 or 1024 bytes
  EXPECT_EQ(o.status, 1);
  EXPECT_NE(o.err.find("File too large"), std::string::npos) << o.err;
  fs::remove(folder / "stdout"), fs::remove(folder / "stderr");
  EXPECT_EQ(count_files(), 0u);
  EXPECT_FALSE(fs::exists(corpus()));
}

TEST_F(synthesize, an_interrupt_leaves_nothing) {
  // The shell ends the tool once its hidden folder holds a mouth.
  const std::string script = "./tools/synthesize synthesize.save_path=" + corpus().string() +
                             " synthesize.train_items=100000 >/dev/null 2>" + (folder / "stderr").string() +
                             " & tool=$!; for i in $(seq 600); do sleep 0.05; ls " + folder.string() +
                             "/.corpus.part-*/mouths/*.npz >/dev/null 2>&1 && break; done; kill -TERM $tool; wait $tool";
  const int status = std::system(("bash -c '" + script + "'").c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(bytes_of_file(folder / "stderr"), "synthesize: interrupted; nothing is written\n");
  fs::remove(folder / "stderr");
  EXPECT_EQ(count_files(), 0u);
}

TEST_F(synthesize, what_a_killed_run_left_goes_with_the_next) {
  const auto parts = [&] {
    std::size_t n = 0;
    for (const auto& e : fs::directory_iterator(folder)) n += e.path().filename().string().starts_with(".corpus.part-");
    return n;
  };
  const auto kill_after = [&](std::chrono::milliseconds pause) {
    child_process child({"./tools/synthesize", "synthesize.save_path=" + corpus().string(), "synthesize.train_items=100000"},
                        folder / "out", folder / "err");
    ASSERT_TRUE(child.runs_until([&] { return parts() > 0; })) << bytes_of_file(folder / "err");
    std::this_thread::sleep_for(pause);
    child.signal(SIGKILL);
    EXPECT_EQ(child.wait(), 128 + SIGKILL);
    ASSERT_EQ(parts(), 1u);
  };
  // Whatever it was at: nobody speaks on and holds the folder.
  for (int i = 0; i < 12; ++i) {
    kill_after(std::chrono::milliseconds(37 * i));
    remove_left_parts(folder, {".corpus.part-", ""});
    ASSERT_EQ(parts(), 0u) << i;
  }
  kill_after(std::chrono::milliseconds(0));
  const outcome o = run(std::string(few) + "synthesize.seconds=0.4");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(parts(), 0u);
  EXPECT_EQ(files_in(corpus()).size(), 6 * 5u + 1);
}

}  // namespace
}  // namespace avss
