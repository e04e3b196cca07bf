// What the networks of the registry cost, measured here: each is instantiated once more, with a backend that keeps a ledger.
#pragma once

#include <avss/model/model_cost.hpp>
#include <string>

namespace avss::tools {

struct profile_request {
  double seconds = 2;  // of the mixture
  dim_t faces = 1;     // for networks that see
  int threads = 1;
  int repeats = 3;  // the fastest counts
  int passes = 0;   // of an RTFS-Net; 0: the preset's
  // Of lip-reading encoders: pixels of a frame's edge, and whether BatchNorm goes by the statistics of the clip.
  dim_t side = 88;
  bool batch_statistics = false;
};

// Throws error for a name there is not, with those there are, and for a mixture that the network cannot take.
model_cost profile_model(const std::string& preset, const profile_request& request);

}  // namespace avss::tools
