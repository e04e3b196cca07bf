#include "tools/crop_mouths_report.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/report/colour_map.hpp>
#include <avss/report/png.hpp>
#include <cmath>
#include <cstdio>

namespace avss::tools {
namespace {

constexpr std::size_t side = crop_side, border = 3;
constexpr std::uint8_t background = 254, made_up = 255;  // numbers of colours; the others are grey

colour_table sheet_colours() {
  colour_table colours;
  for (std::size_t i = 0; i < colours.size(); ++i) colours[i].fill(static_cast<std::uint8_t>(i));
  colours[background] = {255, 255, 255}, colours[made_up] = {220, 30, 30};
  return colours;
}

void put(indexed_picture& sheet, std::size_t left, std::size_t top, const std::uint8_t* crop, bool seen) {
  const std::size_t cell = side + 2 * border;
  for (std::size_t y = 0; y < cell; ++y)
    for (std::size_t x = 0; x < cell; ++x) {
      const bool inside = x >= border && y >= border && x < border + side && y < border + side;
      std::uint8_t& to = sheet.pixels[(top + y) * sheet.width + left + x];
      if (inside)
        to = std::min<std::uint8_t>(crop[(y - border) * side + x - border], background - 1);
      else
        to = seen ? background : made_up;
    }
}

std::string number(double v, const char* format = "%.3f") {
  if (!std::isfinite(v)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

std::string json_person(const face_person& p, const cropped_person& c) {
  std::string gaps;
  for (const face_gap& g : p.gaps) gaps += joined(gaps.empty() ? "" : ", ", "[", g.first, ", ", g.count, "]");
  return joined("    {\"file\": ", json_quoted("mouths/" + c.id + ".npz"), ", \"first\": ", p.first,
                ", \"frames\": ", p.points.size(), ", \"seen\": ", std::count(p.seen.begin(), p.seen.end(), 1), ", \"gaps\": [",
                gaps, "], \"box\": [", number(p.box.left, "%.1f"), ", ", number(p.box.top, "%.1f"), ", ",
                number(p.box.width, "%.1f"), ", ", number(p.box.height, "%.1f"), "], \"score\": ", number(p.box.score), "}");
}

}  // namespace

std::string contact_sheet(const film_faces& faces, const std::vector<cropped_person>& people, std::size_t columns) {
  const std::size_t cell = side + 2 * border;
  indexed_picture sheet{columns * cell, people.size() * cell, {}};
  sheet.pixels.assign(sheet.width * sheet.height, background);
  for (std::size_t i = 0; i < people.size(); ++i) {
    const std::size_t frames = faces.people[i].points.size(), shown = std::min(columns, frames);
    for (std::size_t c = 0; c < shown; ++c) {
      const std::size_t t = shown < 2 ? 0 : c * (frames - 1) / (shown - 1);
      put(sheet, c * cell, i * cell, people[i].crops.data() + t * side * side, faces.people[i].seen[t] != 0);
    }
  }
  return encode_png(sheet, sheet_colours());
}

std::string json_report(const film_report& about, const film_faces& faces, const std::vector<cropped_person>& people) {
  std::string cuts, persons, passing;
  for (const std::size_t c : faces.cuts) cuts += joined(cuts.empty() ? "" : ", ", c);
  for (std::size_t i = 0; i < people.size(); ++i) persons += (i == 0 ? "\n" : ",\n") + json_person(faces.people[i], people[i]);
  for (const face_track& t : faces.passing)
    passing += joined(passing.empty() ? "" : ", ", "{\"first\": ", t.first, ", \"frames\": ", t.frames.size(),
                      ", \"seen\": ", t.seen(), "}");
  return joined("{\n  \"video\": ", json_quoted(about.video.filename().string()),
                ",\n  \"rate\": 25, \"frames\": ", faces.frames, ", \"width\": ", faces.width, ", \"height\": ", faces.height,
                ",\n  \"video_start\": ", number(faces.start, "%.6f"), ", \"sound_start\": ", number(about.sound_start, "%.6f"),
                ",\n  \"procedure\": \"", name_of(about.procedure),
                "\", \"landmark_model\": ", json_quoted(about.landmark_model), ",\n  \"cuts\": [", cuts, "],\n  \"people\": [",
                persons, "\n  ],\n  \"passing\": [", passing, "]\n}\n");
}

std::string in_words(const face_person& p, std::size_t number) {
  std::size_t lost = 0;
  std::string where;
  for (const face_gap& g : p.gaps) {
    lost += g.count;
    if (g.count == 1)
      where += joined(where.empty() ? "" : ", ", g.first);
    else
      where += joined(where.empty() ? "" : ", ", g.first, " to ", g.first + g.count - 1);
  }
  const std::size_t end = p.first + p.points.size();
  char seconds[64];
  std::snprintf(seconds, sizeof seconds, " (%.2f to %.2f s)", static_cast<double>(p.first) / video_rate,
                static_cast<double>(end) / video_rate);
  std::string text = joined("face ", number, ": frames ", p.first, " to ", end - 1, seconds);
  if (lost > 0) text += joined(", ", lost, " of them not seen (", where, ")");
  return text;
}

}  // namespace avss::tools
