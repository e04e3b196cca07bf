// From the graph of a pickle to a plain tree: PyTorch's tensors and OmegaConf's containers are recognised by name and
// shape, everything else that is not a basic type becomes an opaque value.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/function_ref.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/pickle_graph.hpp>
#include <avss/io/place_index.hpp>
#include <avss/io/printable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// What a persistent id of a PyTorch file names.
struct storage_id {
  std::string key;
  dtype type = dtype::f32;
  std::uint64_t count = 0;        // elements
  std::uint64_t view_offset = 0;  // legacy views of storages, in elements
  std::optional<std::uint64_t> view_count;
};

struct storage_bytes {
  byte_span bytes;
  std::shared_ptr<const void> owner;
};

namespace detail {

struct torch_type {
  std::string_view storage, name;  // "torch FloatStorage", "torch float32"
  dtype type;
};
inline constexpr torch_type torch_types[] = {
    {"torch FloatStorage", "torch float32", dtype::f32}, {"torch DoubleStorage", "torch float64", dtype::f64},
    {"torch HalfStorage", "torch float16", dtype::f16},  {"torch BFloat16Storage", "torch bfloat16", dtype::bf16},
    {"torch LongStorage", "torch int64", dtype::i64},    {"torch IntStorage", "torch int32", dtype::i32},
    {"torch ShortStorage", "torch int16", dtype::i16},   {"torch CharStorage", "torch int8", dtype::i8},
    {"torch ByteStorage", "torch uint8", dtype::u8},     {"torch BoolStorage", "torch bool", dtype::boolean},
    {"torch.storage UntypedStorage", "", dtype::u8},     {"torch UntypedStorage", "", dtype::u8}};

}  // namespace detail

// Translates nodes into values. Each node once, so shared parts stay shared and the work is linear; what closes a cycle or
// lies deeper than 200 levels becomes an opaque value. `fetch` gives the bytes of a storage.
class pickle_translator {
 public:
  using fetcher = function_ref<storage_bytes(const storage_id&)>;  // must outlive the translator

  pickle_translator(std::string origin, fetcher fetch) : origin_(std::move(origin)), fetch_(fetch) {}

  checkpoint_value translate(const pickle_node& node) { return walk(node, 0); }

  // The parts of a persistent id, or nothing where it is none of PyTorch's or its element type is not known here.
  static std::optional<storage_id> parse_id(const pickle_node& persistent) {
    const pickle_node* id = persistent.type == kind::persistent ? persistent.callee : nullptr;
    if (!id || id->type != kind::tuple || id->items.size() < 5 || id->items[0]->text != "storage") return std::nullopt;
    const auto& f = id->items;
    if (f[1]->type != kind::global || f[2]->type != kind::text || f[2]->text.size() > 256 || f[4]->type != kind::integer ||
        f[4]->integer < 0)
      return std::nullopt;
    for (const detail::torch_type& t : detail::torch_types)
      if (f[1]->text == t.storage) {
        storage_id s{f[2]->text, t.type, static_cast<std::uint64_t>(f[4]->integer), 0, std::nullopt};
        if (f.size() > 5 && f[5]->type == kind::tuple) {
          const auto& v = f[5]->items;
          if (v.size() != 3 || v[1]->type != kind::integer || v[2]->type != kind::integer || v[1]->integer < 0 ||
              v[2]->integer < 0)
            return std::nullopt;
          s.view_offset = static_cast<std::uint64_t>(v[1]->integer);
          s.view_count = static_cast<std::uint64_t>(v[2]->integer);
        }
        return s;
      }
    return std::nullopt;
  }

 private:
  using kind = pickle_node::kind;
  static constexpr int deepest = 200;

  [[noreturn]] void bad(const std::string& why) const {
    fail(origin_, ": damaged PyTorch file: ", why, "; save or download it again");
  }

  checkpoint_value walk(const pickle_node& n, int depth) {
    switch (n.type) {
      case kind::none: return {};
      case kind::boolean: return n.integer != 0;
      case kind::integer: return n.integer;
      case kind::big_integer: return checkpoint_value::opaque("int");
      case kind::real: return n.real;
      default: break;
    }
    if (const std::size_t known = places_.find(&n); known != object_index::none) return done_[known];
    if (depth >= deepest) return checkpoint_value::opaque("nested too deeply");
    const std::size_t place = done_.size();
    places_.add(&n, place);
    done_.push_back(checkpoint_value::opaque("cycle"));
    checkpoint_value v = compound(n, depth + 1);
    // Shared parts can pile up to more levels than any one walk; whoever recurses over a value relies on the bound.
    if (v.height() > deepest) v = checkpoint_value::opaque("nested too deeply");
    done_[place] = v;
    return v;
  }

  checkpoint_value compound(const pickle_node& n, int depth) {
    switch (n.type) {
      case kind::text: return n.text;
      case kind::bytes: return checkpoint_value::opaque("bytes", {n.text});
      case kind::global: return checkpoint_value::opaque(n.text);
      case kind::list: return checkpoint_value::list(all(n.items, depth));
      case kind::tuple: return checkpoint_value::tuple(all(n.items, depth));
      case kind::set: return checkpoint_value::opaque("set", all(n.items, depth));
      case kind::dict: {
        checkpoint_value d = checkpoint_value::dict(pairs(n.items, depth));
        return n.ordered ? d.as_ordered() : d;
      }
      case kind::persistent: return checkpoint_value::opaque("storage");
      default: return object(n, depth);
    }
  }

  std::vector<checkpoint_value> all(const std::vector<const pickle_node*>& nodes, int depth) {
    std::vector<checkpoint_value> values;
    values.reserve(nodes.size());
    for (const pickle_node* n : nodes) values.push_back(walk(*n, depth));
    return values;
  }
  // As Python does, a key that is set again keeps its place and takes the new value.
  std::vector<checkpoint_value::field> pairs(const std::vector<const pickle_node*>& nodes, int depth) {
    std::vector<checkpoint_value::field> fields;
    name_index places;
    for (std::size_t i = 0; i + 1 < nodes.size(); i += 2) {
      if (nodes[i]->type == kind::text && nodes[i]->text.size() < 1024) {  // hashing must stay cheap
        if (!places.add(nodes[i]->text, fields.size())) {
          fields[places.find(nodes[i]->text)].second = walk(*nodes[i + 1], depth);
          continue;
        }
      }
      checkpoint_value key = walk(*nodes[i], depth);
      fields.emplace_back(std::move(key), walk(*nodes[i + 1], depth));
    }
    return fields;
  }

  checkpoint_value object(const pickle_node& n, int depth) {
    const std::string_view name = n.callee->type == kind::global ? std::string_view(n.callee->text) : "";
    const auto& args = n.args->items;
    if (name.starts_with("torch._utils _rebuild_tensor") && n.args->type == kind::tuple) return rebuilt(name, args);
    if (name.starts_with("torch._utils _rebuild_parameter") && !args.empty()) return walk(*args[0], depth);
    // Subclasses of Tensor: (function, class, arguments of the function, state).
    if (name == "torch._tensor _rebuild_from_type_v2" && args.size() >= 3 && args[0]->type == kind::global &&
        args[0]->text.starts_with("torch._utils _rebuild_tensor") && args[2]->type == kind::tuple)
      return rebuilt(args[0]->text, args[2]->items);
    if (name.starts_with("omegaconf.") && n.state && n.state->type == kind::dict)
      for (std::string_view part : {"_content", "_val"})
        if (const pickle_node* held = entry(*n.state, part)) return walk(*held, depth);

    std::vector<checkpoint_value> items{walk(*n.args, depth), n.state ? walk(*n.state, depth) : checkpoint_value()};
    for (const pickle_node* e : n.items) items.push_back(walk(*e, depth));
    return checkpoint_value::opaque(name.empty() ? "call" : std::string(name), std::move(items), pairs(n.fields, depth));
  }

  static const pickle_node* entry(const pickle_node& dict, std::string_view key) {
    // These states have a handful of entries; many objects could share one of millions.
    for (std::size_t i = 0; i + 1 < dict.items.size() && i < 64; i += 2)
      if (dict.items[i]->type == kind::text && dict.items[i]->text == key) return dict.items[i + 1];
    return nullptr;
  }

  std::vector<dim_t> integers(const pickle_node& n, const char* what) const {
    if (n.type != kind::tuple && n.type != kind::list) bad(std::string("a tensor's ") + what + " is no tuple");
    if (n.items.size() > 64) bad("a tensor has more than 64 axes");
    std::vector<dim_t> out;
    for (const pickle_node* e : n.items) {
      if (e->type != kind::integer || e->integer < 0) bad(std::string("a tensor's ") + what + " is negative or no integer");
      out.push_back(e->integer);
    }
    return out;
  }

  // _rebuild_tensor(storage, offset, size, stride), _v2 with three or four arguments more, _v3 with a dtype of its own.
  checkpoint_value rebuilt(std::string_view function, const std::vector<const pickle_node*>& args) {
    const bool v3 = function.ends_with("_v3");
    if (!v3 && !function.ends_with("_v2") && !function.ends_with("_rebuild_tensor"))
      return checkpoint_value::opaque(std::string(function));
    if (args.size() < (v3 ? 7u : 4u)) bad("a tensor with too few arguments");
    if (args[0]->type != kind::persistent) bad("a tensor without a storage");
    std::optional<storage_id> id = parse_id(*args[0]);
    // Element types that tensor lacks (complex, quantised) are nobody's weights here.
    if (!id) return checkpoint_value::opaque(std::string(function));
    stored_tensor t;
    t.type = id->type;
    if (v3) {
      const auto* known = std::begin(detail::torch_types);
      while (known != std::end(detail::torch_types) && !args[6]->is_global(known->name)) ++known;
      if (known == std::end(detail::torch_types)) return checkpoint_value::opaque(std::string(function));
      t.type = known->type;
    }
    if (args[1]->type != kind::integer || args[1]->integer < 0) bad("a tensor's offset is negative or no integer");
    t.offset = static_cast<std::uint64_t>(args[1]->integer);
    t.shape = integers(*args[2], "size");
    t.strides = integers(*args[3], "stride");
    const storage_bytes s = fetch_(*id);
    t.storage = s.bytes;
    t.owner = s.owner;
    check_view(t);
    return t;
  }

  // Every element inside the storage; and a view that repeats elements (stride 0) must not unfold to much more than is there.
  void check_view(const stored_tensor& t) const {
    const auto wrong = [&] {
      bad("a tensor of shape " + shape_string(t.shape) + ", strides " + shape_string(t.strides) + ", offset " +
          std::to_string(t.offset) + " reaches past its storage of " + std::to_string(t.storage.size()) + " bytes");
    };
    if (t.shape.size() != t.strides.size()) bad("a tensor's size and stride differ in length");
    const auto size = checked_bytes(t.shape, t.type);
    if (!size) wrong();
    if (*size == 0) return;
    std::uint64_t last = t.offset;
    for (std::size_t a = 0; a < t.shape.size(); ++a) {
      const auto reach = checked_mul(static_cast<std::uint64_t>(t.shape[a] - 1), static_cast<std::uint64_t>(t.strides[a]));
      const auto sum = reach ? checked_add(last, *reach) : std::nullopt;
      if (!sum) wrong();
      last = *sum;
    }
    if (last >= t.storage.size() / bytes_of(t.type)) wrong();
    if (*size > std::uint64_t{1} << 20 && *size / 64 > t.storage.size()) bad("a tensor repeats its storage more than 64 times");
  }

  std::string origin_;
  fetcher fetch_;
  object_index places_;
  std::vector<checkpoint_value> done_;
};

}  // namespace avss
