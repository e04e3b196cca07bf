#include "tools/video_encoder.hpp"

#include <algorithm>
#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/name_list.hpp>
#include <avss/io/path_kind.hpp>
#include <avss/io/printable.hpp>
#include <ostream>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

const std::string section = "video_encoder.";
constexpr const char* own_weights = "encoder.safetensors";

// The file of the weights, "" for an encoder that is drawn.
std::string choose_weights(const config::settings& s, bool drawn) {
  const std::string given = config::user_path(s.get<std::string>(section + "from_pretrained", ""));
  if (drawn && !given.empty()) fail("video_encoder.random_seed and video_encoder.from_pretrained: give one of them");
  if (drawn || !given.empty()) return given;
  const fs::path published = fs::path(config::user_path(s.get<std::string>(section + "weights_dir"))) /
                             (s.get<std::string>(section + "model_name") + ".pth");
  if (path_kind(published) == fs::file_type::not_found)
    fail("which weights of the lip-reading encoder? there is no ", published.string(),
         "; give video_encoder.from_pretrained=FILE, or video_encoder.random_seed=N for an encoder that nobody trained");
  return published.string();
}

// What a drawn encoder's file says of itself.
std::vector<std::pair<std::string, std::string>> story(const video_encoder_config& c) {
  return {{"random_seed", std::to_string(*c.random_seed)},
          {"preprocessing", c.embed.preprocessing == lip_preprocessing::lrw ? "lrw" : "reference"},
          {"bn_stats", c.embed.batch_statistics ? "batch" : "running"}};
}

void check_story(const video_encoder_config& c, const loaded_weights& file, const std::string& path) {
  for (const auto& [key, value] : story(c)) {
    const checkpoint_value* said = file.metadata.find(key);
    if (!said || said->text() != value)
      fail(path, ": holds another encoder, with ", key, " ", said ? printable(said->text()) : std::string("unknown"), " where ",
           value, " is asked for; choose another video_encoder.embeddings, or make all anew with video_encoder.overwrite=true");
  }
}

// The middle of clips that are spread evenly over the list, all of one length.
void calibrate(const video_encoder_config& c, lip_embedder& encoder) {
  constexpr dim_t longest = 16;  // frames
  std::size_t skipped = 0;
  const std::vector<mouth_file> mouths = list_mouths(c.embed.mouths, skipped);
  const dim_t all = static_cast<dim_t>(mouths.size()), n = std::min(all, c.calibration_clips);
  const dim_t side = side_after(c.embed.preprocessing);
  const std::size_t pixels = static_cast<std::size_t>(side * side);
  std::vector<std::vector<float>> clips;
  std::size_t each = longest;
  for (dim_t i = 0; i < n; ++i) {
    const mouth_file& m = mouths[static_cast<std::size_t>(i * all / n)];
    clips.push_back(preprocess(read_mouth_clip(m.path.string(), c.embed.mouth_key), c.embed.preprocessing));
    each = std::min(each, clips.back().size() / pixels);
  }
  std::vector<float> together;
  for (const std::vector<float>& x : clips) {
    const auto from = x.begin() + static_cast<std::ptrdiff_t>((x.size() / pixels - each) / 2 * pixels);
    together.insert(together.end(), from, from + static_cast<std::ptrdiff_t>(each * pixels));
  }
  encoder.calibrate(together, static_cast<dim_t>(each), side);
}

void draw(const video_encoder_config& c, lip_embedder& encoder, std::ostream& out) {
  make_embedding_folder(c.embed);  // or refuses to, before anything is written
  const fs::path path = c.embed.embeddings / own_weights;
  if (!c.embed.overwrite && path_kind(path) != fs::file_type::not_found) {
    const loaded_weights file = read_weights_file(path.string());
    check_story(c, file, path.string());
    encoder.load(file, path.string());
    out << "the encoder drawn before is used: " << one_line(path.string()) << std::endl;
    return;
  }
  encoder.draw(*c.random_seed);
  if (!c.embed.batch_statistics) calibrate(c, encoder);
  encoder.save(path.string(), story(c));
  out << "an encoder that nobody trained, seed " << *c.random_seed << ": " << one_line(path.string()) << std::endl;
}

void load(const video_encoder_config& c, lip_embedder& encoder, std::ostream& err) {
  const lip_weights_report report = encoder.load(read_weights_file(c.weights), c.weights);
  if (!report.unused.empty()) {
    name_list names;
    for (const std::string& n : report.unused) names.add(printable(n));
    err << "note: " << one_line(c.weights) << ": " << report.unused.size()
        << " tensors of the word classifier are not used: " << names.text() << '\n';
  }
  if (report.assumed)
    err << "note: " << one_line(c.weights) << ": activation " << name_of(c.activation)
        << " is assumed, which no name in the file tells; files of 2022 and later have swish "
           "(video_encoder.activation=relu or swish)"
        << std::endl;
}

}  // namespace

face_folders folders_of_faces(const config::settings& s, const fs::path& dataset) {
  const auto path = [&](const char* key) -> fs::path { return config::user_path(s.get<std::string>(section + key, "")); };
  const fs::path given = path("dataset_path"), base = given.empty() ? dataset : given;
  const auto folder = [&](const char* key, const char* name) {
    const fs::path own = path(key);
    if (own.empty() && base.empty())
      fail("where are the mouths? give video_encoder.dataset_path=DIR with DIR/mouths/ID.npz, or video_encoder.", key, "=DIR");
    return own.empty() ? base / name : own;
  };
  return {folder("mouths", "mouths"), folder("embeddings", "video_embeddings")};
}

video_encoder_config read_video_encoder(const config::settings& s, int threads, bool terminal, const fs::path& dataset) {
  video_encoder_config c;
  face_folders folders = folders_of_faces(s, dataset);
  c.embed.mouths = std::move(folders.mouths);
  c.embed.embeddings = std::move(folders.embeddings);
  c.embed.mouth_key = s.get<std::string>(section + "mouth_key");
  c.embed.format = s.one_of(section + "format", {"pt", "npy", "npz"});
  c.embed.preprocessing = s.one_of(section + "preprocessing", {"lrw", "reference"}) == "lrw" ? lip_preprocessing::lrw
                                                                                             : lip_preprocessing::reference;
  c.embed.batch_statistics = s.one_of(section + "bn_stats", {"running", "batch"}) == "batch";
  c.embed.overwrite = s.get<bool>(section + "overwrite");
  c.embed.threads = threads > 0 ? threads : available_threads();
  c.embed.terminal = terminal;
  const std::string curve = s.one_of(section + "activation", {"swish", "relu", "prelu"});
  c.activation = curve == "swish" ? image_curve::swish : curve == "relu" ? image_curve::relu : image_curve::prelu;
  if (s.has(section + "random_seed") && !s.at(section + "random_seed").is_null()) {
    const std::int64_t seed = s.get<std::int64_t>(section + "random_seed");
    if (seed < 0) fail("video_encoder.random_seed: expected a number from 0 on, found ", seed);
    c.random_seed = static_cast<std::uint64_t>(seed);
  }
  c.calibration_clips = s.get<dim_t>(section + "calibration_clips");
  if (c.calibration_clips < 1) fail("video_encoder.calibration_clips: expected at least 1, found ", c.calibration_clips);
  // Configurations of one's own may be older than the key.
  if (s.has(section + "device")) c.on = read_compute(s, section + "device", threads);
  c.weights = choose_weights(s, c.random_seed.has_value());
  return c;
}

std::unique_ptr<lip_embedder> make_encoder(const video_encoder_config& c, std::ostream& out, std::ostream& err) {
  std::unique_ptr<lip_embedder> encoder = make_lip_embedder(c.activation, c.embed.threads, c.on);
  if (c.random_seed)
    draw(c, *encoder, out);
  else
    load(c, *encoder, err);
  out << "lip-reading encoder: " << encoder->parameters() << " parameters, activation " << name_of(c.activation)
      << (c.weights.empty() ? "" : ", weights " + one_line(c.weights)) << ", preprocessing "
      << (c.embed.preprocessing == lip_preprocessing::lrw ? "lrw" : "reference") << ", statistics "
      << (c.embed.batch_statistics ? "of each clip" : "running")
      << (lip_on_device(c.on) ? ", on " + installed_device()->name() : "") << std::endl;
  return encoder;
}

void warn_of_another_encoder(const config::settings& s, const fs::path& embeddings, std::ostream& err) {
  const fs::path path = embeddings / own_weights;
  if (!s.has(section + "random_seed") || s.at(section + "random_seed").is_null() || path_kind(path) == fs::file_type::not_found)
    return;
  const std::string asked = std::to_string(s.get<std::int64_t>(section + "random_seed"));
  const loaded_weights file = read_weights_file(path.string());
  const checkpoint_value* said = file.metadata.find("random_seed");
  if (said && said->text() == asked) return;
  err << "warning: " << one_line(embeddings.string()) << ": its embeddings are of another encoder, with random_seed "
      << (said ? printable(said->text()) : std::string("unknown")) << " where video_encoder.random_seed=" << asked
      << " is asked for; they are used as they are" << std::endl;
}

}  // namespace avss::tools
