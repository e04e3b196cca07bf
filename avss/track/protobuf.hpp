// The wire format of protocol buffers, as far as TensorBoard's messages need it.
#pragma once

#include <avss/io/bytes.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace avss {

// A message in the making: fields in the order in which they are added. A field with its default value may be left out by
// those who call; what is added is written.
class proto_message {
 public:
  proto_message& number(int field, std::int64_t v) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(v));
    return *this;
  }
  proto_message& real(int field, double v) {
    key(field, 1);
    store_le(bytes_, v);
    return *this;
  }
  proto_message& real(int field, float v) {
    key(field, 5);
    store_le(bytes_, v);
    return *this;
  }
  proto_message& text(int field, std::string_view v) {
    key(field, 2);
    varint(v.size());
    bytes_ += v;
    return *this;
  }
  proto_message& message(int field, const proto_message& v) { return text(field, v.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, unsigned type) { varint(static_cast<std::uint64_t>(field) << 3 | type); }
  void varint(std::uint64_t v) {
    for (; v > 127; v >>= 7) bytes_ += static_cast<char>(v | 128);
    bytes_ += static_cast<char>(v);
  }

  std::string bytes_;
};

// One field of a message that was read: a number for varints, the bytes of all others.
struct proto_field {
  std::uint64_t field = 0, number = 0;
  std::string_view bytes;
};

// Takes the first field off a message; none at its end, and where the message is damaged.
inline std::optional<proto_field> take_field(std::string_view& message) {
  const auto varint = [&]() -> std::optional<std::uint64_t> {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      v |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return v;
    }
    return std::nullopt;
  };
  const std::optional<std::uint64_t> key = varint();
  if (!key) return std::nullopt;
  proto_field f{*key >> 3, 0, {}};
  std::uint64_t size = 0;
  switch (*key & 7) {
    case 0:
      if (const auto v = varint()) return f.number = *v, f;
      return std::nullopt;
    case 1: size = 8; break;
    case 5: size = 4; break;
    case 2:
      if (const auto v = varint())
        size = *v;
      else
        return std::nullopt;
      break;
    default: return std::nullopt;
  }
  if (size > message.size()) return std::nullopt;
  f.bytes = message.substr(0, size);
  message.remove_prefix(size);
  return f;
}

}  // namespace avss
