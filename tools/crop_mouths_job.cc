#include "tools/crop_mouths_job.hpp"

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/media_audio.hpp>
#include <avss/io/media_video.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/path_kind.hpp>
#include <avss/io/staged_folder.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <new>
#include <ostream>
#include <span>
#include <system_error>

#include "tools/item_progress.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

// Adds the time that it lives to a sum.
class stop_watch {
 public:
  explicit stop_watch(double& sum) : sum_(sum) {}
  ~stop_watch() { sum_ += std::chrono::duration<double>(steady::now() - start_).count(); }
  stop_watch(const stop_watch&) = delete;
  stop_watch& operator=(const stop_watch&) = delete;

 private:
  double& sum_;
  steady::time_point start_ = steady::now();
};

struct timed_reader {
  media_video_reader& reader;
  double& sum;
  bool next(video_frame& f) {
    const stop_watch watch(sum);
    return reader.next(f);
  }
};

class timed_finder final : public face_finder {
 public:
  timed_finder(face_finder& finder, crop_times& times) : finder_(finder), times_(times) {}
  std::vector<face_box> find(const grey_picture& picture, double smallest) override {
    const stop_watch watch(times_.finding);
    return finder_.find(picture, smallest);
  }
  std::vector<face_box> find_near(const grey_picture& picture, const face_box& near) override {
    const stop_watch watch(times_.finding);
    return finder_.find_near(picture, near);
  }
  landmarks68 landmarks(const grey_picture& picture, const face_box& face) override {
    const stop_watch watch(times_.landmarks);
    return finder_.landmarks(picture, face);
  }

 private:
  face_finder& finder_;
  crop_times& times_;
};

// NaN where there is no sound that can be read, which is none of this tool's business.
double sound_start(const fs::path& video) {
  try {
    media_audio_reader sound(video);
    std::array<float, 1> first{};
    sound.read(first);
    return sound.starts();
  } catch (const error&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

void check_people(const film_faces& faces, const crop_options& o) {
  const std::size_t n = faces.people.size();
  if (faces.frames < o.faces.least_frames)
    fail("has ", faces.frames, " frames at 25 a second, expected at least ", o.faces.least_frames,
         "; give a longer film, or a smaller crop_mouths.min_frames");
  if (n == 0 && faces.passing.empty())
    fail("no face is found in any of its ", faces.frames, " frames; faces must look about at the camera and be at least ",
         face_tracker::smallest(o.faces.tracking, {faces.width, faces.height, {}}),
         " pixels high from the brows to the chin (crop_mouths.min_face)");
  if (n == 0)
    fail("no face is found in as many as ", o.faces.least_frames, " frames (", faces.passing.size(),
         " in fewer); give a smaller crop_mouths.min_frames to take them");
  if (o.expected && n != *o.expected) {
    std::string who;
    for (std::size_t i = 0; i < n; ++i) who += "; " + in_words(faces.people[i], i + 1);
    fail("holds ", n, n == 1 ? " face" : " faces", ", expected ", *o.expected, " (crop_mouths.faces)", who,
         faces.cuts.empty() ? "" : "; a face counts anew after each cut");
  }
}

// Errors of the library do not always know the file.
template <class F>
auto naming(const fs::path& video, F&& work) {
  try {
    return work();
  } catch (const error& e) {
    const std::string what = e.what(), path = one_line(video.string());
    if (what.starts_with(path)) throw;
    fail(path, ": ", what);
  } catch (const std::bad_alloc&) {
    fail(video.string(), ": not enough memory; cut the film into shorter ones");
  }
}

std::string id_of(const fs::path& video, std::size_t person, std::size_t people) {
  const std::string stem = video.stem().string();
  return people == 1 ? stem : stem + "_" + std::to_string(person + 1);
}

class cropping_run {
 public:
  cropping_run(const crop_options& o, face_finder& finder, std::ostream& out, std::ostream& err)
      : o_(o), finder_(finder), out_(out), err_(err) {}

  int run() {
    refuse_doubles();
    std::size_t failed = 0, there = 0, made = 0;
    try {
      for (const fs::path& video : o_.videos) {
        check_stop();
        if (!o_.overwrite && path_kind(o_.out / report_of(video)) != fs::file_type::not_found) {
          ++there;
          continue;
        }
        try {
          one(video);
          ++made;
        } catch (const error& e) {
          ++failed;
          err_ << "error: " << one_line(e.what()) << std::endl;
        }
      }
    } catch (const stopped&) {
      err_ << "interrupted; what is written is whole, and the same command goes on with the rest" << std::endl;
      return 130;
    }
    out_ << made << " films cropped, " << there << " were there, " << failed << " failed: " << one_line(o_.out.string())
         << std::endl;
    if (!out_) err_ << "error: the last line could not be written: the output is closed or full" << std::endl;
    return failed > 0 || !out_ ? 1 : 0;
  }

 private:
  static fs::path report_of(const fs::path& video) { return fs::path("reports") / (video.stem().string() + ".json"); }

  void refuse_doubles() const {
    for (std::size_t i = 0; i < o_.videos.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (o_.videos[i].stem() == o_.videos[j].stem())
          fail(o_.videos[i].string(), " and ", o_.videos[j].string(),
               ": two films of one name; rename one, or crop it elsewhere");
  }

  void one(const fs::path& video) {
    const auto start = steady::now();
    std::unique_ptr<item_progress> progress;
    const film_mouths m = crop_film(video, finder_, o_, [&](std::size_t done, std::size_t expected) {
      check_stop();
      if (!progress && expected > 0) progress = std::make_unique<item_progress>(err_, o_.terminal, expected, "frames");
      if (progress && done <= expected) progress->step();
    });
    progress.reset();
    write(video, m);
    tell(video, m, std::chrono::duration<double>(steady::now() - start).count());
  }

  void write(const fs::path& video, const film_mouths& m) const {
    for (const cropped_person& p : m.people)
      if (const fs::path target = o_.out / "mouths" / (p.id + ".npz");
          !o_.overwrite && path_kind(target) != fs::file_type::not_found)
        fail(target.string(),
             ": is there already and of another film or run; choose another out, or crop_mouths.overwrite=true");
    staged_folder folder(o_.out);
    folder.make([&] { make_files(folder, video, m); });
    folder.publish(report_of(video));
  }

  void make_files(const staged_folder& folder, const fs::path& video, const film_mouths& m) const {
    for (const cropped_person& p : m.people) {
      tensor_dict arrays;
      const dim_t frames = static_cast<dim_t>(p.crops.size()) / (crop_side * crop_side);
      arrays.add("data", tensor::of<std::uint8_t>({frames, crop_side, crop_side}, p.crops));
      write_npz(folder.file("mouths/" + p.id + ".npz").string(), arrays);
    }
    for (std::size_t i = 0; o_.landmarks && i < m.people.size(); ++i)
      write_landmarks(folder.file("landmarks/" + m.people[i].id + ".npz"), m.found.faces.people[i]);
    const fs::path sheet = fs::path("sheets") / (video.stem().string() + ".png");
    write_file_atomically(folder.file(sheet).string(), as_bytes_of(contact_sheet(m.found.faces, m.people)));
    const film_report about{video, o_.procedure, o_.landmark_model, m.found.sound_start};
    write_file_atomically(folder.file(report_of(video)).string(), as_bytes_of(json_report(about, m.found.faces, m.people)));
  }

  void write_landmarks(const fs::path& path, const face_person& p) const {
    std::vector<float> points, centres;
    for (const landmarks68& face : p.points)
      for (const point& at : face) points.push_back(static_cast<float>(at.x)), points.push_back(static_cast<float>(at.y));
    for (const mouth_view& v : align_mouths(p.points, o_.procedure)) {
      const point at = v.to_face.inverse()({v.left + crop_side / 2., v.top + crop_side / 2.});
      centres.push_back(static_cast<float>(at.x)), centres.push_back(static_cast<float>(at.y));
    }
    const dim_t frames = static_cast<dim_t>(p.points.size());
    tensor_dict arrays;
    arrays.add("data", tensor::of<float>({frames, 68, 2}, points));
    arrays.add("seen", tensor::of<std::uint8_t>({frames}, std::vector<std::uint8_t>(p.seen.begin(), p.seen.end())));
    arrays.add("centres", tensor::of<float>({frames, 2}, centres));
    write_npz(path.string(), arrays);
  }

  void tell(const fs::path& video, const film_mouths& m, double seconds) {
    const double frames = static_cast<double>(m.found.faces.frames);
    char speed[200];
    std::snprintf(
        speed, sizeof speed,
        "%zu frames in %.1f s, %.0f a second (ms a frame: decoding twice %.1f, faces %.1f, landmarks %.1f, crops %.1f)",
        m.found.faces.frames, seconds, frames / std::max(seconds, 1e-9), 1e3 * m.found.times.decoding / frames,
        1e3 * m.found.times.finding / frames, 1e3 * m.found.times.landmarks / frames, 1e3 * m.found.times.cropping / frames);
    out_ << one_line(video.string()) << ": " << m.people.size() << (m.people.size() == 1 ? " face, " : " faces, ") << speed
         << '\n';
    for (std::size_t i = 0; i < m.people.size(); ++i)
      out_ << "  " << one_line(m.people[i].id) << ".npz  " << in_words(m.found.faces.people[i], i + 1) << '\n';
    if (!m.found.faces.cuts.empty()) out_ << "  " << m.found.faces.cuts.size() << " cuts, at which faces begin anew\n";
    if (!m.found.faces.passing.empty())
      out_ << "  " << m.found.faces.passing.size() << " faces seen in fewer than " << o_.faces.least_frames
           << " frames left out\n";
    if (m.found.damaged > 0) out_ << "  " << m.found.damaged << " frames could not be decoded whole: the film is damaged\n";
    out_ << std::flush;
  }

  const crop_options& o_;
  face_finder& finder_;
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace

found_people find_people(const fs::path& video, face_finder& finder, const crop_options& o, const frame_step& each) {
  return naming(video, [&] {
    found_people found;
    timed_finder timed(finder, found.times);
    media_video_reader reader(video);
    const auto expected = static_cast<std::size_t>(std::clamp(reader.seconds(), 0., 1e6) * video_rate);
    timed_reader source{reader, found.times.decoding};
    std::size_t done = 0;
    found.faces = track_faces(source, timed, o.faces, [&] {
      if (each) each(++done, 2 * expected);
    });
    found.damaged = reader.damaged();
    check_people(found.faces, o);
    found.sound_start = sound_start(video);
    return found;
  });
}

void crop_people(const fs::path& video, found_people& found, mouth_procedure how, const crop_taker& take,
                 const frame_step& each) {
  naming(video, [&] {
    media_video_reader reader(video);
    timed_reader source{reader, found.times.decoding};
    const double before = found.times.decoding;
    double pass = 0;
    {
      const stop_watch watch(pass);
      std::size_t done = found.faces.frames;
      crop_mouths(source, found.faces, how, take, [&] {
        if (each) each(++done, 2 * found.faces.frames);
      });
    }
    found.times.cropping += pass - (found.times.decoding - before);
  });
}

film_mouths crop_film(const fs::path& video, face_finder& finder, const crop_options& o, const frame_step& each) {
  film_mouths m;
  m.found = find_people(video, finder, o, each);
  const std::size_t n = m.found.faces.people.size();
  for (std::size_t i = 0; i < n; ++i) m.people.push_back({id_of(video, i, n), {}});
  crop_people(
      video, m.found, o.procedure,
      [&](std::size_t person, std::size_t, std::span<const std::uint8_t> crop) {
        std::vector<std::uint8_t>& to = m.people[person].crops;
        to.insert(to.end(), crop.begin(), crop.end());
      },
      each);
  return m;
}

std::vector<fs::path> list_films(const fs::path& path, std::size_t& skipped) {
  const fs::file_type kind = path_kind(path);
  if (kind == fs::file_type::not_found) fail(path.string(), ": there is no such film or folder; check video=");
  if (kind != fs::file_type::directory) return {path};
  constexpr std::array known{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts",
                             ".ts",  ".wmv", ".flv", ".3gp", ".ogv",  ".vob", ".asf", ".mxf",  ".gif"};
  std::vector<fs::path> films;
  std::error_code code;
  for (fs::directory_iterator it(path, code), end; !code && it != end; it.increment(code)) {
    if (it->path().filename().string().starts_with('.') || !it->is_regular_file()) continue;
    std::string ending = it->path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::find(known.begin(), known.end(), ending) != known.end())
      films.push_back(it->path());
    else
      ++skipped;
  }
  if (code) fail(path.string(), ": cannot be read: ", code.message(), "; check its permissions");
  if (films.empty()) fail(path.string(), ": holds no films by their names; expected files such as talk.mp4");
  std::sort(films.begin(), films.end());
  return films;
}

int run_crop_mouths(const crop_options& options, face_finder& finder, std::ostream& out, std::ostream& err) {
  const stop_on_signal guard;
  return cropping_run(options, finder, out, err).run();
}

}  // namespace avss::tools
