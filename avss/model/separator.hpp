// What a tool sees of a separation network: the one virtual interface between run-time choice (a preset's name, a checkpoint)
// and the statically typed networks. For those that see faces, too, see av_separator.hpp.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/io/weights_file.hpp>
#include <cstddef>
#include <span>
#include <string>

namespace avss {

struct separator_info {
  std::string name;           // the preset's, as in the configuration: "convtasnet"
  int sample_rate = 0;        // Hz, of the mixture and of the estimates
  int sources = 0;            // estimates made of one mixture
  dim_t parameters = 0;       // trained values
  dim_t receptive_field = 0;  // samples that one output sample depends on, global norms aside
  dim_t shortest_window = 0;  // samples; shorter ones would be mostly padding
  bool ordered = false;       // the order of the estimates is given (by faces), not the network's to choose
};

// What separates a signal stretch by stretch.
class part_separator {
 public:
  virtual ~part_separator() = default;

  virtual const separator_info& info() const = 0;

  // The stretch that begins at sample `start` of the signal: mixture [length] to estimates [sources][length], source after
  // source. Any length from one sample on. Deterministic; the result does not depend on what was separated before.
  virtual void separate_part(dim_t start, std::span<const float> mixture, std::span<float> estimates) = 0;
};

// A network that separates by sound alone.
class separator : public part_separator {
 public:
  // Strict: throws error with the complete list of what is missing, unexpected or of another shape. The layout
  // (torchaudio's, asteroid's, kaituoxu's, the reference project's, our own) is recognised by its names. `origin`, the
  // file's path, is named in messages.
  virtual void load(const loaded_weights& file, const std::string& origin) = 0;

  // Writes the weights in the names of a layout, "" for the network's own: a PyTorch file, or safetensors if the path ends in
  // .safetensors. Throws error, also for a layout that this network does not fit.
  virtual void save(const std::string& path, const std::string& layout) = 0;

  // As separate_part: where a stretch begins does not matter.
  virtual void separate(std::span<const float> mixture, std::span<float> estimates) = 0;
  void separate_part(dim_t, std::span<const float> mixture, std::span<float> estimates) final { separate(mixture, estimates); }

  // Bytes of working memory that separate() holds for a mixture of that many samples (weights not counted).
  virtual std::size_t planned_bytes(dim_t length) const = 0;
};

}  // namespace avss
