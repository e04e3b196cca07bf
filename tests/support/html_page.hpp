// What every page that stands alone must be: well-formed, for itself, legible and usable without eyes or mouse.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace avss::testing {

inline std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

// Without what is embedded: expressions over megabytes end std::regex.
inline std::string without_data(const std::string& page) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t data = page.find("base64,", at);
    out += page.substr(at, data - at);
    if (data == std::string::npos) return out;
    at = page.find('"', data);
  }
}

// Every tag is closed, in order; returns what is wrong.
inline std::string unbalanced(const std::string& html) {
  const std::set<std::string> alone{"meta", "img", "!doctype"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    std::size_t end = at + 1;
    for (bool quoted = false; end < html.size() && (quoted || html[end] != '>'); ++end) quoted ^= html[end] == '"';
    const std::string inside = html.substr(at + 1, end - at - 1), name = inside.substr(0, inside.find_first_of(" \n"));
    at = end;
    if (name.starts_with('/')) {
      if (open.empty() || "/" + open.back() != name) return name + " closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (!alone.contains(name)) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : open.back() + " is left open";
}

// SVG's tags that close themselves, <rect .../>, are left out: unbalanced() knows those of HTML.
inline std::string without_slashes(const std::string& html) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t end = html.find("/>", at);
    if (end == std::string::npos) return out + html.substr(at);
    out += html.substr(at, html.rfind('<', end) - at);
    at = end + 2;
  }
}

// Every id is there once, and what links and labels name is there.
inline void expect_links_lead_somewhere(const std::string& text) {
  std::set<std::string> ids;
  const std::regex id(" id=\"([^\"]*)\""), reference("(?:href=\"#|aria-labelledby=\")([^\"]*)\"");
  for (std::sregex_iterator i(text.begin(), text.end(), id), end; i != end; ++i)
    EXPECT_TRUE(ids.insert((*i)[1]).second) << (*i)[1];
  for (std::sregex_iterator i(text.begin(), text.end(), reference), end; i != end; ++i)
    EXPECT_TRUE(ids.contains((*i)[1])) << (*i)[1];
}

// Of text on what it stands on, by the Web Content Accessibility Guidelines 2.1: 4.5 at least. The names of the page's colours,
// which it gives by day and by night.
inline void expect_contrast(const std::string& text, std::initializer_list<const char*> inks) {
  const std::regex colour("--([a-z]+): #([0-9a-f]{6});");
  std::vector<std::map<std::string, double>> modes(1);
  for (std::sregex_iterator i(text.begin(), text.end(), colour), end; i != end; ++i) {
    const unsigned value = static_cast<unsigned>(std::stoul((*i)[2], nullptr, 16));
    double luminance = 0;
    for (const auto& [shift, weight] : {std::pair{16, 0.2126}, {8, 0.7152}, {0, 0.0722}}) {
      const double v = (value >> shift & 255) / 255.;
      luminance += weight * (v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
    }
    if (modes.back().contains((*i)[1])) modes.emplace_back();
    modes.back()[(*i)[1]] = luminance;
  }
  ASSERT_EQ(modes.size(), 2u);
  for (const auto& mode : modes)
    for (const char* ink : inks)
      for (const char* ground : {"page", "card"}) {
        const double a = mode.at(ink), b = mode.at(ground);
        EXPECT_GE((std::max(a, b) + 0.05) / (std::min(a, b) + 0.05), 4.5) << ink << " on " << ground;
      }
}

}  // namespace avss::testing
