// What a tool sees of an audio-only separation network: the one virtual interface between run-time choice (a preset's
// name, a checkpoint) and the statically typed networks.
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
};

class separator {
 public:
  virtual ~separator() = default;

  virtual const separator_info& info() const = 0;

  // Strict: throws error with the complete list of what is missing, unexpected or of another shape. The layout
  // (torchaudio's, asteroid's, kaituoxu's, the reference project's, our own) is recognised by its names. `origin`, the
  // file's path, is named in messages.
  virtual void load(const loaded_weights& file, const std::string& origin) = 0;

  // Writes the weights in the names of a layout: a PyTorch file, or safetensors if the path ends in .safetensors. Throws
  // error, also for a layout that this network does not fit.
  virtual void save(const std::string& path, const std::string& layout) = 0;

  // mixture [length] to estimates [sources][length], source after source. Any length from one sample on.
  // Deterministic; the result does not depend on what was separated before.
  virtual void separate(std::span<const float> mixture, std::span<float> estimates) = 0;

  // Bytes of working memory that separate() holds for a mixture of that many samples (weights not counted).
  virtual std::size_t planned_bytes(dim_t length) const = 0;
};

}  // namespace avss
