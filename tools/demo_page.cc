#include "tools/demo_page.hpp"

#include <algorithm>
#include <avss/report/colour_map.hpp>
#include <avss/report/html.hpp>
#include <avss/report/png.hpp>
#include <avss/report/spectrogram.hpp>
#include <avss/report/wav_bytes.hpp>
#include <cmath>
#include <cstdio>
#include <span>

#include "tools/demo_page_style.hpp"
#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

// A number with few digits: fixed(1.25, 1) is "1.2".
std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// As in the table on the terminal, with a minus sign.
std::string level(double value) {
  const std::string text = shown(value);
  return text.starts_with('-') && text.size() > 1 ? "&minus;" + text.substr(1) : text;
}

std::string db(double value) { return level(value) + " dB"; }

// Good news in green.
const char* gain_class(double improvement) { return improvement > 0 ? " class=\"gain\"" : ""; }

class page {
 public:
  explicit page(const demo_report& r) : r_(r) {}

  std::string text() {
    out_ = fill_in(page_head, demo_generator);
    out_ += "<body>\n<main>\n";
    opening();
    reading();
    for (std::size_t i = 0; i < r_.mixtures.size(); ++i) card(i);
    scores();
    closing();
    return out_ + "</main>\n</body>\n</html>\n";
  }

 private:
  void opening() {
    out_ += fill_in(page_opening, std::to_string(r_.mixtures.size()), db(r_.improvement), fixed(r_.seconds, 1),
                    fixed(r_.spent, r_.spent < 10 ? 2 : 1));
  }

  void scores() {
    out_ += page_scores;
    for (std::size_t i = 0; i < r_.mixtures.size(); ++i) {
      const demo_mixture& m = r_.mixtures[i];
      out_ += fill_in(
          "<tr><th scope=\"row\"><a href=\"#m{0}\">{0}. {1} and {2}</a></th><td>{3}</td><td>{4}</td><td{6}>{5}</td></tr>\n",
          std::to_string(i + 1), speaker(m, 0), speaker(m, 1), level(m.before), level(m.after), level(m.improvement),
          gain_class(m.improvement));
    }
    out_ += fill_in(
        "</tbody>\n<tfoot><tr><th scope=\"row\">Mean</th><td>{0}</td><td>{1}</td><td{3}>{2}</td></tr></tfoot>\n</table></div>\n"
        "</section>\n",
        level(r_.before), level(r_.after), level(r_.improvement), gain_class(r_.improvement));
  }

  void reading() {
    std::string stops;
    constexpr std::size_t count = 16;
    for (std::size_t i = 0; i <= count; ++i)
      stops += (i > 0 ? "," : "") + hex_colour(colour_map()[std::min<std::size_t>(255, i * 256 / count)]);
    out_ += fill_in(page_reading, stops, "&minus;" + fixed(picture_range, 0), "&minus;" + fixed(picture_range / 2, 0));
  }

  void card(std::size_t i) {
    const demo_mixture& m = r_.mixtures[i];
    const std::string both = speaker(m, 0) + " and " + speaker(m, 1);
    out_ += fill_in("<section class=\"card\" id=\"m{0}\" aria-labelledby=\"h{0}\">\n<h2 id=\"h{0}\">{0}. {1}</h2>\n",
                    std::to_string(i + 1), both);
    figure("The mixture", "what the network is given", both + " at once, the mixture", m.samples, m.picture);
    out_ += "<div class=\"pair\">\n";
    for (const demo_voice& v : m.voices) {
      const std::string name = escape_html(v.speaker);
      out_ += "<div class=\"voice\">\n<h3>" + name + "</h3>\n";
      figure("Separated", "SI-SNR " + db(v.after) + ", in the mixture " + db(v.before), name + ", separated from the mixture",
             v.estimate, v.estimate_picture);
      figure("Truth", "recording " + escape_html(v.file), name + " alone, as recorded", v.truth, v.truth_picture);
      out_ += "</div>\n";
    }
    out_ += "</div>\n</section>\n";
  }

  // A player and a picture with its axes.
  void figure(const std::string& title, const std::string& note, const std::string& what, std::span<const float> samples,
              const std::string& picture) {
    const double seconds = static_cast<double>(samples.size()) / r_.rate, highest = r_.rate / 2000.;
    out_ += fill_in("<figure>\n<figcaption><b>{0}</b> <span>{1}</span></figcaption>\n", title, note);
    out_ += "<audio controls preload=\"metadata\" aria-label=\"" + what + "\" src=\"" +
            data_uri("audio/wav", wav_bytes(samples, r_.rate)) + "\"></audio>\n";
    out_ += fill_in(
        "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\">{0}</div><img alt=\"Spectrogram: {1}. {2} seconds from left "
        "to right, 0 to {3} kilohertz from bottom to top.\" src=\"",
        ticks(highest, "bottom", " kHz"), what, fixed(seconds, 1), fixed(highest, 0));
    out_ += data_uri("image/png", picture) + "\"><div class=\"x\" aria-hidden=\"true\">" + ticks(seconds, "left", " s") +
            "</div></div>\n</figure>\n";
  }

  // Labels at 0, 1, 2, ... up to `end`, as parts of the axis; the last has the unit.
  static std::string ticks(double end, const char* side, const char* unit) {
    const int step = end > 12 ? 5 : end > 6 ? 2 : 1, last = static_cast<int>(std::floor(end + 1e-9)) / step * step;
    std::string out;
    for (int t = 0; t <= last; t += step)
      out +=
          fill_in("<i style=\"{0}:{1}%\">{2}{3}</i>", side, fixed(100 * t / end, 2), std::to_string(t), t == last ? unit : "");
    return out;
  }

  void closing() {
    out_ += fill_in(page_closing, escape_html(r_.network), std::to_string(r_.parameters), std::to_string(r_.rate),
                    escape_html(r_.weights));
    if (r_.debian_voices) out_ += page_credits;
    out_ += "</footer>\n";
  }

  static std::string speaker(const demo_mixture& m, std::size_t v) { return escape_html(m.voices[v].speaker); }

  const demo_report& r_;
  std::string out_;
};

}  // namespace

void draw_pictures(demo_mixture& mixture, int rate) {
  constexpr std::size_t height = 200, wide = 1040, narrow = 520;
  const spectrogram whole = analyse(mixture.samples, rate);
  const double top = top_of(whole);
  const auto picture = [&](const spectrogram& s, std::size_t width) {
    return encode_png(draw(s, width, height, top, picture_range), colour_map());
  };
  mixture.picture = picture(whole, wide);
  for (demo_voice& v : mixture.voices) {
    v.truth_picture = picture(analyse(v.truth, rate), narrow);
    v.estimate_picture = picture(analyse(v.estimate, rate), narrow);
  }
}

std::string demo_page(const demo_report& report) { return page(report).text(); }

}  // namespace avss::tools
