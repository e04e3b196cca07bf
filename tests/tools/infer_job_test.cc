#include "tools/infer_job.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/io/audio.hpp>
#include <sstream>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/fake_separator.hpp"
#include "tools/infer_item.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using signal_t = std::vector<float>;

constexpr int rate = 8000;

class infer_job : public in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    data = folder / "data";
    results = folder / "results";
  }

  void store(const fs::path& relative, const signal_t& x, int hz = rate) {
    fs::create_directories((data / relative).parent_path());
    write_audio(data / relative, hz, x);
  }

  // A mixture of what splitter() tells apart; s1 is its low part.
  signal_t store_item(const std::string& name, std::size_t length, std::uint32_t seed, bool truth = true, int hz = rate) {
    const signal_t low = low_part(noise(length, seed), 6), rest = noise(length, seed + 1, 0.2);
    signal_t x(length);
    for (std::size_t i = 0; i < length; ++i) x[i] = low[i] + rest[i];
    store("audio/val/mix/" + name + ".wav", x, hz);
    if (!truth) return x;
    const signal_t s1 = low_part(x, 4);
    signal_t s2(length);
    for (std::size_t i = 0; i < length; ++i) s2[i] = x[i] - s1[i];
    store("audio/val/s1/" + name + ".wav", s1, hz);
    store("audio/val/s2/" + name + ".wav", s2, hz);
    return x;
  }

  infer_options dataset_options() const {
    infer_options o;
    o.dataset = data, o.partition = "val", o.save_path = results, o.key = "val", o.window = 0.25;
    return o;
  }

  int run(const infer_options& options, separator& network) {
    out.str(""), err.str("");
    return run_inference(options, network, out, err);
  }
  int run(const infer_options& options, std::uint32_t seed = 1) {
    auto network = splitter(rate, seed);
    return run(options, network);
  }

  signal_t result(const std::string& source, const std::string& name) {
    return read_audio(results / "val" / source / (name + ".wav")).samples;
  }
  std::size_t files_in(const fs::path& where) const {
    std::size_t n = 0;
    if (fs::exists(where))
      for (const auto& entry : fs::recursive_directory_iterator(where)) n += entry.is_regular_file();
    return n;
  }
  double largest_difference(const signal_t& a, const signal_t& b) {
    EXPECT_EQ(a.size(), b.size());
    double most = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) most = std::max(most, std::abs(double{a[i]} - b[i]));
    return most;
  }
  signal_t sum(const std::string& name) {
    signal_t x = result("s1", name);
    const signal_t y = result("s2", name);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    return x;
  }

  fs::path data, results;
  std::ostringstream out, err;
};

TEST_F(infer_job, separates_a_data_set_and_scores_it) {
  std::vector<signal_t> x;
  const std::size_t lengths[] = {1, 700, 2000, 2001, 9001};  // a window is 2000 samples
  for (std::size_t i = 0; i < 5; ++i)
    x.push_back(store_item("a_" + std::to_string(i), lengths[i], static_cast<std::uint32_t>(10 + 2 * i)));
  ASSERT_EQ(run(dataset_options()), 0) << err.str();
  EXPECT_EQ(err.str(), "");
  for (std::size_t i = 1; i < 5; ++i) EXPECT_LT(largest_difference(sum("a_" + std::to_string(i)), x[i]), 1e-4) << i;
  EXPECT_EQ(result("s1", "a_0").size(), 1u);
  EXPECT_EQ(files_in(results), 10u);
  EXPECT_EQ(bytes_of_file(results / "val/s1/a_1.wav")[20], 3);  // float
  EXPECT_NE(out.str().find("[5/5] a_4: 1.125 s at 8000 Hz"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("val: means over 5 mixtures"), std::string::npos) << out.str();
  for (const char* name : {"SI-SNR", "SI-SDR", "SNR", "improvement", "PIT"}) EXPECT_NE(out.str().find(name), std::string::npos);
}

// Scores of a network that always gives the sources in the wrong order.
TEST_F(infer_job, permuted_scores_do_not_depend_on_the_order) {
  store_item("a", 1500, 1);
  function_separator swapped(rate, 2, [](std::span<const float> x, std::span<float> y) {
    const signal_t low = low_part(x, 4);
    for (std::size_t i = 0; i < x.size(); ++i) y[x.size() + i] = low[i] + 0.01f * x[i], y[i] = x[i] - low[i];
  });
  ASSERT_EQ(run(dataset_options(), swapped), 0) << err.str();
  std::istringstream lines(out.str().substr(out.str().find("SI-SNR  ")));
  for (int metric = 0; metric < 3; ++metric) {
    std::string name;
    double given, given_improvement, permuted, permuted_improvement;
    lines >> name >> given >> given_improvement >> permuted >> permuted_improvement;
    ASSERT_TRUE(lines) << out.str();
    EXPECT_LT(given, 5) << name;
    EXPECT_GT(permuted, 25) << name;
    EXPECT_NEAR(permuted - given, permuted_improvement - given_improvement, 0.011) << name;
  }
}

TEST_F(infer_job, works_without_ground_truth_on_files_and_folders) {
  const signal_t x = store_item("b.c", 3000, 5, false);
  infer_options o = dataset_options();
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_EQ(out.str().find("SI-SNR"), std::string::npos);
  const std::string first = bytes_of_file(results / "val/s2/b.c.wav");
  for (const fs::path& input : {data / "audio/val/mix", data / "audio/val/mix/b.c.wav", data / "audio/val"}) {
    fs::remove_all(results);
    o.dataset.clear(), o.input = input;
    ASSERT_EQ(run(o), 0) << err.str();
    EXPECT_EQ(bytes_of_file(results / "val/s2/b.c.wav"), first);
  }
}

TEST_F(infer_job, keeps_each_files_rate_and_length) {
  // Below 3 kHz at every rate, so that the way through the network's rate loses nothing.
  for (const int hz : {8000, 16000, 44100, 11025})
    for (const std::size_t length : {std::size_t{4999}, std::size_t{12345}}) {
      signal_t x = tone(length, 300. / hz, 0.5);
      for (std::size_t i = 0; i < length; ++i)
        x[i] += 0.2f * static_cast<float>(std::sin(2 * std::numbers::pi * 2500. / hz * static_cast<double>(i)));
      store("audio/val/mix/" + std::to_string(hz) + "_" + std::to_string(length) + ".wav", x, hz);
    }
  infer_options o = dataset_options();
  o.level = level_policy::none, o.window = 0;
  auto calm = splitter(rate, 0, false);
  ASSERT_EQ(run(o, calm), 0) << err.str();
  for (const auto& entry : fs::directory_iterator(data / "audio/val/mix")) {
    const audio_signal x = read_audio(entry.path());
    const std::string name = entry.path().stem().string();
    EXPECT_EQ(probe_audio(results / "val/s1" / entry.path().filename()).rate, x.info.rate);
    const signal_t y = sum(name);
    ASSERT_EQ(y.size(), x.samples.size());
    for (std::size_t i = 200; i < y.size() - 200; ++i) ASSERT_NEAR(y[i], x.samples[i], 5e-3) << name << ' ' << i;
  }
  o.target_rate = 16000;
  ASSERT_EQ(run(o, calm), 0) << err.str();
  const audio_info info = probe_audio(results / "val/s1/44100_4999.wav");
  EXPECT_EQ(info.rate, 16000);
  EXPECT_EQ(info.frames, (4999 * 160 + 440) / 441);
}

TEST_F(infer_job, scores_at_the_target_rate) {
  store_item("a", 4000, 3);
  infer_options o = dataset_options();
  o.target_rate = 16000;
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_NE(out.str().find("means over 1 mix"), std::string::npos);
}

TEST_F(infer_job, brings_results_to_the_chosen_level) {
  const signal_t x = store_item("a", 1500, 7, false);
  function_separator loud(rate, 2, [](std::span<const float> in, std::span<float> y) {
    const signal_t low = low_part(in, 4);
    for (std::size_t i = 0; i < in.size(); ++i) y[i] = 100 * low[i], y[in.size() + i] = -30 * (in[i] - low[i]);
  });
  const auto peak = [](const signal_t& s) {
    float most = 0;
    for (float v : s) most = std::max(most, std::abs(v));
    return most;
  };
  infer_options o = dataset_options();
  ASSERT_EQ(run(o, loud), 0);
  EXPECT_LT(largest_difference(sum("a"), x), 1e-5);
  o.level = level_policy::peak;
  ASSERT_EQ(run(o, loud), 0);
  for (const char* s : {"s1", "s2"}) EXPECT_NEAR(peak(result(s, "a")), peak(x), 1e-6);
  o.level = level_policy::none;
  ASSERT_EQ(run(o, loud), 0);
  signal_t raw(3000);
  loud.separate(x, raw);
  EXPECT_EQ(result("s1", "a"), signal_t(raw.begin(), raw.begin() + 1500));
}

TEST_F(infer_job, silence_is_no_error) {
  store("audio/val/mix/a.wav", signal_t(5000, 0.f));
  for (const char* s : {"s1", "s2"}) store(fs::path("audio/val") / s / "a.wav", signal_t(5000, 0.f));
  for (const level_policy level : {level_policy::mixture, level_policy::peak, level_policy::none}) {
    infer_options o = dataset_options();
    o.level = level;
    ASSERT_EQ(run(o), 0) << err.str();
    EXPECT_EQ(result("s1", "a"), signal_t(5000, 0.f));
    EXPECT_NE(out.str().find("2 silent or broken sources left out"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find(", SI-SNR - dB, permuted - dB, improvement - dB\n"), std::string::npos) << out.str();
  }
}

// Of one mixture, the item's line is the table's.
TEST_F(infer_job, leaves_silent_sources_out_of_the_items_mean) {
  const signal_t x = store_item("a", 1500, 17);
  store("audio/val/s1/a.wav", x);
  store("audio/val/s2/a.wav", signal_t(1500, 0.f));
  ASSERT_EQ(run(dataset_options()), 0) << err.str();
  std::istringstream table(out.str().substr(out.str().find("SI-SNR  ") + 8));
  std::string given, given_improvement, permuted, improvement;
  table >> given >> given_improvement >> permuted >> improvement;
  EXPECT_NE(permuted, "-") << out.str();
  EXPECT_NE(out.str().find(", SI-SNR " + given + " dB, permuted " + permuted + " dB, improvement " + improvement + " dB\n"),
            std::string::npos)
      << out.str();
}

TEST_F(infer_job, goes_on_after_a_broken_item) {
  for (const char* name : {"a", "b", "c", "d"}) store_item(name, 3000, 9);
  signal_t bad(3000, 0.1f);
  bad[2500] = std::numeric_limits<float>::quiet_NaN();
  // The writer would refuse it, so it is patched in.
  std::string bytes = bytes_of_file(data / "audio/val/mix/b.wav");
  std::memcpy(bytes.data() + bytes.size() - 4 * 500, &bad[2500], 4);
  write_bytes(data / "audio/val/mix/b.wav", bytes);
  store("audio/val/s1/c.wav", signal_t(2999, 0.1f));
  EXPECT_EQ(run(dataset_options()), 1);
  EXPECT_NE(err.str().find("infer: [2/4] "), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("sample 2500 (0.312 s) is NaN"), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("2999 samples"), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("2 of 4 items failed"), std::string::npos) << err.str();
  EXPECT_NE(out.str().find("means over 2 mixtures"), std::string::npos) << out.str();
  EXPECT_EQ(files_in(results), 4u);
  function_separator broken(rate, 2,
                            [](std::span<const float>, std::span<float> y) { y[0] = std::numeric_limits<float>::quiet_NaN(); });
  fs::remove_all(results);
  EXPECT_EQ(run(dataset_options(), broken), 1);
  EXPECT_EQ(files_in(results), 0u);
}

TEST_F(infer_job, stops_cleanly_on_a_signal) {
  for (const char* name : {"a", "b", "c"}) store_item(name, 5000, 11);
  int calls = 0;
  function_separator network(rate, 2, [&](std::span<const float> x, std::span<float> y) {
    std::copy(x.begin(), x.end(), y.begin());
    if (++calls == 6) ::raise(SIGINT);  // within the second item
  });
  EXPECT_EQ(run(dataset_options(), network), 130);
  EXPECT_NE(err.str().find("stopped after 1 of 3 items"), std::string::npos) << err.str();
  EXPECT_EQ(files_in(results), 2u);
  EXPECT_TRUE(fs::exists(results / "val/s2/a.wav"));
}

TEST_F(infer_job, what_a_killed_run_left_goes_with_the_next) {
  store_item("11_22", 4000, 1);
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  fs::create_directories(results / "val/s1");
  const std::string begin = ".part-" + std::to_string(dead);
  for (const std::string& name : {begin + "-0.wav", begin + "-kept-0.wav", std::string("mine.wav")})
    write_bytes(results / "val/s1" / name, "x");
  auto network = splitter(rate, 1);
  ASSERT_EQ(run(dataset_options(), network), 0) << err.str();
  EXPECT_FALSE(fs::exists(results / "val/s1" / (begin + "-0.wav")));
  EXPECT_FALSE(fs::exists(results / "val/s1" / (begin + "-kept-0.wav")));
  EXPECT_TRUE(fs::exists(results / "val/s1/mine.wav"));
  EXPECT_TRUE(fs::exists(results / "val/s1/11_22.wav"));
}

TEST_F(infer_job, leaves_nothing_on_a_full_disk) {
  store_item("a", 60000, 13);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t limit : {rlim_t{50000}, rlim_t{240010}}) {  // in the scratch files; in the results, 44 bytes longer
    rlimit small = old;
    small.rlim_cur = limit;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const int status = run(dataset_options());
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_EQ(status, 1);
    EXPECT_NE(err.str().find("failed"), std::string::npos) << err.str();
    EXPECT_EQ(files_in(results), 0u) << err.str();
  }
  ::signal(SIGXFSZ, handler);
}

TEST_F(infer_job, says_that_its_lines_could_not_be_written) {
  store_item("a", 1500, 19);
  auto network = splitter(rate, 1);
  std::ofstream full("/dev/full");
  EXPECT_EQ(run_inference(dataset_options(), network, full, err), 1);
  EXPECT_EQ(err.str(), "infer: the results' lines could not be written: No space left on device\n");
  EXPECT_EQ(files_in(results), 2u);
}

TEST_F(infer_job, never_replaces_what_is_protected) {
  store_item("a", 1500, 21);
  infer_options o = dataset_options();
  const fs::path weights = results / "val/s2/a.wav";
  fs::create_directories(weights.parent_path());
  write_bytes(weights, "weights");
  o.protect = {folder / "other", weights};
  EXPECT_EQ(run(o), 1);
  EXPECT_NE(err.str().find("is the input file " + weights.string()), std::string::npos) << err.str();
  EXPECT_EQ(bytes_of_file(weights), "weights");
  EXPECT_EQ(files_in(results), 1u);
}

TEST_F(infer_job, results_of_which_one_is_refused_leave_the_earlier_ones) {
  const auto publish = [&](float value) {
    std::vector<audio_writer> writers;
    for (const char* name : {"a.wav", "b.wav"}) writers.emplace_back(folder / name, rate);
    for (audio_writer& w : writers) w.write(signal_t(3, value));
    if (value < 0) fs::create_directories(folder / "b.wav");  // somebody else takes the second name meanwhile
    return error_of([&] { tools::publish_together(writers); });
  };
  EXPECT_TRUE(says(publish(-0.5f), "b.wav: cannot be put in place"));
  EXPECT_EQ(count_files(), 0u);
  fs::remove(folder / "b.wav");
  publish(0.25f);
  EXPECT_EQ(read_audio(folder / "a.wav").samples, signal_t(3, 0.25f));
  EXPECT_EQ(count_files(), 2u);
  fs::remove(folder / "b.wav");
  EXPECT_TRUE(says(publish(-0.5f), "b.wav: cannot be put in place"));
  EXPECT_EQ(read_audio(folder / "a.wav").samples, signal_t(3, 0.25f));
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(infer_job, tells_about_channels_and_skipped_files) {
  SF_INFO info{};
  info.samplerate = rate, info.channels = 2, info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
  fs::create_directories(data);
  detail::sndfile_handle file(sf_open((data / "a.wav").c_str(), SFM_WRITE, &info));
  const signal_t x = noise(2000, 1, 0.5);
  sf_write_float(file.get(), x.data(), 2000);
  file.reset();
  write_bytes(data / "notes.txt", "x");
  infer_options o = dataset_options();
  o.dataset.clear(), o.input = data;
  ASSERT_EQ(run(o), 0);
  EXPECT_NE(err.str().find("has 2 channels; the first is used"), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("notes.txt"), std::string::npos) << err.str();
  o.channels = channel_choice::refuse;
  EXPECT_EQ(run(o), 1);
  EXPECT_NE(err.str().find("expected 1"), std::string::npos) << err.str();
}

TEST_F(infer_job, says_in_one_line_what_keeps_it_from_starting) {
  store_item("a", 3000, 15);
  const auto refused = [&](const infer_options& o, auto... parts) {
    EXPECT_EQ(run(o), 1);
    std::string line = err.str();
    ASSERT_FALSE(line.empty());
    line.pop_back();
    EXPECT_TRUE(says(line, "infer: ", parts...));
    EXPECT_EQ(out.str(), "");
  };
  infer_options o = dataset_options();
  o.input = data;
  refused(o, "not both");
  o = dataset_options(), o.dataset.clear();
  refused(o, "not neither");
  o = dataset_options(), o.save_path.clear();
  refused(o, "save_path is empty");
  o = dataset_options(), o.target_rate = -1;
  refused(o, "target_rate = -1");
  o = dataset_options(), o.target_rate = highest_rate + 1;
  refused(o, "target_rate = 768001", "1000 to 768000 Hz");
  o = dataset_options(), o.target_rate = 1;
  refused(o, "target_rate = 1", "1000 to 768000 Hz");
  o = dataset_options(), o.window = -2;
  refused(o, "window = -2");
  o = dataset_options(), o.partition = "test";
  refused(o, "no partition \"test\"");
  o = dataset_options(), o.save_path = data / "audio/val/mix/a.wav";
  refused(o, "cannot be made");
  o = dataset_options(), o.save_path = data / "audio";  // results would be written over the ground truth
  refused(o, "holds input files");
  store("audio/val/s3/a.wav", signal_t(3000, 0.1f));
  o = dataset_options();
  refused(o, "has 3 sources", "gives 2");
}

}  // namespace
}  // namespace avss
