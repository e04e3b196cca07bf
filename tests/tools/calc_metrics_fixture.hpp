// Golden data for //tools:calc_metrics, and the tool as a user runs it on them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <avss/io/audio.hpp>
#include <avss/io/csv.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss::testing {

namespace fs = std::filesystem;
using signal_t = std::vector<float>;
using row = std::map<std::string, std::string>;

inline std::string source(std::size_t j) { return "s" + std::to_string(j + 1); }

class calc_metrics : public tool_in_folder {
 protected:
  // The items of tests/golden/make_metrics_golden.py: <folder>/gt, <folder>/pred.
  struct item {
    const char* name;
    std::size_t length;
    double gain, leak, hiss, offset;
    std::size_t turn;
  };
  static constexpr item items[] = {{"a", 4000, 0.8, 0.1, 0.05, 0.0, 0},
                                   {"b", 4001, 0.5, 0.3, 0.01, 0.2, 1},
                                   {"c", 37, 1.0, 0.2, 0.1, 0.0, 0},
                                   {"d", 20000, 1.0, 0.0, 1e-4, 0.0, 1},
                                   {"e", 4000, -0.7, 0.05, 0.2, -0.01, 0}};

  void store(const std::string& part, const std::string& name, const signal_t& x, int rate = 8000) const {
    fs::create_directories(folder / part);
    write_audio(folder / part / (name + ".wav"), rate, x);
  }
  void store_golden(std::size_t sources) const {
    for (std::size_t k = 0; k < std::size(items); ++k) {
      const item& it = items[k];
      std::vector<signal_t> s, hiss, e;
      for (std::size_t j = 0; j < sources; ++j) {
        const auto seed = static_cast<std::uint32_t>(100 * sources + 10 * k + j);
        s.push_back(noise(it.length, seed, 0.3 / (1 + static_cast<double>(j))));
        hiss.push_back(noise(it.length, 1000 + seed, it.hiss));
      }
      signal_t mix(it.length);
      for (std::size_t i = 0; i < it.length; ++i) {
        double sum = 0;
        for (const signal_t& x : s) sum += x[i];
        mix[i] = static_cast<float>(sum);
      }
      for (std::size_t j = 0; j < sources; ++j) {
        e.emplace_back(it.length);
        for (std::size_t i = 0; i < it.length; ++i)
          e[j][i] = static_cast<float>(it.gain * s[j][i] + it.leak * s[(j + 1) % sources][i] + hiss[j][i] + it.offset);
      }
      store("gt/mix", it.name, mix);
      for (std::size_t j = 0; j < sources; ++j) {
        store("gt/" + source(j), it.name, s[j]);
        store("pred/" + source(j), it.name, e[(j + it.turn) % sources]);
      }
    }
  }

  std::string paths() const {
    return "metric_calculator.gt_path=" + (folder / "gt").string() +
           " metric_calculator.pred_path=" + (folder / "pred").string();
  }
  std::string saving() const { return " metric_calculator.save_path=" + (folder / "out").string(); }
  outcome run(const std::string& arguments, const std::string& before = "") const {
    return run_tool("calc_metrics", arguments, before);
  }

  // scores.csv by column names.
  std::vector<row> table() const {
    const csv_table csv = parse_csv(bytes_of_file(folder / "out/scores.csv"), "scores.csv");
    std::vector<row> rows;
    for (const auto& fields : csv.rows) {
      rows.emplace_back();
      for (std::size_t i = 0; i < fields.size(); ++i) rows.back()[csv.header[i]] = fields[i];
    }
    return rows;
  }

  // Fails with one line that has all `parts`, and writes nothing.
  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments + saving());
    EXPECT_EQ(r.status, 1);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "calc_metrics: ", parts...));
    EXPECT_EQ(r.out, "");
    EXPECT_TRUE(files_in(folder / "out").empty());
  }
  // The same where an earlier run has left files: they stay.
  template <class... Parts>
  void expect_refusal_kept(const std::string& arguments, const Parts&... parts) {
    fs::rename(folder / "out", folder / "kept");
    expect_refusal(arguments, parts...);
    fs::remove_all(folder / "out");
    fs::rename(folder / "kept", folder / "out");
  }
};

}  // namespace avss::testing
