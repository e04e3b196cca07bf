// What checkpoints hold besides weights: plain trees of Python's basic types, with tensors as leaves.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// A strided window into a storage that several tensors may share. Whoever makes one has checked that every element that
// it reaches lies inside the storage.
struct stored_tensor {
  dtype type = dtype::f32;
  std::vector<dim_t> shape, strides;  // strides in elements, not negative
  std::uint64_t offset = 0;           // of the first element, in elements
  byte_span storage;
  std::shared_ptr<const void> owner;  // keeps the storage alive

  // The elements in place where they lie in row-major order without gaps; nothing otherwise.
  std::optional<byte_span> dense() const {
    dim_t count = 1;
    bool contiguous = true;
    for (std::size_t a = shape.size(); a-- > 0; count *= shape[a])
      contiguous = contiguous && (shape[a] == 1 || strides[a] == count);
    const std::size_t width = bytes_of(type);
    if (count == 0) return byte_span();
    if (!contiguous) return std::nullopt;
    return storage.subspan(offset * width, static_cast<std::size_t>(count) * width);
  }

  // A row-major copy.
  tensor load() const {
    tensor t{type, shape, {}};
    if (const auto bytes = dense()) {
      t.bytes.assign(bytes->begin(), bytes->end());
      return t;
    }
    const std::size_t width = bytes_of(type), total = static_cast<std::size_t>(t.size()) * width;
    t.bytes.resize(total);
    const std::byte* from = storage.data() + offset * width;
    std::vector<dim_t> index(shape.size(), 0);
    std::size_t at = 0;
    for (std::size_t to = 0; to < total; to += width) {
      std::memcpy(t.bytes.data() + to, from + at * width, width);
      for (std::size_t a = shape.size(); a-- > 0;) {  // the next index, last axis fastest
        at += static_cast<std::size_t>(strides[a]);
        if (++index[a] < shape[a]) break;
        at -= static_cast<std::size_t>(strides[a] * index[a]);
        index[a] = 0;
      }
    }
    return t;
  }
};

// An immutable tree, cheap to copy. Without cycles.
class checkpoint_value {
 public:
  enum class kind : std::uint8_t { none, boolean, integer, real, text, list, tuple, dict, tensor, opaque };
  using field = std::pair<checkpoint_value, checkpoint_value>;

  checkpoint_value() = default;
  checkpoint_value(bool v) : type_(kind::boolean), integer_(v) {}          // NOLINT(google-explicit-constructor)
  checkpoint_value(int v) : type_(kind::integer), integer_(v) {}           // NOLINT(google-explicit-constructor)
  checkpoint_value(std::int64_t v) : type_(kind::integer), integer_(v) {}  // NOLINT(google-explicit-constructor)
  checkpoint_value(double v) : type_(kind::real), real_(v) {}              // NOLINT(google-explicit-constructor)
  checkpoint_value(const char* v) : checkpoint_value(std::string(v)) {}    // NOLINT(google-explicit-constructor)
  checkpoint_value(std::string v)
      : checkpoint_value(node(kind::text, std::move(v), {}, {})) {}           // NOLINT(google-explicit-constructor)
  checkpoint_value(std::string_view v) : checkpoint_value(std::string(v)) {}  // NOLINT(google-explicit-constructor)
  checkpoint_value(stored_tensor v)                                           // NOLINT(google-explicit-constructor)
      : type_(kind::tensor), tensor_(std::make_shared<const stored_tensor>(std::move(v))) {}
  checkpoint_value(tensor v) : type_(kind::tensor) {  // NOLINT(google-explicit-constructor)
    const auto size = checked_bytes(v.shape, v.type);
    if (!size || *size != v.bytes.size())
      fail("a tensor of shape ", shape_string(v.shape), " of ", name_of(v.type), " has ", v.bytes.size(), " bytes");
    auto held = std::make_shared<const avss::tensor>(std::move(v));
    stored_tensor s{held->type, held->shape, {}, 0, held->bytes, held};
    s.strides.assign(s.shape.size(), 1);
    for (std::size_t a = s.shape.size(); a-- > 1;) s.strides[a - 1] = s.strides[a] * std::max<dim_t>(s.shape[a], 1);
    tensor_ = std::make_shared<const stored_tensor>(std::move(s));
  }

  static checkpoint_value list(std::vector<checkpoint_value> items) { return node(kind::list, {}, std::move(items), {}); }
  static checkpoint_value tuple(std::vector<checkpoint_value> items) { return node(kind::tuple, {}, std::move(items), {}); }
  static checkpoint_value dict(std::vector<field> fields) { return node(kind::dict, {}, {}, std::move(fields)); }
  // Something of a class that is not known here. items: its arguments (a tuple), its state (none where it has none), then
  // the elements appended to it; fields: the keys set in it.
  static checkpoint_value opaque(std::string name, std::vector<checkpoint_value> items = {}, std::vector<field> fields = {}) {
    return node(kind::opaque, std::move(name), std::move(items), std::move(fields));
  }
  // A dict of tensors, written as an OrderedDict. Takes the tensors without copying their bytes.
  static checkpoint_value state_dict(tensor_dict tensors) {
    std::vector<field> fields;
    fields.reserve(tensors.entries.size());
    for (named_tensor& e : tensors.entries) fields.emplace_back(std::move(e.name), std::move(e.value));
    return dict(std::move(fields)).as_ordered();
  }

  kind type() const { return type_; }
  bool is_none() const { return type_ == kind::none; }
  bool is_dict() const { return type_ == kind::dict; }
  bool is_tensor() const { return type_ == kind::tensor; }
  bool is_text() const { return type_ == kind::text; }
  bool ordered() const { return ordered_; }

  std::optional<bool> boolean() const { return type_ == kind::boolean ? std::optional(integer_ != 0) : std::nullopt; }
  std::optional<std::int64_t> integer() const { return type_ == kind::integer ? std::optional(integer_) : std::nullopt; }
  // An integer or a float.
  std::optional<double> number() const {
    if (type_ == kind::real) return real_;
    return type_ == kind::integer ? std::optional(static_cast<double>(integer_)) : std::nullopt;
  }
  // The string, or the class name of an opaque value; empty otherwise.
  const std::string& text() const {
    static const std::string nothing;
    return node_ ? node_->name : nothing;
  }
  // Levels below this one: 0 for a leaf.
  int height() const { return node_ ? node_->height : 0; }
  const stored_tensor* tensor_view() const { return tensor_.get(); }

  // Elements of a list or tuple, parts of an opaque value; empty otherwise.
  std::span<const checkpoint_value> items() const {
    return node_ ? std::span<const checkpoint_value>(node_->items) : std::span<const checkpoint_value>();
  }
  // Keys and values of a dict or opaque value; empty otherwise.
  std::span<const field> fields() const { return node_ ? std::span<const field>(node_->fields) : std::span<const field>(); }

  // The value under that string key, or nullptr. An opaque value is searched in its fields, then in its state.
  const checkpoint_value* find(std::string_view key) const;

  checkpoint_value as_ordered() const {
    checkpoint_value v = *this;
    v.ordered_ = true;
    return v;
  }

 private:
  struct inner {
    std::string name;
    std::vector<checkpoint_value> items;
    std::vector<field> fields;
    int height = 0;
  };
  static checkpoint_value node(kind type, std::string name, std::vector<checkpoint_value> items, std::vector<field> fields);

  kind type_ = kind::none;
  bool ordered_ = false;
  std::int64_t integer_ = 0;
  double real_ = 0;
  std::shared_ptr<const inner> node_;
  std::shared_ptr<const stored_tensor> tensor_;
};

inline checkpoint_value checkpoint_value::node(kind type, std::string name, std::vector<checkpoint_value> items,
                                               std::vector<field> fields) {
  checkpoint_value v;
  v.type_ = type;
  int height = 0;
  for (const checkpoint_value& i : items) height = std::max(height, i.height() + 1);
  for (const field& f : fields) height = std::max({height, f.first.height() + 1, f.second.height() + 1});
  v.node_ = std::make_shared<const inner>(inner{std::move(name), std::move(items), std::move(fields), height});
  return v;
}

inline const checkpoint_value* checkpoint_value::find(std::string_view key) const {
  for (const field& f : fields())
    if (f.first.type_ == kind::text && f.first.text() == key) return &f.second;
  if (type_ == kind::opaque && items().size() > 1) return items()[1].find(key);
  return nullptr;
}

}  // namespace avss
