// What the lip-reading encoder makes of a face: a vector for every video frame, as npz, npy and PyTorch files hold it.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/npy.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/tensor.hpp>
#include <avss/io/zip_reader.hpp>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

constexpr dim_t lip_frames_tolerance = 2;  // by as many frames may audio and video differ

struct lip_embedding {
  dim_t channels = 0, frames = 0;
  std::vector<float> values;  // [channels, frames]
};

namespace detail {

// What projects call the array: ours and teasgen's, HCPS42's, the lip-reading code's.
inline constexpr std::array<std::string_view, 3> embedding_keys{"embedding", "embeddings", "data"};

// Which of an archive's arrays is the embedding: one with a known name, or the only one.
inline std::string_view embedding_key(const std::vector<std::string>& names, const std::string& path) {
  for (std::string_view key : embedding_keys)
    if (std::find(names.begin(), names.end(), key) != names.end()) return key;
  if (names.size() == 1) return names[0];
  std::string found;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) found += (i ? ", " : "") + printable(names[i]);
  fail(path, ": no lip embedding: expected an array called embedding, embeddings or data, found ",
       found.empty() ? "none" : found, names.size() > 5 ? ", ..." : "");
}

inline tensor embedding_of_npz(byte_span bytes, const std::string& path) {
  std::vector<std::string> names;
  parse_npz(bytes, path, [&](std::string_view name) {
    names.emplace_back(name);
    return false;
  });
  const std::string_view key = embedding_key(names, path);
  return std::move(parse_npz(bytes, path, [&](std::string_view name) { return name == key; }).entries.at(0).value);
}

// A bare tensor, or a dict with one.
inline tensor embedding_of_pytorch(std::shared_ptr<const std::vector<std::byte>> bytes, const std::string& path) {
  const pytorch_file file(std::move(bytes), path);
  const checkpoint_value& root = file.root();
  if (const stored_tensor* t = root.tensor_view()) return t->load();
  std::vector<std::string> names;
  for (const auto& [key, held] : root.fields())
    if (held.is_tensor() && key.is_text()) names.push_back(key.text());
  return root.find(embedding_key(names, path))->tensor_view()->load();
}

inline tensor read_embedding_array(const std::string& path) {
  {
    const std::vector<std::byte> head = input_file(path).prefix(64);  // before the whole file is read: it may be a film
    if (head.empty()) fail(path, ": no lip embedding: it is empty; make it again with //tools:embed");
    if (!as_text(head).starts_with("\x93NUMPY") && !pytorch_file::is_zip(head) && !pytorch_file::is_legacy(head))
      fail(path, ": no lip embedding: expected an npz, npy or PyTorch file; make one with //tools:embed");
  }
  auto bytes = std::make_shared<const std::vector<std::byte>>(read_file(path));
  if (as_text(*bytes).starts_with("\x93NUMPY")) return parse_npy(*bytes, path);
  if (pytorch_file::is_zip(*bytes)) {
    const zip_reader archive(*bytes, path);
    const auto& entries = archive.entries();
    if (std::none_of(entries.begin(), entries.end(), [](const zip_entry& e) { return e.name.ends_with("/data.pkl"); }))
      return embedding_of_npz(*bytes, path);
  }
  return embedding_of_pytorch(std::move(bytes), path);
}

}  // namespace detail

// One file: npz, npy or PyTorch (a bare tensor or a dict), told apart by content, of any floating type, [channels, frames] or
// [frames, channels] with any axes of one in front; where both would fit, the former. Throws avss::error, one line that starts
// with the path, for all else and for values that are not finite.
inline lip_embedding read_lip_embedding(const std::filesystem::path& file, dim_t channels = 512) {
  const std::string path = file.string();
  tensor array = detail::read_embedding_array(path);
  std::vector<dim_t> shape = array.shape;
  while (shape.size() > 2 && shape[0] == 1) shape.erase(shape.begin());
  const bool turned = shape.size() == 2 && shape[0] != channels;
  const bool floating =
      array.type == dtype::f16 || array.type == dtype::bf16 || array.type == dtype::f32 || array.type == dtype::f64;
  if (shape.size() != 2 || shape[turned ? 1 : 0] != channels || shape[turned ? 0 : 1] < 1 || !floating)
    fail(path, ": holds ", shape_string(array.shape), " of ", name_of(array.type), " where a lip embedding [", channels,
         ", frames] of float32 is expected; make one of the face's video with //tools:embed");
  lip_embedding e{channels, shape[turned ? 0 : 1], array.values<float>()};
  array = tensor();  // an hour has 184 MB
  if (turned) {
    std::vector<float> rows(e.values.size());
    for (std::size_t c = 0, to = 0; c < static_cast<std::size_t>(channels); ++c)
      for (std::size_t t = 0; t < static_cast<std::size_t>(e.frames); ++t)
        rows[to++] = e.values[t * static_cast<std::size_t>(channels) + c];
    e.values.swap(rows);
  }
  for (std::size_t i = 0; i < e.values.size(); ++i)
    if (!std::isfinite(e.values[i]))
      fail(path, ": the lip embedding is not finite in frame ", i % static_cast<std::size_t>(e.frames), ", channel ",
           i / static_cast<std::size_t>(e.frames), "; make it again with //tools:embed");
  return e;
}

// The embedding with exactly `frames` frames: cut, or its last frame repeated.
inline lip_embedding with_frames(const lip_embedding& e, dim_t frames) {
  lip_embedding out{e.channels, frames, std::vector<float>(static_cast<std::size_t>(e.channels * frames))};
  for (dim_t c = 0; c < e.channels; ++c) {
    const auto from = e.values.begin() + c * e.frames;
    const auto to = out.values.begin() + c * frames;
    std::copy_n(from, std::min(e.frames, frames), to);
    if (frames > e.frames) std::fill(to + e.frames, to + frames, from[e.frames - 1]);
  }
  return out;
}

// The embedding as long as `samples` of audio at `rate` Hz. Throws avss::error where they differ by more than two frames;
// `origin` and `audio`, their paths, are named in it.
inline lip_embedding fit_to_audio(lip_embedding e, dim_t samples, int rate, const std::string& origin,
                                  const std::string& audio) {
  const dim_t frames = lip_frames_of(samples, rate);
  if (frames == e.frames) return e;
  if (frames - e.frames > lip_frames_tolerance || e.frames - frames > lip_frames_tolerance)
    fail(origin, ": has ", e.frames, " frames, ", static_cast<double>(e.frames) / lip_frame_rate, " s, and ", audio, " lasts ",
         static_cast<double>(samples) / rate, " s, ", frames, " frames at ", lip_frame_rate, " a second; they may differ by ",
         lip_frames_tolerance, ": cut both to the same stretch");
  return with_frames(e, frames);
}

}  // namespace avss
