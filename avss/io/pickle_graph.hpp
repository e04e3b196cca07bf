// What a pickle holds, as inert nodes: names of classes and functions stay names, a call stays a callee with its arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// A node may be reached in several ways and from itself: whoever walks the graph must expect cycles.
struct pickle_node {
  enum class kind : std::uint8_t {
    none,
    boolean,      // integer is 0 or 1
    integer,      // integer
    big_integer,  // text: little-endian two's complement, wider than 64 bits
    real,         // real
    text,         // text, as in the file
    bytes,        // text
    list,         // items
    tuple,        // items
    set,          // items
    dict,         // items: key, value, key, value ...
    global,       // text: "module name"
    object,       // callee(args); state from BUILD; items appended; fields set: key, value, ...
    persistent,   // callee: the id, a tuple in PyTorch's files
  };
  kind type = kind::none;
  bool ordered = false;  // a dict that was an OrderedDict
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<const pickle_node*> items, fields;
  const pickle_node *callee = nullptr, *args = nullptr, *state = nullptr;

  bool is_global(std::string_view name) const { return type == kind::global && text == name; }
};

// One pickle, with its nodes. Moving it keeps the nodes where they are.
class pickle_graph {
 public:
  const pickle_node* root = nullptr;

  // Calls f(node) for every node, in the order of the stream.
  template <class F>
  void each(const F& f) const {
    for (const auto& n : nodes_) f(std::as_const(*n));
  }

 private:
  friend class pickle_reader;
  std::vector<std::unique_ptr<pickle_node>> nodes_;
};

}  // namespace avss
