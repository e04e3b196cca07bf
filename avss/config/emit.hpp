// Values to YAML text, in the form that OmegaConf.to_yaml gives them.
#pragma once

#include <avss/config/scalar.hpp>
#include <avss/config/value.hpp>
#include <string>
#include <string_view>

namespace avss::config {

namespace detail {

// Whether the text can stand without quotes and reads back as the same string.
inline bool plain_is_safe(std::string_view s) {
  if (s.empty() || s.front() == ' ' || s.back() == ' ' || s.back() == ':' || s == "=" || s == "<<") return false;
  if (s.starts_with("---") || s.starts_with("...")) return false;
  if (std::string_view(",[]{}#&*!|>'\"%@`").find(s[0]) != std::string_view::npos) return false;
  if (std::string_view("-?:").find(s[0]) != std::string_view::npos && (s.size() == 1 || s[1] == ' ')) return false;
  for (std::size_t i = 0; i + 1 < s.size(); ++i)
    if ((s[i] == ':' && s[i + 1] == ' ') || (s[i] == ' ' && s[i + 1] == '#')) return false;
  // not booleans, numbers or dates to this reader, but to others
  if (one_of(s, {"y", "Y", "n", "N", "inf", "Inf", "INF", "nan", "NaN", "NAN", "infinity", "Infinity"})) return false;
  if (s.size() > 7 && s[4] == '-' && s.find_first_not_of("0123456789") == 4) return false;
  if (std::string_view("+-.0123456789").find(s[0]) != std::string_view::npos && s.size() < 1000) {
    if (s.find_first_not_of("+-.0123456789_:xabcdefABCDEFinfINFnaNA") == std::string_view::npos) {
      try {
        return yaml_scalar(s).is(kind::string);
      } catch (const error&) {  // an integer too large
        return false;
      }
    }
    return true;
  }
  return yaml_scalar(s).is(kind::string);
}

inline std::string yaml_string(std::string_view s) {
  bool special = false;
  for (char c : s) special = special || (static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
  // U+0080..9F, U+2028, U+2029 and U+FEFF are line breaks or marks to a YAML reader
  for (std::string_view mark : {"\xc2\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf"})
    special = special || s.find(mark.size() == 2 ? mark.substr(0, 1) : mark) != std::string_view::npos;
  if (special) {
    constexpr const char* hex = "0123456789ABCDEF";
    std::string out = "\"";
    for (std::size_t i = 0; i < s.size(); ++i) {
      const unsigned char c = static_cast<unsigned char>(s[i]);
      if (c == '\n')
        out += "\\n";
      else if (c == '\t')
        out += "\\t";
      else if (c == '"' || c == '\\')
        (out += '\\') += s[i];
      else if (c < 0x20 || c == 0x7f)
        ((out += "\\x") += hex[c >> 4]) += hex[c & 15];
      else if (c == 0xc2 && i + 1 < s.size() && (s[i + 1] & 0xe0) == 0x80) {
        const unsigned char d = static_cast<unsigned char>(s[++i]);
        ((out += "\\x") += hex[d >> 4]) += hex[d & 15];
      } else if (s.substr(i, 3) == "\xe2\x80\xa8" || s.substr(i, 3) == "\xe2\x80\xa9") {
        out += s[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
        i += 2;
      } else if (s.substr(i, 3) == "\xef\xbb\xbf") {
        out += "\\uFEFF";
        i += 2;
      } else {
        out += s[i];
      }
    }
    return out + '"';
  }
  if (plain_is_safe(s)) return std::string(s);
  std::string out = "'";
  for (char c : s) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

inline void emit(const value& v, int indent, std::string& out);

inline void emit_child(const value& v, int indent, bool in_list, std::string& out) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  const bool block = (v.is(kind::map) && !v.entries().empty()) || (v.is(kind::list) && !v.items().empty());
  if (!block) {
    out += ' ';
    emit(v, indent, out);
    out += '\n';
  } else if (in_list) {  // the first entry shares the line of the dash
    std::string inner;
    emit(v, indent + 2, inner);
    out += ' ' + inner.substr(static_cast<std::size_t>(indent) + 2);
  } else {
    out += '\n';
    emit(v, v.is(kind::list) ? indent : indent + 2, out);
  }
}

inline void emit(const value& v, int indent, std::string& out) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  switch (v.kind()) {
    case kind::null: out += "null"; return;
    case kind::boolean: out += v.boolean() ? "true" : "false"; return;
    case kind::integer: out += std::to_string(v.integer()); return;
    case kind::real: out += number_text(v.real()); return;
    case kind::string: out += yaml_string(v.text()); return;
    case kind::list:
      if (v.items().empty()) out += "[]";
      for (const value& item : v.items()) {
        out += pad + "-";
        emit_child(item, indent, true, out);
      }
      return;
    case kind::map:
      if (v.entries().empty()) out += "{}";
      for (const value::entry& e : v.entries()) {
        out += pad + (e.key == "<<" || e.key.empty() ? "'" + e.key + "'" : yaml_string(e.key)) + ":";
        emit_child(e.item, indent, false, out);
      }
      return;
  }
}

}  // namespace detail

// The value as YAML in block style, with a final newline. Interpolations stay as written.
inline std::string to_yaml(const value& v) {
  std::string out;
  detail::emit(v, 0, out);
  if (out.empty() || out.back() != '\n') out += '\n';
  return out;
}

}  // namespace avss::config
