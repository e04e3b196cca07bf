#include <algorithm>
#include <avss/data/mixture_layout.hpp>
#include <avss/report/chart.hpp>
#include <avss/report/colour_map.hpp>
#include <avss/report/html.hpp>
#include <avss/report/wav_bytes.hpp>
#include <cmath>

#include "tools/score_page.hpp"
#include "tools/score_page_parts.hpp"
#include "tools/score_page_style.hpp"
#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

// From 0 to `end`; the last label has the unit.
std::string labels_to(double end, const char* side, const char* unit) {
  const chart_axis a = fit_axis(0, end, 6);
  std::string out;
  for (std::size_t i = 0; i <= a.steps() && a.tick(i) <= end * (1 + 1e-9); ++i) {
    const bool last = a.tick(i + 1) > end * (1 + 1e-9);
    out += fill_in("<i style=\"{0}:{1}%\">{2}{3}</i>", side, page_number(100 * a.tick(i) / end, 2),
                   page_number(a.tick(i), a.decimals), last && i > 0 ? unit : "");
  }
  return out;
}

// A player, and a spectrogram with its axes. `what` says whose sound it is; all texts are escaped.
std::string figure(const std::string& title, const std::string& note, const std::string& what, const example_sound& sound,
                   int rate) {
  if (sound.samples.empty()) return "";
  const double seconds = static_cast<double>(sound.samples.size()) / rate, highest = rate / 2000.;
  return fill_in("<figure>\n<figcaption>{0} <span>{1}</span></figcaption>\n", title, note) +
         fill_in("<audio controls preload=\"metadata\" aria-label=\"{0}: {1}\" src=\"{2}\"></audio>\n", title, what,
                 data_uri("audio/wav", wav_bytes(sound.samples, rate))) +
         fill_in(
             "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\">{0}</div><img alt=\"Spectrogram of the {1}: {2}. {3} "
             "seconds from left to right, 0 to {4} kilohertz from bottom to top.\" ",
             labels_to(highest, "bottom", " kHz"), title, what, page_number(seconds, 2), page_number(highest, 1)) +
         fill_in("src=\"{0}\"><div class=\"x\" aria-hidden=\"true\">{1}</div></div>\n</figure>\n",
                 data_uri("image/png", sound.picture), labels_to(seconds, "left", " s"));
}

// What was measured of a file: metrics by speakers.
std::string value_table(const score_report& r, const score_example& e, const std::string& name) {
  const prediction_scores& f = r.scores[e.file];
  std::string out = "<div class=\"scroll\" role=\"region\" aria-label=\"Scores of " + name +
                    "\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Metric</th>";
  for (std::size_t s = 1; s <= r.files.sources; ++s) out += "<th scope=\"col\">" + source_folder_name(s) + "</th>";
  out += "<th scope=\"col\">Mean</th></tr></thead>\n<tbody>\n";
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    const int d = r.columns[c].choice.metric->decimals;
    out += "<tr><th scope=\"row\" class=\"metric\">" + page_title_with_unit(r.columns[c]) + "</th>";
    for (const ratio& v : f.columns[c])
      out += "<td>" + (v.status == ratio_status::measured ? page_number(v.value, d) : std::string(name_of(v.status))) + "</td>";
    out += "<td>" + page_number(mixture_score(f.columns[c]).value, d) + "</td></tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string voice(const score_report& r, const score_example& e, std::size_t target) {
  const example_voice& v = e.voices[target];
  const metric_column& first = r.columns[r.statistics.lead];
  const std::string source = source_folder_name(target + 1), name = escape_html(r.files.items[e.file].name);
  const ratio& value = r.scores[e.file].columns[r.statistics.lead][target];
  const std::string said =
      page_title(first) + " " +
      (value.status == ratio_status::measured ? page_value(first, value.value) : std::string(name_of(value.status)));
  const std::string what = "speaker " + source + " of " + name;
  std::string out = "<h4>Speaker " + source + "</h4>\n";
  if (!v.mouths.empty())
    out += "<img class=\"mouths\" alt=\"The mouth of " + what + ", at times from left to right\" src=\"" +
           data_uri("image/png", v.mouths) + "\">\n";
  if (!v.no_mouths.empty()) out += "<p class=\"soft\">" + escape_html(v.no_mouths) + "</p>\n";
  return out + "<div class=\"sounds\">\n" +
         figure("Estimate", said + ", file of " + source_folder_name(v.estimate + 1), what, v.estimated, e.rate) +
         figure("Truth", "", what, v.truth, e.rate) + figure("Error", "what is not the truth", what, v.error, e.rate) +
         "</div>\n";
}

std::string card(const score_report& r, const score_example& e, std::size_t number) {
  const prediction_scores& f = r.scores[e.file];
  const std::string name = escape_html(r.files.items[e.file].name);
  std::string kind = e.kind;
  kind[0] = static_cast<char>(kind[0] - 'a' + 'A');
  std::string about = fill_in("{0} {1}, rank {2} of {3} from the worst", page_title(r.columns[r.statistics.lead]),
                              page_value(r.columns[r.statistics.lead], mixture_score(f.columns[r.statistics.lead]).value),
                              std::to_string(e.rank), std::to_string(r.statistics.columns[r.statistics.lead].count));
  if (f.swapped()) about += "; speakers swapped";
  if (e.cut)
    about += fill_in("; the first {0} s of {1} s", page_number(static_cast<double>(e.mixture.samples.size()) / e.rate, 1),
                     page_number(f.seconds, 1));
  if (f.rate > e.rate) about += fill_in("; resampled from {0} to {1} Hz", std::to_string(f.rate), std::to_string(e.rate));
  std::string out = fill_in(
      "<section class=\"card\" id=\"example{0}\" aria-labelledby=\"name{0}\">\n<h3 id=\"name{0}\">{1}: {2}</h3>\n"
      "<p class=\"soft\">{3}</p>\n",
      std::to_string(number), kind, name, about);
  if (!e.problem.empty()) return out + "<p>" + escape_html(e.problem) + "</p>\n</section>\n";
  out += "<div class=\"sounds\">\n" + figure("Mixture", "", name, e.mixture, e.rate) + value_table(r, e, name) + "</div>\n";
  for (std::size_t t = 0; t < e.voices.size(); ++t) out += voice(r, e, t);
  return out + "</section>\n";
}

}  // namespace

std::string example_section(const score_report& r, const std::vector<score_example>& examples) {
  if (examples.empty()) return "";
  std::string stops;
  constexpr std::size_t count = 16;
  for (std::size_t i = 0; i <= count; ++i)
    stops += (i > 0 ? "," : "") + hex_colour(colour_map()[std::min<std::size_t>(255, i * 256 / count)]);
  std::string out = "<section aria-labelledby=\"listen\">\n<h2 id=\"listen\">Files to look at and listen to</h2>\n" +
                    fill_in(scores_reading, stops, page_number(-example_range, 0));
  for (std::size_t i = 0; i < examples.size(); ++i) out += card(r, examples[i], i + 1);
  return out + "</section>\n";
}

}  // namespace avss::tools
