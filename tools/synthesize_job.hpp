// Writes a corpus of talking mouths.
#pragma once

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>

#include "tools/synthesize_item.hpp"

namespace avss::tools {

struct corpus_options {
  synthesis_options items;
  std::filesystem::path save_path;
  std::size_t train = 0, val = 0;                    // mixtures
  std::size_t train_speakers = 0, val_speakers = 0;  // nobody is in both
  std::string settings;                              // as they are recorded in the corpus
  int threads = 1;
  bool terminal = false;
};

// save_path/audio/{train,val}/{mix,s1,s2}/ID1_ID2.wav, save_path/mouths/ID.npz with `data` uint8 [frames, 96, 96], and
// README.txt, which says what it is; all of it or nothing. The same options give the same bytes for any number of threads.
// Returns the exit status, 130 after an interrupt. Throws error, also where save_path holds anything.
int run_synthesis(const corpus_options& options, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
