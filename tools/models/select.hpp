// From a configuration's `model` section, and the weights, to a network.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/io/weights_file.hpp>
#include <memory>
#include <string>

#include "tools/models/device.hpp"
#include "tools/models/registry.hpp"

namespace avss::tools {

// The entry that model.preset names. Sizes are compiled in: where a key of the section differs from the preset's, another
// preset of just those sizes and otherwise the same kind is taken; if there is none, throws error with the names there are. The
// number of passes is the section's.
model_entry select_model(const config::settings& s);

// The same of networks for sound alone; throws error for others.
model_entry select_audio_model(const config::settings& s);

struct loaded_model {
  any_separator network;
  std::string place;  // what it runs on
  std::string note;   // one line where the file's weights are those of another network than the named one, which is then taken
};

// Makes the network and loads the weights. An RTFS-Net's file is looked into first: its generation is detected, and so is what
// it says of its passes and its attention. Where the weights do not fit, the error says which other networks they would fit.
loaded_model make_model(const model_entry& entry, const std::string& weights_path, const compute& on);

// The same of a network for sound alone.
std::unique_ptr<separator> make_audio_model(const model_entry& entry, const std::string& weights_path, const compute& on);

}  // namespace avss::tools
