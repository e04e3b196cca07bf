// //tools:demo as a user runs it, on made-up voices and with a tiny network.
#include <gtest/gtest.h>
#include <signal.h>

#include <avss/convtasnet.hpp>
#include <avss/io/audio.hpp>
#include <avss/layer/init.hpp>
#include <avss/metric/separation.hpp>
#include <map>
#include <set>
#include <sstream>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/fake_separator.hpp"
#include "tests/support/media_file.hpp"
#include "tests/support/tool_fixture.hpp"
#include "tests/support/voice.hpp"
#include "tools/demo_job.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using signal_t = std::vector<float>;

class demo : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    engine<ConvTasNet<presets::convtasnet_tiny>, cpu> e(cpu{1});
    init_params(e.net(), 1, e.values());
    save_weights(e, weights().string());
    for (const char* speaker : {"Ann", "Bob", "Zoe"}) fs::create_directories(folder / "voices" / speaker);
    for (int i = 0; i < 2; ++i) {
      const auto seed = static_cast<std::uint32_t>(i);
      const std::string name = std::to_string(i);
      write_audio(folder / "voices/Ann" / (name + ".wav"), 8000, made_up_voice(32000 + 4000 * seed, 8000, 210, seed));
      write_audio(folder / "voices/Bob" / (name + ".wav"), 44100, made_up_voice(44100 * 5, 44100, 110, seed + 10));
      media_file(folder / "voices/Zoe" / (name + ".g722"))
          .add_sound(AV_CODEC_ID_ADPCM_G722, 16000, made_up_voice(16000 * 4, 16000, 260, seed + 20))
          .write();
    }
  }

  fs::path weights() const { return folder / "tiny.pth"; }
  fs::path results() const { return folder / "results"; }
  std::string tiny() const { return "model=convtasnet_tiny demo.from_pretrained=" + weights().string(); }
  std::string usual() const {
    return tiny() + " demo.mixtures=4 demo.voices=" + (folder / "voices").string() + " demo.out=" + results().string();
  }

  outcome run(const std::string& arguments, const std::string& before = "") const {
    return run_tool("demo", arguments, before);
  }

  // Fails with one line that has all `parts`, and leaves nothing behind.
  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments);
    EXPECT_EQ(r.status, 1);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), parts...));
    EXPECT_FALSE(fs::exists(results()));
    for (const auto& entry : fs::directory_iterator(folder))
      EXPECT_EQ(entry.path().filename().string().find(".part"), std::string::npos) << entry.path();
  }

  // Relative path and bytes of every file.
  static std::map<std::string, std::string> contents(const fs::path& where) {
    std::map<std::string, std::string> all;
    for (const auto& e : fs::recursive_directory_iterator(where))
      if (e.is_regular_file()) all[fs::relative(e.path(), where).string()] = bytes_of_file(e.path());
    return all;
  }

  signal_t sound(const std::string& part, const std::string& name) const {
    return read_audio(results() / part / (name + ".wav")).samples;
  }
};

const char* const names[] = {"1_Ann_Bob", "2_Bob_Zoe", "3_Zoe_Ann", "4_Ann_Bob"};

TEST_F(demo, writes_a_page_sounds_and_pictures) {
  const outcome r = run(usual());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  std::set<std::string> expected{"index.html"}, found;
  for (const std::string name : names) {
    for (const char* part : {"audio/mix", "audio/s1", "audio/s2", "inf/s1", "inf/s2"})
      expected.insert(part + ("/" + name) + ".wav");
    for (const char* what : {"mix", "s1_truth", "s2_truth", "s1_separated", "s2_separated"})
      expected.insert("pictures/" + name + "_" + what + ".png");
  }
  for (const auto& [file, bytes] : contents(results())) found.insert(file);
  EXPECT_EQ(found, expected);
  EXPECT_NE(r.out.find("listen and look: file://" + (results() / "index.html").string()), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("convtasnet_tiny: "), std::string::npos) << r.out;
  EXPECT_NE(bytes_of_file(results() / "index.html").find("</html>"), std::string::npos);
}

TEST_F(demo, mixes_two_voices_at_equal_loudness) {
  ASSERT_EQ(run(usual()).status, 0);
  const auto energy = [](const signal_t& x) {
    double sum = 0;
    for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
    return sum;
  };
  for (const char* name : names) {
    const signal_t mix = sound("audio/mix", name), a = sound("audio/s1", name), b = sound("audio/s2", name);
    ASSERT_GE(mix.size(), 24000u);
    ASSERT_LE(mix.size(), 48000u);
    ASSERT_EQ(a.size(), mix.size());
    ASSERT_EQ(b.size(), mix.size());
    float most = 0;
    for (std::size_t i = 0; i < mix.size(); ++i) {
      ASSERT_NEAR(mix[i], a[i] + b[i], 1e-6) << name << ' ' << i;
      most = std::max({most, std::abs(mix[i]), std::abs(a[i]), std::abs(b[i])});
    }
    EXPECT_NEAR(most, 0.9, 1e-5);
    EXPECT_NEAR(10 * std::log10(energy(a) / energy(b)), 0, 0.01) << name;
  }
  EXPECT_NE(sound("audio/s1", names[0]), sound("audio/s2", names[2]));    // another recording of Ann
  EXPECT_NE(sound("audio/mix", names[0]), sound("audio/mix", names[3]));  // the same two, in another combination
}

// What is written is what the network gives, and what is printed is what is written.
TEST_F(demo, separates_and_measures) {
  const outcome r = run(usual());
  ASSERT_EQ(r.status, 0) << r.err;
  engine<ConvTasNet<presets::convtasnet_tiny>, cpu> e(cpu{1});
  load_weights(e, weights().string());
  std::istringstream lines(r.out.substr(r.out.find("improvement\n") + 12));
  double sums[3] = {};
  for (const std::string name : names) {
    const signal_t mix = sound("audio/mix", name);
    signal_t truth = sound("audio/s1", name), estimates = sound("inf/s1", name);
    const signal_t second = sound("audio/s2", name), other = sound("inf/s2", name);
    truth.insert(truth.end(), second.begin(), second.end());
    estimates.insert(estimates.end(), other.begin(), other.end());
    const auto scores = score_separation<float>(mix, truth, estimates, 2, false);
    EXPECT_EQ(score_separation<float>(mix, truth, estimates, 2, true)[0].estimate, 0u);  // files are in the best order
    const double after = (scores[0].si_snr.value + scores[1].si_snr.value) / 2;
    const double improvement = (scores[0].si_snr_improvement.value + scores[1].si_snr_improvement.value) / 2;
    std::string line;
    std::getline(lines, line);
    ASSERT_EQ(line.substr(0, 12), name.substr(0, 1) + "  " + name.substr(2, 3) + " + " + name.substr(6, 3));
    std::istringstream values(line.substr(44));
    double seconds, printed[3];
    std::string unit;
    values >> seconds >> unit >> printed[0] >> printed[1] >> printed[2];
    EXPECT_NEAR(seconds, static_cast<double>(mix.size()) / 8000, 0.006);
    EXPECT_NEAR(printed[0], after - improvement, 0.006) << name;
    EXPECT_NEAR(printed[1], after, 0.006) << name;
    EXPECT_NEAR(printed[2], improvement, 0.006) << name;
    for (int i = 0; i < 3; ++i) sums[i] += printed[i];

    const auto given = e.separate(mix);  // up to level, sign and order
    const auto same = [](const signal_t& a, const signal_t& b) { return measure_si_snr<float>(a, b).value > 60; };
    const signal_t first(estimates.begin(), estimates.begin() + static_cast<std::ptrdiff_t>(mix.size()));
    EXPECT_TRUE((same(first, given[0]) && same(other, given[1])) || (same(first, given[1]) && same(other, given[0]))) << name;
  }
  std::string mean;
  lines >> mean;
  EXPECT_EQ(mean, "mean");
  for (const double sum : sums) {
    double printed;
    lines >> printed;
    EXPECT_NEAR(printed, sum / 4, 0.011);
  }
}

TEST_F(demo, same_seed_same_sounds) {
  ASSERT_EQ(run(usual()).status, 0);
  auto first = contents(results());
  ASSERT_EQ(run(usual() + " --threads 3 demo.out=" + (folder / "again").string()).status, 0);
  auto second = contents(folder / "again");
  first.erase("index.html"), second.erase("index.html");  // it says how long it took
  EXPECT_EQ(first, second);
  ASSERT_EQ(run(usual() + " demo.seed=2 demo.out=" + (folder / "other").string()).status, 0);
  EXPECT_NE(contents(folder / "other")["audio/mix/1_Ann_Bob.wav"], first["audio/mix/1_Ann_Bob.wav"]);
}

TEST_F(demo, no_mixture_comes_twice) {
  fs::remove_all(folder / "voices/Zoe");
  fs::rename(folder / "voices/Bob", folder / "voices/Борис Борисович Борисов-Борисоглебский");
  const outcome r = run(usual() + " demo.mixtures=9");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "note: the recordings give 4 different mixtures, not 9\n");
  std::set<std::string> heard;
  std::size_t files = 0;
  for (const auto& [name, bytes] : contents(results() / "audio/mix")) heard.insert(bytes), ++files;
  EXPECT_EQ(files, 4u);
  EXPECT_EQ(heard.size(), 4u);
  EXPECT_NE(r.out.find("1  Ann + Борис Борисович Борисов-Борисоглебс   4."), std::string::npos) << r.out;
}

TEST_F(demo, never_touches_files_of_others) {
  fs::create_directories(results() / "audio/mix");
  write_bytes(results() / "audio/mix/mine.wav", "mine");
  const outcome refused = run(usual());
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(
      says(refused.err.substr(0, refused.err.size() - 1), results().string(), "not of an earlier demo", "demo.out=DIR"));
  EXPECT_EQ(contents(results()).size(), 1u);
  write_bytes(results() / "index.html", "<html><p>my own page</p></html>");
  EXPECT_EQ(run(usual()).status, 1);

  fs::remove_all(results());
  fs::create_directories(results());  // an empty folder will do
  ASSERT_EQ(run(usual()).status, 0);
  write_bytes(results() / "audio/mix/mine.wav", "mine");
  ASSERT_EQ(run(usual() + " demo.seed=5 demo.mixtures=1").status, 0);
  auto after = contents(results());
  EXPECT_EQ(after.size(), 42u);
  EXPECT_EQ(after["audio/mix/mine.wav"], "mine");
  EXPECT_EQ(after["index.html"].find("id=\"m2\""), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder)) EXPECT_NE(entry.path().filename().string().front(), '.');
}

TEST_F(demo, relative_paths_start_where_the_user_is) {
  const outcome r = run("model=convtasnet_tiny demo.from_pretrained=tiny.pth demo.voices=voices demo.mixtures=1",
                        "BUILD_WORKING_DIRECTORY=" + folder.string());
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(fs::exists(folder / "avss_demo/index.html"));
  const outcome spaced = run(usual() + " demo.mixtures=1 'demo.out=" + (folder / "my results").string() + "'");
  EXPECT_EQ(spaced.status, 0) << spaced.err;
  EXPECT_NE(spaced.out.find("/my%20results/index.html\n"), std::string::npos) << spaced.out;
}

TEST_F(demo, says_in_one_line_what_is_wrong_with_voices) {
  const std::string rest = tiny() + " demo.out=" + results().string() + " demo.voices=";
  expect_refusal(rest + "/nowhere", "/nowhere", "no such folder");
  expect_refusal(rest + (folder / "voices/Ann").string(), "0 folders", "two speakers");
  for (const char* other : {"Bob", "Zoe"}) fs::remove_all(folder / "voices" / other);
  expect_refusal(rest + (folder / "voices").string(), "1 folder", "two speakers");
  fs::create_directories(folder / "voices/Bob");
  write_audio(folder / "voices/Bob/a.wav", 8000, made_up_voice(8000, 8000, 110, 1));
  write_audio(folder / "voices/Bob/b.wav", 8000, signal_t(40000, 0.f));
  expect_refusal(rest + (folder / "voices").string(), "Bob: 2 shorter than 3 s", "found 1", "demo.min_seconds");
}

TEST_F(demo, says_in_one_line_what_is_wrong_with_the_rest) {
  const std::string voices = " demo.voices=" + (folder / "voices").string(), out = " demo.out=" + results().string();
  expect_refusal("model=convtasnet_tiny demo.from_pretrained=absent.pth" + voices + out, "absent.pth", "no such file",
                 "demo.from_pretrained=FILE");
  expect_refusal("model=convtasnet_tiny demo.from_pretrained=/absent.pth" + voices + out, "/absent.pth");
  expect_refusal("model=convtasnet_cpu demo.from_pretrained=" + weights().string() + voices + out,
                 "the weights fit model=convtasnet_tiny");
  write_bytes(folder / "text.pth", "no weights");
  expect_refusal("model=convtasnet_tiny demo.from_pretrained=" + (folder / "text.pth").string() + voices + out, "text.pth");
  expect_refusal(tiny() + voices + " demo.out=" + weights().string(), "is a file", "demo.out=DIR");
  expect_refusal(tiny() + voices + " demo.out=" + (weights() / "x").string(), "cannot be made", "choose another folder");
  expect_refusal(tiny() + voices + " demo.out=/proc/nothing", "/proc/nothing", "cannot be made", "choose another folder");
  expect_refusal(usual() + " demo.mixtures=0", "demo.mixtures", "1 to 50");
  expect_refusal(usual() + " demo.min_seconds=7", "demo.min_seconds", "7 and 6");
  expect_refusal(usual() + " demo.voice=x", "demo.voice", "demo.voices");
  expect_refusal(usual() + " demo.device=gpu", "auto", "cpu");
}

TEST_F(demo, a_full_disk_leaves_nothing) {
  const outcome r = run(usual(), "ulimit -f 150;");
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("File too large"), std::string::npos) << r.err;
  EXPECT_FALSE(fs::exists(results()));
  EXPECT_EQ(count_files(), 6u + 3u);  // voices, weights, what was printed
}

TEST_F(demo, an_interrupt_leaves_nothing) {
  int calls = 0;
  function_separator network(8000, 2, [&](std::span<const float> x, std::span<float> y) {
    std::copy(x.begin(), x.end(), y.begin());
    if (++calls == 2) ::raise(SIGINT);
  });
  tools::demo_options o;
  o.voices = folder / "voices", o.out = results();
  std::ostringstream out, err;
  EXPECT_EQ(tools::run_demo(o, network, out, err), 130);
  EXPECT_EQ(calls, 2);
  EXPECT_NE(err.str().find("nothing was written"), std::string::npos);
  EXPECT_EQ(count_files(), 7u);
}

}  // namespace
}  // namespace avss
