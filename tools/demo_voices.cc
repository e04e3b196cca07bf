#include "tools/demo_voices.hpp"

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/speech_check.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/media_audio.hpp>
#include <cctype>
#include <cmath>
#include <numbers>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

struct voice_package {
  const char *package, *folder, *name;
};
constexpr voice_package packages[] = {
    {"asterisk-core-sounds-en-g722", "en_US_f_Allison", "Allison (English)"},
    {"asterisk-core-sounds-fr-g722", "fr_CA_f_June", "June (French)"},
    {"asterisk-core-sounds-it-g722", "it_IT_m_Carlo", "Carlo (Italian)"},
    {"asterisk-core-sounds-ru-g722", "ru_RU_f_IvrvoiceRU", "Ivrvoice (Russian)"},
};

bool may_be_sound(const fs::path& file) {
  constexpr std::array<std::string_view, 24> known{".wav",  ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".g722",
                                                   ".aif",  ".aiff", ".au",   ".caf", ".m4a", ".aac",  ".mp4", ".m4v",
                                                   ".webm", ".mka",  ".mkv",  ".mov", ".wma", ".amr",  ".w64", ".avi"};
  std::string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(known.begin(), known.end(), extension) != known.end();
}

std::vector<fs::path> list_sounds(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code, ignored;
  fs::recursive_directory_iterator entry(folder, code);
  for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code))
    if (entry->is_regular_file(ignored) && may_be_sound(entry->path())) files.push_back(entry->path());
  if (code) fail(folder.string(), ": cannot be listed: ", code.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<voice> installed_voices(const fs::path& packaged, std::ostream& notes) {
  std::vector<voice> voices;
  std::string missing;
  std::error_code ignored;
  for (const voice_package& p : packages) {
    const fs::path folder = packaged / p.folder;
    std::vector<fs::path> files;
    if (fs::is_directory(folder, ignored)) files = list_sounds(folder);
    if (files.empty())
      missing += std::string(" ") + p.package;
    else
      voices.push_back({p.name, std::move(files)});
  }
  const std::string remedy = "as root, run: apt-get install --no-install-recommends" + missing;
  if (voices.size() < 2)
    fail("two voices are needed, and ", voices.size(), " of Debian's packages of recorded voices ",
         voices.size() == 1 ? "is" : "are", " installed; ", remedy,
         "; or give recordings of your own, a folder for each speaker: demo.voices=DIR");
  if (!missing.empty()) notes << "note: voices are missing; for all of them, " << remedy << '\n';
  return voices;
}

// Without the silence before and after it, at most `longest` samples, cut in a pause, with soft ends.
std::vector<float> trim(std::vector<float> x, int rate, std::size_t longest) {
  const std::size_t frame = static_cast<std::size_t>(rate) / 50, margin = 3 * frame;
  std::vector<double> power(x.size() / frame);
  for (std::size_t n = 0; n < power.size(); ++n)
    for (std::size_t i = n * frame; i < (n + 1) * frame; ++i) power[n] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  if (power.empty()) return {};
  const double quiet = *std::max_element(power.begin(), power.end()) * std::pow(10., -4);
  const auto loud = [&](double p) { return p > quiet; };
  const auto first = static_cast<std::size_t>(std::find_if(power.begin(), power.end(), loud) - power.begin()) * frame;
  const auto after = static_cast<std::size_t>(power.rend() - std::find_if(power.rbegin(), power.rend(), loud)) * frame;
  const std::size_t begin = first > margin ? first - margin : 0;
  std::size_t end = std::min(x.size(), after + margin);
  if (end > begin + longest) {
    const auto last = power.begin() + static_cast<std::ptrdiff_t>((begin + longest) / frame);
    const auto from = last - std::min<std::ptrdiff_t>(50, last - power.begin());  // in the last second
    end = static_cast<std::size_t>(std::min_element(from, last) - power.begin()) * frame + frame / 2;
  }
  x = {x.begin() + static_cast<std::ptrdiff_t>(begin), x.begin() + static_cast<std::ptrdiff_t>(std::max(begin, end))};
  for (std::size_t i = 0; i < frame && i < x.size(); ++i) {
    const auto soft = static_cast<float>(
        0.5 - 0.5 * std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(frame)));
    x[i] *= soft, x[x.size() - 1 - i] *= soft;
  }
  return x;
}

std::string shorter_than(double seconds) {
  char text[48];
  std::snprintf(text, sizeof text, "shorter than %g s", seconds);
  return text;
}

}  // namespace

std::vector<voice> find_voices(const fs::path& folder, std::ostream& notes, const fs::path& packaged) {
  if (folder.empty()) return installed_voices(packaged, notes);
  std::error_code code, ignored;
  if (!fs::is_directory(folder, ignored))
    fail(folder.string(), ": no such folder; expected one that holds a folder of recordings for each speaker");
  std::vector<voice> voices;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.front() == '.' || !entry->is_directory(ignored)) continue;
    if (std::vector<fs::path> files = list_sounds(entry->path()); !files.empty()) voices.push_back({name, std::move(files)});
  }
  if (code) fail(folder.string(), ": cannot be listed: ", code.message());
  if (voices.size() < 2)
    fail(folder.string(), ": has ", voices.size(), voices.size() == 1 ? " folder" : " folders",
         " with recordings; expected one for each speaker, and two speakers at least");
  std::sort(voices.begin(), voices.end(), [](const voice& a, const voice& b) { return a.name < b.name; });
  return voices;
}

clip_source::clip_source(const voice& v, const clip_options& options) : name_(v.name), options_(options), order_(v.files) {
  random_stream(options.seed, "demo", v.name).shuffle(std::span(order_));
}

const clip* clip_source::get(std::size_t n) {
  while (clips_.size() <= n && next_ < order_.size()) {
    const fs::path& file = order_[next_++];
    try {
      examine(file);
    } catch (const error&) {
      ++refused_["that cannot be read"];
    }
  }
  return clips_.empty() ? nullptr : &clips_[n % clips_.size()];
}

void clip_source::examine(const fs::path& file) {
  const double spare = 2;  // s of silence before the first word
  const std::string too_short = shorter_than(options_.min_seconds);
  media_audio_reader reader(file);
  if (reader.seconds() > 0 && reader.seconds() < options_.min_seconds) {
    ++refused_[too_short];
    return;
  }
  std::vector<float> samples(static_cast<std::size_t>((options_.max_seconds + spare) * reader.info().rate));
  samples.resize(reader.read(samples));
  samples = resample<float>(samples, reader.info().rate, options_.rate);
  samples = trim(std::move(samples), options_.rate, static_cast<std::size_t>(options_.max_seconds * options_.rate));
  const char* what = not_speech(measure_speech(samples, options_.rate));
  if (static_cast<double>(samples.size()) < options_.min_seconds * options_.rate)
    ++refused_[too_short];
  else if (what)
    ++refused_[what];
  else
    clips_.push_back({file, std::move(samples)});
}

std::string clip_source::left_out() const {
  std::string text;
  for (const auto& [why, count] : refused_) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + why;
  return text;
}

}  // namespace avss::tools
