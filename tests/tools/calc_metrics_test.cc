// //tools:calc_metrics as a user runs it: a process, its files, its output.
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/tools/calc_metrics_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

// Values of torchmetrics, through the CSV file.
TEST_F(calc_metrics, equals_torchmetrics) {
  for (const std::size_t sources : {2u, 3u})
    for (const char* kind : {"given", "best"}) {
      SCOPED_TRACE(std::to_string(sources) + " sources, " + kind);
      fs::remove_all(folder / "gt"), fs::remove_all(folder / "pred");
      store_golden(sources);
      const outcome r = run(paths() + saving() + (std::string(kind) == "best" ? "" : " metrics=default"));
      ASSERT_EQ(r.status, 0) << r.err;
      std::map<std::string, row> rows;
      for (const row& x : table()) rows[x.at("name")] = x;
      std::ifstream golden("tests/golden/metrics_golden.txt");
      std::size_t values = 0;
      for (std::string line; std::getline(golden, line);) {
        std::istringstream in(line);
        std::string name, metric, order;
        std::size_t set = 0;
        in >> set >> name >> metric;
        if (set != sources) continue;
        const row& found = rows.at(name);
        if (metric == "order") {
          std::getline(in >> std::ws, order);
          EXPECT_EQ(found.at("order"), order) << name;
          EXPECT_EQ(found.at("swapped"), order.starts_with("1 2") ? "0" : "1") << name;
          continue;
        }
        in >> order;
        if (order != kind) continue;
        double sum = 0;
        for (std::size_t j = 0; j < sources; ++j, ++values) {
          double expected = 0;
          ASSERT_TRUE(in >> expected) << line;
          EXPECT_NEAR(std::stod(found.at(metric + "_" + source(j))), expected, 1e-8) << line;
          sum += expected;
        }
        EXPECT_NEAR(std::stod(found.at(metric)), sum / static_cast<double>(sources), 1e-8) << line;
      }
      EXPECT_EQ(values, 5 * 6 * sources);
    }
}

TEST_F(calc_metrics, says_means_medians_worst_files_and_swapped_speakers) {
  store_golden(2);
  const outcome r = run(paths());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_NE(r.out.find("5 files of 2 sources"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("speakers swapped: 2 of 5 files (40.0%)"), std::string::npos) << r.out;
  // Per-file SI-SNRi in the best order, from the golden file: 9.71, 4.26, ...
  std::istringstream in(r.out.substr(r.out.find("si_snri")));
  std::string name, order;
  double mean = 0, median = 0;
  in >> name >> order >> mean >> median;
  EXPECT_EQ(order, "best");
  std::vector<double> values;
  ASSERT_EQ(run(paths() + saving()).status, 0);
  for (const row& x : table()) values.push_back(std::stod(x.at("si_snri")));
  std::sort(values.begin(), values.end());
  EXPECT_NEAR(mean, (values[0] + values[1] + values[2] + values[3] + values[4]) / 5, 0.005001);
  EXPECT_NEAR(median, values[2], 0.005001);
  const std::string worst = r.out.substr(r.out.find("worst by si_snri"));
  EXPECT_LT(worst.find("  b (s1 4.26, s2 4.26; swapped)"), worst.find("  d (")) << r.out;
  EXPECT_EQ(files_in(folder / "out"), (std::vector<std::string>{"scores.csv", "scores.json"}));
}

TEST_F(calc_metrics, the_lists_of_metrics_choose_the_columns) {
  store_golden(2);
  ASSERT_EQ(run(paths() + saving() + " metrics.inference=[snr,si_sdri]").status, 0);
  EXPECT_TRUE(
      bytes_of_file(folder / "out/scores.csv")
          .starts_with("name,seconds,order,swapped,snr,si_sdri,snr_s1,snr_s2,si_sdri_s1,si_sdri_s2,not_measured,clipped\n"));
  // The reference project's classes; each of the first two has an order of its own.
  const std::string wrapped =
      "{_target_: src.metrics.SIAudioMetricWrapper, name: as_given, metric: {_target_: "
      "torchmetrics.audio.ScaleInvariantSignalNoiseRatio}}";
  const outcome r = run(paths() + saving() + " 'metrics.inference=[{_target_: src.metrics.PIT_SISNRi, device: auto}, " +
                        wrapped + ", si_snr]'");
  ASSERT_EQ(r.status, 0) << r.err;
  const std::vector<row> rows = table();
  EXPECT_EQ(rows.at(0).at("si_snri"), rows[0].at("as_given"));
  EXPECT_GT(std::stod(rows[1].at("si_snri")), std::stod(rows[1].at("as_given")) + 5);
}

// s1 far too loud, s2 far too soft: SNR, which minds levels, would rather have them the other way round.
TEST_F(calc_metrics, one_order_for_all_metrics_or_one_for_each) {
  const signal_t a = noise(4000, 1, 0.02), b = noise(4000, 2, 0.04);
  signal_t mix(a), loud(a), soft(b);
  for (std::size_t i = 0; i < a.size(); ++i) mix[i] += b[i], loud[i] *= 20, soft[i] *= 0.001f;
  store("gt/mix", "x", mix), store("gt/s1", "x", a), store("gt/s2", "x", b);
  store("pred/s1", "x", loud), store("pred/s2", "x", soft);
  const std::string chosen = paths() + saving() + " metrics.inference=[si_snr,snr]";
  const outcome one = run(chosen);
  ASSERT_EQ(one.status, 0) << one.err;
  const double shared = std::stod(table().at(0).at("snr"));
  EXPECT_EQ(one.out.find("another order"), std::string::npos) << one.out;
  const outcome each = run(chosen + " metrics.permutation=per_metric");
  ASSERT_EQ(each.status, 0) << each.err;
  EXPECT_GT(std::stod(table().at(0).at("snr")), shared + 1);
  EXPECT_NE(each.out.find("\nsnr: another order of the speakers than by SI-SNR in 1 of 1 files\n"), std::string::npos)
      << each.out;
  EXPECT_EQ(each.out.find("\nsi_snr: another"), std::string::npos);
  const outcome given = run(chosen + " metrics.permutation=per_metric metrics=default");
  ASSERT_EQ(given.status, 0) << given.err;
  EXPECT_NEAR(std::stod(table().at(0).at("snr")), shared, 1e-12);
}

TEST_F(calc_metrics, published_conventions_by_name) {
  store_golden(2);
  fs::remove(folder / "gt/mix/c.wav");  // too short for STOI
  const std::string all = paths() + saving() + " metric_calculator.intersection=true metrics.pesq.command=/nowhere/pesq metrics=";
  const auto begins = [&](const std::string& columns) {
    return bytes_of_file(folder / "out/scores.csv").starts_with("name,seconds,order,swapped," + columns);
  };
  ASSERT_EQ(run(all + "reference_project").status, 0);
  EXPECT_TRUE(begins("si_snri,si_sdri,si_snr,pesq,stoi,"));
  for (const row& x : table()) EXPECT_EQ(x.at("pesq"), "");
  ASSERT_EQ(run(all + "wsj0_2mix").status, 0);
  EXPECT_TRUE(begins("si_snri,sdri,"));
  const std::vector<row> bss = table();
  ASSERT_EQ(run(all + "rtfsnet_paper").status, 0);
  EXPECT_TRUE(begins("si_snri,sdri,pesq,stoi,"));
  const std::vector<row> paper = table();
  // Not swapped: a filter of 512 taps forgives what SNR counts.
  EXPECT_EQ(paper.at(0).at("si_snri"), bss.at(0).at("si_snri"));
  EXPECT_GT(std::abs(std::stod(paper[0].at("sdri")) - std::stod(bss[0].at("sdri"))), 0.1);
}

TEST_F(calc_metrics, results_do_not_depend_on_threads) {
  store_golden(2);
  const outcome one = run("--threads 1 " + paths() + saving());
  ASSERT_EQ(one.status, 0) << one.err;
  const std::string csv = bytes_of_file(folder / "out/scores.csv"), json = bytes_of_file(folder / "out/scores.json");
  const outcome four = run("--threads 4 " + paths() + saving());
  EXPECT_EQ(four.out, one.out);
  EXPECT_EQ(bytes_of_file(folder / "out/scores.csv"), csv);
  EXPECT_EQ(bytes_of_file(folder / "out/scores.json"), json);
}

TEST_F(calc_metrics, takes_the_folders_that_users_have) {
  store_golden(2);
  const auto found = [&](const std::string& gt, const std::string& pred) {
    const outcome r = run("metric_calculator.gt_path=" + gt + " metric_calculator.pred_path=" + pred,
                          "BUILD_WORKING_DIRECTORY=" + folder.string());  // relative to where the user is
    EXPECT_EQ(r.status, 0) << r.err;
    return r.out.substr(r.out.find('\n'));
  };
  const std::string expected = found("gt", "pred");
  fs::create_directories(folder / "data/audio");
  fs::create_directories(folder / "saved");
  fs::rename(folder / "pred", folder / "saved/inf");
  fs::copy(folder / "gt", folder / "data/audio/val", fs::copy_options::recursive);
  EXPECT_EQ(found("data/audio/val", "saved/inf"), expected);
  fs::remove_all(folder / "data/audio");
  fs::create_directories(folder / "data");
  fs::rename(folder / "gt", folder / "data/audio");
  EXPECT_EQ(found("data", "saved"), expected);
  EXPECT_EQ(found("data/audio", "saved/inf"), expected);
}

TEST_F(calc_metrics, needs_to_know_what_to_score_and_how) {
  store_golden(2);
  expect_refusal("", "metric_calculator.gt_path=DIR");
  expect_refusal("metric_calculator.gt_path=x", "metric_calculator.pred_path=DIR");
  expect_refusal(paths() + " metric_calculator.gt_dir=x", "metric_calculator.gt_dir", "metric_calculator.gt_path");
  expect_refusal(paths() + " metric_calculator.device=cuda", "auto", "cpu");
  expect_refusal(paths() + " metrics=empty", "metrics.inference is empty", "si_snri");
  expect_refusal(paths() + " metrics.inference=[si_snri,polqa]", "metrics.inference[1]", "'polqa'", "there are si_snr, si_snri");
  expect_refusal(paths() + " metrics.train=[polqa]", "metrics.train[0]", "'polqa'");
  expect_refusal(paths() + " metrics.inference=[si_sndr]", "'si_sndr'", "there are");
  expect_refusal(paths() + " metrics.inference=[snr,si_snr,snr]", "metrics.inference[2]", "second metric");
  expect_refusal(paths() + " 'metrics.inference=[{_target_: src.metrics.PIT_POLQA}]'", "src.metrics.PIT_POLQA", "there are");
  expect_refusal(paths() + " 'metrics.inference=[{_target_: PIT_SISNR, nam: x}]'", "nam", "did you mean 'name'");
  EXPECT_EQ(run("--window=3").status, 2);
}

TEST_F(calc_metrics, refuses_folders_that_do_not_fit) {
  store_golden(2);
  const auto gt = [&](const std::string& to) { return paths() + " metric_calculator.gt_path=" + (folder / to).string(); };
  const auto pred = [&](const std::string& to) { return paths() + " metric_calculator.pred_path=" + (folder / to).string(); };
  expect_refusal(gt("nowhere"), "nowhere: no such folder");
  expect_refusal(pred("nowhere"), "nowhere: no such folder");
  expect_refusal(gt("pred"), "pred: has no mix/, found s1, s2");
  fs::create_directories(folder / "data/audio/train");
  expect_refusal(gt("data"), "data/audio: has no mix/, found train");
  expect_refusal(gt("data/audio/val"), "data/audio/val: no such folder, found train beside it");
  expect_refusal(pred("data"), "data: has no s1/, found audio");
  fs::create_directories(folder / "bare/mix");
  expect_refusal(gt("bare"), "bare: has no ground truth");
  fs::create_directories(folder / "one/s1");
  expect_refusal(pred("one"), "one: has s1 where", "has s1, s2");
  fs::create_directories(folder / "one/s2");
  expect_refusal(pred("one"), "one/s1: is empty");
  fs::remove(folder / "pred/s2/b.wav");
  fs::rename(folder / "pred/s1/c.wav", folder / "pred/s1/z.wav");
  expect_refusal(paths(), "do not match by name", "mix without prediction s1: c", "prediction s1 without mix: z",
                 "mix without prediction s2: b");
  const outcome r = run(paths() + saving() + " metric_calculator.intersection=true");
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.err, "note: 3 names that are not in all folders left out: b, c, z\n");
  const std::vector<row> rows = table();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].at("name") + rows[1].at("name") + rows[2].at("name"), "ade");
}

TEST_F(calc_metrics, refuses_files_that_do_not_fit) {
  const std::string refusing = " metric_calculator.broken=refuse";
  store_golden(2);
  const auto with = [&](const std::string& part, const std::string& name, const signal_t& x, int rate, auto... parts) {
    const std::string kept = bytes_of_file(folder / part / (name + ".wav"));
    store(part, name, x, rate);
    expect_refusal(paths() + refusing, part + "/" + name + ".wav: ", parts...);
    write_bytes(folder / part / (name + ".wav"), kept);
  };
  with("pred/s2", "a", noise(3999, 1), 8000, "has 3999 samples where its mixture", "has 4000 samples");
  with("gt/s1", "b", noise(4001, 1), 16000, "has 16000 Hz where its mixture", "has 8000 Hz");
  // The writer refuses such samples, so they are patched in.
  std::string bytes = bytes_of_file(folder / "pred/s1/e.wav");
  const std::string whole = bytes;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - 4 * 1000, &nan, 4);
  write_bytes(folder / "pred/s1/e.wav", bytes);
  expect_refusal(paths() + refusing, "pred/s1/e.wav: sample 3000 (0.375 s) is NaN");
  const outcome rest = run(paths());
  EXPECT_EQ(rest.status, 1);
  EXPECT_TRUE(says(rest.err.substr(0, rest.err.size() - 1), "not scored: ", "pred/s1/e.wav: sample 3000 (0.375 s) is NaN"));
  EXPECT_NE(rest.out.find("not scored: 1 of 5 files"), std::string::npos) << rest.out;
  write_bytes(folder / "pred/s2/b.wav", "RIFF");
  expect_refusal(paths() + refusing, "pred/s2/b.wav: ", "(2 of 5 files are refused)");
}

TEST_F(calc_metrics, leaves_broken_files_out_and_says_so) {
  store_golden(2);
  ASSERT_EQ(run(paths() + saving()).status, 0);
  const std::vector<row> whole = table();
  write_bytes(folder / "pred/s2/b.wav", "RIFF");
  const std::string c = bytes_of_file(folder / "gt/s1/c.wav");
  write_bytes(folder / "gt/s1/c.wav", c.substr(0, c.size() - 40));  // its header promises more
  store("pred/s1", "e", noise(4001, 1));
  const outcome r = run(paths() + saving());
  EXPECT_EQ(r.status, 1);
  std::istringstream lines(r.err);
  std::string line;
  for (const char* part : {"pred/s2/b.wav: ", "gt/s1/c.wav: is truncated", "pred/s1/e.wav: has 4001 samples"}) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(says(line, "not scored: ", part));
  }
  EXPECT_FALSE(std::getline(lines, line)) << line;
  EXPECT_NE(r.out.find("not scored: 3 of 5 files, which are in no mean\n"), std::string::npos) << r.out;
  const std::vector<row> rows = table();
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0], whole[0]);
  EXPECT_EQ(rows[1].at("si_snri") + rows[1].at("si_snri_s1") + rows[1].at("seconds"), "");
  EXPECT_NE(rows[1].at("not_measured").find("pred/s2/b.wav"), std::string::npos);
  EXPECT_EQ(rows[3], whole[3]);
  // None left: an error, and earlier scores stay.
  const std::string before = bytes_of_file(folder / "out/scores.csv");
  for (const char* name : {"a", "b", "c", "d", "e"}) write_bytes(folder / "gt/mix" / (std::string(name) + ".wav"), "no sound");
  const outcome none = run(paths() + saving());
  EXPECT_EQ(none.status, 1);
  EXPECT_TRUE(says(none.err.substr(0, none.err.size() - 1), "calc_metrics: ", "gt/mix/a.wav", "(5 of 5 files are refused)"));
  EXPECT_EQ(bytes_of_file(folder / "out/scores.csv"), before);
}

TEST_F(calc_metrics, groups_and_compares) {
  store_golden(2);
  store("better/s1", "x", noise(4, 1));
  fs::remove_all(folder / "better");
  fs::copy(folder / "pred", folder / "better", fs::copy_options::recursive);
  for (const char* part : {"s1", "s2"})
    fs::copy_file(folder / "gt" / part / "a.wav", folder / "better" / part / "a.wav", fs::copy_options::overwrite_existing);
  write_bytes(folder / "about.csv", "kind,name\nlong,a.wav\nlong,b\nshort,c\nlong,zzz\n");
  const outcome r = run(paths() + saving() + " metric_calculator.compare=" + (folder / "better").string() +
                        " metric_calculator.attributes=" + (folder / "about.csv").string() +
                        " 'metric_calculator.group_by=[\"regex:^[ad]$\"]' --threads 2");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.err.find("about.csv: has 1 names that are not scored"), std::string::npos) << r.err;
  EXPECT_NE(r.out.find("by regex:^[ad]$"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("3 of 5 files have no group\n"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("by kind"), std::string::npos) << r.out;
  std::istringstream against(r.out.substr(r.out.find("\nsi_snri", r.out.find("against " + (folder / "better").string()))));
  std::string name, here, there, difference, low, to, high, better, worse, equal;
  against >> name >> here >> there >> difference >> low >> to >> high >> better >> worse >> equal;
  EXPECT_LT(std::stod(difference), -10);
  EXPECT_NEAR(std::stod(here) - std::stod(there), std::stod(difference), 0.0151);
  EXPECT_EQ(better + " " + worse + " " + equal, "0 1 4");
  EXPECT_EQ(files_in(folder / "out"), (std::vector<std::string>{"differences.csv", "scores.csv", "scores.json"}));
  const std::string differences = bytes_of_file(folder / "out/differences.csv");
  EXPECT_TRUE(differences.starts_with("name,order,order_there,si_snri,si_snri_there,si_snri_difference,")) << differences;
  EXPECT_NE(differences.find("\nb,2 1,2 1,"), std::string::npos) << differences;
  // Names that one folder lacks
  fs::remove(folder / "better/s1/d.wav");
  expect_refusal_kept(paths() + " metric_calculator.compare=" + (folder / "better").string(), "better", "do not match by name");
  const outcome common =
      run(paths() + " metric_calculator.intersection=true metric_calculator.compare=" + (folder / "better").string());
  EXPECT_EQ(common.status, 0) << common.err;
  EXPECT_NE(common.out.find("4 files of 2 sources"), std::string::npos) << common.out;
}

TEST_F(calc_metrics, refuses_rules_and_tables_that_do_not_fit) {
  store_golden(2);
  for (const char* rule : {"stem", "stem:_:x", "stem::0", "speaker:1"})
    expect_refusal(paths() + " metric_calculator.group_by=" + rule, "metric_calculator.group_by", rule, "regex:EXPRESSION");
  expect_refusal(paths() + " 'metric_calculator.group_by=\"regex:(\"'", "is no regular expression");
  const auto with = [&](const char* text) {
    write_bytes(folder / "t.csv", text);
    return paths() + " metric_calculator.attributes=" + (folder / "t.csv").string();
  };
  expect_refusal(paths() + " metric_calculator.attributes=" + (folder / "none.csv").string(), "none.csv");
  expect_refusal(with("file,x\na,1\n"), "t.csv: has no column 'name'");
  expect_refusal(with("name\na\n"), "no column beside 'name'");
  expect_refusal(with("name,x\na,1\na.wav,2\n"), "t.csv:3: has 'a' again, as in line 2");
  expect_refusal(with("name,x\na\n"), "t.csv:2: has 1 fields");
}

TEST_F(calc_metrics, a_full_disk_leaves_no_files) {
  store_golden(2);
  const outcome r = run(paths() + saving(), "ulimit -f 1;");
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("File too large"), std::string::npos) << r.err;
  EXPECT_TRUE(files_in(folder / "out").empty());
  const outcome file = run(paths() + " metric_calculator.save_path=" + (folder / "gt/mix/a.wav").string());
  EXPECT_EQ(file.status, 1);
  EXPECT_NE(file.err.find("cannot be made"), std::string::npos) << file.err;
}

}  // namespace
}  // namespace avss
