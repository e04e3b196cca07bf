// //tools:infer as a user runs it: a process, its files, its output.
#include <gtest/gtest.h>
#include <signal.h>

#include <avss/convtasnet.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/layer/init.hpp>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

template <convtasnet_config S>
void store_weights(const fs::path& path, std::string_view layout_name = "torchaudio", std::uint64_t seed = 1) {
  engine<ConvTasNet<S>, cpu> e(cpu{1});
  init_params(e.net(), seed, e.values());
  save_weights(e, path.string(), layout_name);
}

class infer : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    store_weights<presets::convtasnet_tiny>(weights());
    for (const char* part : {"mix", "s1", "s2"}) fs::create_directories(folder / "data/audio/val" / part);
    for (const char* name : {"11_22", "33_44"}) {
      const std::vector<float> a = noise(4000, 1, 0.3), b = tone(4000, 0.05, 0.3);
      std::vector<float> mix(4000);
      for (std::size_t i = 0; i < mix.size(); ++i) mix[i] = a[i] + b[i];
      const auto put = [&](const char* part, const std::vector<float>& x) {
        write_audio(folder / "data/audio/val" / part / (std::string(name) + ".wav"), 8000, x);
      };
      put("mix", mix), put("s1", a), put("s2", b);
    }
  }

  std::string weights() const { return (folder / "tiny.pth").string(); }
  std::string data() const { return "datasets.inf.dataset_path=" + (folder / "data").string() + " datasets.inf.partition=val"; }
  std::string tiny() const { return "-cn=inf_convtasnet model=convtasnet_tiny inferencer.from_pretrained=" + weights(); }
  std::string to_results() const { return " inferencer.save_path=" + (folder / "out").string(); }

  outcome run(const std::string& arguments, const std::string& before = "") const {
    return run_tool("infer", arguments, before);
  }

  // Fails with one line that has all `parts`, and leaves no result behind.
  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments);
    EXPECT_NE(r.status, 0);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), parts...));
    EXPECT_TRUE(files_in(folder / "out").empty());
  }
};

TEST_F(infer, separates_a_data_set) {
  const outcome r = run(tiny() + " " + data() + to_results());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(files_in(folder / "out"),
            (std::vector<std::string>{"inf/s1/11_22.wav", "inf/s1/33_44.wav", "inf/s2/11_22.wav", "inf/s2/33_44.wav"}));
  for (const char* word : {"SI-SNR", "SI-SDR", "SNR", "improvement", "permutation", "convtasnet_tiny"})
    EXPECT_NE(r.out.find(word), std::string::npos) << word << " in " << r.out;
}

TEST_F(infer, reports_on_a_page) {
  const fs::path page = folder / "page.html";
  const std::string to_page = " inferencer.report=" + page.string();
  const outcome r = run(tiny() + " " + data() + to_results() + to_page);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("2 files of 2 sources"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("report: " + page.string()), std::string::npos) << r.out;
  const std::string text = bytes_of_file(page);
  EXPECT_NE(text.find("Worst: 11_22"), std::string::npos);
  EXPECT_NE(text.find("<audio controls"), std::string::npos);
  // What could not be reported is told before anything is separated.
  fs::remove_all(folder / "out");
  expect_refusal(tiny() + " inferencer.input=" + (folder / "data/audio/val/mix/11_22.wav").string() + to_results() + to_page,
                 "inferencer.report: there is no ground truth");
  expect_refusal(tiny() + " " + data() + to_results() + to_page + " datasets.inf.target_sr=16000",
                 "inferencer.report: results of 16000 Hz");
  write_bytes(page, "mine");
  expect_refusal(tiny() + " " + data() + to_results() + to_page, "page.html: is no page of an earlier",
                 "inferencer.report=FILE.html");
  EXPECT_EQ(bytes_of_file(page), "mine");
  expect_refusal(tiny() + " " + data() + to_results() + " metrics=empty inferencer.report=" + (folder / "new.html").string(),
                 "metrics.inference is empty");
}

TEST_F(infer, reports_on_what_did_not_fail) {
  // An older result of what fails now is not taken for one.
  ASSERT_EQ(run(tiny() + " " + data() + to_results()).status, 0);
  write_bytes(folder / "data/audio/val/mix/11_22.wav", "RIFF");
  const fs::path page = folder / "page.html";
  const outcome r = run(tiny() + " " + data() + to_results() + " inferencer.report=" + page.string());
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("infer: 1 of 2 items failed"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("left out: 11_22"), std::string::npos) << r.err;
  EXPECT_NE(r.out.find("1 file of 2 sources"), std::string::npos) << r.out;
  EXPECT_NE(bytes_of_file(page).find("33_44"), std::string::npos);
  write_bytes(folder / "data/audio/val/mix/33_44.wav", "RIFF");
  const outcome none = run(tiny() + " " + data() + to_results() + " inferencer.report=" + (folder / "new.html").string());
  EXPECT_EQ(none.status, 1);
  EXPECT_FALSE(fs::exists(folder / "new.html"));
}

TEST_F(infer, names_another_tools_configuration) {
  const outcome r = run_tool("infer", "-cn=train_convtasnet");
  EXPECT_EQ(r.status, 1);
  EXPECT_EQ(
      r.err,
      "infer: the configuration has no section inferencer: it is another tool's; choose one by -cn, such as inf_convtasnet "
      "or inf_rtfsnet\n");
}

TEST_F(infer, measures_what_metrics_ask_for) {
  const std::string asked = tiny() + " " + data() + to_results() + " 'metrics.inference=[si_snri, sdr, dnsmos_ovrl]'";
  const outcome r = run(asked);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("\nsdr "), std::string::npos) << r.out;
  EXPECT_NE(r.err.find("note: dnsmos_ovrl: not measured"), std::string::npos) << r.err;
  // Without ground truth there is nothing to measure, and ratios of energies are in the usual table.
  for (const std::string& without : {asked + " +datasets.inf.expect_target=false", tiny() + " " + data() + to_results()}) {
    fs::remove_all(folder / "out");
    const outcome plain = run(without);
    EXPECT_EQ(plain.status, 0) << plain.err;
    EXPECT_EQ(plain.out.find("\nsdr "), std::string::npos) << plain.out;
    EXPECT_EQ(plain.out.find("2 files of 2 sources"), std::string::npos) << plain.out;
  }
  fs::remove_all(folder / "out");
  expect_refusal(tiny() + " " + data() + to_results() + " metrics.inference=[polqa]", "metrics.inference[0]", "'polqa'");
}

TEST_F(infer, gives_what_the_library_gives) {
  const fs::path mix = folder / "data/audio/val/mix/11_22.wav";
  const outcome r = run(tiny() + " inferencer.level=none inferencer.input=" + mix.string() + to_results());
  ASSERT_EQ(r.status, 0) << r.err;
  engine<ConvTasNet<presets::convtasnet_tiny>, cpu> e(cpu{1});
  EXPECT_EQ(load_weights(e, weights()).name, "torchaudio");
  const auto expected = e.separate(read_audio(mix).samples);
  for (int s = 0; s < 2; ++s)
    EXPECT_EQ(read_audio(folder / "out/inf" / ("s" + std::to_string(s + 1)) / "11_22.wav").samples,
              expected[static_cast<std::size_t>(s)]);
}

TEST_F(infer, results_do_not_depend_on_threads) {
  ASSERT_EQ(run("--threads 1 " + tiny() + " " + data() + to_results()).status, 0);
  const std::string one = bytes_of_file(folder / "out/inf/s1/11_22.wav");
  ASSERT_EQ(run("--threads 3 " + tiny() + " " + data() + to_results()).status, 0);
  EXPECT_EQ(bytes_of_file(folder / "out/inf/s1/11_22.wav"), one);
}

TEST_F(infer, relative_paths_start_where_the_user_is) {
  const outcome r =
      run("-cn=inf_convtasnet model=convtasnet_tiny inferencer.from_pretrained=tiny.pth datasets.inf.dataset_path=data "
          "datasets.inf.partition=val inferencer.save_path=out",
          "BUILD_WORKING_DIRECTORY=" + folder.string());
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(files_in(folder / "out").size(), 4u);
}

TEST_F(infer, needs_to_know_what_where_and_with_which_weights) {
  expect_refusal("model=convtasnet_tiny", "datasets.inf.dataset_path=DIR", "inferencer.input=PATH");
  expect_refusal(data(), "inferencer.save_path=DIR");
  expect_refusal(data() + to_results(), "inferencer.from_pretrained=FILE");
  expect_refusal(tiny() + " " + data() + to_results() + " inferencer.widow=3", "inferencer.widow", "inferencer.window");
  for (const char* window : {"-1", "3601", "1e300", "0.0001"})
    expect_refusal(tiny() + " " + data() + to_results() + " inferencer.window=" + window, "inferencer.window");
  expect_refusal(tiny() + " " + data() + to_results() + " inferencer.seed=abc", "inferencer.seed");
  expect_refusal(tiny() + " " + data() + to_results() + " inferencer.level=loud", "mixture", "peak", "none");
  expect_refusal(tiny() + " " + data() + to_results() + " datasets.inf.target_sr=768001", "datasets.inf.target_sr", "768000");
  expect_refusal(tiny() + " " + data() + to_results() + " datasets.inf.target_sr=1", "datasets.inf.target_sr", "1000");
  expect_refusal("model=convtasnet_teeny " + data() + to_results(), "convtasnet_tiny");
  expect_refusal(tiny() + " " + data() + to_results() + " inferencer.device=gpu", "auto", "cpu");
  expect_refusal(tiny() + " datasets.inf.dataset_path=/nowhere" + to_results(), "/nowhere");
  EXPECT_EQ(run("--window=3").status, 2);
}

TEST_F(infer, takes_the_preset_that_has_the_sizes) {
  // The reference project's small network by its sizes: those of preset convtasnet_cpu.
  store_weights<presets::convtasnet_cpu>(folder / "cpu.pth", "reference");
  const outcome r =
      run("model.encoder_dim=16 model.tcn_bottleneck_dim=4 model.tcn_hidden_dim=16 model.tcn_num_layers=1 "
          "model.tcn_num_stacks=2 inferencer.from_pretrained=" +
          (folder / "cpu.pth").string() + " " + data() + to_results());
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("convtasnet_cpu: 1994 parameters"), std::string::npos) << r.out;
  fs::remove_all(folder / "out");
  expect_refusal(
      "model.encoder_dim=17 inferencer.from_pretrained=x " + data() + " inferencer.save_path=" + (folder / "out").string(),
      "model.encoder_dim=17", "convtasnet_cpu");
}

TEST_F(infer, never_takes_another_kind_of_network) {
  for (const char* change :
       {"model=convtasnet_paper_causal model.mask_activation=relu", "model=convtasnet_asteroid model.mask_activation=sigmoid",
        "model=convtasnet model.sample_rate=8000"})
    expect_refusal(std::string(change) + " inferencer.from_pretrained=" + weights() + " " + data() + to_results(),
                   "sizes are compiled in");
}

TEST_F(infer, says_what_is_wrong_with_weights) {
  const auto with = [&](const fs::path& p) {
    return "model=convtasnet_tiny inferencer.from_pretrained=" + p.string() + " " + data() + to_results();
  };
  expect_refusal(with(folder / "absent.pth"), "absent.pth", "No such file");
  std::ofstream(folder / "empty.pth").close();
  expect_refusal(with(folder / "empty.pth"), "empty.pth", "empty");
  expect_refusal(with(folder / "data/audio/val/mix/11_22.wav"), "not a weights file", "WAV");
  expect_refusal(with(folder), "director");
  // Another network: the name of the one that fits, and the beginning of the list.
  store_weights<presets::convtasnet_cpu>(folder / "cpu.pth", "reference");
  expect_refusal(with(folder / "cpu.pth"), "cpu.pth: the weights fit model=convtasnet_cpu", "missing 14");
  // One that fits none: the complete list.
  tensor_dict odd = read_weights_file((folder / "cpu.pth").string()).tensors;
  odd.entries.erase(odd.entries.begin() + 8);
  write_pytorch((folder / "odd.pth").string(), std::move(odd));
  expect_refusal(with(folder / "odd.pth"), "missing", "wrong shape", "unexpected", "encoder.bias");
  // Damaged in the middle.
  std::string bytes = bytes_of_file(weights());
  std::ofstream(folder / "cut.pth", std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  expect_refusal(with(folder / "cut.pth"), "cut.pth");
  engine<ConvTasNet<presets::convtasnet_tiny>, cpu> e(cpu{1});
  init_params(e.net(), 1, e.values());
  e.values()[3] = std::numeric_limits<float>::quiet_NaN();
  save_weights(e, (folder / "nan.safetensors").string());
  expect_refusal(with(folder / "nan.safetensors"), "not finite", "encoder.weight");
}

TEST_F(infer, goes_on_after_a_broken_mixture_and_ends_with_an_error) {
  std::ofstream(folder / "data/audio/val/mix/11_22.wav") << "RIFF";
  const outcome r = run(tiny() + " " + data() + to_results());
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("11_22.wav"), std::string::npos) << r.err;
  EXPECT_EQ(files_in(folder / "out"), (std::vector<std::string>{"inf/s1/33_44.wav", "inf/s2/33_44.wav"}));
}

TEST_F(infer, one_bad_file_is_one_line) {
  std::ofstream(folder / "bad.wav") << "RIFF";
  const outcome r = run(tiny() + " inferencer.input=" + (folder / "bad.wav").string() + to_results());
  EXPECT_EQ(r.status, 1);
  EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "infer: ", "bad.wav"));
}

TEST_F(infer, a_full_disk_leaves_nothing_half_written) {
  const outcome r = run(tiny() + " " + data() + to_results(), "ulimit -f 8;");
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("File too large"), std::string::npos) << r.err;
  EXPECT_TRUE(files_in(folder / "out").empty());
}

TEST_F(infer, an_interrupt_leaves_whole_items_only) {
  for (int i = 0; i < 200; ++i)
    fs::copy_file(folder / "data/audio/val/mix/11_22.wav", folder / "data/audio/val/mix" / ("x_" + std::to_string(i) + ".wav"));
  fs::remove_all(folder / "data/audio/val/s1");
  fs::remove_all(folder / "data/audio/val/s2");
  child_process child({"./tools/infer", "model=convtasnet_tiny", "inferencer.from_pretrained=" + weights(),
                       "datasets.inf.dataset_path=" + (folder / "data").string(), "datasets.inf.partition=val",
                       "inferencer.save_path=" + (folder / "out").string()},
                      folder / "stdout", folder / "stderr");
  EXPECT_TRUE(child.runs_until([&] { return files_in(folder / "out").size() >= 6; })) << bytes_of_file(folder / "stderr");
  child.signal(SIGINT);
  const int status = child.wait();
  const auto files = files_in(folder / "out");
  EXPECT_EQ(files.size() % 2, 0u);
  EXPECT_GE(files.size(), 2u);
  EXPECT_EQ(status, files.size() == 404 ? 0 : 130) << bytes_of_file(folder / "stderr");
  for (const std::string& f : files) EXPECT_EQ(read_audio(folder / "out" / f).samples.size(), 4000u) << f;
}

}  // namespace
}  // namespace avss
