// The weights inside a PyTorch file's tree.
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace avss {
namespace detail {

inline tensor scalar_tensor(const checkpoint_value& v) {
  if (const auto b = v.boolean()) {
    const std::uint8_t byte = *b;
    tensor t = tensor::of<std::uint8_t>({}, std::span(&byte, 1));
    t.type = dtype::boolean;
    return t;
  }
  if (const auto i = v.integer()) return tensor::of<std::int64_t>({}, std::span(&*i, 1));
  const double d = v.number().value_or(0);
  return tensor::of<double>({}, std::span(&d, 1));
}

inline bool has_tensors(const checkpoint_value& v) {
  for (const checkpoint_value::field& f : v.fields())
    if (f.second.is_tensor()) return true;
  return false;
}

}  // namespace detail

// The dict of weights: under "state_dict", "model_state_dict" or "model", or the top dict itself when it holds tensors.
// Throws avss::error where there is none.
inline const checkpoint_value& find_state_dict(const pytorch_file& file) {
  const checkpoint_value& root = file.root();
  for (std::string_view key : {"state_dict", "model_state_dict", "model"})
    if (const checkpoint_value* v = root.find(key); v && v->is_dict() && detail::has_tensors(*v)) return *v;
  if (root.is_dict() && detail::has_tensors(root)) return root;
  const char* found = root.is_tensor()                                ? "a single tensor"
                      : root.is_dict()                                ? "a dict without tensors"
                      : root.type() == checkpoint_value::kind::opaque ? "a pickled object"
                                                                      : "no dict";
  fail(file.origin(), ": no weights in this PyTorch file: it holds ", found,
       " where a state_dict is expected; save model.state_dict()");
}

// Copies the weights of a state_dict, in its order. Python numbers become tensors without axes; strings and objects
// (_extra_state) are left out. Throws avss::error.
inline tensor_dict weights_of(const checkpoint_value& state_dict, const std::string& origin, std::uint64_t file_bytes) {
  tensor_dict weights;
  std::uint64_t total = 0;
  for (const auto& [key, held] : state_dict.fields()) {
    if (key.type() != checkpoint_value::kind::text) fail(origin, ": a weight's name is no string; save model.state_dict()");
    if (const stored_tensor* t = held.tensor_view()) {
      // Tied weights repeat a storage a few times, an attack many times.
      total += *checked_bytes(t->shape, t->type);
      if (total / 8 > file_bytes && total > std::uint64_t{256} << 20)
        fail(origin, ": damaged PyTorch file: its tensors unfold to more than 8 times the file; save it again");
      weights.add(key.text(), t->load());
    } else if (held.boolean() || held.number()) {
      weights.add(key.text(), detail::scalar_tensor(held));
    } else if (held.text().starts_with("torch._utils _rebuild")) {
      fail(origin, ": weight ", printable(key.text()),
           " is complex, sparse, quantised or of another type that is not read; convert it with .float()");
    }
  }
  return weights;
}

inline tensor_dict weights_of(const pytorch_file& file) {
  return weights_of(find_state_dict(file), file.origin(), file.size());
}

// What wrappers put before every name: DataParallel, Lightning modules, torch.compile, the reference project's two-speaker
// network.
inline constexpr std::array<std::string_view, 5> wrapper_prefixes{"module.", "model.", "_orig_mod.", "audio_model.",
                                                                  "rtfs_net."};

// Removes each prefix that every name has, again and again ("module.model."), and returns what was removed.
inline std::string strip_prefixes(tensor_dict& weights, std::span<const std::string_view> prefixes = wrapper_prefixes) {
  std::string removed;
  for (bool again = !weights.entries.empty(); again;) {
    again = false;
    for (std::string_view prefix : prefixes) {
      bool all = true;
      for (const named_tensor& e : weights.entries) all = all && e.name.size() > prefix.size() && e.name.starts_with(prefix);
      if (!all) continue;
      for (named_tensor& e : weights.entries) e.name.erase(0, prefix.size());
      removed += prefix;
      again = true;
    }
  }
  return removed;
}

}  // namespace avss
