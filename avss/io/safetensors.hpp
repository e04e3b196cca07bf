// The safetensors format: u64 header length, JSON header, one buffer. Source: huggingface/safetensors, README "Format".
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct safetensors_file {
  tensor_dict tensors;  // in the header's order
  std::vector<std::pair<std::string, std::string>> metadata;
};

namespace detail {

inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;

struct safetensors_type {
  std::string_view code;
  dtype type;
};
inline constexpr std::array<safetensors_type, 10> safetensors_types{{{"BOOL", dtype::boolean},
                                                                     {"U8", dtype::u8},
                                                                     {"I8", dtype::i8},
                                                                     {"I16", dtype::i16},
                                                                     {"I32", dtype::i32},
                                                                     {"I64", dtype::i64},
                                                                     {"F16", dtype::f16},
                                                                     {"BF16", dtype::bf16},
                                                                     {"F32", dtype::f32},
                                                                     {"F64", dtype::f64}}};

// Reads one {"dtype", "shape", "data_offsets"} object into `t` (without bytes) and returns its offsets; `wrong` throws.
template <class Wrong>
byte_range parse_slot(const json_value& info, tensor& t, const Wrong& wrong) {
  using kind = json_value::kind;
  const json_value *type = info.find("dtype"), *shape = info.find("shape"), *offsets = info.find("data_offsets");
  if (info.type != kind::object || info.keys.size() != 3 || !type || !shape || !offsets)
    wrong("must have exactly dtype, shape and data_offsets");
  if (type->type != kind::text || shape->type != kind::array || offsets->type != kind::array || offsets->items.size() != 2)
    wrong("has a dtype, shape or data_offsets of a wrong kind");
  const auto* known = safetensors_types.begin();
  while (known != safetensors_types.end() && known->code != type->text) ++known;
  if (known == safetensors_types.end()) wrong("has dtype " + printable(type->text) + ", which is not read; convert it to F32");
  t.type = known->type;
  for (const json_value& e : shape->items) {
    std::uint64_t extent;
    if (!e.to_unsigned(extent) || extent > static_cast<std::uint64_t>(std::numeric_limits<dim_t>::max()))
      wrong("has an extent that is no non-negative 64-bit integer");
    t.shape.push_back(static_cast<dim_t>(extent));
  }
  if (t.shape.size() > 64) wrong("has more than 64 axes");
  byte_range s;
  if (!offsets->items[0].to_unsigned(s.first) || !offsets->items[1].to_unsigned(s.second) || s.first > s.second)
    wrong("has data_offsets that are no ascending pair of integers");
  const auto size = checked_bytes(t.shape, t.type);
  if (!size || *size != s.second - s.first)
    wrong("of shape " + shape_string(t.shape) + " and type " + name_of(t.type) + " does not fit its " +
          std::to_string(s.second - s.first) + " bytes");
  return s;
}

}  // namespace detail

// Reads a file that lies in memory. The tensors must cover the buffer without holes or overlaps. Throws avss::error.
inline safetensors_file parse_safetensors(byte_span bytes, const std::string& origin) {
  const auto damaged = [&](const auto&... parts) {
    fail(origin, ": damaged safetensors file: ", parts..., "; copy or download the file again");
  };
  if (bytes.size() < 8) damaged("only ", bytes.size(), " bytes");
  const auto length = load_le<std::uint64_t>(bytes.data());
  if (length > detail::longest_safetensors_header) damaged("a header of ", length, " bytes, at most 100000000 are allowed");
  if (!in_range(8, length, bytes.size())) damaged("its header of ", length, " bytes is cut off");
  const std::string_view text = as_text(bytes.subspan(8, length));
  if (!text.starts_with('{')) damaged("its header does not start with '{'");
  const json_value header = strict_json::parse(text, origin);
  const byte_span buffer = bytes.subspan(8 + length);

  safetensors_file file;
  std::vector<byte_range> slots;
  for (std::size_t i = 0; i < header.items.size(); ++i) {
    const std::string& name = header.keys[i];
    const json_value& info = header.items[i];
    if (name == "__metadata__") {
      if (info.type != json_value::kind::object) damaged("__metadata__ is no object");
      for (std::size_t k = 0; k < info.items.size(); ++k) {
        if (info.items[k].type != json_value::kind::text) damaged("__metadata__ must map strings to strings");
        file.metadata.emplace_back(info.keys[k], info.items[k].text);
      }
      continue;
    }
    tensor t;
    slots.push_back(
        detail::parse_slot(info, t, [&](const std::string& how) { damaged("tensor ", printable(name), " ", how); }));
    file.tensors.add(name, std::move(t));
  }

  std::vector<byte_range> order = slots;
  std::sort(order.begin(), order.end());
  std::uint64_t covered = 0;
  for (const byte_range& r : order) {
    if (r.first != covered) {
      const auto i = static_cast<std::size_t>(std::find(slots.begin(), slots.end(), r) - slots.begin());
      damaged("tensor ", printable(file.tensors.entries[i].name), " starts at byte ", r.first, " of the buffer where ", covered,
              " is expected (a hole or an overlap)");
    }
    covered = r.second;
  }
  if (covered != buffer.size()) damaged("its tensors cover ", covered, " of ", buffer.size(), " bytes of the buffer");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const byte_span part = buffer.subspan(slots[i].first, slots[i].second - slots[i].first);
    file.tensors.entries[i].value.bytes.assign(part.begin(), part.end());
  }
  return file;
}

inline safetensors_file read_safetensors(const std::string& path) { return parse_safetensors(read_file(path), path); }

// Writes the file whole or not at all; equal contents give equal bytes. Wide element types come first, which keeps every
// tensor aligned in a mapped file.
inline void write_safetensors(const std::string& path, const tensor_dict& tensors,
                              const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
  std::vector<const named_tensor*> order;
  for (std::size_t width : {8, 4, 2, 1})
    for (const named_tensor& e : tensors.entries)
      if (bytes_of(e.value.type) == width) order.push_back(&e);
  std::string header = "{", comma;
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, text] : metadata) {
      header += comma + json_quoted(key) + ":" + json_quoted(text);
      comma = ",";
    }
    header += "}";
  }
  std::uint64_t at = 0;
  for (const named_tensor* e : order) {
    const auto size = checked_bytes(e->value.shape, e->value.type);
    if (!size || *size != e->value.bytes.size())
      fail(path, ": tensor ", printable(e->name), " of shape ", shape_string(e->value.shape), " has ", e->value.bytes.size(),
           " bytes");
    if (e->name == "__metadata__") fail(path, ": no tensor of a safetensors file may be called __metadata__; rename it");
    const auto* known = detail::safetensors_types.begin();
    while (known->type != e->value.type) ++known;
    header += comma + json_quoted(e->name) + ":{\"dtype\":\"" + std::string(known->code) + "\",\"shape\":[";
    for (std::size_t a = 0; a < e->value.shape.size(); ++a) {
      header += a ? "," : "";
      header += std::to_string(e->value.shape[a]);
    }
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + *size) + "]}";
    at += *size;
    comma = ",";
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > detail::longest_safetensors_header) fail(path, ": a safetensors header must not exceed 100000000 bytes");
  // What cannot be read back (names that are no UTF-8, twice the same name) must not be written.
  strict_json::parse(header, path);
  atomic_file file(path);
  std::string length;
  store_le<std::uint64_t>(length, header.size());
  file.write(length);
  file.write(header);
  for (const named_tensor* e : order) file.write(byte_span(e->value.bytes));
  file.commit();
}

}  // namespace avss
