// Reads golden values: an index of names, shapes and offsets (.txt) and little-endian float64 values (.bin).
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace avss::test {

static_assert(std::endian::native == std::endian::little);

struct golden_array {
  std::vector<dim_t> shape;
  std::vector<double> values;

  template <class T>
  std::vector<T> as() const {
    return {values.begin(), values.end()};
  }
};

// The arrays of `stem`.txt and `stem`.bin whose names start with `group`/, by the rest of their names.
// Throws error where a file is missing or damaged, or the group is empty.
inline std::map<std::string, golden_array> read_golden(const std::string& stem, const std::string& group) {
  std::ifstream index(stem + ".txt"), bin(stem + ".bin", std::ios::binary);
  if (!index || !bin) fail(stem, ": golden files not found");
  const std::string bytes{std::istreambuf_iterator<char>(bin), {}};
  std::map<std::string, golden_array> arrays;
  for (std::string name, extents; index >> name >> extents;) {
    std::size_t offset = 0;
    index >> offset;
    if (!name.starts_with(group + "/")) continue;
    golden_array a;
    std::size_t size = 1;
    std::istringstream list(extents);
    for (std::string n; std::getline(list, n, ',');) size *= static_cast<std::size_t>(a.shape.emplace_back(std::stoll(n)));
    if ((offset + size) * sizeof(double) > bytes.size()) fail(stem, ".bin: too short for ", name);
    a.values.resize(size);
    std::memcpy(a.values.data(), bytes.data() + offset * sizeof(double), size * sizeof(double));
    arrays[name.substr(group.size() + 1)] = std::move(a);
  }
  if (arrays.empty()) fail(stem, ".txt: no array named ", group, "/...");
  return arrays;
}

}  // namespace avss::test
