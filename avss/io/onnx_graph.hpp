// ONNX files: the nodes of their graph, and the tensors that are stored in them (onnx.proto3 of github.com/onnx/onnx; the
// encoding is Protocol Buffers').
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/tensor.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct onnx_node {
  std::string op;  // "Conv"
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::vector<std::int64_t>> integers;  // attributes
  std::map<std::string, double> reals;
  std::map<std::string, std::string> texts;
};

struct onnx_graph {
  std::vector<onnx_node> nodes;           // in the order of the file, in which they can be run
  std::map<std::string, tensor> tensors;  // initialisers, and what Constant nodes hold
};

namespace detail {

// The fields of one message, in their order.
class proto_message {
 public:
  proto_message(byte_span bytes, const std::string& origin) : in_(bytes, origin, "ONNX file"), origin_(origin) {}

  // Goes to the next field; false at the end.
  bool next() {
    if (in_.remaining() == 0) return false;
    const std::uint64_t key = read_varint();
    field_ = key >> 3;
    switch (key & 7) {
      case 0: number_ = read_varint(), bytes_ = {}; break;
      case 1: number_ = in_.read<std::uint64_t>(), bytes_ = {}; break;
      case 2: bytes_ = in_.take(read_varint()), number_ = 0; break;
      case 5: number_ = in_.read<std::uint32_t>(), bytes_ = {}; break;
      default: damaged();
    }
    wire_ = static_cast<int>(key & 7);
    return true;
  }

  std::uint64_t field() const { return field_; }
  std::int64_t integer() const {
    if (wire_ != 0) damaged();
    return static_cast<std::int64_t>(number_);
  }
  float real() const {
    if (wire_ != 5) damaged();
    return std::bit_cast<float>(static_cast<std::uint32_t>(number_));
  }
  byte_span bytes() const {
    if (wire_ != 2) damaged();
    return bytes_;
  }
  std::string text() const { return std::string(as_text(bytes())); }

  // Of a repeated field, either this one value or all of them in a row.
  void append_to(std::vector<std::int64_t>& all) const {
    if (wire_ != 2) return all.push_back(integer());
    for (proto_message packed(bytes_, origin_); packed.in_.remaining() > 0;)
      all.push_back(static_cast<std::int64_t>(packed.read_varint()));
  }
  void append_to(std::vector<float>& all) const {
    if (wire_ != 2) return all.push_back(real());
    if (bytes_.size() % sizeof(float) != 0) damaged();
    for (std::size_t i = 0; i < bytes_.size(); i += sizeof(float)) all.push_back(load_le<float>(bytes_.data() + i));
  }

  [[noreturn]] void damaged() const { fail(origin_, ": is no ONNX file, or is damaged; copy or download it again"); }

 private:
  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = in_.read<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    damaged();
  }

  byte_cursor in_;
  const std::string& origin_;
  std::uint64_t field_ = 0, number_ = 0;
  int wire_ = 0;
  byte_span bytes_;
};

inline std::optional<dtype> onnx_type(std::int64_t number) {
  switch (number) {
    case 1: return dtype::f32;
    case 6: return dtype::i32;
    case 7: return dtype::i64;
    case 9: return dtype::boolean;
    case 10: return dtype::f16;
    case 11: return dtype::f64;
    default: return std::nullopt;
  }
}

// A TensorProto with its name.
inline named_tensor read_onnx_tensor(byte_span bytes, const std::string& origin) {
  named_tensor t;
  std::int64_t type = 0;
  std::vector<std::int64_t> extents, integers, small;  // small: whole numbers of less than 64 bits
  std::vector<float> reals;
  std::string packed;
  byte_span raw;
  bool elsewhere = false;
  for (proto_message m(bytes, origin); m.next();) switch (m.field()) {
      case 1: m.append_to(extents); break;
      case 2: type = m.integer(); break;
      case 4: m.append_to(reals); break;
      case 5: m.append_to(small); break;
      case 7: m.append_to(integers); break;
      case 8: t.name = m.text(); break;
      case 9: raw = m.bytes(); break;
      case 10: raw = m.bytes(); break;  // doubles in a row
      case 14: elsewhere = m.integer() != 0; break;
      default: break;
    }
  const auto refuse = [&](const char* why) { fail(origin, ": tensor ", printable(t.name), " ", why); };
  if (elsewhere) refuse("lies in another file; save the network as one file");
  const std::optional<dtype> known = onnx_type(type);
  if (!known) refuse("has a type of numbers that is not known; expected float, double, float16 or whole numbers");
  t.value.type = *known;
  t.value.shape.assign(extents.begin(), extents.end());
  const std::optional<std::uint64_t> size = checked_bytes(t.value.shape, *known);
  for (const std::int64_t v : small) packed.append(reinterpret_cast<const char*>(&v), bytes_of(*known));
  if (!small.empty()) raw = as_bytes_of(packed);
  if (!reals.empty()) raw = std::as_bytes(std::span<const float>(reals));
  if (!integers.empty()) raw = std::as_bytes(std::span<const std::int64_t>(integers));
  if (!size || *size != raw.size()) refuse("holds another number of values than its shape says: the file is damaged");
  t.value.bytes.assign(raw.begin(), raw.end());
  return t;
}

// An AttributeProto of `node`; a Constant's tensor goes to the graph.
inline void read_onnx_attribute(byte_span bytes, const std::string& origin, onnx_node& node, onnx_graph& graph) {
  std::string name;
  std::vector<std::int64_t> integers;
  std::optional<double> real;
  std::optional<std::string> text;
  std::optional<named_tensor> constant;
  for (proto_message m(bytes, origin); m.next();) switch (m.field()) {
      case 1: name = m.text(); break;
      case 2: real = m.real(); break;
      case 3: integers = {m.integer()}; break;
      case 4: text = m.text(); break;
      case 5: constant = read_onnx_tensor(m.bytes(), origin); break;
      case 8: m.append_to(integers); break;
      default: break;
    }
  if (!integers.empty()) node.integers[name] = std::move(integers);
  if (real) node.reals[name] = *real;
  if (text) node.texts[name] = std::move(*text);
  if (constant && node.outputs.size() == 1) graph.tensors[node.outputs[0]] = std::move(constant->value);
}

inline void read_onnx_node(byte_span bytes, const std::string& origin, onnx_graph& graph) {
  onnx_node node;
  for (proto_message m(bytes, origin); m.next();) switch (m.field()) {
      case 1: node.inputs.push_back(m.text()); break;
      case 2: node.outputs.push_back(m.text()); break;
      case 4: node.op = m.text(); break;
      default: break;
    }
  for (proto_message m(bytes, origin); m.next();)  // outputs are known now
    if (m.field() == 5) read_onnx_attribute(m.bytes(), origin, node, graph);
  graph.nodes.push_back(std::move(node));
}

}  // namespace detail

// Throws error for what is no ONNX file of one piece; `origin` is for messages. Nothing is run, and what nodes mean is not
// looked at.
inline onnx_graph parse_onnx(byte_span bytes, const std::string& origin) {
  onnx_graph graph;
  for (detail::proto_message model(bytes, origin); model.next();) {
    if (model.field() != 7) continue;
    for (detail::proto_message m(model.bytes(), origin); m.next();) {
      if (m.field() == 1) detail::read_onnx_node(m.bytes(), origin, graph);
      if (m.field() != 5) continue;
      named_tensor t = detail::read_onnx_tensor(m.bytes(), origin);
      graph.tensors[t.name] = std::move(t.value);
    }
  }
  if (graph.nodes.empty()) fail(origin, ": is no ONNX file, or an empty one: it has no nodes");
  return graph;
}

inline onnx_graph read_onnx(const std::string& path) { return parse_onnx(read_file(path), path); }

}  // namespace avss
