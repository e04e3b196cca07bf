// What a tool sees of a network that separates by sound and by faces; beside separator.hpp.
#pragma once

#include <avss/io/weights_file.hpp>
#include <avss/model/av_size.hpp>
#include <avss/model/separator.hpp>
#include <cstddef>
#include <span>
#include <string>

namespace avss {

class av_separator {
 public:
  virtual ~av_separator() = default;

  // Without sources: as many voices as faces.
  virtual const separator_info& info() const = 0;
  virtual dim_t video_channels() const = 0;  // of a face's features
  virtual dim_t shortest_video() const = 0;  // frames; fewer are an error
  virtual dim_t shortest_sound() const = 0;  // samples; fewer are worked on as if silence followed

  // As separator's.
  virtual void load(const loaded_weights& file, const std::string& origin) = 0;
  virtual void save(const std::string& path, const std::string& layout) = 0;

  // mixture [length] and features [faces][video_channels][video_frames], both of one duration, to voices [faces][length].
  // What does not depend on the faces is computed once. Deterministic; a voice does not depend on the other faces, nor on
  // what was separated before.
  virtual void separate(const av_size& n, std::span<const float> mixture, std::span<const float> features,
                        std::span<float> voices) = 0;

  // Bytes of working memory that separate() holds (weights not counted).
  virtual std::size_t planned_bytes(const av_size& n) const = 0;
};

}  // namespace avss
