// Files that torch.load reads, with weights_only=True and without: the zip archive of PyTorch 1.6 and later.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/pickle_value.hpp>
#include <avss/io/place_index.hpp>
#include <avss/io/tensor.hpp>
#include <avss/io/zip_writer.hpp>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {
namespace detail {

// Writes a tree as a pickle of protocol 2 and collects its tensors, in order: the k-th becomes storage "k".
class pickle_writer {
 public:
  pickle_writer(const checkpoint_value& root, const std::string& path) : path_(path) {
    if (root.height() > 200) fail(path_, ": cannot be written: the tree is deeper than 200 levels");
    out_ = "\x80\x02";
    put(root);
    out_ += '.';
  }

  const std::string& stream() const { return out_; }
  const std::vector<const stored_tensor*>& tensors() const { return tensors_; }

 private:
  void put(const checkpoint_value& v) {
    switch (v.type()) {
      case checkpoint_value::kind::none: out_ += 'N'; break;
      case checkpoint_value::kind::boolean: out_ += *v.boolean() ? '\x88' : '\x89'; break;
      case checkpoint_value::kind::integer: put_integer(*v.integer()); break;
      case checkpoint_value::kind::real:
        out_ += 'G';
        store_le(out_, __builtin_bswap64(std::bit_cast<std::uint64_t>(*v.number())));
        break;
      case checkpoint_value::kind::text: put_text(v.text()); break;
      case checkpoint_value::kind::list:
        out_ += ']';
        put_marked(v.items(), 'e');
        break;
      case checkpoint_value::kind::tuple:
        if (v.items().empty())
          out_ += ')';
        else
          put_marked(v.items(), 't');
        break;
      case checkpoint_value::kind::dict: put_dict(v); break;
      case checkpoint_value::kind::tensor: put_tensor(*v.tensor_view()); break;
      case checkpoint_value::kind::opaque:
        fail(path_, ": cannot be written: a ", printable(v.text()), " object; leave it out or convert it to plain values");
    }
  }
  void put_integer(std::int64_t v) {
    if (v >= 0 && v < 256) {
      out_ += 'K';
      out_ += static_cast<char>(v);
    } else if (v >= std::numeric_limits<std::int32_t>::min() && v <= std::numeric_limits<std::int32_t>::max()) {
      out_ += 'J';
      store_le(out_, static_cast<std::int32_t>(v));
    } else {
      out_ += "\x8a\x08";
      store_le(out_, v);
    }
  }
  void put_text(std::string_view text) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
      fail(path_, ": cannot be written: a string of ", text.size(), " bytes");
    out_ += 'X';
    store_le(out_, static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void put_marked(std::span<const checkpoint_value> items, char op) {
    if (items.empty()) return;
    out_ += '(';
    for (const checkpoint_value& i : items) put(i);
    out_ += op;
  }
  void put_dict(const checkpoint_value& v) {
    out_ += v.ordered() ? "ccollections\nOrderedDict\n)R" : "}";
    if (v.fields().empty()) return;
    out_ += '(';
    for (const checkpoint_value::field& f : v.fields()) {
      const auto key = f.first.type();
      if (key == checkpoint_value::kind::list || key == checkpoint_value::kind::dict || key == checkpoint_value::kind::tensor)
        fail(path_, ": cannot be written: a dict key must be a string, number, bool, None or tuple");
      put(f.first);
      put(f.second);
    }
    out_ += 'u';
  }
  void put_tensor(const stored_tensor& t) {
    if (places_.add(&t, tensors_.size())) tensors_.push_back(&t);
    dim_t count = 1;
    for (dim_t e : t.shape) count *= e;
    const auto* type = std::begin(torch_types);
    while (type->type != t.type) ++type;
    std::string global(type->storage);
    global[global.find(' ')] = '\n';
    out_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    put_text("storage");
    out_ += 'c';
    out_ += global;
    out_ += '\n';
    put_text(std::to_string(places_.find(&t)));
    put_text("cpu");
    put_integer(count);
    out_ += "tQK";
    out_ += '\0';
    put_extents(t.shape);
    std::vector<dim_t> strides(t.shape.size(), 1);
    for (std::size_t a = strides.size(); a-- > 1;) strides[a - 1] = strides[a] * (t.shape[a] > 0 ? t.shape[a] : 1);
    put_extents(strides);
    out_ +=
        "\x89"
        "ccollections\nOrderedDict\n)RtR";
  }
  void put_extents(const std::vector<dim_t>& extents) {
    out_ += '(';
    for (dim_t e : extents) put_integer(e);
    out_ += 't';
  }

  const std::string& path_;
  std::string out_;
  std::vector<const stored_tensor*> tensors_;
  object_index places_;
};

}  // namespace detail

// Writes a tree of dicts, lists, tuples, strings, numbers, bools, None and tensors: a bare state_dict
// (value::state_dict), or a trainer's {arch, epoch, state_dict, ...}. Strings must be UTF-8. Tensors are written
// contiguous, 64-byte aligned; equal trees give equal bytes; the file is written whole or not at all. Throws avss::error.
inline void write_pytorch(const std::string& path, const checkpoint_value& root) {
  const detail::pickle_writer pickle(root, path);
  atomic_file file(path);
  zip_writer zip(file);
  // The order and names of PyTorch's own writer; "archive" is what it calls a file without a name.
  zip.add("archive/data.pkl", as_bytes_of(pickle.stream()), 64);
  zip.add("archive/byteorder", as_bytes_of("little"), 64);
  for (std::size_t k = 0; k < pickle.tensors().size(); ++k) {
    const std::string name = "archive/data/" + std::to_string(k);
    const stored_tensor& t = *pickle.tensors()[k];
    if (const auto dense = t.dense())
      zip.add(name, *dense, 64);
    else
      zip.add(name, t.load().bytes, 64);
  }
  zip.add("archive/version", as_bytes_of("3\n"), 64);
  zip.finish();
  file.commit();
}

inline void write_pytorch(const std::string& path, tensor_dict weights) {
  write_pytorch(path, checkpoint_value::state_dict(std::move(weights)));
}

}  // namespace avss
