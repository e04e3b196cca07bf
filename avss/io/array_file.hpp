// One array in a file of its own: npz (under a key), npy, or what torch.save made of one tensor.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/name_list.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/read_file.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// Whether a file's name says that it is one of these.
inline bool is_array_name(std::string_view name) {
  return name.ends_with(".npz") || name.ends_with(".npy") || name.ends_with(".pt") || name.ends_with(".pth");
}

// The array; of an npz archive the one called `key`. The format is told by the file's first bytes. Throws avss::error, one
// line that starts with the path.
inline tensor read_array(const std::string& path, const std::string& key) {
  auto bytes = std::make_shared<const std::vector<std::byte>>(read_file(path));
  if (bytes->empty()) fail(path, ": it is empty; copy or make it again");
  if (as_text(*bytes).starts_with("\x93NUMPY")) return parse_npy(*bytes, path);
  const bool zip = pytorch_file::is_zip(*bytes);
  if (!zip && !pytorch_file::is_legacy(*bytes))
    fail(path, ": expected an npz, npy or PyTorch file, found neither; make it with numpy.savez_compressed(path, ", key,
         "=array)");
  if (zip) {
    const zip_reader archive(*bytes, path);
    bool torch = false;
    for (const zip_entry& e : archive.entries()) torch = torch || e.name.ends_with("/data.pkl");
    if (!torch) {
      name_list names;
      tensor_dict found = parse_npz(*bytes, path, [&](std::string_view name) {
        names.add(printable(name));
        return name == key;
      });
      if (found.entries.empty())
        fail(path, ": no array called ", printable(key), " in this archive; it holds ",
             names.size() > 0 ? names.text() : std::string("none"));
      return std::move(found.entries.front().value);
    }
  }
  const pytorch_file file(std::move(bytes), path);
  const stored_tensor* t = file.root().tensor_view();
  if (!t) fail(path, ": expected a PyTorch file of one tensor, found another object; save it with torch.save(tensor, path)");
  return t->load();
}

// The format is that of the path's ending: .npz (under `key`), .npy, otherwise torch.save's. Whole or not at all.
inline void write_array(const std::string& path, const std::string& key, tensor array) {
  if (path.ends_with(".npz")) {
    tensor_dict arrays;
    arrays.add(key, std::move(array));
    return write_npz(path, arrays);
  }
  if (path.ends_with(".npy")) return write_npy(path, array);
  write_pytorch(path, checkpoint_value(std::move(array)));
}

}  // namespace avss
