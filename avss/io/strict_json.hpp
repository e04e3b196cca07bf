// JSON as RFC 8259 has it and no further: for headers that come from strangers.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/place_index.hpp>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct json_value {
  enum class kind : std::uint8_t { null, boolean, number, text, array, object };
  kind type = kind::null;
  bool truth = false;
  std::string text;               // of a string, decoded; of a number, as written
  std::vector<json_value> items;  // of an array; of an object, in the order of keys
  std::vector<std::string> keys;  // of an object

  const json_value* find(std::string_view key) const {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == key) return &items[i];
    return nullptr;
  }
  // The value of a number written as plain decimal digits that fits; false otherwise.
  bool to_unsigned(std::uint64_t& out) const {
    if (type != kind::number) return false;
    const char* last = text.data() + text.size();
    const auto [end, status] = std::from_chars(text.data(), last, out);
    return status == std::errc{} && end == last;
  }
};

// Parses one JSON value that fills the text. Refused: duplicate keys, bytes that are not UTF-8, nesting deeper than
// `depth`, more than 2^20 values, anything after the value. Throws avss::error, "ORIGIN: bad JSON at byte N: ...".
class strict_json {
 public:
  static json_value parse(std::string_view text, const std::string& origin, int depth = 32) {
    strict_json p(text, origin);
    json_value v = p.value(depth);
    p.spaces();
    if (p.at_ != text.size()) p.bad("text after the value");
    return v;
  }

 private:
  strict_json(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  [[noreturn]] void bad(const char* why) const {
    fail(origin_, ": bad JSON at byte ", at_, ": ", why, "; write the file again");
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void spaces() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) bad("unknown word");
    at_ += w.size();
  }

  json_value value(int depth) {
    if (depth == 0) bad("nested too deeply");
    if (++values_ > most_values) bad("too many values");
    spaces();
    json_value v;
    switch (peek()) {
      case '{': object(v, depth); break;
      case '[': array(v, depth); break;
      case '"':
        v.type = json_value::kind::text;
        v.text = string();
        break;
      case 't':
      case 'f':
        v.type = json_value::kind::boolean;
        v.truth = peek() == 't';
        word(v.truth ? "true" : "false");
        break;
      case 'n': word("null"); break;
      default: number(v);
    }
    return v;
  }

  void object(json_value& v, int depth) {
    v.type = json_value::kind::object;
    accept('{');
    if (accept('}')) return;
    name_index seen;
    do {
      spaces();
      if (peek() != '"') bad("a key must be a string");
      std::string key = string();
      if (!seen.add(key, v.keys.size())) bad("duplicate key");
      if (!accept(':')) bad("':' expected");
      v.keys.push_back(std::move(key));
      v.items.push_back(value(depth - 1));
    } while (accept(','));
    if (!accept('}')) bad("',' or '}' expected");
  }

  void array(json_value& v, int depth) {
    v.type = json_value::kind::array;
    accept('[');
    if (accept(']')) return;
    do {
      v.items.push_back(value(depth - 1));
    } while (accept(','));
    if (!accept(']')) bad("',' or ']' expected");
  }

  bool digits() {
    const std::size_t first = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > first;
  }
  void number(json_value& v) {
    v.type = json_value::kind::number;
    const std::size_t first = at_;
    if (peek() == '-') ++at_;
    const std::size_t whole = at_;
    if (!digits()) bad("value expected");
    if (text_[whole] == '0' && at_ - whole > 1) bad("a number must not start with 0");
    if (peek() == '.') {
      ++at_;
      if (!digits()) bad("digit expected");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) bad("digit expected");
    }
    v.text = text_.substr(first, at_ - first);
  }

  unsigned hex4() {
    unsigned code = 0;
    const std::string_view four = text_.substr(at_, 4);
    const auto [end, status] = std::from_chars(four.data(), four.data() + four.size(), code, 16);
    if (four.size() != 4 || status != std::errc{} || end != four.data() + 4) bad("four hexadecimal digits expected");
    at_ += 4;
    return code;
  }
  static void append_utf8(std::string& out, unsigned c) {
    if (c < 0x80) {
      out += static_cast<char>(c);
      return;
    }
    const int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    constexpr unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(lead[tail] | (c >> (6 * tail)));
    for (int k = tail - 1; k >= 0; --k) out += static_cast<char>(0x80 | ((c >> (6 * k)) & 0x3f));
  }
  void escape(std::string& out) {
    const char c = peek();
    ++at_;
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t k = letters.find(c); c != '\0' && k != std::string_view::npos) {
      out += meanings[k];
      return;
    }
    if (c != 'u') bad("unknown escape");
    unsigned code = hex4();
    if (code >= 0xdc00 && code < 0xe000) bad("lone surrogate");
    if (code >= 0xd800 && code < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u") bad("lone surrogate");
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xdc00 || low >= 0xe000) bad("lone surrogate");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
  }
  // One UTF-8 character of several bytes: shortest form, no surrogates, at most U+10FFFF.
  void multibyte(std::string& out) {
    const auto lead = static_cast<unsigned char>(peek());
    const int tail = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4) bad("not UTF-8");
    unsigned code = lead & (0x3fu >> tail);
    for (int k = 1; k <= tail; ++k) {
      const unsigned next = at_ + k < text_.size() ? static_cast<unsigned char>(text_[at_ + k]) : 0;
      if ((next & 0xc0) != 0x80) bad("not UTF-8");
      code = (code << 6) | (next & 0x3f);
    }
    constexpr unsigned least[] = {0, 0x80, 0x800, 0x10000};
    if (code < least[tail] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) bad("not UTF-8");
    out.append(text_.substr(at_, tail + 1));
    at_ += tail + 1;
  }
  std::string string() {
    std::string out;
    for (++at_; at_ < text_.size();) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return out;
      }
      if (c < 0x20) bad("control character in a string");
      if (c == '\\') {
        ++at_;
        escape(out);
      } else if (c < 0x80) {
        out += static_cast<char>(c);
        ++at_;
      } else {
        multibyte(out);
      }
    }
    bad("string without an end");
  }

  static constexpr std::size_t most_values = 1 << 20;  // a value takes about 100 bytes of memory, 2 of text

  std::string_view text_;
  const std::string& origin_;
  std::size_t at_ = 0, values_ = 0;
};

// The text as a JSON string, with quotes. Bytes above 0x7f pass as they are.
inline std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    constexpr std::string_view specials = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    if (const std::size_t k = specials.find(c); k != std::string_view::npos) {
      out += '\\';
      out += letters[k];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char hex[] = "0123456789abcdef";
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace avss
