#include "tools/demo_page.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/html_page.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;

demo_report two_mixtures() {
  demo_report r;
  r.network = "convtasnet_small", r.weights = "<w&>.pth", r.parameters = 825117, r.rate = 8000;
  r.before = 0.1, r.after = 10.35, r.improvement = 10.25, r.seconds = 6.5, r.spent = 0.5;
  for (std::uint32_t i = 0; i < 2; ++i) {
    demo_mixture m;
    m.samples = noise(26000, i, 0.5);
    m.before = -0.25, m.after = i == 0 ? 12.34 : -3, m.improvement = m.after - m.before;
    for (std::size_t v = 0; v < 2; ++v) {
      m.voices[v].speaker = v == 0 ? "A<script>alert(1)</script>{1}" : "Zoë \"Z\"";
      m.voices[v].file = "a&b.g722";
      m.voices[v].truth = noise(26000, 7, 0.2), m.voices[v].estimate = noise(26000, 8, 0.2);
      m.voices[v].before = -0.25, m.voices[v].after = v == 0 ? 12.34 : std::nan("");
    }
    draw_pictures(m, r.rate);
    r.mixtures.push_back(std::move(m));
  }
  return r;
}

TEST(demo_page, stands_alone_and_is_well_formed) {
  const std::string page = demo_page(two_mixtures()), text = without_data(page);
  EXPECT_EQ(unbalanced(text), "");
  EXPECT_NE(text.find(demo_generator), std::string::npos);
  EXPECT_LT(text.find(demo_generator), 2000u);  // where an earlier page is recognised
  EXPECT_EQ(count(text, "<audio "), 10u);
  EXPECT_EQ(count(text, "src=\"data:audio/wav;base64,"), 0u);
  EXPECT_EQ(count(page, "src=\"data:audio/wav;base64,UklGR"), 10u);        // RIFF
  EXPECT_EQ(count(page, "src=\"data:image/png;base64,iVBORw0KGgo"), 10u);  // \x89PNG\r\n\x1a\n
  EXPECT_EQ(count(text, "src="), 20u);
  for (const char* outside : {"http:", "https:", "url(", "@import", "<link", "<script"})
    EXPECT_EQ(text.find(outside), std::string::npos) << outside;
}

TEST(demo_page, shows_the_numbers) {
  const std::string text = without_data(demo_page(two_mixtures()));
  for (const char* part :
       {">12.34<", ">&minus;0.25<", ">10.25<", "10.25 dB", "SI-SNR 12.34 dB, in the mixture &minus;0.25 dB", "SI-SNR - dB",
        "825117 parameters", "convtasnet_small", "6.5 s", "0.50 s", "3.2 seconds", "0 to 4 kilohertz"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_NE(text.find("<td class=\"gain\">12.59</td>"), std::string::npos);
  EXPECT_NE(text.find("<td>&minus;2.75</td>"), std::string::npos);  // a loss is not shown as a gain
  demo_report own = two_mixtures();
  EXPECT_EQ(text.find("asterisk"), std::string::npos);
  own.debian_voices = true;
  EXPECT_NE(demo_page(own).find("CC BY-SA 3.0"), std::string::npos);
}

TEST(demo_page, names_are_text) {
  const std::string text = without_data(demo_page(two_mixtures()));
  EXPECT_NE(text.find("A&lt;script&gt;alert(1)&lt;/script&gt;{1}"), std::string::npos);
  EXPECT_NE(text.find("Zoë &quot;Z&quot;"), std::string::npos);
  EXPECT_NE(text.find("a&amp;b.g722"), std::string::npos);
  EXPECT_NE(text.find("&lt;w&amp;&gt;.pth"), std::string::npos);
}

TEST(demo_page, can_be_used_without_eyes_or_mouse) {
  const std::string text = without_data(demo_page(two_mixtures()));
  EXPECT_NE(text.find("<html lang=\"en\">"), std::string::npos);
  EXPECT_EQ(count(text, "<h1>"), 1u);
  EXPECT_EQ(count(text, "<img alt=\"Spectrogram: "), count(text, "<img "));
  EXPECT_EQ(count(text, "<audio controls preload=\"metadata\" aria-label=\""), count(text, "<audio "));
  EXPECT_EQ(count(text, "scope="), count(text, "<th "));
  expect_links_lead_somewhere(text);
}

TEST(demo_page, has_enough_contrast_by_day_and_by_night) {
  expect_contrast(without_data(demo_page(two_mixtures())), {"ink", "soft", "accent", "gain"});
}

}  // namespace
}  // namespace avss::tools
