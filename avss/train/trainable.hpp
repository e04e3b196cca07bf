// What a training loop sees of a network: the one virtual interface between the loop, compiled once, and the statically
// typed networks with their losses and optimisers.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/tensor.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/optim/rates.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace avss {

// A mean over `items` items.
struct named_value {
  std::string name;
  double value = 0;
  double items = 1;
};

struct trainable_info {
  std::string name;  // the preset's
  std::string arch;  // the class's, as checkpoints name it
  int sample_rate = 0;
  dim_t sources = 0;
  dim_t parameters = 0;
  dim_t video_channels = 0;          // features of a face in a video frame; 0: the network sees no faces
  std::vector<std::string> metrics;  // the names that evaluate() gives, in its order
};

// What a checkpoint holds of a network and its optimiser.
struct training_state {
  tensor_dict weights;               // to be used, in the network's own names
  tensor_dict trained_weights;       // to be trained on, where `weights` are their moving average; otherwise empty
  checkpoint_value optimizer;        // as torch.optim's state_dict()
  std::int64_t optimiser_steps = 0;  // exact, where torch keeps a float
};

// One thread at a time. Results do not depend on the number of threads that compute. Where workers of a group share a batch,
// batches are the worker's own items and losses of them alone; apply() sums the gradients of all.
class trainable {
 public:
  virtual ~trainable() = default;

  virtual const trainable_info& info() const = 0;
  // Bytes of working memory for a training step.
  virtual std::size_t planned_bytes(dim_t batch_size, dim_t length) const = 0;

  // The loss of the batch, and its parts by name; "loss" comes first. Gradients of weight times the loss are added to those
  // of earlier calls.
  virtual std::vector<named_value> train_step(const batch& b, double weight) = 0;
  // Clips the gradients to max_norm (infinity: not at all) and takes an optimiser step. Returns the norm before clipping; if
  // it is not finite, no step was taken. Gradients are zero afterwards.
  virtual double apply(double max_norm, const rates& r) = 0;
  // Forgets the gradients.
  virtual void discard() = 0;

  // Means over the items of the batch.
  virtual std::vector<named_value> evaluate(const batch& b) = 0;
  // What the last evaluate() made of its mixtures [size, sources, length], until the next call of anything; empty where a
  // network has nothing to hear.
  virtual std::span<const float> estimates() const { return {}; }

  // `r` are the rates that a reader of the file sees; they are decided anew after restore().
  virtual training_state state(const rates& r) = 0;
  // Strict: throws error, which names `origin`, for anything that is missing, unexpected or of another shape.
  virtual void restore(const training_state& s, const std::string& origin) = 0;
  // Weights alone, in any known layout.
  virtual void load_weights(const loaded_weights& file, const std::string& origin) = 0;
};

}  // namespace avss
