// Python pickles, read without running anything: the stream becomes a graph of inert nodes. Source: pickletools'
// description of the opcodes.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/pickle_graph.hpp>
#include <avss/io/printable.hpp>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct pickle_limits {
  std::size_t nodes = 2'000'000;   // 136 bytes each; also the highest memo index
  std::size_t copied = 8'000'000;  // elements that list(x), dict(x) and the like may copy
};

// The stack machine. Protocols 0 to 5 as far as their binary opcodes go. Throws avss::error, "ORIGIN: damaged pickle ...".
class pickle_reader {
 public:
  // Reads one pickle up to its STOP and moves `in` behind it.
  static pickle_graph read(byte_cursor& in, const std::string& origin, pickle_limits limits = {}) {
    pickle_reader machine(in, origin, limits);
    machine.run();
    return std::move(machine.graph_);
  }

 private:
  using kind = pickle_node::kind;

  pickle_reader(byte_cursor& in, const std::string& origin, pickle_limits limits) : in_(in), origin_(origin), limits_(limits) {}

  [[noreturn]] void bad(const std::string& why) const {
    fail(origin_, ": damaged pickle: ", why, " at byte ", in_.position(), "; save or download the file again");
  }

  // ---- nodes, stack, memo ----
  pickle_node* make(kind type) {
    if (graph_.nodes_.size() >= limits_.nodes) bad("more than " + std::to_string(limits_.nodes) + " objects");
    pickle_node& n = *graph_.nodes_.emplace_back(std::make_unique<pickle_node>());
    n.type = type;
    return &n;
  }
  void push(pickle_node* n) { stack_.push_back(n); }
  void push_integer(std::int64_t v, kind type = kind::integer) {
    pickle_node* n = make(type);
    n->integer = v;
    push(n);
  }
  void push_text(kind type, std::uint64_t length) {
    pickle_node* n = make(type);
    n->text = as_text(in_.take(length));
    push(n);
  }
  // Nothing below the innermost mark may be popped, as in Python.
  pickle_node* pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) bad("the stack is empty");
    pickle_node* n = stack_.back();
    stack_.pop_back();
    return n;
  }
  pickle_node* top() {
    pickle_node* n = pop();
    push(n);
    return n;
  }
  std::vector<const pickle_node*> pop_to_mark() {
    if (marks_.empty()) bad("no mark");
    std::vector<const pickle_node*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  void get(std::uint64_t index) {
    if (index >= memo_.size() || !memo_[index]) bad("memo entry " + std::to_string(index) + " is not set");
    push(memo_[index]);
  }
  void put(std::uint64_t index) {
    if (index >= limits_.nodes) bad("memo index " + std::to_string(index));
    if (index >= memo_.size()) memo_.resize(index + 1);
    memorised_ += memo_[index] == nullptr;
    memo_[index] = top();
  }

  // ---- containers ----
  void push_container(kind type, std::vector<const pickle_node*> items) {
    pickle_node* n = make(type);
    n->items = std::move(items);
    push(n);
  }
  void append(std::vector<const pickle_node*> items) {
    pickle_node* to = top();
    if (to->type != kind::list && to->type != kind::set && to->type != kind::object) bad("elements added to what is no list");
    to->items.insert(to->items.end(), items.begin(), items.end());
  }
  void set_fields(std::vector<const pickle_node*> pairs) {
    pickle_node* to = top();
    if (to->type != kind::dict && to->type != kind::object) bad("keys set in what is no dict");
    if (pairs.size() % 2 != 0) bad("a key without a value");
    auto& fields = to->type == kind::dict ? to->items : to->fields;
    fields.insert(fields.end(), pairs.begin(), pairs.end());
  }

  // ---- calls that are never made ----
  std::string line() {
    std::string text;
    for (char c; (c = static_cast<char>(in_.read<std::uint8_t>())) != '\n';) text += c;
    return text;
  }
  void push_global(std::string module, const std::string& name) {
    // Real names are short; long ones could be repeated out of the memo until memory ends.
    if (module.size() + name.size() > 1000) bad("a class name of more than 1000 bytes");
    pickle_node* n = make(kind::global);
    n->text = std::move(module) + " " + name;
    push(n);
  }
  static bool is_one_of(const pickle_node& n, std::initializer_list<std::string_view> names) {
    for (std::string_view name : names)
      if (n.is_global(name)) return true;
    return false;
  }
  // Few bytes of stream can ask for the same large list again and again.
  const std::vector<const pickle_node*>& copied(const std::vector<const pickle_node*>& items) {
    copied_ += items.size();
    if (copied_ > limits_.copied) bad("too many elements copied");
    return items;
  }
  void push_call(pickle_node* callee, pickle_node* args) {
    const bool plain = args->type == kind::tuple && args->items.empty();
    const bool one = args->type == kind::tuple && args->items.size() == 1;
    const auto of_type = [&](kind t) { return one && args->items[0]->type == t; };
    if (is_one_of(*callee, {"collections OrderedDict", "__builtin__ dict", "builtins dict"}) &&
        (plain || of_type(kind::list))) {
      pickle_node* dict = make(kind::dict);
      dict->ordered = callee->text.starts_with("collections");
      if (one)
        for (const pickle_node* pair : copied(args->items[0]->items)) {
          if ((pair->type != kind::tuple && pair->type != kind::list) || pair->items.size() != 2) bad("an odd dict element");
          dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
        }
      return push(dict);
    }
    if (callee->is_global("collections defaultdict")) return push(make(kind::dict));
    if (is_one_of(*callee, {"__builtin__ list", "builtins list"}) && (plain || of_type(kind::list)))
      return push_container(kind::list, copied(plain ? args->items : args->items[0]->items));
    if (is_one_of(*callee, {"__builtin__ set", "builtins set", "__builtin__ frozenset", "builtins frozenset"}) &&
        (plain || of_type(kind::list)))
      return push_container(kind::set, copied(plain ? args->items : args->items[0]->items));
    if (callee->is_global("torch Size") && of_type(kind::tuple))
      return push_container(kind::tuple, copied(args->items[0]->items));
    pickle_node* object = make(kind::object);
    object->callee = callee;
    object->args = args;
    push(object);
  }
  void build() {
    const pickle_node* state = pop();
    pickle_node* to = top();
    // Attributes of a dict, such as a state_dict's _metadata, are of no use here.
    if (to->type == kind::object) to->state = state;
  }

  // ---- the machine ----
  void push_long(std::uint64_t length) {
    const std::string_view raw = as_text(in_.take(length));
    if (raw.size() > 8) {
      pickle_node* n = make(kind::big_integer);
      n->text = raw;
      return push(n);
    }
    std::uint64_t v = !raw.empty() && (raw.back() & 0x80) ? ~std::uint64_t{0} : 0;
    std::memcpy(&v, raw.data(), raw.size());
    push_integer(static_cast<std::int64_t>(v));
  }
  void push_real() {
    pickle_node* n = make(kind::real);
    n->real = std::bit_cast<double>(__builtin_bswap64(in_.read<std::uint64_t>()));
    push(n);
  }
  void push_tuple(std::size_t n) {
    std::vector<const pickle_node*> items(n);
    while (n-- > 0) items[n] = pop();
    push_container(kind::tuple, std::move(items));
  }
  std::uint64_t length4() { return in_.read<std::uint32_t>(); }
  std::uint64_t length1() { return in_.read<std::uint8_t>(); }

  void run() {
    for (;;) {
      const auto op = in_.read<std::uint8_t>();
      if (op == '.') break;
      if (!constant(op) && !structural(op)) bad("opcode " + std::to_string(op) + " is unknown or not read");
    }
    graph_.root = pop();
  }

  // Opcodes that push one thing out of the stream or the memo.
  bool constant(std::uint8_t op) {
    switch (op) {
      case 0x80:  // PROTO
        if (const auto protocol = in_.read<std::uint8_t>(); protocol > 5) bad("protocol " + std::to_string(protocol));
        return true;
      case 0x95: in_.take(8); return true;  // FRAME: a hint for buffering
      case 'N': push(make(kind::none)); return true;
      case 0x88: push_integer(1, kind::boolean); return true;
      case 0x89: push_integer(0, kind::boolean); return true;
      case 'J': push_integer(in_.read<std::int32_t>()); return true;
      case 'K': push_integer(in_.read<std::uint8_t>()); return true;
      case 'M': push_integer(in_.read<std::uint16_t>()); return true;
      case 0x8a: push_long(length1()); return true;
      case 0x8b: push_long(length4()); return true;
      case 'G': push_real(); return true;
      case 'X': push_text(kind::text, length4()); return true;
      case 0x8c: push_text(kind::text, length1()); return true;
      case 0x8d: push_text(kind::text, in_.read<std::uint64_t>()); return true;
      case 'T': push_text(kind::text, length4()); return true;  // str of Python 2
      case 'U': push_text(kind::text, length1()); return true;
      case 'B': push_text(kind::bytes, length4()); return true;
      case 'C': push_text(kind::bytes, length1()); return true;
      case 0x8e:
      case 0x96: push_text(kind::bytes, in_.read<std::uint64_t>()); return true;
      case 'h': get(length1()); return true;
      case 'j': get(length4()); return true;
      case 'c': {
        std::string module = line();
        push_global(std::move(module), line());
        return true;
      }
      case ']': push(make(kind::list)); return true;
      case '}': push(make(kind::dict)); return true;
      case ')': push(make(kind::tuple)); return true;
      case 0x8f: push(make(kind::set)); return true;
      default: return false;
    }
  }

  // Opcodes that work on the stack.
  bool structural(std::uint8_t op) {
    switch (op) {
      case '(': marks_.push_back(stack_.size()); return true;
      case '0':  // POP takes a mark when nothing lies above it
        if (!marks_.empty() && stack_.size() == marks_.back())
          marks_.pop_back();
        else
          pop();
        return true;
      case '1': pop_to_mark(); return true;
      case '2': push(top()); return true;
      case 'q': put(length1()); return true;
      case 'r': put(length4()); return true;
      case 0x94: put(memorised_); return true;
      case 't': push_container(kind::tuple, pop_to_mark()); return true;
      case 0x85:
      case 0x86:
      case 0x87: push_tuple(op - 0x84u); return true;
      case 'l': push_container(kind::list, pop_to_mark()); return true;
      case 0x91: push_container(kind::set, pop_to_mark()); return true;
      case 'd': {
        std::vector<const pickle_node*> pairs = pop_to_mark();
        push(make(kind::dict));
        set_fields(std::move(pairs));
        return true;
      }
      case 'a': append({pop()}); return true;
      case 'e':
      case 0x90: append(pop_to_mark()); return true;
      case 's': {
        const pickle_node* value = pop();
        set_fields({pop(), value});
        return true;
      }
      case 'u': set_fields(pop_to_mark()); return true;
      case 0x93: {  // STACK_GLOBAL
        const pickle_node *name = pop(), *module = pop();
        if (name->type != kind::text || module->type != kind::text) bad("a global whose name is no string");
        push_global(module->text, name->text);
        return true;
      }
      case 'R':
      case 0x81: {  // REDUCE and NEWOBJ: a callee or class, and its arguments
        pickle_node *args = pop(), *callee = pop();
        push_call(callee, args);
        return true;
      }
      case 0x92: {  // NEWOBJ_EX: keyword arguments too
        pop();
        pickle_node *args = pop(), *callee = pop();
        push_call(callee, args);
        return true;
      }
      case 'b': build(); return true;
      case 'Q': {
        const pickle_node* id = pop();
        pickle_node* n = make(kind::persistent);
        n->callee = id;
        push(n);
        return true;
      }
      default: return false;
    }
  }

  byte_cursor& in_;
  const std::string& origin_;
  pickle_limits limits_;
  pickle_graph graph_;
  std::vector<pickle_node*> stack_;
  std::vector<std::size_t> marks_;
  std::vector<pickle_node*> memo_;
  std::size_t memorised_ = 0, copied_ = 0;
};

}  // namespace avss
