#include "tools/score_page.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/html_page.hpp"
#include "tests/tools/scores_fixture.hpp"
#include "tools/score_examples.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class score_page : public scores_fixture {
 protected:
  void store_some(std::size_t files) const {
    for (std::size_t i = 0; i < files; ++i)
      store_item("f" + std::to_string(i), 6000, static_cast<std::uint32_t>(i + 1), 0.01 * static_cast<double>(i + 1));
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(score_page, stands_alone_and_is_well_formed) {
  store_some(12);
  metrics_options o = options();
  o.compare = folder / "there", o.group_by = {"stem:f:1"};
  const std::string whole = page(o), text = without_data(whole);
  EXPECT_EQ(unbalanced(without_slashes(text)), "");
  EXPECT_LT(text.find(tools::scores_generator), 2000u);
  EXPECT_EQ(count(text, "<audio "), 3 * 7u);  // three files: mixture, and estimate, truth and error of two speakers
  EXPECT_EQ(count(whole, "src=\"data:audio/wav;base64,UklGR"), 3 * 7u);
  EXPECT_EQ(count(whole, "src=\"data:image/png;base64,iVBORw0KGgo"), 3 * 7u);
  for (const char* outside : {"http:", "https:", "url(", "@import", "<link", "<script"})
    EXPECT_FALSE(has(text, outside)) << outside;
  EXPECT_EQ(count(text, "<svg class=\"area\" role=\"img\" aria-label=\""), 3u + 2 + 1);
  for (const char* part : {"id=\"compared\"", "id=\"groups\"", "By stem:f:1", "Worst: f11", "Middle: f6", "Best: f0",
                           "<td>yes</td>", "the first 0.5 s of 0.8 s", "SI-SNRi, dB"})
    EXPECT_TRUE(has(text, part)) << part;
}

TEST_F(score_page, can_be_used_without_eyes_or_mouse) {
  store_some(12);
  const std::string text = without_data(page(options()));
  EXPECT_TRUE(has(text, "<html lang=\"en\">"));
  EXPECT_EQ(count(text, "<h1>"), 1u);
  EXPECT_EQ(count(text, "<img alt=\"Spectrogram of the "), count(text, "<img "));
  EXPECT_EQ(count(text, "<audio controls preload=\"metadata\" aria-label=\""), count(text, "<audio "));
  EXPECT_EQ(count(text, "scope="), count(text, "<th "));
  EXPECT_EQ(count(text, "tabindex=\"0\"><table>"), count(text, "<table>"));  // scrolled by keys
  expect_links_lead_somewhere(text);
  expect_contrast(text, {"ink", "soft", "accent", "mark"});
}

TEST_F(score_page, names_are_text) {
  const std::string name = "<script>alert(1)<&'\"{0}";
  store_item(name.substr(0, 16) + "&'\"{0}", 900, 1, 0.1);  // a file's name has no slash
  fs::rename(folder / "out", folder / "<b>out&");
  metrics_options o = options();
  o.predictions = folder / "<b>out&", o.columns[0].name = "<i>\"";
  write_bytes(folder / "a.csv", "name,<u>\nx,y\n\"<script>alert(1)&'\"\"{0}\",<s>\n");
  o.attributes = folder / "a.csv";
  const std::string text = without_data(page(o));
  EXPECT_EQ(unbalanced(without_slashes(text)), "");
  EXPECT_TRUE(has(text, "&lt;script&gt;alert(1)&amp;&#39;&quot;{0}"));
  EXPECT_TRUE(has(text, "&lt;b&gt;out&amp;"));
  EXPECT_TRUE(has(text, "&lt;i&gt;&quot;"));
  EXPECT_TRUE(has(text, "By &lt;u&gt;"));
  EXPECT_TRUE(has(text, "&lt;s&gt;"));
  for (const char* tag : {"<script", "<b>", "<i>\"", "<u>", "<s>"}) EXPECT_FALSE(has(text, tag)) << tag;
}

TEST_F(score_page, shows_mouths_of_the_data_set) {
  store_item("anna_ben", 6000, 1, 0.1);
  store_item("anna_carl", 6000, 2, 0.2);
  store_mouths("anna"), store_mouths("ben");
  write_bytes(folder / "data/mouths/carl.npz", "broken");
  metrics_options o = options();
  const std::string text = without_data(page(o));
  EXPECT_EQ(count(text, "<img class=\"mouths\" alt=\"The mouth of speaker s"), 3u);
  EXPECT_TRUE(has(text, "carl.npz: "));
  o.examples.mouths = folder / "nothing";
  std::ostringstream out, err;
  EXPECT_TRUE(says(error_of([&] { run_metrics(o, out, err); }), "nothing: no such folder", "metric_calculator.mouths"));
  fs::create_directories(folder / "nothing");
  EXPECT_EQ(count(without_data(page(o)), "<img class=\"mouths\""), 0u);
}

TEST_F(score_page, its_size_is_bounded) {
  store_some(3);
  for (std::size_t i = 3; i < 700; ++i) {
    const std::string name = "f" + std::to_string(i) + ".wav";
    for (const char* part : {"data/audio/mix", "data/audio/s1", "data/audio/s2", "out/s1", "out/s2"})
      fs::create_hard_link(folder / part / "f2.wav", folder / part / name);
  }
  metrics_options o = options();
  o.columns.resize(1), o.group_by = {"regex:.*"}, o.examples.of_each_kind = 0;
  const std::string text = page(o);
  EXPECT_LT(text.size(), 2u << 20);
  EXPECT_TRUE(has(text, "500 files, worst first (of 700)"));
  EXPECT_TRUE(has(text, "and 650 more groups"));
  EXPECT_FALSE(has(text, "<audio"));
  EXPECT_FALSE(has(text, "href=\"#listen\""));
  // Sounds of one file: 7 of 40 s at 16 kHz, 1.7 MB each in base64
  fs::remove_all(folder / "data"), fs::remove_all(folder / "out");
  for (std::uint32_t i = 0; i < 3; ++i) store_item("long" + std::to_string(i), 40 * 16000, i + 1, 0.1, 16000);
  o.group_by.clear(), o.examples.of_each_kind = 1, o.examples.seconds = 40;
  const std::string full = page(o);
  EXPECT_LT(full.size(), tools::most_example_bytes + (2u << 20));
  EXPECT_EQ(count(without_data(full), "<audio "), 2 * 7u);
  EXPECT_EQ(count(full, "Not shown, since examples are limited to 24 MiB"), 1u);
}

TEST_F(score_page, examples_are_the_worst_the_middle_and_the_best) {
  store_some(5);
  metrics_options o = options();
  o.examples.of_each_kind = 4;  // more than there are: no file twice
  const std::string text = without_data(page(o));
  EXPECT_EQ(count(text, "<section class=\"card\" id=\"example"), 5u);
  for (const char* part : {"Worst: f4", "Worst: f3", "Middle: f2", "Best: f1", "Best: f0"})
    EXPECT_TRUE(has(text, part)) << part;
}

TEST_F(score_page, silent_and_broken_files_are_shown_as_such) {
  store_some(3);
  store("data/audio/s2/f1.wav", signal_t(6000, 0.f), 8000);
  signal_t clipped(6000, 0.1f);
  std::fill_n(clipped.begin() + 50, 10, 1.f);
  store("out/s1/f0.wav", clipped, 8000);
  write_bytes(folder / "out/s1/f2.wav", "RIFF");
  metrics_options o = options();
  std::ostringstream out, err;
  EXPECT_EQ(run_metrics(o, out, err), 1);
  const std::string text = without_data(bytes_of_file(o.report));
  EXPECT_EQ(unbalanced(without_slashes(text)), "");
  EXPECT_TRUE(has(text, "clipped: estimate s1"));
  EXPECT_TRUE(has(text, "not scored: "));
  EXPECT_TRUE(has(text, "1 (1 silent target)"));
  EXPECT_TRUE(has(text, ">silent target<"));
}

TEST_F(score_page, all_silent_is_a_page) {
  store_item("a", 500, 1, 0.1);
  for (const char* part : {"data/audio/s1/a.wav", "data/audio/s2/a.wav"}) store(part, signal_t(500, 0.f), 8000);
  const std::string text = page(options());
  EXPECT_EQ(unbalanced(without_slashes(text)), "");
  EXPECT_FALSE(has(text, "nan"));
}

TEST_F(score_page, replaces_its_own_pages_and_nothing_else) {
  store_some(2);
  metrics_options o = options();
  const std::string first = page(o);
  EXPECT_EQ(page(o), first);
  const auto refusal = [&] {
    std::ostringstream out, err;
    return error_of([&] { run_metrics(o, out, err); });
  };
  write_bytes(o.report, "<!doctype html>mine");
  EXPECT_TRUE(says(refusal(), "page.html: is no page of an earlier //tools:calc_metrics", "metric_calculator.report"));
  EXPECT_EQ(bytes_of_file(o.report), "<!doctype html>mine");
  o.report = folder / "data";
  EXPECT_TRUE(says(refusal(), "data: is a folder"));
  o.report = folder / "new/er/page.html";
  EXPECT_FALSE(page(o).empty());
}

TEST(score_examples, mouths_lie_in_the_data_set) {
  const fs::path root = fs::path(::testing::TempDir()) / "mouths_of";
  fs::create_directories(root / "mouths"), fs::create_directories(root / "audio/val/mix");
  EXPECT_EQ(tools::mouths_of(root / "audio/val"), root / "mouths");
  EXPECT_EQ(tools::mouths_of(root / "audio/val/"), root / "mouths");
  EXPECT_EQ(tools::mouths_of(root / "audio"), root / "mouths");
  fs::remove_all(root / "mouths");
  EXPECT_EQ(tools::mouths_of(root / "audio/val"), fs::path());
  fs::remove_all(root);
}

}  // namespace
}  // namespace avss
