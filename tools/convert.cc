// Rewrites a checkpoint: its weights alone, in another layout or format.
//   bazel run //tools:convert -- model=convtasnet_small convert.from=model_best.pth convert.to=weights.safetensors

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/io/left_parts.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <variant>

#include "tools/models/select.hpp"
#include "tools/tool_main.hpp"

namespace {

int convert(const avss::config::settings& s, const avss::config::command_line&) {
  const auto path = [&](const char* key) { return avss::config::user_path(s.get<std::string>(key, "")); };
  const std::string from = path("convert.from"), to = path("convert.to");
  if (from.empty()) avss::fail("which weights? give the checkpoint, convert.from=FILE");
  if (to.empty()) avss::fail("where should the weights go? give convert.to=FILE, .safetensors or .pth");
  std::error_code ignored;
  if (std::filesystem::exists(to, ignored))
    avss::fail(to, ": is there already, and nothing is overwritten; choose another convert.to");
  const std::string extension = std::filesystem::path(to).extension();
  if (extension != ".safetensors" && extension != ".pth" && extension != ".pt")
    avss::fail(to, ": expected a name that ends in .safetensors, .pth or .pt");
  avss::remove_left_temporaries_of(to);

  const avss::tools::loaded_model loaded =
      avss::tools::make_model(avss::tools::select_model(s), from, {1, avss::tools::device_choice::cpu});
  if (!loaded.note.empty()) std::cerr << "note: " << loaded.note << std::endl;
  std::visit(
      [&](const auto& network) {
        network->save(to, s.get<std::string>("convert.layout", ""));
        std::cout << network->info().name << ": " << network->info().parameters << " parameters, " << avss::one_line(to)
                  << std::endl;
      },
      loaded.network);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"convert", "rewrites weights in another layout or format.", "convert"}, convert);
}
