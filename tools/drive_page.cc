#include "tools/drive_page.hpp"

#include <avss/core/error.hpp>
#include <avss/io/printable.hpp>
#include <cctype>
#include <cstddef>
#include <utility>

namespace avss::tools {
namespace {

std::string unescaped(std::string_view text) {
  constexpr std::pair<std::string_view, char> known[] = {{"&amp;", '&'}, {"&quot;", '"'}, {"&#39;", '\''},
                                                         {"&lt;", '<'},  {"&gt;", '>'},   {"&#61;", '='}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t taken = 0;
    for (const auto& [code, c] : known)
      if (text.substr(i).starts_with(code)) out += c, taken = code.size();
    if (taken == 0) out += text[i], taken = 1;
    i += taken;
  }
  return out;
}

// The value of NAME="VALUE" in a tag; "" without it.
std::string attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = 0; (at = tag.find(name, at)) != std::string_view::npos; at += name.size()) {
    const std::size_t behind = at + name.size();
    if (at == 0 || !std::isspace(static_cast<unsigned char>(tag[at - 1])) || behind + 1 >= tag.size() || tag[behind] != '=')
      continue;
    const char quote = tag[behind + 1];
    if (quote != '"' && quote != '\'') continue;
    const std::size_t end = tag.find(quote, behind + 2);
    if (end != std::string_view::npos) return unescaped(tag.substr(behind + 2, end - behind - 2));
  }
  return "";
}

struct address_parts {
  std::string scheme, host, rest;
};
address_parts parts_of(const std::string& address) {
  const std::size_t colon = address.find("://");
  if (colon == std::string::npos) return {"", "", address};
  const std::size_t from = colon + 3, slash = address.find_first_of("/?#\\", from);
  return {address.substr(0, colon), address.substr(from, slash == std::string::npos ? slash : slash - from),
          slash == std::string::npos ? "" : address.substr(slash)};
}

// The address on the page, relative or not, as a whole one on a server that may be asked.
std::string allowed(const std::string& found, const std::string& asked) {
  const address_parts from = parts_of(asked);
  if (found.starts_with("/") && !found.starts_with("//")) return from.scheme + "://" + from.host + found;
  const address_parts to = parts_of(found);
  const bool googles = to.host.ends_with(".google.com") || to.host.ends_with(".googleusercontent.com");
  if (to.scheme != from.scheme || (to.host != from.host && !googles) || to.host.find('@') != std::string::npos)
    fail(asked, ": the page leads to ", printable(found), ", which is none of Google's servers; nothing was stored");
  return found;
}

// <form id="download-form" action="..."> with hidden fields; "" where there is none.
std::string form_address(std::string_view page) {
  for (std::size_t at = 0; (at = page.find("<form", at)) != std::string_view::npos; at += 5) {
    const std::string_view tag = page.substr(at, page.find('>', at) - at);
    if (attribute(tag, "id") != "download-form" && tag.find("download") == std::string_view::npos) continue;
    std::string address = attribute(tag, "action");
    if (address.empty()) continue;
    char join = address.find('?') == std::string::npos ? '?' : '&';
    const std::string_view form = page.substr(at, page.find("</form", at) - at);
    for (std::size_t i = 0; (i = form.find("<input", i)) != std::string_view::npos; i += 6) {
      const std::string_view input = form.substr(i, form.find('>', i) - i);
      const std::string name = attribute(input, "name");
      if (name.empty()) continue;
      address += join + percent_encoded(name) + "=" + percent_encoded(attribute(input, "value"));
      join = '&';
    }
    return address;
  }
  return "";
}

// The link of older pages: href="/uc?export=download&amp;confirm=XXXX&amp;id=...".
std::string link_address(std::string_view page) {
  for (std::size_t at = 0; (at = page.find("<a ", at)) != std::string_view::npos; at += 3) {
    const std::string link = attribute(page.substr(at, page.find('>', at) - at), "href");
    if (link.find("confirm=") != std::string::npos) return link;
  }
  return "";
}

bool has(std::string_view page, std::string_view words) { return page.find(words) != std::string_view::npos; }

}  // namespace

std::string confirmed_address(std::string_view page, const std::string& asked) {
  if (has(page, "Quota exceeded") || has(page, "Too many users have viewed or downloaded"))
    fail(asked, ": Google Drive gives this file to nobody for now, since too many have asked for it; try again tomorrow");
  std::string found = form_address(page);
  if (found.empty()) found = link_address(page);
  if (!found.empty()) return allowed(found, asked);
  if (has(page, "accounts.google.com") || has(page, "You need access"))
    fail(asked, ": Google Drive asks to sign in: the file is not open to everybody; nothing was stored");
  fail(asked, ": the server answers with a page (", printable(title_of(page)),
       ") without a button to download; nothing was stored");
}

std::string title_of(std::string_view page) {
  const std::size_t from = page.find("<title>"), end = page.find("</title>");
  return from == std::string_view::npos || end == std::string_view::npos || end < from
             ? ""
             : unescaped(page.substr(from + 7, end - from - 7));
}

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && (std::isalnum(byte) || std::string_view("-._~").find(c) != std::string_view::npos)) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    const std::size_t at =
        std::string_view("0123456789abcdef").find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool code = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += code ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    i += code ? 2 : 0;
  }
  return out;
}

}  // namespace avss::tools
