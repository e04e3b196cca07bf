// Strict loading: every tensor of the network, no other, each of its shape and finite, or one message that lists it all.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/layout.hpp>
#include <avss/io/name_list.hpp>
#include <avss/io/place_index.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

struct expected_tensor {
  std::string name;
  std::vector<dim_t> shape;
  bool optional = false;  // may be absent, must fit where present
};

namespace detail {

template <class Bits>
bool all_below(const tensor& t, Bits exponent) {
  for (std::size_t at = 0; at < t.bytes.size(); at += sizeof(Bits)) {
    Bits v;
    std::memcpy(&v, t.bytes.data() + at, sizeof(Bits));
    if ((v & exponent) == exponent) return false;
  }
  return true;
}

}  // namespace detail

// Neither infinite nor NaN anywhere; integers always are.
inline bool is_finite(const tensor& t) {
  switch (t.type) {
    case dtype::f16: return detail::all_below<std::uint16_t>(t, 0x7c00);
    case dtype::bf16: return detail::all_below<std::uint16_t>(t, 0x7f80);
    case dtype::f32: return detail::all_below<std::uint32_t>(t, 0x7f800000u);
    case dtype::f64: return detail::all_below<std::uint64_t>(t, 0x7ff0000000000000u);
    default: return true;
  }
}

// The tensors in the order of `expected`, nullptr for an optional one that is absent; they point into `weights`. Throws
// avss::error: "ORIGIN: weights do not fit the network: missing 2: ...; unexpected 1: ...; wrong shape 1: ...; not
// finite 1: ...", all of each kind. With a layout, missing and mis-shaped names are given in the file's own terms too.
inline std::vector<const tensor*> match_strictly(std::span<const expected_tensor> expected, const tensor_dict& weights,
                                                 const std::string& origin, const layout* file_layout = nullptr) {
  name_index places;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!places.add(expected[i].name, i)) fail("two parameters of the network are called ", printable(expected[i].name));

  name_list missing, unexpected, shaped, infinite;
  const auto named = [&](const std::string& ours) {
    const std::string theirs = file_layout ? their_name(*file_layout, ours) : ours;
    return printable(ours) + (theirs.empty() || theirs == ours ? "" : " (in the file " + printable(theirs) + ")");
  };
  std::vector<const tensor*> found(expected.size(), nullptr);
  for (const named_tensor& e : weights.entries) {
    const std::size_t place = places.find(e.name);
    if (place == name_index::none || found[place]) {
      unexpected.add(printable(e.name) + " " + shape_string(e.value.shape) + (place == name_index::none ? "" : " (twice)"));
      continue;
    }
    const expected_tensor& want = expected[place];
    found[place] = &e.value;
    if (want.shape != e.value.shape)
      shaped.add(named(want.name) + " expected " + shape_string(want.shape) + " found " + shape_string(e.value.shape));
    else if (!is_finite(e.value))
      infinite.add(named(want.name));
  }
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!found[i] && !expected[i].optional) missing.add(named(expected[i].name) + " " + shape_string(expected[i].shape));

  std::string all;
  const auto report = [&](const char* kind, const name_list& names) {
    if (names.size() > 0) all += joined(all.empty() ? "" : "; ", kind, " ", names.size(), ": ", names.text());
  };
  report("missing", missing);
  report("unexpected", unexpected);
  report("wrong shape", shaped);
  report("not finite", infinite);
  if (!all.empty())
    fail(origin, ": weights do not fit the network: ", all, "; choose the configuration that the file was made with");
  return found;
}

}  // namespace avss
