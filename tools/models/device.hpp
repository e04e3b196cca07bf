// Where a network runs: on the CPU, or on a device in tools that were built for one.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <memory>
#include <string>

#include "tools/models/device_entry.hpp"
#include "tools/models/entry.hpp"

namespace avss::tools {

enum class device_choice { automatic, cpu, cuda };

// What `device` and --threads say.
struct compute {
  int threads = 0;  // of the CPU; 0: all
  device_choice device = device_choice::automatic;
  std::string key = "device";                                // as messages name it
  product_precision precision = product_precision::float32;  // of a device's matrix products
};

// Of inferencer.device or trainer.device: auto, cpu, or cuda; and of `precision` beside it: float32, tf32 or bf16.
compute read_compute(const config::settings& s, const std::string& key, int threads);

// Whether the network is to run on the device: as it was told, and of itself where there is one that it is compiled for. Throws
// error where it was told cuda and that cannot be.
bool on_device(const compute& on, const model_entry& entry, bool to_train = false);

// The same for the lip-reading encoders, all of which are compiled for a device where anything is.
bool lip_on_device(const compute& on);

// What runs the network, "the CPU" or the device's name.
std::string place_name(const compute& on, const model_entry& entry, bool to_train = false);

// On the CPU or on the device, as on_device says.
any_separator make_separator(const model_entry& entry, const compute& on);
// The same; to be called where on_device is true.
std::unique_ptr<trainable> make_device_trainable(const model_entry& entry, const separation_training& t,
                                                 const chosen_loss& loss, product_precision precision);

}  // namespace avss::tools
