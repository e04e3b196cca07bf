#include "tools/separate_page.hpp"

#include <avss/report/html.hpp>
#include <cstddef>
#include <cstdio>

namespace avss::tools {
namespace {

constexpr const char* head = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="avss separate">
<title>avss: a voice for each face</title>
<style>
:root { color-scheme: light dark; --page: #f6f4f1; --card: #fffefd; --ink: #211e29; --soft: #605b6b; --line: #dfdad3; }
@media (prefers-color-scheme: dark) {
  :root { --page: #131118; --card: #1c1923; --ink: #ece8f2; --soft: #aaa3b8; --line: #37323f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 71rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2.5rem); }
h1 { font-size: clamp(1.7rem, 1.2rem + 2.5vw, 2.6rem); line-height: 1.15; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--soft); max-width: 44rem; }
.faces { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.25rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; min-width: 0; }
audio, video, .card img { display: block; width: 100%; margin: .75rem 0 0; }
video { border-radius: 8px; background: #000; }
.card img { image-rendering: auto; border-radius: 4px; }
</style>
</head>
<body>
<main>
)html";

// As a part of an address: what is no letter or digit goes as its number.
std::string address(const std::string& file) {
  std::string out;
  for (const char c : file) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    char text[8];
    std::snprintf(text, sizeof text, "%%%02X", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : std::string(text);
  }
  return out;
}

std::string card(const separated_film& film, const separated_face& f, std::size_t number) {
  const std::string name = "Face " + std::to_string(number);
  std::string out = "<section class=\"card\">\n<h2>" + name + "</h2>\n<p>" + escape_html(f.about) + "</p>\n";
  if (!f.film.empty())
    out += "<video controls preload=\"metadata\" aria-label=\"The film with the voice of face " + std::to_string(number) +
           (film.poster.empty() ? "" : "\" poster=\"" + data_uri("image/png", film.poster)) + "\" src=\"" + address(f.film) +
           "\"></video>\n";
  if (!f.film.empty() && !film.lacking_codec.empty())
    out += "<p>Browsers do not show pictures of " + escape_html(film.lacking_codec) + ": open <a href=\"" + address(f.film) +
           "\">" + escape_html(f.film) + "</a> in a player, such as VLC or mpv.</p>\n";
  out += "<audio controls preload=\"metadata\" aria-label=\"The voice of face " + std::to_string(number) + "\" src=\"" +
         address(f.voice) + "\"></audio>\n";
  out += "<img alt=\"The mouth of face " + std::to_string(number) + ", at times spread over the film\" src=\"" +
         data_uri("image/png", f.mouths) + "\">\n</section>\n";
  return out;
}

}  // namespace

std::string separate_page(const separated_film& film) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f", film.seconds);
  std::string out = head;
  out += "<h1>" + escape_html(film.name) + "</h1>\n<p>" + seconds + " s, " + std::to_string(film.faces.size()) +
         (film.faces.size() == 1 ? " face" : " faces from left to right") + ", separated by " + escape_html(film.network) +
         ". A browser that cannot show the films plays the voices.</p>\n";
  out +=
      "<section class=\"card\" style=\"margin-bottom:1.25rem\">\n<h2>All at once</h2>\n<audio controls preload=\"metadata\" "
      "aria-label=\"The mixture\" src=\"" +
      address(film.mixture) + "\"></audio>\n</section>\n<div class=\"faces\">\n";
  for (std::size_t i = 0; i < film.faces.size(); ++i) out += card(film, film.faces[i], i + 1);
  return out + "</div>\n</main>\n</body>\n</html>\n";
}

}  // namespace avss::tools
