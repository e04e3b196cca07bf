// Separates the mixtures of a data set, a folder or a file:
//   bazel run //tools:infer -- -cn=inf_convtasnet inferencer.from_pretrained=FILE datasets.inf.dataset_path=DIR
//   inferencer.save_path=OUT
//   bazel run //tools:infer -- -cn=inf_rtfsnet inferencer.from_pretrained=FILE inferencer.input=mix.wav
//   inferencer.embeddings=[face1.npz,face2.npz] inferencer.save_path=OUT
#include <algorithm>
#include <avss/config/command_line.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/path_kind.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/model/long_form.hpp>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tools/infer_config.hpp"
#include "tools/infer_job.hpp"
#include "tools/infer_report.hpp"
#include "tools/metric_config.hpp"
#include "tools/missing_embeddings.hpp"
#include "tools/models/select.hpp"
#include "tools/section.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

// The faces for a network that sees them, and nothing for one that does not.
avss::face_options read_faces(const settings& s, const avss::tools::model_entry& entry, const avss::infer_options& o) {
  avss::face_options f;
  const char* key = "inferencer.embeddings";
  const avss::config::value given = s.has(key) ? s.at(key) : avss::config::value();
  if (!entry.sees_faces()) {
    if (!given.is_null()) avss::fail(key, ": ", entry.name, " separates by sound alone; choose model=rtfsnet, or leave it out");
    return f;
  }
  if (!s.get<bool>("datasets.inf.use_video_data", true))
    avss::fail("datasets.inf.use_video_data=false: ", entry.name, " needs the speakers' faces; choose model=convtasnet");
  const std::int64_t speakers = s.get<std::int64_t>("model.num_speakers", 0);
  if (speakers < 0) avss::fail("model.num_speakers: expected a number of faces, or null for any, found ", speakers);
  f.speakers = static_cast<std::size_t>(speakers);
  if (given.is(avss::config::kind::list)) {
    for (const std::string& file : given.as<std::vector<std::string>>(key)) f.files.emplace_back(avss::config::user_path(file));
    if (f.files.empty()) avss::fail(key, ": expected the lip embedding of each face, found an empty list");
  } else if (!given.is_null()) {
    const std::string path = avss::config::user_path(given.as<std::string>(key));
    if (avss::is_folder(path))
      f.folder = path;
    else
      f.files.emplace_back(path);
  } else if (!o.dataset.empty()) {
    f.folder = avss::tools::folders_of_faces(s, o.dataset).embeddings;
  } else {
    avss::fail("whose voices? give the lip embeddings of the faces, inferencer.embeddings=[FILE1,FILE2], or a folder of ",
               "ID.npz for mixtures named ID1_ID2; they are made with bazel run //tools:embed");
  }
  return f;
}

// A line where the weights are known to want other embeddings than those that are going to be made.
void note_other_embeddings(const avss::tools::model_entry& entry, const std::string& weights,
                           const avss::tools::video_encoder_config& c) {
  const bool lrw = c.embed.preprocessing == avss::lip_preprocessing::lrw;
  const avss::loaded_weights file = avss::read_weights_file(weights);
  const avss::checkpoint_value* config = file.metadata.find("config");
  const avss::checkpoint_value* encoder = config ? config->find("video_encoder") : nullptr;
  const avss::checkpoint_value* said = encoder ? encoder->find("preprocessing") : nullptr;
  const bool reference = std::string_view(entry.name) == "rtfsnet";
  if (said && said->is_text() ? said->text() == (lrw ? "lrw" : "reference") : reference != lrw) return;
  std::cerr << "note: embeddings are made with video_encoder=" << (lrw ? "lrw" : "reference") << ", and "
            << avss::one_line(weights) << (said ? ", as its training was configured," : ", by its kind of network,")
            << " goes with video_encoder=" << (lrw ? "reference" : "lrw") << std::endl;
}

// What a data set lacks. Returns 0, or the status to end with.
int make_embeddings(const settings& s, const avss::tools::model_entry& entry, const avss::infer_options& o,
                    const std::string& weights, int threads) {
  const char* given = "inferencer.embeddings";
  if (!entry.sees_faces() || o.dataset.empty() || (s.has(given) && !s.at(given).is_null())) return 0;
  avss::tools::seen_mixtures set{o.dataset, {}};
  for (const avss::mixture_item& item : avss::list_dataset(o.dataset, o.partition).items) set.names.push_back(item.name);
  return avss::tools::make_missing_embeddings(
      s, {set}, std::get<avss::rtfsnet_config>(entry.config).video_channels, threads, std::cout, std::cerr,
      [&](const avss::tools::video_encoder_config& c) { note_other_embeddings(entry, weights, c); });
}

int infer(const settings& s, const avss::config::command_line& c) {
  avss::tools::expect_section(s, "inferencer", "inf_convtasnet or inf_rtfsnet");
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
  avss::tools::read_separation(s, o);
  o.target_rate = s.get<int>("datasets.inf.target_sr", 0);
  if (o.target_rate != 0 && (o.target_rate < avss::lowest_rate || o.target_rate > avss::highest_rate))
    avss::fail("datasets.inf.target_sr: expected a rate from ", avss::lowest_rate, " to ", avss::highest_rate,
               " Hz, or null for each file's own, found ", o.target_rate);
  (void)s.get<std::int64_t>("inferencer.seed", 0);  // without effect, but a seed

  o.use_truth = s.get<bool>("datasets.inf.expect_target", true);

  const avss::tools::model_entry& entry = avss::tools::select_model(s);
  const avss::tools::compute on = avss::tools::read_compute(s, "inferencer.device", c.threads);
  avss::tools::on_device(on, entry);  // or not: before what may take hours
  avss::tools::infer_report report{
      path("inferencer.report"), avss::tools::read_metrics(s, "metrics.inference"), {}, avss::tools::threads_of(c)};
  // A face's voice is its own: no order of the voices is better than that of the faces.
  if (entry.sees_faces())
    for (avss::tools::metric_column& column : report.columns) column.permuted = column.own_order = false;
  report.instruments = avss::tools::read_instruments(s, report.columns);
  const bool reports = avss::tools::wants_report(o, report);
  o.faces = read_faces(s, entry, o);
  o.protect.insert(o.protect.end(), o.faces.files.begin(), o.faces.files.end());
  if (const int status = make_embeddings(s, entry, o, weights, c.threads); status != 0) return status;
  const avss::tools::loaded_model loaded = avss::tools::make_model(entry, weights, on);
  if (!loaded.note.empty()) std::cerr << "note: " << loaded.note << std::endl;
  return std::visit(
      [&](const auto& network) {
        const avss::separator_info& info = network->info();
        std::cout << info.name << ": " << info.parameters << " parameters, "
                  << (info.sources > 0 ? std::to_string(info.sources) + " sources" : "a voice for each face") << ", "
                  << info.sample_rate << " Hz, on " << loaded.place << ", weights " << avss::one_line(weights) << std::endl;
        try {
          avss::check_window(info, {.window = o.window});
        } catch (const avss::error& e) {
          avss::fail("inferencer.", e.what());  // window = ...
        }
        std::vector<std::string> written;
        const int status = avss::run_inference(o, *network, std::cout, std::cerr, &written);
        // What has failed is left out, as in calc_metrics.
        if (!reports || status == 130 || written.empty()) return status;
        return std::max(status, avss::tools::write_report(o, report, std::move(written), std::cout, std::cerr));
      },
      loaded.network);
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(
      argc, argv, {"infer", "separates the speakers of mixtures with trained weights.", "inf_convtasnet", true}, infer);
}
