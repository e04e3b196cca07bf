// npz archives: named arrays in a zip, as numpy.savez and numpy.savez_compressed write them.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/npy.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/tensor.hpp>
#include <avss/io/zip_reader.hpp>
#include <avss/io/zip_writer.hpp>
#include <string>
#include <string_view>

namespace avss {

// The arrays of an archive in memory whose names (without ".npy") `wanted` accepts, in the archive's order. Throws
// avss::error with `origin` in front.
template <class Wanted>
tensor_dict parse_npz(byte_span bytes, const std::string& origin, const Wanted& wanted) {
  const zip_reader zip(bytes, origin);
  tensor_dict arrays;
  for (const zip_entry& e : zip.entries()) {
    std::string_view name = e.name;
    if (!name.ends_with(".npy")) fail(origin, ": not an npz archive: entry ", printable(name), " is no .npy");
    name.remove_suffix(4);
    if (!wanted(name)) continue;
    const std::string where = origin + ": array " + printable(name);
    arrays.add(std::string(name), e.deflated ? parse_npy(zip.read(e), where) : parse_npy(zip.view(e), where));
  }
  return arrays;
}
inline tensor_dict parse_npz(byte_span bytes, const std::string& origin) {
  return parse_npz(bytes, origin, [](std::string_view) { return true; });
}

template <class Wanted>
tensor_dict read_npz(const std::string& path, const Wanted& wanted) {
  return parse_npz(read_file(path), path, wanted);
}
inline tensor_dict read_npz(const std::string& path) { return parse_npz(read_file(path), path); }

// One .npy file.
inline tensor read_npy(const std::string& path) { return parse_npy(read_file(path), path); }

// Writes the arrays stored (not compressed), the file whole or not at all. bfloat16 is refused: npy lacks it.
inline void write_npz(const std::string& path, const tensor_dict& arrays) {
  atomic_file file(path);
  zip_writer zip(file);
  for (const named_tensor& a : arrays.entries) {
    const std::string preamble = npy_preamble(a.value, path + ": array " + printable(a.name));
    zip.add(a.name + ".npy", {as_bytes_of(preamble), byte_span(a.value.bytes)}, 64);
  }
  zip.finish();
  file.commit();
}

inline void write_npy(const std::string& path, const tensor& array) {
  atomic_file file(path);
  file.write(npy_preamble(array, path));
  file.write(byte_span(array.bytes));
  file.commit();
}

}  // namespace avss
