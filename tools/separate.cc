// A film of people who talk at once to a voice for each of them:
//   bazel run //tools:separate -- video=talk.mp4 out=DIR inferencer.from_pretrained=FILE video_encoder.from_pretrained=FILE
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tools/crop_mouths_config.hpp"
#include "tools/dlib_faces.hpp"
#include "tools/infer_config.hpp"
#include "tools/models/select.hpp"
#include "tools/separate_job.hpp"
#include "tools/tool_main.hpp"
#include "tools/video_encoder.hpp"

namespace {

using avss::config::settings;
using avss::tools::given;

std::string path(const settings& s, const char* key) { return avss::config::user_path(s.get<std::string>(key, "")); }

void read_inputs(const settings& s, avss::tools::separate_options& o) {
  o.video = path(s, "video");
  o.audio = path(s, "audio");
  o.out = path(s, "out");
  if (given(s, "mouths")) {
    std::vector<std::string> files{};
    if (s.at("mouths").is(avss::config::kind::list))
      files = s.get<std::vector<std::string>>("mouths");
    else
      files = {s.get<std::string>("mouths")};
    for (const std::string& f : files) o.mouths.emplace_back(avss::config::user_path(f));
    if (o.mouths.empty()) avss::fail("mouths: an empty list; give the crops of each face, or null to find them in the film");
  }
  if (o.video.empty() && o.mouths.empty()) avss::fail("which film? give video=FILE, or mouths=[FILE,FILE] with audio=FILE");
  if (o.video.empty() && o.audio.empty()) avss::fail("which sound? mouths= without a film needs audio=FILE");
  if (o.out.empty()) avss::fail("where should the voices go? give out=DIR");
}

int separate(const settings& s, const avss::config::command_line& c) {
  avss::tools::separate_options o;
  read_inputs(s, o);
  avss::tools::read_separation(s, o.separation);
  const bool mean = s.one_of("inferencer.channels", {"first", "mean"}) == "mean";
  o.separation.channels = mean ? avss::channel_choice::mean : avss::channel_choice::first;
  avss::tools::read_finding(s, o.finding);
  o.terminal = ::isatty(STDERR_FILENO) == 1;
  const std::string weights = path(s, "inferencer.from_pretrained");
  if (weights.empty()) avss::fail("which weights? give the separator's checkpoint, inferencer.from_pretrained=FILE");
  o.separation.protect.emplace_back(weights);
  const avss::tools::model_entry& entry = avss::tools::select_model(s);
  const avss::tools::compute on = avss::tools::read_compute(s, "inferencer.device", c.threads);
  avss::tools::on_device(on, entry);  // or not: before the film is read
  if (!entry.sees_faces())
    avss::fail("model: ", entry.name, " separates by sound alone; choose model=rtfsnet or another that sees faces");

  if (given(s, "video_encoder.random_seed"))
    avss::fail(
        "video_encoder.random_seed: an encoder drawn here would know nothing of the separator; give the one that it was ",
        "trained with, video_encoder.from_pretrained=DIR/video_embeddings/encoder.safetensors");
  const avss::tools::video_encoder_config v = avss::tools::read_video_encoder(s, c.threads, o.terminal);
  o.embedding = v.embed;
  const std::unique_ptr<avss::tools::lip_embedder> encoder = avss::tools::make_encoder(v, std::cout, std::cerr);
  encoder->prepare(avss::side_after(v.embed.preprocessing), v.embed.batch_statistics);
  std::unique_ptr<avss::face_finder> finder;
  if (o.mouths.empty()) finder = avss::tools::make_dlib_faces(o.finding.landmark_model);
  const avss::tools::loaded_model loaded = avss::tools::make_model(entry, weights, on);
  if (!loaded.note.empty()) std::cerr << "note: " << loaded.note << std::endl;
  auto& network = *std::get<std::unique_ptr<avss::av_separator>>(loaded.network);
  std::cout << network.info().name << ": " << network.info().parameters << " parameters, " << network.info().sample_rate
            << " Hz, on " << loaded.place << ", weights " << avss::one_line(weights) << std::endl;
  return avss::tools::run_separate(o, network, *encoder, finder.get(), std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(
      argc, argv,
      {"separate",
       "gives each face of a film its own voice. Its landmark model, by default Debian's of dlib, was "
       "trained on iBUG 300-W, which excludes commercial use.",
       "separate"},
      separate);
}
