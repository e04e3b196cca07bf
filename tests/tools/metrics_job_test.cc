#include "tools/metrics_job.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <sndfile.h>

#include <atomic>
#include <avss/core/random.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/metric/statistics.hpp>
#include <fstream>
#include <sstream>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using signal_t = std::vector<float>;

class metrics_job : public in_folder {
 protected:
  void store(const fs::path& relative, const signal_t& x) {
    fs::create_directories((folder / relative).parent_path());
    write_audio(folder / relative, 8000, x);
  }
  // Two sources and fair estimates of them.
  void store_item(const std::string& name, std::size_t length, std::uint32_t seed) {
    const signal_t a = noise(length, seed), b = noise(length, seed + 1), hiss = noise(length, seed + 2, 0.1);
    store_item(name, a, b, hiss);
  }
  void store_item(const std::string& name, const signal_t& a, const signal_t& b, const signal_t& hiss) {
    signal_t mix(a), e1(a), e2(b);
    for (std::size_t i = 0; i < a.size(); ++i) mix[i] += b[i], e1[i] += hiss[i], e2[i] -= hiss[i];
    store("gt/mix/" + name + ".wav", mix);
    store("gt/s1/" + name + ".wav", a), store("gt/s2/" + name + ".wav", b);
    store("out/s1/" + name + ".wav", e1), store("out/s2/" + name + ".wav", e2);
  }

  static tools::metric_column column(const char* name, bool permuted = false) { return {name, *find_metric(name), permuted}; }
  metrics_options options() const {
    metrics_options o;
    o.truth = folder / "gt", o.predictions = folder / "out", o.save_path = folder / "scores", o.threads = 3;
    o.columns = {column("si_snr"), column("si_snri"), column("snr")};
    return o;
  }
  int run(const metrics_options& o) {
    out.str(""), err.str("");
    return run_metrics(o, out, err);
  }
  json_value json() const { return strict_json::parse(bytes_of_file(folder / "scores/scores.json"), "scores.json"); }
  std::string csv() const { return bytes_of_file(folder / "scores/scores.csv"); }

  std::ostringstream out, err;
};

// The n-th of an object's items along the names.
const json_value& at(const json_value& v, std::initializer_list<const char*> path) {
  const json_value* p = &v;
  for (const char* key : path) {
    p = p ? p->find(key) : nullptr;
    EXPECT_NE(p, nullptr) << key;
  }
  return *p;
}

TEST_F(metrics_job, silent_constant_and_tiny_signals_are_counted) {
  store_item("fair", 1000, 1);
  store_item("silent", noise(1000, 4), signal_t(1000, 0.f), noise(1000, 5, 0.1));
  store_item("constant", signal_t(1000, 0.25f), noise(1000, 6), signal_t(1000, 0.f));
  store_item("one", 1, 7);
  ASSERT_EQ(run(options()), 0) << err.str();
  const json_value j = json();
  const auto sources = [&](std::size_t item, const char* metric) {
    return at(j, {"items"}).items[item].find("metrics")->find(metric)->find("sources")->items;
  };
  using kind = json_value::kind;
  // By name: constant, fair, one, silent.
  EXPECT_EQ(sources(0, "si_snr")[0].type, kind::null);
  EXPECT_EQ(sources(0, "snr")[0].type, kind::number);  // not silent, and SNR subtracts no mean
  EXPECT_EQ(sources(0, "si_snr")[1].type, kind::number);
  EXPECT_EQ(sources(2, "si_snr")[0].type, kind::null);
  EXPECT_EQ(sources(2, "snr")[0].type, kind::number);
  EXPECT_EQ(sources(3, "snr")[1].type, kind::null);
  EXPECT_EQ(at(j, {"metrics", "si_snr", "sources_left_out"}).text, "4");
  EXPECT_EQ(at(j, {"metrics", "si_snr", "files_measured"}).text, "3");
  EXPECT_EQ(at(j, {"metrics", "snr", "sources_left_out"}).text, "1");
  EXPECT_EQ(at(j, {"items"}).items[2].find("metrics")->find("si_snr")->find("mean")->type, kind::null);
  EXPECT_NE(out.str().find("si_snr: 4 sources left out of the mean"), std::string::npos) << out.str();
  EXPECT_NE(csv().find("si_snr s2: silent target; si_snri s2: silent target; snr s2: silent target,\n"), std::string::npos);
  EXPECT_NE(out.str().find(" left out of the mean (4 silent target), such as in constant\n"), std::string::npos) << out.str();
  EXPECT_NE(csv().find("\none,0.000125,"), std::string::npos) << csv();
}

TEST_F(metrics_job, clipped_files_are_counted) {
  store_item("fair", 1000, 1);
  signal_t loud = noise(1000, 4);
  for (std::size_t i = 500; i < 503; ++i) loud[i] = -1;
  signal_t peak = noise(1000, 5, 0.5);
  peak[10] = peak[11] = 1, peak[13] = 1;  // not three in a row
  store_item("loud", loud, peak, signal_t(1000, 0.f));
  ASSERT_EQ(run(options()), 0);
  EXPECT_NE(out.str().find("clipped: 1 of 2 files, such as loud (s1, estimate s1)"), std::string::npos) << out.str();
  EXPECT_EQ(at(json(), {"clipped"}).text, "1");
  EXPECT_EQ(at(json(), {"items"}).items[1].find("clipped")->text, "s1, estimate s1");
  EXPECT_TRUE(csv().ends_with(",,\"s1, estimate s1\"\n")) << csv();
}

// The file's numbers are those of the library's statistics, for any number of threads.
TEST_F(metrics_job, tells_statistics_of_groups_and_of_a_comparison) {
  for (const char* name : {"f_1", "m_1", "f_2", "m_2", "x"}) store_item(name, 600, static_cast<std::uint32_t>(hash_name(name)));
  fs::rename(folder / "out", folder / "there");
  for (const char* name : {"f_1", "m_1", "f_2", "m_2", "x"})
    store_item(name, 600, static_cast<std::uint32_t>(hash_name(name)) + 3);
  for (const char* part : {"s1", "s2"})
    for (const char* name : {"f_1.wav", "m_1.wav", "f_2.wav", "m_2.wav", "x.wav"})
      store(fs::path("there") / part / name, noise(600, 77));
  metrics_options o = options();
  o.group_by = {"stem:_:1", "regex:^(f|m)_"}, o.compare = folder / "there", o.seed = 3;
  ASSERT_EQ(run(o), 0) << err.str();
  const json_value j = json();
  const auto values = [&](std::initializer_list<std::size_t> items) {
    std::vector<double> v;
    for (const std::size_t i : items)
      v.push_back(std::stod(at(j, {"items"}).items[i].find("metrics")->find("si_snr")->find("mean")->text));
    return v;
  };
  const auto expect = [](const json_value& found, const std::vector<double>& of) {
    const value_summary s = summarise(of, {.seed = 3});
    EXPECT_NEAR(std::stod(found.find("mean")->text), s.mean, 1e-12);
    EXPECT_NEAR(std::stod(found.find("median")->text), s.median, 1e-12);
    EXPECT_NEAR(std::stod(found.find("interval")->items[0].text), s.interval.low, 1e-12);
    EXPECT_NEAR(std::stod(found.find("interval")->items[1].text), s.interval.high, 1e-12);
    EXPECT_NEAR(std::stod(found.find("quartiles")->items[0].text), s.first_quartile, 1e-12);
    EXPECT_NEAR(std::stod(found.find("quartiles")->items[1].text), s.third_quartile, 1e-12);
  };
  // By name: f_1, f_2, m_1, m_2, x.
  expect(at(j, {"metrics", "si_snr"}), values({0, 1, 2, 3, 4}));
  const json_value &by_number = at(j, {"groups"}).items.at(0), &by_letter = at(j, {"groups"}).items.at(1);
  EXPECT_EQ(by_number.find("by")->text, "stem:_:1");
  EXPECT_EQ(by_number.find("files_without")->text, "1");
  EXPECT_EQ(by_number.find("groups")->items.at(1).find("name")->text, "2");
  expect(*by_number.find("groups")->items.at(1).find("metrics")->find("si_snr"), values({1, 3}));
  EXPECT_EQ(by_letter.find("groups")->items.at(0).find("name")->text, "f");
  expect(*by_letter.find("groups")->items.at(0).find("metrics")->find("si_snr"), values({0, 1}));
  const json_value& compared = at(j, {"comparison", "metrics", "si_snr"});
  EXPECT_EQ(compared.find("better")->text, "5");
  EXPECT_EQ(compared.find("worse")->text, "0");
  EXPECT_NEAR(std::stod(compared.find("here")->text) - std::stod(compared.find("there")->text),
              std::stod(compared.find("difference")->find("mean")->text), 1e-12);
  const std::string said = out.str(), written = csv(), differences = bytes_of_file(folder / "scores/differences.csv");
  o.threads = 1;
  ASSERT_EQ(run(o), 0);
  EXPECT_EQ(out.str(), said);
  EXPECT_EQ(csv(), written);
  EXPECT_EQ(bytes_of_file(folder / "scores/differences.csv"), differences);
}

// What one of two folders cannot be scored in counts in neither.
TEST_F(metrics_job, a_comparison_takes_files_that_both_have_whole) {
  for (const char* name : {"a", "b", "c"}) store_item(name, 600, static_cast<std::uint32_t>(name[0]));
  fs::copy(folder / "out", folder / "there", fs::copy_options::recursive);
  write_bytes(folder / "out/s1/a.wav", "RIFF");
  write_bytes(folder / "there/s1/c.wav", "RIFF");
  metrics_options o = options();
  o.compare = folder / "there";
  EXPECT_EQ(run(o), 1);
  EXPECT_NE(err.str().find("not scored: " + (folder / "out/s1/a.wav").string()), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("not scored: " + (folder / "there/s1/c.wav").string()), std::string::npos) << err.str();
  EXPECT_EQ(at(json(), {"metrics", "si_snr", "files_measured"}).text, "1");
  EXPECT_EQ(at(json(), {"comparison", "metrics", "si_snr", "files"}).text, "1");
  EXPECT_EQ(at(json(), {"not_scored"}).text, "2");
  const std::string differences = bytes_of_file(folder / "scores/differences.csv");
  for (const char* line : {"\na,,,,,,,,,,,\n", "\nc,,,,,,,,,,,\n"}) EXPECT_NE(differences.find(line), std::string::npos) << differences;
  EXPECT_EQ(at(json(), {"items"}).items[0].find("metrics")->type, json_value::kind::null);
}

// Silence in place of a bad estimate does not make a mean of the better sources that would win.
TEST_F(metrics_job, a_comparison_takes_sources_that_both_have_a_value_of) {
  for (const char* name : {"a", "b", "c"}) {
    store_item(name, 600, static_cast<std::uint32_t>(name[0]));
    store(fs::path("out/s2") / (std::string(name) + ".wav"), noise(600, 99));  // bad
  }
  fs::copy(folder / "out", folder / "there", fs::copy_options::recursive);
  for (const char* name : {"a.wav", "b.wav"}) store(fs::path("out/s2") / name, signal_t(600, 0.f));
  metrics_options o = options();
  o.compare = folder / "there", o.report = folder / "page.html";
  ASSERT_EQ(run(o), 0) << err.str();
  const json_value j = json();
  const json_value& compared = at(j, {"comparison", "metrics", "si_snr"});
  EXPECT_EQ(compared.find("equal")->text, "3");
  EXPECT_EQ(compared.find("difference")->find("mean")->text, "0");
  EXPECT_EQ(compared.find("sources_measured_in_one")->text, "2");
  EXPECT_NE(out.str().find("si_snr: 2 sources are measured in one of the two alone, and in neither mean"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("si_snr: 2 sources left out of the mean (2 silent estimate), such as in a\n"), std::string::npos)
      << out.str();
  const std::string page = bytes_of_file(folder / "page.html"), differences = bytes_of_file(folder / "scores/differences.csv");
  for (const char* said : {"count in neither mean: 2 of ", "<dt>sources left out of the mean: 2 silent estimate</dt><dd>2</dd>",
                           ">a</th><td class=\"words\">si_snr: s1 "})
    EXPECT_NE(page.find(said), std::string::npos) << said;
  EXPECT_NE(differences.find("\na,"), std::string::npos);
  EXPECT_NE(differences.find(",0,"), std::string::npos) << differences;
}

TEST_F(metrics_job, a_comparison_of_before_goes_with_its_scores) {
  store_item("a", 600, 1);
  fs::copy(folder / "out", folder / "there", fs::copy_options::recursive);
  metrics_options o = options();
  o.compare = folder / "there";
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_TRUE(fs::exists(folder / "scores/differences.csv"));
  ASSERT_EQ(run(options()), 0) << err.str();
  EXPECT_FALSE(fs::exists(folder / "scores/differences.csv"));
  EXPECT_TRUE(fs::exists(folder / "scores/scores.csv"));
}

// Blocks that come and go leave no holes: memory is that of the scores.
TEST_F(metrics_job, memory_does_not_grow_with_the_number_of_files) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr int files = 150;
  for (int i = 0; i < 8; ++i) store_item("f" + std::to_string(i), 3000 + 1717 * static_cast<std::size_t>(i), 3);
  for (int i = 8; i < files; ++i)
    for (const char* part : {"gt/mix", "gt/s1", "gt/s2", "out/s1", "out/s2"})
      fs::create_hard_link(folder / part / ("f" + std::to_string(i % 8) + ".wav"),
                           folder / part / ("f" + std::to_string(i) + ".wav"));
  metrics_options o = options();
  o.columns = {column("sdr"), column("sir"), column("sar"), column("stoi")}, o.threads = 1;
  const auto before = ::mallinfo2().arena;
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_LT(::mallinfo2().arena, before + (24u << 20));
}

TEST_F(metrics_job, ranks_by_what_was_measured) {
  for (const char* name : {"a", "b"}) store_item(name, 600, static_cast<std::uint32_t>(name[0]));
  metrics_options o = options();
  o.columns = {column("stoi"), column("snr")};  // of signals that are too short for the first
  o.report = folder / "page.html";
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_NE(out.str().find("worst by snr:"), std::string::npos) << out.str();
  EXPECT_NE(bytes_of_file(o.report).find("Worst files by SNR"), std::string::npos);
  EXPECT_NE(bytes_of_file(o.report).find("Best: "), std::string::npos);
}

TEST_F(metrics_job, names_what_is_left_aside_of_either_folder) {
  for (const char* name : {"a", "b", "c", "d"}) store_item(name, 600, static_cast<std::uint32_t>(name[0]));
  fs::copy(folder / "out", folder / "there", fs::copy_options::recursive);
  fs::remove(folder / "out/s1/b.wav");
  fs::remove(folder / "there/s2/c.wav");
  write_bytes(folder / "there/s1/README.txt", "mine");
  metrics_options o = options();
  o.compare = folder / "there", o.names = name_rule::intersection;
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_NE(err.str().find("note: 2 names that are not in all folders left out: b, c\n"), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("README.txt"), std::string::npos) << err.str();
  EXPECT_EQ(at(json(), {"names_left_out"}).text, "2");
  EXPECT_EQ(at(json(), {"left_out"}).items.at(1).text, "c");
}

TEST_F(metrics_job, all_files_silent_is_no_error) {
  store_item("a", signal_t(100, 0.f), signal_t(100, 0.f), signal_t(100, 0.f));
  ASSERT_EQ(run(options()), 0);
  EXPECT_EQ(out.str().find("worst"), std::string::npos) << out.str();
  EXPECT_EQ(at(json(), {"metrics", "snr", "mean"}).type, json_value::kind::null);
}

TEST_F(metrics_job, odd_names_are_kept) {
  store_item("a, \"b\"", 300, 1);
  ASSERT_EQ(run(options()), 0);
  EXPECT_NE(csv().find("\n\"a, \"\"b\"\"\",0.0375,"), std::string::npos) << csv();
  EXPECT_EQ(at(json(), {"items"}).items[0].find("name")->text, "a, \"b\"");
  store_item("caf\xe9", 300, 1);  // no UTF-8
  store_item("d\xc3\xa9j\xc3\xa0", 300, 1);
  ASSERT_EQ(run(options()), 0);
  EXPECT_EQ(at(json(), {"items"}).items[1].find("name")->text, "caf?");
  EXPECT_EQ(at(json(), {"items"}).items[2].find("name")->text, "d\xc3\xa9j\xc3\xa0");
  EXPECT_NE(csv().find("\ncaf\xe9,"), std::string::npos);
}

// A metric that is one entry: whole signals, read once a file however many columns ask for them.
std::atomic<int> calls{0};
const named_metric correlation{
    "correlation", "Correlation", "", 4, nullptr, [](std::span<const float> e, std::span<const float> t, int rate) {
      ++calls;
      double et = 0, ee = 0, tt = 0;
      for (std::size_t i = 0; i < e.size(); ++i) et += e[i] * t[i], ee += e[i] * e[i], tt += t[i] * t[i];
      return ratio{rate == 8000 ? et / std::sqrt(ee * tt) : 0, ratio_status::measured};
    }};

TEST_F(metrics_job, takes_metrics_of_whole_signals) {
  store_item("a", 40000, 1);
  fs::rename(folder / "out/s1", folder / "out/x");  // the speakers are swapped
  fs::rename(folder / "out/s2", folder / "out/s1");
  fs::rename(folder / "out/x", folder / "out/s2");
  metrics_options o = options();
  o.columns = {
      {"best", {&correlation, false}, true}, {"given", {&correlation, false}, false}, {"gain", {&correlation, true}, true}};
  calls = 0;
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_EQ(calls, 6);  // two sources: best, given, mixture
  const json_value j = json();
  const auto mean = [&](const char* name) { return std::stod(at(j, {"metrics", name, "mean"}).text); };
  const signal_t a = read_audio(folder / "gt/s1/a.wav").samples, mix = read_audio(folder / "gt/mix/a.wav").samples;
  EXPECT_GT(mean("best"), 0.99);
  EXPECT_LT(std::abs(mean("given")), 0.1);
  EXPECT_NEAR(mean("gain"), mean("best") - std::sqrt(0.5), 0.02);
  EXPECT_NE(out.str().find("speakers swapped: 1 of 1 files (100.0%)"), std::string::npos) << out.str();
}

TEST_F(metrics_job, one_source_has_no_order) {
  store_item("a", 500, 1);
  fs::remove_all(folder / "gt/s2");
  fs::remove_all(folder / "out/s2");
  ASSERT_EQ(run(options()), 0) << err.str();
  EXPECT_NE(out.str().find("1 file of 1 source,"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find("swapped"), std::string::npos) << out.str();
}

TEST_F(metrics_job, channels_must_agree_and_the_first_is_used) {
  store_item("a", 500, 1);
  store_item("b", 500, 4);
  ASSERT_EQ(run(options()), 0);
  const std::string mono = csv();
  const auto widen = [&](const fs::path& path) {
    const signal_t x = read_audio(path).samples;
    SF_INFO info{};
    info.samplerate = 8000, info.channels = 2, info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    detail::sndfile_handle file(sf_open(path.c_str(), SFM_WRITE, &info));
    for (const float v : x) {
      const float frame[] = {v, 0.5f};
      sf_writef_float(file.get(), frame, 1);
    }
  };
  widen(folder / "gt/mix/b.wav");
  metrics_options strict = options();
  strict.refuse_broken = true;
  EXPECT_TRUE(says(error_of([&] { run(strict); }), "gt/s1/b.wav: has 1 channel(s) where its mixture", "has 2 channel(s)"));
  for (const char* part : {"gt/s1", "gt/s2", "out/s1", "out/s2"}) widen(folder / part / "b.wav");
  ASSERT_EQ(run(options()), 0);
  EXPECT_NE(err.str().find("b.wav: has 2 channels; the first is used"), std::string::npos) << err.str();
  EXPECT_EQ(csv(), mono);
}

TEST_F(metrics_job, stops_at_a_signal_and_writes_nothing) {
  for (int i = 0; i < 20; ++i) store_item("x" + std::to_string(i), 400, static_cast<std::uint32_t>(i));
  metrics_options o = options();
  o.columns.push_back({"stop", {}, false});
  static std::atomic<int> left;
  left = 5;
  const named_metric stop{"stop", "Stop", "", 2, nullptr, [](std::span<const float>, std::span<const float>, int) {
                            if (--left == 0) ::kill(::getpid(), SIGINT);
                            return ratio{0, ratio_status::measured};
                          }};
  o.columns.back().choice.metric = &stop;
  EXPECT_EQ(run(o), 130);
  EXPECT_EQ(err.str(), "stopped; nothing is written\n");
  EXPECT_EQ(out.str(), "");
  EXPECT_FALSE(fs::exists(folder / "scores"));
}

TEST_F(metrics_job, says_that_the_table_could_not_be_written) {
  store_item("a", 500, 1);
  std::ofstream full("/dev/full");
  EXPECT_TRUE(says(error_of([&] { run_metrics(options(), full, err); }), "could not be written"));
}

TEST_F(metrics_job, replaces_earlier_scores_and_nothing_else) {
  store_item("a", 500, 1);
  fs::create_directories(folder / "scores");
  write_bytes(folder / "scores/metrics.csv", "mine");
  ASSERT_EQ(run(options()), 0);
  const std::string first = csv();
  store_item("b", 500, 5);
  ASSERT_EQ(run(options()), 0);
  EXPECT_TRUE(csv().starts_with(first));
  EXPECT_EQ(bytes_of_file(folder / "scores/metrics.csv"), "mine");
  metrics_options o = options();
  o.save_path.clear();
  fs::remove_all(folder / "scores");
  ASSERT_EQ(run(o), 0);
  EXPECT_FALSE(fs::exists(folder / "scores"));
}

TEST_F(metrics_job, refuses_to_replace_files_of_others) {
  store_item("a", 500, 1);
  metrics_options o = options();
  o.save_path = folder / "gt";
  for (const char* name : {"scores.csv", "scores.json"})
    for (const char* mine : {"name,mine\n", "{}\n", ""}) {
      write_bytes(folder / "gt" / name, mine);
      EXPECT_TRUE(says(error_of([&] { run(o); }), std::string("gt/") + name + ": is not of an earlier //tools:calc_metrics",
                       "metric_calculator.save_path=DIR"));
      EXPECT_EQ(bytes_of_file(folder / "gt" / name), mine);
      EXPECT_EQ(out.str(), "");
      fs::remove(folder / "gt" / name);
    }
  EXPECT_EQ(run(o), 0);
  EXPECT_EQ(run(o), 0);
}

TEST_F(metrics_job, makes_the_folder_when_there_are_scores) {
  store_item("a", 500, 1);
  metrics_options o = options();
  o.save_path = folder / "deep/er/scores";
  write_bytes(folder / "gt/s1/a.wav", "RIFF");
  EXPECT_TRUE(says(error_of([&] { run(o); }), "gt/s1/a.wav"));
  EXPECT_FALSE(fs::exists(folder / "deep"));
  store_item("a", 500, 1);
  EXPECT_EQ(run(o), 0);
  EXPECT_TRUE(fs::exists(folder / "deep/er/scores/scores.csv"));
  o.save_path = folder / "gt/mix/a.wav/scores";
  EXPECT_TRUE(says(error_of([&] { run(o); }), "cannot be made: Not a directory", "metric_calculator.save_path"));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace avss
