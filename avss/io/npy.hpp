// The npy format, versions 1 to 3: one array. Source: numpy/lib/format.py's documentation.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/tensor.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

struct npy_type {
  std::string_view code;
  dtype type;
};
inline constexpr std::array<npy_type, 9> npy_types{{{"b1", dtype::boolean},
                                                    {"u1", dtype::u8},
                                                    {"i1", dtype::i8},
                                                    {"i2", dtype::i16},
                                                    {"i4", dtype::i32},
                                                    {"i8", dtype::i64},
                                                    {"f2", dtype::f16},
                                                    {"f4", dtype::f32},
                                                    {"f8", dtype::f64}}};

// The header's Python literal, {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: exactly these keys, in any
// order, and nothing that would need evaluating.
class npy_header {
 public:
  npy_header(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !descr_)
        descr_ = description();
      else if (key == "fortran_order" && !fortran_)
        fortran_ = truth();
      else if (key == "shape" && !shape_)
        shape_ = extents();
      else
        wrong("has a second or unknown key " + printable(key));
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) wrong("goes on after its end");
    if (!descr_ || !fortran_ || !shape_) wrong("lacks one of descr, fortran_order, shape");
  }

  const std::string_view& descr() const { return *descr_; }
  bool fortran() const { return *fortran_; }
  const std::vector<dim_t>& shape() const { return *shape_; }

 private:
  [[noreturn]] void wrong(const std::string& how) const {
    fail(origin_, ": damaged npy array: its header ", how, "; write it again with numpy.save");
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong(std::string("lacks a '") + c + "' at byte " + std::to_string(at_));
  }
  std::string_view quoted() {
    skip_spaces();
    const char mark = at_ < text_.size() ? text_[at_] : '\0';
    if (mark != '\'' && mark != '"') wrong("lacks a string at byte " + std::to_string(at_));
    const std::size_t end = text_.find(mark, at_ + 1);
    if (end == std::string_view::npos) wrong("has a string without an end");
    const std::string_view body = text_.substr(at_ + 1, end - at_ - 1);
    if (body.find('\\') != std::string_view::npos) wrong("has an escape in a string");
    at_ = end + 1;
    return body;
  }
  std::string_view description() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '[')
      fail(origin_, ": a structured npy array (named fields) is not read; save each field as an array of its own");
    return quoted();
  }
  bool truth() {
    skip_spaces();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    wrong("has a fortran_order that is neither True nor False");
  }
  std::vector<dim_t> extents() {
    std::vector<dim_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      dim_t extent = 0;
      const char* first = text_.data() + at_;
      const auto [last, status] = std::from_chars(first, text_.data() + text_.size(), extent);
      if (status != std::errc{} || extent < 0) wrong("has an extent that is no non-negative 64-bit integer");
      at_ += static_cast<std::size_t>(last - first);
      shape.push_back(extent);
      if (shape.size() > 64) wrong("has more than 64 axes");
      const bool comma = accept(',');
      if (!comma && (expect(')'), true)) {
        if (shape.size() == 1) wrong("has a shape that is no tuple");
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t at_ = 0;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_;
  std::optional<std::vector<dim_t>> shape_;
};

// From column-major to row-major; `width` bytes an element.
inline std::vector<std::byte> row_major(byte_span columns, std::span<const dim_t> shape, std::size_t width) {
  std::vector<std::byte> rows(columns.size());
  const std::size_t rank = shape.size();
  std::vector<std::size_t> stride(rank, width), index(rank, 0);
  for (std::size_t a = 1; a < rank; ++a) stride[a] = stride[a - 1] * static_cast<std::size_t>(shape[a - 1]);
  std::size_t from = 0;
  for (std::size_t to = 0; to < rows.size(); to += width) {
    std::memcpy(rows.data() + to, columns.data() + from, width);
    for (std::size_t a = rank; a-- > 0;) {  // the next index, last axis fastest
      from += stride[a];
      if (++index[a] < static_cast<std::size_t>(shape[a])) break;
      from -= stride[a] * index[a];
      index[a] = 0;
    }
  }
  return rows;
}

}  // namespace detail

// Reads one array; column-major ones come out row-major, big-endian ones little-endian. Object arrays are pickles and
// are refused, as is every element type that tensor lacks. Throws avss::error with `origin` in front.
inline tensor parse_npy(byte_span bytes, const std::string& origin) {
  byte_cursor in(bytes, origin, "npy array");
  if (as_text(in.take(6)) != "\x93NUMPY") fail(origin, ": not an npy array: the first bytes are not \\x93NUMPY");
  const auto major = in.read<std::uint8_t>();
  in.take(1);
  if (major < 1 || major > 3) fail(origin, ": npy version ", int{major}, " is not read, only 1 to 3; save it with numpy.save");
  const std::uint64_t length = major == 1 ? in.read<std::uint16_t>() : in.read<std::uint32_t>();
  if (length > 1 << 20) fail(origin, ": damaged npy array: a header of ", length, " bytes; write it again with numpy.save");
  const detail::npy_header header(as_text(in.take(length)), origin);

  const std::string_view code = header.descr();
  if (!code.empty() && code.find('O') != std::string_view::npos)
    fail(origin, ": an object array (a pickle) is not read; save it with a numeric dtype");
  const auto* known = detail::npy_types.begin();
  while (known != detail::npy_types.end() && (code.empty() || known->code != code.substr(1))) ++known;
  const char order = code.empty() ? '?' : code[0];
  if (known == detail::npy_types.end() || (order != '<' && order != '>' && order != '|' && order != '='))
    fail(origin, ": npy element type ", printable(code), " is not read; convert it with .astype('float32')");

  tensor t{known->type, header.shape(), {}};
  const auto size = checked_bytes(t.shape, t.type);
  if (!size || *size != in.remaining())
    fail(origin, ": damaged npy array: shape ", shape_string(t.shape), " of ", name_of(t.type), " does not fit its ",
         in.remaining(), " bytes of data; write it again with numpy.save");
  const byte_span data = in.take(*size);
  const std::size_t width = bytes_of(t.type);
  if (header.fortran() && t.shape.size() > 1)
    t.bytes = detail::row_major(data, t.shape, width);
  else
    t.bytes.assign(data.begin(), data.end());
  if (order == '>' && width > 1)
    for (std::size_t i = 0; i < t.bytes.size(); i += width) std::reverse(t.bytes.data() + i, t.bytes.data() + i + width);
  return t;
}

// The bytes in front of the array's own, padded so that those start at a multiple of 64.
inline std::string npy_preamble(const tensor& t, const std::string& origin) {
  const auto* known = detail::npy_types.begin();
  while (known != detail::npy_types.end() && known->type != t.type) ++known;
  if (known == detail::npy_types.end())
    fail(origin, ": the npy format has no ", name_of(t.type), "; convert to float32 or write safetensors");
  std::string dict = std::string("{'descr': '") + (bytes_of(t.type) == 1 ? '|' : '<') + std::string(known->code) +
                     "', 'fortran_order': False, 'shape': (";
  for (std::size_t a = 0; a < t.shape.size(); ++a)
    dict += std::to_string(t.shape[a]) + (a + 1 < t.shape.size() ? ", " : t.shape.size() == 1 ? "," : "");
  dict += "), }";
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  if (dict.size() > 0xffff) fail(origin, ": an array of ", t.shape.size(), " axes does not fit an npy header");
  std::string out = "\x93NUMPY";
  out += '\x01';
  out += '\0';
  store_le(out, static_cast<std::uint16_t>(dict.size()));
  return out + dict;
}

}  // namespace avss
