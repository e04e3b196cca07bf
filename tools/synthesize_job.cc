#include "tools/synthesize_job.hpp"

#include <atomic>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/staged_folder.hpp>
#include <avss/synth/mouth_renderer.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <vector>

#include "tools/item_progress.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

struct partition {
  std::string name;
  std::size_t items;
  std::vector<synthetic_speaker> speakers;
};

void refuse_existing(const fs::path& folder) {
  std::error_code ignored, code;
  if (!fs::exists(folder, ignored)) return;
  if (fs::is_directory(folder, ignored) && fs::is_empty(folder, code) && !code) return;
  fail(folder.string(),
       ": is there already, and nothing of it is overwritten; choose another folder, synthesize.save_path=DIR");
}

// Numbers go on from one partition to the next, so that nobody is in two.
std::vector<partition> make_partitions(const corpus_options& o) {
  std::vector<partition> all{{"train", o.train, {}}, {"val", o.val, {}}};
  std::size_t number = 1;
  for (partition& p : all)
    for (std::size_t i = 0; i < (p.name == "train" ? o.train_speakers : o.val_speakers); ++i)
      p.speakers.push_back(draw_speaker(o.items.seed, number++));
  return all;
}

void write_item(const staged_folder& folder, const std::string& partition, const synthetic_mixture& m) {
  const std::string name = m.sources[0].id + "_" + m.sources[1].id + ".wav", audio = "audio/" + partition + "/";
  write_audio(folder.file(audio + "mix/" + name), synthesis_rate, m.samples);
  for (std::size_t k = 0; k < m.sources.size(); ++k) {
    const synthetic_utterance& u = m.sources[k];
    write_audio(folder.file(audio + (k == 0 ? "s1/" : "s2/") + name), synthesis_rate, u.samples);
    constexpr auto side = static_cast<dim_t>(mouth_renderer::size);
    const dim_t frames = static_cast<dim_t>(u.mouth.size()) / (side * side);
    tensor_dict arrays;
    arrays.add("data", tensor::of<std::uint8_t>({frames, side, side}, u.mouth));
    write_npz(folder.file("mouths/" + u.id + ".npz").string(), arrays);
  }
}

std::string about(const corpus_options& o, const espeak_speech& speech, const std::vector<partition>& partitions,
                  double correlation) {
  char number[32];
  std::snprintf(number, sizeof number, "%.2f", correlation);
  std::string text =
      "Talking mouths and their voices, made by avss's //tools:synthesize (format 1); no recording of anybody is in it.\n\n"
      "audio/PARTITION/{mix,s1,s2}/ID1_ID2.wav  16 kHz; mix is the sum of s1 and s2\n"
      "mouths/ID.npz                            data: uint8 [frames, 96, 96], 25 frames a second\n\n"
      "The speech is espeak-ng " +
      speech.version() +
      "'s. The first five digits of an ID are the speaker, the others the utterance.\n"
      "Correlation of the mouth's opening with the speech's level, over the frames of a clip, mean: " +
      number +
      "\n\n"
      "Made with\n\n" +
      o.settings + "\nSpeakers\n\n";
  for (const partition& p : partitions)
    for (const synthetic_speaker& s : p.speakers) {
      char line[200];
      std::snprintf(line, sizeof line, "%05zu  %-5s  %-24s pitch %d, range %d, %d words a minute\n", s.number, p.name.c_str(),
                    s.voice.name.c_str(), s.voice.pitch, s.voice.range, s.voice.rate);
      text += line;
    }
  return text;
}

// The mean over all utterances of what their mouths tell of the level.
double write_items(const corpus_options& o, const espeak_speech& speech, const std::vector<partition>& partitions,
                   const staged_folder& folder, std::ostream& err) {
  const std::size_t count = o.train + o.val;
  std::vector<double> correlations(count);
  item_progress progress(err, o.terminal, count, "mixtures");
  std::atomic<bool> failed{false};  // then the others need not go on
  parallel_for(o.threads, static_cast<dim_t>(count), [&](dim_t i, int) {
    if (failed) return;
    try {
      check_stop();
      const bool val = static_cast<std::size_t>(i) >= o.train;
      const partition& p = partitions[val];
      const std::size_t n = static_cast<std::size_t>(i) - (val ? o.train : 0);
      const synthetic_mixture m = make_mixture(o.items, speech, p.speakers, p.name, n);
      write_item(folder, p.name, m);
      correlations[static_cast<std::size_t>(i)] = (m.sources[0].correlation + m.sources[1].correlation) / 2;
    } catch (...) {
      failed = true;
      throw;
    }
    progress.step();
  });
  double sum = 0;
  for (const double c : correlations) sum += c;
  return sum / static_cast<double>(count);
}

}  // namespace

int run_synthesis(const corpus_options& o, std::ostream& out, std::ostream& err) {
  refuse_existing(o.save_path);
  const stop_on_signal guard;
  const espeak_speech speech;
  const std::vector<partition> partitions = make_partitions(o);
  const auto start = std::chrono::steady_clock::now();
  try {
    staged_folder folder(o.save_path);
    const double correlation = write_items(o, speech, partitions, folder, err);
    write_file_atomically(folder.file("README.txt").string(), as_bytes_of(about(o, speech, partitions, correlation)));
    check_stop();
    refuse_existing(o.save_path);  // another run may have been faster
    folder.publish("README.txt");
    char line[160];
    std::snprintf(line, sizeof line,
                  "%zu + %zu mixtures of %g s in %.1f s; mouths' opening and level correlate by %.2f: ", o.train, o.val,
                  static_cast<double>(o.items.frames) / frames_per_second,
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), correlation);
    out << line << one_line(folder.target().string()) << std::endl;
  } catch (const stopped&) {
    err << "synthesize: interrupted; nothing is written" << std::endl;
    return 130;
  }
  return 0;
}

}  // namespace avss::tools
