// Separates the mixtures of a data set, a folder or a file:
//   bazel run //tools:infer -- -cn=inf_convtasnet inferencer.from_pretrained=FILE datasets.inf.dataset_path=DIR
//   inferencer.save_path=OUT
#include <avss/config/command_line.hpp>
#include <avss/model/long_form.hpp>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "tools/infer_job.hpp"
#include "tools/models/select.hpp"

namespace {

using avss::config::settings;

int infer(const settings& s, const avss::config::command_line& c) {
  avss::infer_options o;
  const auto path = [&](const char* key) { return avss::config::user_path(s.get<std::string>(key, "")); };
  o.input = path("inferencer.input");
  o.dataset = path("datasets.inf.dataset_path");
  if (o.input.empty() == o.dataset.empty())
    avss::fail(
        "what to separate? give either a data set, datasets.inf.dataset_path=DIR, or a file or folder, inferencer.input=PATH");
  o.partition = s.get<std::string>("datasets.inf.partition", "");
  o.save_path = path("inferencer.save_path");
  if (o.save_path.empty()) avss::fail("where should the results go? give inferencer.save_path=DIR");
  const std::string weights = path("inferencer.from_pretrained");
  if (weights.empty()) avss::fail("which weights? give the checkpoint, inferencer.from_pretrained=FILE");
  o.protect.emplace_back(weights);
  o.window = s.get<double>("inferencer.window");
  if (!(o.window >= 0 && o.window <= avss::longest_window))
    avss::fail("inferencer.window: expected seconds up to ", avss::longest_window, ", 0 for whole files, found ", o.window);
  const std::string level = s.one_of("inferencer.level", {"mixture", "peak", "none"});
  o.level = level == "mixture" ? avss::level_policy::mixture
            : level == "peak"  ? avss::level_policy::peak
                               : avss::level_policy::none;
  o.target_rate = s.get<int>("datasets.inf.target_sr", 0);
  if (o.target_rate < 0 || o.target_rate > avss::highest_rate)
    avss::fail("datasets.inf.target_sr: expected a rate in Hz up to ", avss::highest_rate, ", found ", o.target_rate);
  s.one_of("inferencer.device", {"auto", "cpu"});
  (void)s.get<std::int64_t>("inferencer.seed", 0);  // without effect, but a seed

  const avss::tools::model_entry& entry = avss::tools::select_audio_model(s);
  const std::unique_ptr<avss::separator> network = avss::tools::make_audio_model(entry, weights, c.threads);
  const avss::separator_info& info = network->info();
  std::cout << info.name << ": " << info.parameters << " parameters, " << info.sources << " sources, " << info.sample_rate
            << " Hz, weights " << avss::one_line(weights) << std::endl;
  return avss::run_inference(o, *network, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit then fails the write, which has its line and leaves nothing
  return avss::config::run_tool(argc, argv,
                                {"infer", "separates the speakers of mixtures with trained weights.", "inf_convtasnet"}, infer);
}
