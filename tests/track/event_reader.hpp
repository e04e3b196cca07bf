// Reads event files as their format is described, sharing nothing with what writes them.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace avss::testing {

// CRC-32C bit by bit: no table.
inline std::uint32_t slow_crc32c(const std::string& bytes) {
  std::uint32_t r = 0xFFFFFFFFu;
  for (const char c : bytes) {
    r ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) r = (r >> 1) ^ ((r & 1) != 0 ? 0x82F63B78u : 0u);
  }
  return r ^ 0xFFFFFFFFu;
}

// A field's values in order: varints and fixed ones as their bits, the rest as bytes.
struct read_field {
  std::uint64_t bits = 0;
  std::string bytes;

  double real() const {
    double v;
    std::memcpy(&v, &bits, 8);
    return v;
  }
  float single() const {
    const auto low = static_cast<std::uint32_t>(bits);
    float v;
    std::memcpy(&v, &low, 4);
    return v;
  }
};
using read_message = std::multimap<int, read_field>;

inline read_message parse_message(const std::string& m) {
  std::size_t at = 0;
  const auto need = [&](std::size_t n) {
    if (m.size() - at < n) throw std::runtime_error("a message ends within a field");
  };
  const auto varint = [&] {
    std::uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
      need(1);
      const std::uint64_t b = static_cast<unsigned char>(m[at++]);
      v += (b % 128) << shift;
      if (b < 128) return v;
    }
  };
  read_message fields;
  while (at < m.size()) {
    const std::uint64_t key = varint();
    read_field f;
    if (const int type = static_cast<int>(key % 8); type == 0) {
      f.bits = varint();
    } else if (type == 2) {
      const std::size_t n = varint();
      need(n);
      f.bytes = m.substr(at, n);
      at += n;
    } else if (type == 1 || type == 5) {
      const std::size_t n = type == 1 ? 8 : 4;
      need(n);
      std::memcpy(&f.bits, m.data() + at, n);
      at += n;
    } else {
      throw std::runtime_error("a field of type " + std::to_string(type));
    }
    fields.emplace(static_cast<int>(key / 8), f);
  }
  return fields;
}

struct read_value {
  std::int64_t step;
  std::string tag;
  read_message fields;  // of Summary.Value
};

struct read_events {
  std::vector<read_value> values;
  std::vector<std::int64_t> restarts;
  std::string version;
  bool torn = false;  // ends within a record
};

// The records' bytes; throws where a checksum is wrong.
inline std::vector<std::string> read_records(const std::string& file, bool& torn) {
  std::vector<std::string> records;
  const auto word = [&](std::size_t at, int bytes) {
    std::uint64_t v = 0;
    for (int i = bytes; i-- > 0;) v = v * 256 + static_cast<unsigned char>(file[at + static_cast<std::size_t>(i)]);
    return v;
  };
  const auto masked = [](const std::string& s) {
    const std::uint32_t c = slow_crc32c(s);
    return static_cast<std::uint32_t>(((c >> 15) | (c << 17)) + 0xa282ead8ul);
  };
  for (std::size_t at = 0; at < file.size();) {
    torn = file.size() - at < 16 || file.size() - at - 16 < word(at, 8);
    if (torn) break;
    const std::size_t n = word(at, 8);
    if (masked(file.substr(at, 8)) != word(at + 8, 4)) throw std::runtime_error("a length's checksum is wrong");
    records.push_back(file.substr(at + 12, n));
    if (masked(records.back()) != word(at + 12 + n, 4)) throw std::runtime_error("a record's checksum is wrong");
    at += n + 16;
  }
  return records;
}

inline read_events parse_events(const std::string& file) {
  read_events e;
  for (const std::string& record : read_records(file, e.torn)) {
    const read_message m = parse_message(record);
    const auto step = m.find(2);
    const std::int64_t s = step == m.end() ? 0 : static_cast<std::int64_t>(step->second.bits);
    if (const auto version = m.find(3); version != m.end()) e.version = version->second.bytes;
    if (m.count(7) > 0) e.restarts.push_back(s);
    const auto summary = m.find(5);
    if (summary == m.end()) continue;
    const read_message values = parse_message(summary->second.bytes);
    for (auto v = values.lower_bound(1); v != values.upper_bound(1); ++v) {
      read_message fields = parse_message(v->second.bytes);
      std::string tag = fields.find(1)->second.bytes;
      e.values.push_back({s, std::move(tag), std::move(fields)});
    }
  }
  return e;
}

}  // namespace avss::testing
