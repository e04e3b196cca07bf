#include "tools/separate_job.hpp"

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/mouth_clip.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/film_copy.hpp>
#include <avss/io/media_audio.hpp>
#include <avss/io/media_video.hpp>
#include <avss/io/staged_folder.hpp>
#include <avss/model/passing_faces.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/crop_mouths_report.hpp"
#include "tools/film_poster.hpp"
#include "tools/film_sound.hpp"
#include "tools/infer_item.hpp"
#include "tools/item_progress.hpp"
#include "tools/mouth_embedder.hpp"
#include "tools/separate_page.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

constexpr std::size_t shown_mouths = 12;  // of a face, on the page
constexpr std::size_t block = 1 << 14;    // samples moved at a time
constexpr std::size_t most_told = 8;      // gaps of the sound

double hundredths(double seconds) { return std::round(100 * seconds) / 100; }

// A few of a person's crops, spread evenly, as contact_sheet wants them.
class shown_crops {
 public:
  explicit shown_crops(const face_person& p) {
    const std::size_t frames = p.points.size(), n = std::min(shown_mouths, frames);
    for (std::size_t i = 0; i < n; ++i) {
      at_.push_back(n < 2 ? 0 : i * (frames - 1) / (n - 1));
      person_.points.push_back(p.points[at_.back()]);
      person_.seen.push_back(p.seen[at_.back()]);
    }
  }
  void take(std::size_t frame, std::span<const std::uint8_t> crop) {
    if (next_ == at_.size() || at_[next_] != frame) return;
    crops_.insert(crops_.end(), crop.begin(), crop.end());
    ++next_;
  }
  const face_person& person() const { return person_; }
  const std::vector<std::uint8_t>& crops() const { return crops_; }

 private:
  std::vector<std::size_t> at_;
  std::size_t next_ = 0;
  face_person person_;
  std::vector<std::uint8_t> crops_;
};

// "face12.wav" and the like.
bool is_result(const std::string& name) {
  constexpr std::string_view begin = "face";
  const std::size_t dot = name.find('.'), digits = name.find_first_not_of("0123456789", begin.size());
  if (!name.starts_with(begin) || dot == begin.size() || digits != dot || dot == std::string::npos) return false;
  const std::string extension = name.substr(dot);
  return extension == ".wav" || extension == ".mp4" || extension == ".mkv" || extension == ".mov";
}

class separation {
 public:
  separation(const separate_options& o, av_separator& network, lip_embedder& encoder, face_finder* finder, std::ostream& out,
             std::ostream& err)
      : o_(o), network_(network), encoder_(encoder), finder_(finder), out_(out), err_(err) {}

  int run() {
    const stop_on_signal guard;
    if (network_.video_channels() != lip_embedder::features)
      fail(network_.info().name, " sees faces of ", network_.video_channels(), " features, and the lip-reading encoder gives ",
           lip_embedder::features, "; choose model=rtfsnet or another for so many");
    refuse_inputs();
    try {
      staged_folder folder(o_.out);
      folder_ = &folder;
      check_sound();
      folder.make([&] {
        watch_faces();
        timed("sound", [&] { bring_sound(); });
        timed("separation", [&] { separate(); });
        if (!o_.video.empty()) timed("films", [&] { make_films(); });
        show();
      });
      check_stop();
      folder.publish("index.html");
      note_earlier();
      tell();
      return 0;
    } catch (const stopped&) {
      err_ << "interrupted; nothing is written" << std::endl;
      return 130;
    }
  }

 private:
  std::size_t people() const { return features_.size(); }
  static std::string voice_name(std::size_t person) { return "face" + std::to_string(person + 1) + ".wav"; }
  std::string film_name(std::size_t person) const { return "face" + std::to_string(person + 1) + extension_; }

  template <class Work>
  void timed(const char* what, Work&& work) {
    const auto start = steady::now();
    work();
    char text[64];
    std::snprintf(text, sizeof text, "%s %.1f s", what, std::chrono::duration<double>(steady::now() - start).count());
    stages_ += (stages_.empty() ? "" : ", ") + std::string(text);
  }

  // No result may replace what is read.
  void refuse_inputs() const {
    std::vector<fs::path> inputs = o_.separation.protect;
    inputs.insert(inputs.end(), o_.mouths.begin(), o_.mouths.end());
    for (const fs::path& p : {o_.video, o_.audio})
      if (!p.empty()) inputs.push_back(p);
    std::error_code ignored;
    for (const fs::path& p : inputs)
      if (fs::exists(p, ignored) && fs::equivalent(p.has_parent_path() ? p.parent_path() : fs::path("."), o_.out, ignored))
        fail(p.string(), ": lies in the folder for the results; choose another out");
  }

  const fs::path& sound_source() const { return o_.audio.empty() ? o_.video : o_.audio; }

  // Before the work that takes long.
  void check_sound() const {
    media_audio_reader reader(sound_source(), o_.separation.channels);
    std::array<float, 1> first{};
    (void)reader.read(first);
  }

  void watch_faces() {
    if (!o_.video.empty()) extension_ = film_copy_extension(o_.video);
    if (!o_.mouths.empty()) return timed("embeddings", [&] { read_mouths(); });
    timed("faces", [&] { find(); });
    timed("mouths and embeddings", [&] { crop_and_embed(); });
  }

  void find() {
    progress bar(*this);
    found_ = find_people(o_.video, *finder_, o_.finding, [&](std::size_t done, std::size_t all) { bar.step(done, all / 2); });
    if (found_.damaged > 0)
      note(joined(o_.video.string(), ": ", found_.damaged,
                  " frames could not be decoded whole: the film is damaged or cut off"));
    picture_start_ = found_.faces.start;
    seconds_ = static_cast<double>(found_.faces.frames) / video_rate;
    for (std::size_t i = 0; i < found_.faces.people.size(); ++i) about_.push_back(in_words(found_.faces.people[i], i + 1));
  }

  void crop_and_embed() {
    const std::size_t n = found_.faces.people.size();
    std::vector<mouth_embedder> embedders(n,
                                          mouth_embedder(encoder_, o_.embedding.preprocessing, o_.embedding.batch_statistics));
    for (const face_person& p : found_.faces.people) shown_.emplace_back(p);
    progress bar(*this);
    crop_people(
        o_.video, found_, o_.finding.procedure,
        [&](std::size_t person, std::size_t frame, std::span<const std::uint8_t> crop) {
          embedders[person].take(crop);
          shown_[person].take(frame, crop);
        },
        [&](std::size_t done, std::size_t all) { bar.step(done - all / 2, all / 2); });
    for (std::size_t i = 0; i < n; ++i)
      features_.push_back({static_cast<dim_t>(found_.faces.people[i].first), embedders[i].finish()});
  }

  void read_mouths() {
    for (const fs::path& path : o_.mouths) {
      check_stop();
      const mouth_clip clip = read_mouth_clip(path.string(), o_.embedding.mouth_key);
      if (clip.height != mouth_side)
        fail(path.string(), ": has crops of ", clip.height, " x ", clip.width, " pixels, expected 96 x 96");
      face_person p;
      p.points.resize(static_cast<std::size_t>(clip.frames));
      p.seen.assign(p.points.size(), 1);
      mouth_embedder embedder(encoder_, o_.embedding.preprocessing, o_.embedding.batch_statistics);
      shown_.emplace_back(p);
      constexpr std::size_t pixels = mouth_side * mouth_side;
      for (std::size_t t = 0; t < p.points.size(); ++t) {
        const auto crop = std::span(clip.pixels).subspan(t * pixels, pixels);
        embedder.take(crop);
        shown_.back().take(t, crop);
      }
      features_.push_back({0, embedder.finish()});
      about_.push_back("face " + std::to_string(features_.size()) + ": " + std::to_string(clip.frames) + " frames of " +
                       path.filename().string());
    }
    if (o_.video.empty()) return;
    media_video_reader reader(o_.video);
    video_frame first;
    reader.next(first);
    picture_start_ = first.time;
  }

  // mixture.wav: the sound from the picture's beginning on, for as long as the picture, or all of it without one.
  void bring_sound() {
    const fs::path& source = sound_source();
    film_sound_options how{o_.separation.channels, {}, seconds_};
    if (o_.audio.empty()) how.picture_start = picture_start_;
    const film_sound sound = copy_film_sound(source, how, folder_->file("mixture.wav"), check_stop);
    if (sound.late > 0.04) note(joined(source.string(), ": its sound begins ", hundredths(sound.late), " s after the picture"));
    if (sound.missing > 1)
      note(joined(source.string(), ": its sound ends ", hundredths(sound.missing), " s before the picture"));
    tell_gaps(source, sound);
    rate_ = sound.rate;
    samples_ = sound.samples;
    if (seconds_ > 0) return;
    seconds_ = static_cast<double>(samples_) / rate_;
    for (std::size_t i = 0; i < people(); ++i) {
      std::vector<float>& f = features_[i].features;
      const dim_t channels = lip_embedder::features, frames = static_cast<dim_t>(f.size()) / channels;
      f = fit_to_audio({channels, frames, std::move(f)}, samples_, rate_, o_.mouths[i].string(), source.string()).values;
    }
  }

  void tell_gaps(const fs::path& source, const film_sound& sound) {
    std::string where;
    std::size_t told = 0, more = 0;
    for (const audio_gap& g : sound.gaps) {
      if (std::abs(g.seconds) <= 0.1) continue;
      if (told == most_told) {
        ++more;
        continue;
      }
      char text[96];
      std::snprintf(text, sizeof text, "%s%.2f s of %s at %.2f s", told++ == 0 ? "" : ", ", std::abs(g.seconds),
                    g.seconds > 0 ? "silence put in" : "what sounded twice left out", std::max(0., g.at + sound.late));
      where += text;
    }
    if (more > 0) where += joined(" and ", more, " more");
    if (told > 0) note(joined(source.string(), ": its sound has gaps or overlaps in time: ", where));
  }

  void separate() {
    passing_faces faces(network_, std::move(features_));
    features_.resize(static_cast<std::size_t>(faces.info().sources));
    infer_options o = o_.separation;
    o.save_path = folder_->file("parts");
    o.key = "voices";
    for (std::size_t i = 0; i < people(); ++i) (void)folder_->file(fs::path("parts") / o.key / source_folder_name(i + 1) / "x");
    const mixture_item item{"mixture", folder_->file("mixture.wav"), {}};
    item_job job(o, faces, item, {rate_, 1, samples_});
    job.run();
    for (std::size_t i = 0; i < people(); ++i) fs::rename(source_folder(o, i) / "mixture.wav", folder_->file(voice_name(i)));
    fs::remove_all(o.save_path);
  }

  void make_films() {
    std::vector<float> samples(block);
    for (std::size_t i = 0; i < people(); ++i) {
      film_copy film(o_.video, picture_start_, folder_->file(film_name(i)), rate_);
      audio_reader voice(folder_->file(voice_name(i)));
      while (const std::size_t n = voice.read(samples)) {
        check_stop();
        film.write(std::span<const float>(samples).first(n));
      }
      film.finish();
    }
  }

  std::string sheet(std::size_t from, std::size_t to) const {
    film_faces faces;
    std::vector<cropped_person> crops;
    for (std::size_t i = from; i < to; ++i) {
      faces.people.push_back(shown_[i].person());
      crops.push_back({"", shown_[i].crops()});
    }
    return contact_sheet(faces, crops, shown_mouths);
  }

  void show() {
    write_file_atomically(folder_->file("faces.png").string(), as_bytes_of(sheet(0, people())));
    separated_film page{(o_.video.empty() ? o_.audio : o_.video).filename().string(),
                        "mixture.wav",
                        network_.info().name,
                        seconds_,
                        {},
                        {},
                        {}};
    if (!o_.video.empty()) {
      page.poster = film_poster(o_.video, seconds_ / 2);
      page.lacking_codec = codec_that_browsers_lack(o_.video);
    }
    for (std::size_t i = 0; i < people(); ++i)
      page.faces.push_back(
          {about_[i].substr(about_[i].find(": ") + 2), voice_name(i), o_.video.empty() ? "" : film_name(i), sheet(i, i + 1)});
    write_file_atomically(folder_->file("index.html").string(), as_bytes_of(separate_page(page)));
  }

  void tell() {
    const double spent = std::chrono::duration<double>(steady::now() - start_).count();
    for (const std::string& line : about_) out_ << one_line(line) << '\n';
    if (!found_.faces.cuts.empty()) out_ << found_.faces.cuts.size() << " cuts, at which faces begin anew\n";
    if (!found_.faces.passing.empty())
      out_ << found_.faces.passing.size() << " faces seen in fewer than " << o_.finding.faces.least_frames
           << " frames left out (crop_mouths.min_frames)\n";
    char total[96];
    std::snprintf(total, sizeof total, "%.1f s in %.1f s, %.2f times real time", seconds_, spent, seconds_ / spent);
    out_ << people() << (people() == 1 ? " voice of " : " voices of ") << total << " (" << stages_
         << "): " << one_line((o_.out / "index.html").string()) << std::endl;
    if (!out_) fail("the last line could not be written: the output is closed or full");
  }

  // Voices and films of a run with more faces, or of another kind of film, stay where they are: they may be wanted.
  void note_earlier() {
    std::set<std::string> ours;
    for (std::size_t i = 0; i < people(); ++i) ours.insert({voice_name(i), film_name(i)});
    if (o_.video.empty()) std::erase_if(ours, [](const std::string& name) { return !name.ends_with(".wav"); });
    std::set<std::string> earlier;
    std::error_code code;
    for (fs::directory_iterator e(o_.out, code), end; !code && e != end; e.increment(code))
      if (const std::string name = e->path().filename().string(); is_result(name) && !ours.contains(name)) earlier.insert(name);
    if (earlier.empty()) return;
    std::string names;
    for (const std::string& name : earlier) names += (names.empty() ? "" : ", ") + name;
    note(joined(o_.out.string(), ": ", names, " of an earlier run ", earlier.size() == 1 ? "lies" : "lie", " beside the ",
                people() == 1 ? "voice" : "voices", " of this one, and index.html does not show ",
                earlier.size() == 1 ? "it" : "them", "; remove what is not wanted, or choose another out"));
  }

  void note(const std::string& text) { err_ << "note: " << one_line(text) << std::endl; }

  // Of one pass over the film, where its length is known.
  class progress {
   public:
    explicit progress(separation& s) : s_(s) {}
    void step(std::size_t done, std::size_t all) {
      check_stop();
      if (!bar_ && all > 0) bar_.emplace(s_.err_, s_.o_.terminal, all, "frames");
      if (bar_ && done <= all) bar_->step();
    }

   private:
    separation& s_;
    std::optional<item_progress> bar_;
  };

  const separate_options& o_;
  av_separator& network_;
  lip_embedder& encoder_;
  face_finder* finder_;
  std::ostream& out_;
  std::ostream& err_;
  const steady::time_point start_ = steady::now();
  staged_folder* folder_ = nullptr;
  found_people found_;
  std::string extension_;           // of films
  std::vector<std::string> about_;  // a line a face
  std::vector<shown_crops> shown_;
  std::vector<passing_face> features_;
  double picture_start_ = 0;  // s, on the film's clock
  double seconds_ = 0;        // of the picture, or of the sound without one
  int rate_ = 0;              // Hz
  dim_t samples_ = 0;
  std::string stages_;
};

}  // namespace

int run_separate(const separate_options& options, av_separator& network, lip_embedder& encoder, face_finder* finder,
                 std::ostream& out, std::ostream& err) {
  return separation(options, network, encoder, finder, out, err).run();
}

}  // namespace avss::tools
