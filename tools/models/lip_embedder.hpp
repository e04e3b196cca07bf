// A lip-reading encoder whose activation, and place, are chosen at run time.
#pragma once

#include <avss/io/weights_file.hpp>
#include <avss/model/lip_weights.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss::tools {

struct compute;  // device.hpp

// Several threads may embed at once, each as a worker of its own.
class lip_embedder {
 public:
  static constexpr dim_t features = 512;

  virtual ~lip_embedder() = default;

  virtual image_curve activation() const = 0;
  virtual dim_t parameters() const = 0;
  // Throws avss::error, one line that starts with `origin`.
  virtual lip_weights_report load(const loaded_weights& file, const std::string& origin) = 0;
  virtual void draw(std::uint64_t seed) = 0;
  virtual void save(const std::string& path, std::vector<std::pair<std::string, std::string>> said) = 0;
  // Of all weights and statistics: equal for equal encoders, whatever file they came from.
  virtual std::uint64_t hash() const = 0;

  // Before the first clip, and after every change: frames are side x side.
  virtual void prepare(dim_t side, bool batch_statistics) = 0;
  // clip [frames, side, side], normalised -> [features, frames]
  virtual std::vector<float> embed(std::span<const float> clip, int worker) = 0;

  // Sets the running statistics to those of clips of `each` frames, one after another, [., side, side], normalised.
  virtual void calibrate(std::span<const float> clips, dim_t each, dim_t side) = 0;
};

// For `workers` workers, on the CPU or the device, as lip_on_device says.
std::unique_ptr<lip_embedder> make_lip_embedder(image_curve activation, int workers, const compute& on);

}  // namespace avss::tools
