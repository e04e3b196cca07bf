// Metrics of programs and networks that the user has, through //tools:calc_metrics.
#include <cmath>
#include <fstream>
#include <sstream>

#include "tests/tools/calc_metrics_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class opinion_metrics : public calc_metrics {
 protected:
  void SetUp() override {
    calc_metrics::SetUp();
    // Estimates that equal their targets.
    for (int k = 0; k < 2; ++k) {
      const std::string name = "f" + std::to_string(k);
      for (int s = 1; s <= 2; ++s) {
        const auto seed = static_cast<std::uint32_t>(10 * k + s);
        store("gt/s" + std::to_string(s), name, noise(4000, seed, 0.1 * s), 16000);
        store("pred/s" + std::to_string(s), name, noise(4000, seed, 0.1 * s), 16000);
      }
      store("gt/mix", name, noise(4000, static_cast<std::uint32_t>(90 + k), 0.3), 16000);
    }
  }
  // A program of these lines that counts its calls.
  std::string program(const std::string& lines) const {
    const fs::path path = folder / "program.sh";
    std::ofstream(path) << "echo \"$1 $2 $3\" >> '" << (folder / "calls").string() << "'\n" << lines << "\n";
    return " metrics.pesq.command='sh " + path.string() + "'";
  }
  std::size_t calls() const {
    std::ifstream in(folder / "calls");
    std::size_t n = 0;
    for (std::string line; std::getline(in, line);) ++n;
    return n;
  }
  static std::string networks() { return " metrics.dnsmos.path=" + fs::absolute("tests/golden/dnsmos").string(); }
};

TEST_F(opinion_metrics, pesq_is_what_the_program_says) {
  const outcome r = run(paths() + saving() + " 'metrics.inference=[pesq, pesqi]'" +
                        program("if cmp -s \"$2\" \"$3\"; then echo 4.5; else echo 1.25; fi"));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err.find("note"), std::string::npos) << r.err;
  const auto rows = table();
  ASSERT_EQ(rows.size(), 2u);
  for (const row& x : rows) {
    EXPECT_EQ(std::stod(x.at("pesq")), 4.5);
    EXPECT_EQ(std::stod(x.at("pesqi")), 3.25);
  }
  // Two files of two sources: the estimate and the mixture, each once.
  EXPECT_EQ(calls(), 8u);
}

TEST_F(opinion_metrics, a_program_that_is_not_there_leaves_a_column_empty) {
  const outcome r = run(paths() + saving() + " 'metrics.inference=[si_snr, pesq]' metrics.pesq.command=/nowhere/to/be/found" +
                        " metric_calculator.report=" + (folder / "page.html").string());
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "note: PESQ is not measured", "not installed", "pip install pesq"));
  for (const row& x : table()) {
    EXPECT_EQ(x.at("pesq"), "");
    EXPECT_NE(x.at("si_snr"), "");
  }
  EXPECT_NE(r.out.find("pesq: 4 sources left out of the mean (4 not installed)"), std::string::npos) << r.out;
  const std::string json = bytes_of_file(folder / "out/scores.json"), page = bytes_of_file(folder / "page.html");
  EXPECT_NE(json.find("\"sources_left_out\": 4"), std::string::npos) << json;
  EXPECT_NE(page.find("4 (4 not installed)"), std::string::npos);
}

TEST_F(opinion_metrics, a_program_that_fails_hangs_or_talks_nonsense) {
  const auto expect_trouble = [&](const std::string& lines, const std::string& why) {
    SCOPED_TRACE(lines);
    const outcome r = run(paths() + saving() + " 'metrics.inference=[si_snr, pesq]' metrics.pesq.timeout=1" + program(lines));
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "note: PESQ is not measured", why));
    for (const row& x : table()) EXPECT_EQ(x.at("pesq"), "");
    EXPECT_NE(r.out.find("pesq: 4 sources left out of the mean (4 no score)"), std::string::npos) << r.out;
  };
  expect_trouble("echo no utterances >&2; exit 3", "status 3: no utterances");
  expect_trouble("sleep 30", "longer than 1 s");
  expect_trouble("echo 11", "'11'");
}

// The others count, and the silent one is told as such.
TEST_F(opinion_metrics, a_program_that_fails_for_one_file) {
  store("gt/s2", "f1", signal_t(4000), 16000);
  const outcome r = run(paths() + saving() + " 'metrics.inference=[pesq, si_snr]'" +
                        program("cmp -s \"$2\" '" + (folder / "gt/s1/f0.wav").string() + "' && exit 4; echo 2.5"));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "note: PESQ is not measured", "status 4"));
  EXPECT_NE(r.out.find("pesq: 2 sources left out of the mean (1 silent target, 1 no score)"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("si_snr: 1 source left out of the mean (1 silent target)"), std::string::npos) << r.out;
  const auto rows = table();
  EXPECT_EQ(rows[0].at("pesq_s1"), "");
  EXPECT_EQ(std::stod(rows[0].at("pesq_s2")), 2.5);
  EXPECT_EQ(std::stod(rows[1].at("pesq_s1")), 2.5);
  EXPECT_EQ(rows[1].at("pesq_s2"), "");
  EXPECT_EQ(calls(), 3u);
}

TEST_F(opinion_metrics, dnsmos_hears_the_estimates_alone) {
  const outcome r = run(paths() + saving() + networks() + " 'metrics.inference=[dnsmos_ovrl, dnsmos_sig, dnsmos_p808i]'");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err.find("note"), std::string::npos) << r.err;
  for (const row& x : table()) {
    for (const char* name : {"dnsmos_ovrl_s1", "dnsmos_sig_s2", "dnsmos_p808i_s1"})
      EXPECT_TRUE(std::isfinite(std::stod(x.at(name)))) << name;
    EXPECT_NE(x.at("dnsmos_ovrl_s1"), x.at("dnsmos_ovrl_s2"));
  }
  EXPECT_NE(r.out.find("dnsmos_ovrl"), std::string::npos) << r.out;
}

// Every order is as good for it, so that of SI-SNR tells whose score it is.
TEST_F(opinion_metrics, dnsmos_prefers_no_order) {
  for (const char* name : {"f0.wav", "f1.wav"}) {
    fs::rename(folder / "pred/s1" / name, folder / "kept.wav");
    fs::rename(folder / "pred/s2" / name, folder / "pred/s1" / name);
    fs::rename(folder / "kept.wav", folder / "pred/s2" / name);
  }
  const std::string asked = paths() + saving() + networks() + " metrics.inference=[dnsmos_p808] metrics.permutation=";
  ASSERT_EQ(run(asked + "si_snr").status, 0);
  const auto expected = table();
  ASSERT_EQ(run(asked + "per_metric").status, 0);
  const auto found = table();
  for (std::size_t i = 0; i < 2; ++i)
    for (const char* column : {"dnsmos_p808_s1", "dnsmos_p808_s2"}) EXPECT_EQ(found[i].at(column), expected[i].at(column));
  EXPECT_NE(found[0].at("dnsmos_p808_s1"), found[0].at("dnsmos_p808_s2"));
}

TEST_F(opinion_metrics, dnsmos_without_its_files) {
  const outcome none = run(paths() + saving() + " 'metrics.inference=[si_snr, dnsmos_ovrl]'");
  EXPECT_EQ(none.status, 0);
  EXPECT_TRUE(says(none.err.substr(0, none.err.size() - 1), "note: dnsmos_ovrl", "metrics.dnsmos.path", "DNS-Challenge"));
  for (const row& x : table()) EXPECT_EQ(x.at("dnsmos_ovrl"), "");
  // A folder that is named must have what is asked for.
  const std::string asked = paths() + " metrics.dnsmos.path=" + (folder / "networks").string() + " metrics.inference=";
  const auto refused = [&](const std::string& metric, const char* file) {
    const outcome r = run(asked + "[" + metric + "]");
    EXPECT_EQ(r.status, 1);
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), file, "DNS-Challenge"));
  };
  refused("dnsmos_p808", "model_v8.onnx");
  fs::create_directories(folder / "networks");
  fs::copy_file("tests/golden/dnsmos/model_v8.onnx", folder / "networks/model_v8.onnx");
  refused("dnsmos_bak", "sig_bak_ovr.onnx");
  EXPECT_EQ(run(asked + "[dnsmos_p808]").status, 0);
}

}  // namespace
}  // namespace avss
