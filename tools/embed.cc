// Crops of mouths to the embeddings that audio-visual separators read:
//   bazel run //tools:embed -- video_encoder.dataset_path=DIR video_encoder.from_pretrained=FILE
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <iostream>
#include <memory>

#include "tools/embed_job.hpp"
#include "tools/tool_main.hpp"
#include "tools/video_encoder.hpp"

namespace {

int embed(const avss::config::settings& s, const avss::config::command_line& c) {
  const auto config = avss::tools::read_video_encoder(s, c.threads, isatty(STDERR_FILENO) == 1);
  const std::unique_ptr<avss::tools::lip_embedder> encoder = avss::tools::make_encoder(config, std::cout, std::cerr);
  return avss::tools::run_embed(config.embed, *encoder, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"embed", "turns crops of mouths into embeddings for separators.", "embed"}, embed);
}
