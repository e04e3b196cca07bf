// Little-endian fields, checked arithmetic and a bounded cursor: what every parser of a binary file needs.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/io/tensor.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace avss {

static_assert(std::endian::native == std::endian::little, "avss: weights files are read on little-endian machines only");

using byte_span = std::span<const std::byte>;
using byte_range = std::pair<std::uint64_t, std::uint64_t>;  // from the first up to the second, which is not part of it

inline byte_span as_bytes_of(std::string_view text) { return std::as_bytes(std::span<const char>(text)); }

inline std::string_view as_text(byte_span bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

template <class T>
T load_le(const std::byte* at) {
  T v;
  std::memcpy(&v, at, sizeof(T));
  return v;
}

template <class T>
void store_le(std::string& out, T v) {
  char raw[sizeof(T)];
  std::memcpy(raw, &v, sizeof(T));
  out.append(raw, sizeof(T));
}

// a * b and a + b, or nothing where they do not fit.
inline std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}
inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}

// Does [offset, offset + size) lie within `total` bytes?
constexpr bool in_range(std::uint64_t offset, std::uint64_t size, std::uint64_t total) {
  return offset <= total && size <= total - offset;
}

// Bytes of a dense array, or nothing where an extent is negative or the product of the extents other than 0 does not
// fit: such a shape would overflow in whatever order it is multiplied.
inline std::optional<std::uint64_t> checked_bytes(std::span<const dim_t> shape, dtype type) {
  std::uint64_t n = bytes_of(type);
  bool empty = false;
  for (dim_t e : shape) {
    if (e < 0) return std::nullopt;
    if (e == 0) {
      empty = true;
      continue;
    }
    if (__builtin_mul_overflow(n, static_cast<std::uint64_t>(e), &n)) return std::nullopt;
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  }
  return empty ? 0 : n;
}

// Reads forward through bytes. Going past the end throws "ORIGIN: truncated WHAT ...".
class byte_cursor {
 public:
  byte_cursor(byte_span bytes, std::string origin, std::string what)
      : bytes_(bytes), origin_(std::move(origin)), what_(std::move(what)) {}

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }

  byte_span take(std::uint64_t n) {
    if (n > remaining())
      fail(origin_, ": truncated ", what_, ": ", n, " bytes expected at offset ", at_, ", ", remaining(),
           " left; copy or download the file again");
    const byte_span part = bytes_.subspan(at_, n);
    at_ += n;
    return part;
  }
  template <class T>
  T read() {
    return load_le<T>(take(sizeof(T)).data());
  }

 private:
  byte_span bytes_;
  std::size_t at_ = 0;
  std::string origin_, what_;
};

}  // namespace avss
