// Separating files and whole data sets, without the command line around it.
#pragma once

#include <avss/model/av_separator.hpp>
#include <avss/model/separator.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "tools/infer_options.hpp"

namespace avss {

// Separates all items in memory bounded by the window, not by their length. A line an item goes to `out`; where there is
// ground truth, so does a table of SI-SNR, SI-SDR and SNR at the end, in the order given and permuted. All results of an
// item appear together when it is complete. An item that fails gives one line on `err`, and the rest goes on.
//
// Returns 0; 1 if an item failed, a line could not be written or nothing could start; 130 when stopped by SIGINT or SIGTERM,
// with whole items only. Throws nothing for bad input. `written`, if any, gets the names of the items whose results are there.
int run_inference(const infer_options& options, separator& network, std::ostream& out, std::ostream& err,
                  std::vector<std::string>* written = nullptr);

// The same by sound and faces (options.faces): the voice of a mixture's n-th face is <save_path>/<key>/s<n>/<name>.wav. All
// embeddings must be there before anything starts.
int run_inference(const infer_options& options, av_separator& network, std::ostream& out, std::ostream& err,
                  std::vector<std::string>* written = nullptr);

}  // namespace avss
