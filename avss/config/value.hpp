// A configuration as a tree: null, bool, integer, number, string, list, map (in the order written), each with the place
// that it came from, so that a message can name it.
#pragma once

#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace avss::config {

// Where a value was written: a file's line and column, or, with line 0, only a name ("the command line (a=1)").
struct origin {
  std::shared_ptr<const std::string> source;
  int line = 0;
  int column = 0;

  std::string text() const {
    if (!source) return "";
    return line > 0 ? *source + ":" + std::to_string(line) + ":" + std::to_string(column) : *source;
  }
};

enum class kind : std::uint8_t { null, boolean, integer, real, string, list, map };

constexpr const char* name_of(kind k) {
  constexpr const char* names[] = {"null", "a boolean", "an integer", "a number", "a string", "a list", "a section"};
  return names[static_cast<int>(k)];
}

// Parts of "a.b[0].c": a, b, 0, c.
inline std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  std::string part;
  bool open = false;  // a part has begun, be it empty
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') {
      if (open || i == 0) parts.push_back(std::exchange(part, ""));
      open = true;
      if (i + 1 < path.size() && path[i + 1] == '[') open = false;
    } else if (path[i] == '[' && path.find(']', i) != std::string_view::npos) {
      if (open) parts.push_back(std::exchange(part, ""));
      const std::size_t end = path.find(']', i);
      parts.emplace_back(path.substr(i + 1, end - i - 1));
      i = end;
      open = false;
    } else {
      part += path[i];
      open = true;
    }
  }
  if (open) parts.push_back(part);
  return parts;
}

inline std::string join_path(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& p : parts) path += (path.empty() ? "" : ".") + p;
  return path;
}

class value {
 public:
  struct entry;
  using list = std::vector<value>;
  using map = std::vector<entry>;

  value() = default;
  explicit value(bool b) : data_(b) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) explicit value(T n) : data_(static_cast<std::int64_t>(n)) {}
  explicit value(double x) : data_(x) {}
  explicit value(std::string s) : data_(std::move(s)) {}
  explicit value(const char* s) : data_(std::string(s)) {}
  explicit value(list l) : data_(std::move(l)) {}
  explicit value(map m) : data_(std::move(m)) {}

  config::kind kind() const { return static_cast<config::kind>(data_.index()); }
  bool is(config::kind k) const { return kind() == k; }
  bool is_null() const { return is(kind::null); }
  // '???': must be given before it is read.
  bool is_missing() const { return is(kind::string) && text() == "???"; }
  // Holds ${...}, to be resolved when it is read.
  bool is_interpolation() const { return !literal_ && is(kind::string) && text().find("${") != std::string::npos; }
  // The text is final, be there a ${ in it.
  void set_literal() { literal_ = true; }

  // The contents; the kind must be the named one.
  bool boolean() const { return std::get<bool>(data_); }
  std::int64_t integer() const { return std::get<std::int64_t>(data_); }
  double real() const { return std::get<double>(data_); }
  const std::string& text() const { return std::get<std::string>(data_); }
  const list& items() const { return std::get<list>(data_); }
  list& items() { return std::get<list>(data_); }
  const map& entries() const { return std::get<map>(data_); }
  map& entries() { return std::get<map>(data_); }

  const origin& where() const { return where_; }
  void set_where(origin o) { where_ = std::move(o); }

  // A scalar as it was written, where that differs from its value: a folder called inf or 012 stays readable as a string.
  const std::string& written() const { return written_; }
  void set_written(std::string s) { written_ = std::move(s); }

  // Child of a map by key, of a list by index; null pointer if there is none.
  const value* child(std::string_view key) const;
  value* child(std::string_view key) { return const_cast<value*>(std::as_const(*this).child(key)); }
  // Child of a map, made as null at the end if there is none. Anything but a map becomes an empty map first.
  value& operator[](std::string_view key);
  bool erase(std::string_view key);

  // Node at a dotted path ("" is this one); null pointer if there is none. Interpolations are not followed.
  const value* find(std::string_view path) const;
  value* find(std::string_view path) { return const_cast<value*>(std::as_const(*this).find(path)); }

  // This value as bool, integer, floating-point number, std::string, std::optional<T> (null gives nullopt),
  // std::vector<T> or value. `path` is named in the error.
  template <class T>
  T as(const std::string& path) const;

  // as<T>() of the node at the path; throws if there is none.
  template <class T>
  T get(const std::string& path) const;
  // The fallback if there is none, or if it is null.
  template <class T>
  T get(const std::string& path, T fallback) const;

  // Dotted paths of all leaves (empty lists and sections are leaves); with sections, theirs too.
  std::vector<std::string> paths(bool sections = false) const;

  // Equal contents; places do not matter, map order neither; nan equals nan.
  bool operator==(const value& o) const;

  // For messages: "the string 'abc'", "null", "a list".
  std::string described() const;

 private:
  void collect(const std::string& prefix, bool sections, std::vector<std::string>& out) const;
  [[noreturn]] void unfit(const std::string& path, const char* expected) const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, list, map> data_;
  origin where_;
  std::string written_;
  bool literal_ = false;
};

struct value::entry {
  std::string key;
  value item;
};

// 0.1, 1.0e-05, .inf: the shortest text that reads back as the same number, as YAML has it.
inline std::string number_text(double x) {
  if (std::isnan(x)) return ".nan";
  if (std::isinf(x)) return x > 0 ? ".inf" : "-.inf";
  char buffer[64];
  const double size = std::fabs(x);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto r =
      std::to_chars(buffer, buffer + sizeof(buffer), x, plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string s(buffer, r.ptr);
  if (s.find('.') == std::string::npos) {
    const std::size_t e = s.find('e');
    e == std::string::npos ? s += ".0" : s.insert(e, ".0");
  }
  return s;
}

inline const value* value::child(std::string_view key) const {
  if (is(kind::map)) {
    for (const entry& e : entries())
      if (e.key == key) return &e.item;
  } else if (is(kind::list)) {
    std::size_t n = 0;
    const auto r = std::from_chars(key.data(), key.data() + key.size(), n);
    if (!key.empty() && r.ec == std::errc() && r.ptr == key.data() + key.size() && n < items().size()) return &items()[n];
  }
  return nullptr;
}

inline value& value::operator[](std::string_view key) {
  if (!is(kind::map)) data_ = map{};
  if (value* v = child(key)) return *v;
  entries().push_back({std::string(key), value()});
  return entries().back().item;
}

inline bool value::erase(std::string_view key) {
  if (is(kind::list)) {
    const value* v = child(key);
    if (v) items().erase(items().begin() + (v - items().data()));
    return v != nullptr;
  }
  return is(kind::map) && std::erase_if(entries(), [&](const entry& e) { return e.key == key; }) > 0;
}

inline const value* value::find(std::string_view path) const {
  const value* v = this;
  for (const std::string& part : split_path(path))
    if (!(v = v->child(part))) return nullptr;
  return v;
}

inline std::string value::described() const {
  switch (kind()) {
    case kind::null: return "null";
    case kind::boolean: return boolean() ? "true" : "false";
    case kind::integer: return std::to_string(integer());
    case kind::real: return number_text(real());
    case kind::string: return "the string '" + text() + "'";
    default: return name_of(kind());
  }
}

inline void value::unfit(const std::string& path, const char* expected) const {
  const std::string at = where_.text().empty() ? "" : " (" + where_.text() + ")";
  if (is_missing()) fail(path, ": mandatory, and not given", at, "; give it on the command line: ", path, "=VALUE");
  if (is_interpolation()) fail(path, ": expected ", expected, ", found the unresolved '", text(), "'", at);
  fail(path, ": expected ", expected, ", found ", described(), at);
}

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
}  // namespace detail

template <class T>
T value::as(const std::string& path) const {
  if constexpr (std::same_as<T, value>) {
    return *this;
  } else if constexpr (detail::is_optional<T>) {
    if (is_null()) return std::nullopt;
    return as<typename T::value_type>(path);
  } else if constexpr (detail::is_vector<T>) {
    if (!is(kind::list)) unfit(path, "a list, [a, b]");
    T all;
    for (std::size_t i = 0; i < items().size(); ++i)
      all.push_back(items()[i].template as<typename T::value_type>(path + "[" + std::to_string(i) + "]"));
    return all;
  } else if constexpr (std::same_as<T, bool>) {
    if (!is(kind::boolean)) unfit(path, "true or false");
    return boolean();
  } else if constexpr (std::integral<T>) {
    if (!is(kind::integer)) unfit(path, "an integer");
    if (!std::in_range<T>(integer())) {
      const std::string range = "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                                std::to_string(std::numeric_limits<T>::max());
      unfit(path, range.c_str());
    }
    return static_cast<T>(integer());
  } else if constexpr (std::floating_point<T>) {
    if (is(kind::integer)) return static_cast<T>(integer());
    if (!is(kind::real)) unfit(path, "a number");
    return static_cast<T>(real());
  } else {
    static_assert(std::same_as<T, std::string>, "avss: a configuration value cannot be read as this type");
    if (is_missing() || is_null() || is(kind::list) || is(kind::map)) unfit(path, "a string");
    if (is(kind::string)) {
      if (is_interpolation()) unfit(path, "a string");
      return text();
    }
    return written_.empty() ? described() : written_;
  }
}

template <class T>
T value::get(const std::string& path) const {
  const value* v = find(path);
  if (!v) fail("'", path, "' is not in the configuration", did_you_mean(path, paths(true)));
  return v->as<T>(path);
}

template <class T>
T value::get(const std::string& path, T fallback) const {
  const value* v = find(path);
  return v && !v->is_null() ? v->as<T>(path) : fallback;
}

inline void value::collect(const std::string& prefix, bool sections, std::vector<std::string>& out) const {
  const bool inner = (is(kind::map) && !entries().empty()) || (is(kind::list) && !items().empty());
  if (!prefix.empty() && (sections || !inner || is(kind::list))) out.push_back(prefix);
  if (is(kind::map)) {
    for (const entry& e : entries()) e.item.collect(prefix.empty() ? e.key : prefix + "." + e.key, sections, out);
  } else if (is(kind::list)) {
    for (std::size_t i = 0; i < items().size(); ++i)
      if (items()[i].is(kind::map)) items()[i].collect(prefix + "." + std::to_string(i), sections, out);
  }
}

inline std::vector<std::string> value::paths(bool sections) const {
  std::vector<std::string> out;
  collect("", sections, out);
  return out;
}

inline bool value::operator==(const value& o) const {
  if (kind() != o.kind()) return false;
  switch (kind()) {
    case kind::null: return true;
    case kind::boolean: return boolean() == o.boolean();
    case kind::integer: return integer() == o.integer();
    case kind::real: return real() == o.real() || (std::isnan(real()) && std::isnan(o.real()));
    case kind::string: return text() == o.text();
    case kind::list: return items() == o.items();
    case kind::map: break;
  }
  if (entries().size() != o.entries().size()) return false;
  for (const entry& e : entries()) {
    const value* other = o.child(e.key);
    if (!other || !(e.item == *other)) return false;
  }
  return true;
}

// Lays `from` over `onto`: sections are merged key by key, everything else (lists too) is replaced; ??? replaces nothing
// that has a value.
inline void merge(value& onto, const value& from) {
  if (from.is_missing()) return;
  if (!onto.is(kind::map) || !from.is(kind::map)) {
    onto = from;
    return;
  }
  for (const value::entry& e : from.entries()) {
    if (value* old = onto.child(e.key))
      merge(*old, e.item);
    else
      onto[e.key] = e.item;
  }
}

}  // namespace avss::config
