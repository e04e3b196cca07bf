// The folder of golden vectors that the environment variable AVSS_SHARED names, and JSON files in it.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/io/tensor.hpp>
#include <cstdlib>
#include <string>
#include <vector>

namespace avss::test {

inline constexpr const char* how_to_share = "set AVSS_SHARED to the folder that holds golden/, with --test_env";

// The path of a file in the shared folder, "" where there is none.
inline std::string shared_file(const std::string& name) {
  const char* shared = std::getenv("AVSS_SHARED");
  return shared ? std::string(shared) + "/" + name : "";
}

inline json_value read_json(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return strict_json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

inline const json_value& member(const json_value& of, std::string_view key) {
  const json_value* found = of.find(key);
  if (!found) fail("golden file: no key ", key);
  return *found;
}

inline double number(const json_value& v) {
  if (v.type != json_value::kind::number) fail("golden file: a number is expected");
  return std::stod(v.text);
}

// All numbers of nested lists, in their order.
inline std::vector<double> numbers(const json_value& v) {
  if (v.type != json_value::kind::array) return {number(v)};
  std::vector<double> all;
  for (const json_value& i : v.items)
    for (double x : numbers(i)) all.push_back(x);
  return all;
}

// {name: {"shape": [...], "data": [...]}}
inline tensor_dict tensors(const json_value& v) {
  tensor_dict all;
  for (std::size_t i = 0; i < v.keys.size(); ++i) {
    std::vector<dim_t> shape;
    for (const json_value& e : member(v.items[i], "shape").items) shape.push_back(static_cast<dim_t>(number(e)));
    all.add(v.keys[i], tensor::of<double>(shape, std::span<const double>(numbers(member(v.items[i], "data")))));
  }
  return all;
}

// {name: [...]}, in the shapes of the tensors of the same names.
inline tensor_dict tensors_like(const json_value& v, const tensor_dict& shapes) {
  tensor_dict all;
  for (std::size_t i = 0; i < v.keys.size(); ++i) {
    const tensor* like = shapes.find(v.keys[i]);
    if (!like) fail("golden file: no shape of ", v.keys[i]);
    all.add(v.keys[i], tensor::of<double>(like->shape, std::span<const double>(numbers(v.items[i]))));
  }
  return all;
}

}  // namespace avss::test
