// Weights out of any format that is read here, told apart by content, never by the file's name.
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/tensor.hpp>
#include <avss/io/zip_reader.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

enum class weights_format : std::uint8_t { pytorch_zip, pytorch_legacy, safetensors, npz };

namespace detail {

struct known_start {
  std::string_view bytes, name;
};
// What people hand over by mistake.
inline constexpr std::array<known_start, 16> other_formats{
    {{"RIFF", "a WAV or AVI file"},
     {"fLaC", "a FLAC file"},
     {"OggS", "an Ogg file"},
     {"ID3", "an MP3 file"},
     {"\x93NUMPY", "a single npy array, without a name (save it with numpy.savez)"},
     {"\x89HDF", "an HDF5 file"},
     {"\x89PNG", "a PNG image"},
     {"\xff\xd8\xff", "a JPEG image"},
     {"\x1f\x8b", "a gzip file (unpack it first)"},
     {"BZh", "a bzip2 file (unpack it first)"},
     {"\xfd"
      "7zXZ",
      "an xz file (unpack it first)"},
     {"version https://git-lfs", "a Git LFS pointer (run git lfs pull)"},
     {"<!DOCTYPE", "an HTML page (download it again)"},
     {"<html", "an HTML page (download it again)"},
     {"\x7f"
      "ELF",
      "a program"},
     {"\x80", "a Python pickle that torch.save did not write (use torch.save)"}}};

// The format of a file that starts with `head` and has `size` bytes. Throws "PATH: not a weights file: ...".
inline weights_format weights_format_of(byte_span head, std::uint64_t size, const std::string& path, bool& maybe_npz) {
  const std::string_view text = as_text(head);
  maybe_npz = pytorch_file::is_zip(head);
  if (maybe_npz) return weights_format::pytorch_zip;
  if (pytorch_file::is_legacy(head)) return weights_format::pytorch_legacy;
  if (text.size() > 8 && text[8] == '{' && load_le<std::uint64_t>(head.data()) <= longest_safetensors_header)
    return weights_format::safetensors;
  if (size == 0) fail(path, ": not a weights file: it is empty; copy or download it again");
  const char* found =
      text.size() > 262 && text.substr(257, 5) == "ustar" ? "a tar archive (unpack it first)" : "no known format";
  for (const known_start& k : other_formats)
    if (text.starts_with(k.bytes)) found = k.name.data();
  fail(path, ": not a weights file: expected a PyTorch file (.pth), safetensors or npz, found ", found);
}

}  // namespace detail

// A file's weights under the names that it gives them, with what it says about itself.
struct loaded_weights {
  weights_format format = weights_format::pytorch_zip;
  tensor_dict tensors;
  checkpoint_value metadata;  // PyTorch: the top of the file's tree; safetensors: a dict of strings; npz: none
};

// Reads .pth (zip or legacy), safetensors or npz, told apart by content. Names are those of the file; see strip_prefixes
// and layout.hpp for others. Throws avss::error, one line that starts with the path.
inline loaded_weights read_weights_file(const std::string& path) {
  loaded_weights w;
  bool zip = false;
  {
    input_file file(path);
    // Before the whole file is read: it may be a film.
    w.format = detail::weights_format_of(file.prefix(512), file.size(), path, zip);
  }
  auto bytes = std::make_shared<const std::vector<std::byte>>(read_file(path));
  if (zip) {
    bool npz = true, pytorch = false;
    const zip_reader archive(*bytes, path);
    for (const zip_entry& e : archive.entries()) {
      npz = npz && e.name.ends_with(".npy");
      pytorch = pytorch || e.name.ends_with("/data.pkl");
    }
    if (!npz && !pytorch)
      fail(path, ": not a weights file: a zip archive with neither /data.pkl (PyTorch) nor only .npy entries (npz)");
    if (npz && !pytorch) w.format = weights_format::npz;
  }
  switch (w.format) {
    case weights_format::npz: w.tensors = parse_npz(*bytes, path); break;
    case weights_format::safetensors: {
      safetensors_file file = parse_safetensors(*bytes, path);
      w.tensors = std::move(file.tensors);
      std::vector<checkpoint_value::field> fields;
      for (auto& [key, text] : file.metadata) fields.emplace_back(std::move(key), std::move(text));
      w.metadata = checkpoint_value::dict(std::move(fields));
      break;
    }
    default: {
      const pytorch_file file(std::move(bytes), path);
      w.tensors = weights_of(file);
      w.metadata = file.root();
    }
  }
  if (w.tensors.entries.empty()) fail(path, ": not a weights file: it holds no tensor; save model.state_dict()");
  return w;
}

inline tensor_dict read_weights(const std::string& path) { return read_weights_file(path).tensors; }

}  // namespace avss
