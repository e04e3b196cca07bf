#include "tools/demo_job.hpp"

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/dsp/joint_level.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/staged_folder.hpp>
#include <avss/metric/separation.hpp>
#include <avss/model/long_form.hpp>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/demo_page.hpp"
#include "tools/demo_voices.hpp"
#include "tools/score_table.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

bool is_demo_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / "index.html", ignored)) return false;
  const std::vector<std::byte> bytes = input_file((folder / "index.html").string()).prefix(2048);
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(demo_generator) !=
         std::string_view::npos;
}

double rms(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, x.size())));
}

float peak(std::span<const float> x) {
  float most = 0;
  for (const float v : x) most = std::max(most, std::abs(v));
  return most;
}

// The speaker's first word, fit for a file's name.
std::string file_word(const std::string& speaker) {
  std::string word;
  for (const char c : speaker.substr(0, 40)) {
    if (c == ' ') break;
    word += std::isalnum(static_cast<unsigned char>(c)) || c == '-' ? c : '-';
  }
  return word;
}

// Two clips at one energy, as long as the shorter one; the loudest of the three sounds peaks at 0.9.
demo_mixture mix(std::size_t number, const std::array<clip_source*, 2>& sources, const std::array<const clip*, 2>& clips) {
  demo_mixture m;
  m.name = std::to_string(number) + "_" + file_word(sources[0]->name()) + "_" + file_word(sources[1]->name());
  const std::size_t length = std::min(clips[0]->samples.size(), clips[1]->samples.size());
  m.samples.assign(length, 0.f);
  float most = 0;
  for (std::size_t v = 0; v < 2; ++v) {
    demo_voice& voice = m.voices[v];
    voice.speaker = sources[v]->name(), voice.file = clips[v]->file.filename().string();
    voice.truth.assign(clips[v]->samples.begin(), clips[v]->samples.begin() + static_cast<std::ptrdiff_t>(length));
    const auto gain = static_cast<float>(0.1 / rms(voice.truth));
    for (std::size_t i = 0; i < length; ++i) m.samples[i] += voice.truth[i] *= gain;
    most = std::max(most, peak(voice.truth));
  }
  const float gain = 0.9f / std::max(most, peak(m.samples));
  for (float& v : m.samples) v *= gain;
  for (demo_voice& voice : m.voices)
    for (float& v : voice.truth) v *= gain;
  return m;
}

// SI-SNR of the voices before and after, and each estimate to the voice that it fits.
void score(demo_mixture& m, std::span<const float> estimates) {
  const std::size_t length = m.samples.size();
  std::vector<float> truth;
  for (const demo_voice& v : m.voices) truth.insert(truth.end(), v.truth.begin(), v.truth.end());
  const std::vector<source_scores> scores = score_separation<float>(m.samples, truth, estimates, m.voices.size(), true);
  std::vector<ratio> before, after, improvement;
  for (std::size_t v = 0; v < m.voices.size(); ++v) {
    const auto taken = estimates.subspan(scores[v].estimate * length, length);
    m.voices[v].estimate.assign(taken.begin(), taken.end());
    const ratio mixture = measure_si_snr<float>(m.samples, m.voices[v].truth);
    const auto value = [](const ratio& r) { return r.status == ratio_status::measured ? r.value : std::nan(""); };
    m.voices[v].before = value(mixture), m.voices[v].after = value(scores[v].si_snr);
    before.push_back(mixture), after.push_back(scores[v].si_snr), improvement.push_back(scores[v].si_snr_improvement);
  }
  m.before = mixture_score(before).value, m.after = mixture_score(after).value;
  m.improvement = mixture_score(improvement).value;
}

// At the mixture's level, no louder than full scale.
std::vector<float> separate(separator& network, const demo_mixture& m) {
  std::vector<float> estimates = separate_long(network, m.samples);
  joint_level level(m.voices.size());
  level.add(m.samples, estimates);
  const std::vector<double> gains = level.gains();
  const std::size_t length = m.samples.size();
  for (std::size_t v = 0; v < m.voices.size(); ++v) {
    const auto e = std::span(estimates).subspan(v * length, length);
    const double loudest = std::abs(gains[v]) * static_cast<double>(peak(e)), most = std::min(1., 1 / std::max(loudest, 1e-30));
    for (float& x : e) x = static_cast<float>(x * gains[v] * most);
  }
  return estimates;
}

// Voices that have a clip at all.
std::vector<clip_source> usable_voices(const demo_options& o, int rate, std::ostream& err) {
  std::vector<clip_source> voices;
  std::string why;
  for (const voice& v : find_voices(o.voices, err)) {
    check_stop();
    clip_source source(v, {.rate = rate, .min_seconds = o.min_seconds, .max_seconds = o.max_seconds, .seed = o.seed});
    if (source.get(0)) {
      voices.push_back(std::move(source));
      continue;
    }
    why += (why.empty() ? "" : "; ") + v.name + ": " + source.left_out();
  }
  if (voices.size() < 2)
    fail(o.voices.string(), ": two speakers with usable recordings are needed, found ", voices.size(), " (", why,
         "); give each a folder of recordings of one person speaking, of demo.min_seconds = ", o.min_seconds, " s and more");
  if (!why.empty()) err << "note: left out " << one_line(why) << '\n';
  return voices;
}

// All pairs of n voices, neighbours first, so that the first few pairs bring everybody in.
std::vector<std::array<std::size_t, 2>> pairs_of(std::size_t n) {
  std::vector<std::array<std::size_t, 2>> pairs;
  for (std::size_t step = 1; step <= n / 2; ++step)
    for (std::size_t i = 0; i < (2 * step == n ? n / 2 : n); ++i) pairs.push_back({i, (i + step) % n});
  return pairs;
}

// Two clips of two voices that were not mixed yet, from clips `i` and `j` on; none where all were.
struct clip_pair {
  const clip *first = nullptr, *second = nullptr;
};
clip_pair new_pair(clip_source& a, std::size_t i, clip_source& b, std::size_t j,
                   std::set<std::pair<fs::path, fs::path>>& mixed) {
  const fs::path first_file = a.get(i)->file, second_file = b.get(j)->file;
  for (std::size_t m = 0; m == 0 || a.get(i + m)->file != first_file; ++m)
    for (std::size_t n = 0; n == 0 || b.get(j + n)->file != second_file; ++n)
      if (mixed.insert({a.get(i + m)->file, b.get(j + n)->file}).second) return {a.get(i + m), b.get(j + n)};
  return {};
}

// Text of `width` columns where each code point takes one: padded, or cut between two of them.
std::string in_columns(const std::string& text, std::size_t width) {
  std::size_t end = 0, points = 0;
  while (end < text.size() && points < width) {
    ++end, ++points;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  }
  return text.substr(0, end) + std::string(width - points, ' ');
}

void print(const demo_report& r, std::ostream& out) {
  const auto line = [&](const std::string& a, const std::string& b, double x, double y, double z) {
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, " %8s %9s %11s %13s\n", b.c_str(), shown(x).c_str(), shown(y).c_str(),
                  shown(z).c_str());
    out << in_columns(a, 44) << numbers;
  };
  out << "\nSI-SNR in dB, mean of both voices, each estimate compared with the voice that it fits (PIT)\n"
      << "mixture                                        length   mixture   separated   improvement\n";
  for (const demo_mixture& m : r.mixtures) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.2f s", static_cast<double>(m.samples.size()) / r.rate);
    line(one_line(m.name.substr(0, m.name.find('_')) + "  " + m.voices[0].speaker + " + " + m.voices[1].speaker), seconds,
         m.before, m.after, m.improvement);
  }
  line("mean", "", r.before, r.after, r.improvement);
  char text[160];
  std::snprintf(text, sizeof text, "\n%.1f s of sound separated in %.2f s (%.1f times real time)\n", r.seconds, r.spent,
                r.seconds / std::max(r.spent, 1e-9));
  out << text;
}

// A path as terminals and browsers take it.
std::string file_url(const fs::path& path) {
  std::string url = "file://";
  for (const char c : path.string()) {
    char code[4] = {c};
    if (!std::isalnum(static_cast<unsigned char>(c)) && !std::strchr("/-_.~", c))
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    url += code;
  }
  return url;
}

void write(const demo_report& r, staged_folder& folder) {
  const auto sound = [&](const std::string& inside, const demo_mixture& m, const std::vector<float>& x) {
    check_stop();
    write_audio(folder.file(inside + "/" + m.name + ".wav"), r.rate, x);
  };
  const auto picture = [&](const demo_mixture& m, const std::string& what, const std::string& png) {
    write_file_atomically(folder.file("pictures/" + m.name + "_" + what + ".png").string(), as_bytes_of(png));
  };
  for (const demo_mixture& m : r.mixtures) {
    sound("audio/mix", m, m.samples);
    picture(m, "mix", m.picture);
    for (std::size_t v = 0; v < m.voices.size(); ++v) {
      const std::string source = "s" + std::to_string(v + 1);
      sound("audio/" + source, m, m.voices[v].truth);
      sound("inf/" + source, m, m.voices[v].estimate);
      picture(m, source + "_truth", m.voices[v].truth_picture);
      picture(m, source + "_separated", m.voices[v].estimate_picture);
    }
  }
  write_file_atomically(folder.file("index.html").string(), as_bytes_of(demo_page(r)));
  check_stop();
  folder.publish("index.html");
}

demo_report make_report(const demo_options& o, separator& network, std::ostream& err) {
  const separator_info& info = network.info();
  demo_report r;
  r.network = info.name, r.weights = o.weights, r.parameters = info.parameters, r.rate = info.sample_rate;
  r.debian_voices = o.voices.empty();
  std::vector<clip_source> voices = usable_voices(o, info.sample_rate, err);
  const auto pairs = pairs_of(voices.size());
  std::vector<std::size_t> used(voices.size(), 0);
  std::set<std::pair<fs::path, fs::path>> mixed;
  double before = 0, after = 0, improvement = 0;
  const std::size_t wanted = static_cast<std::size_t>(o.mixtures);
  for (std::size_t n = 0, exhausted = 0; r.mixtures.size() < wanted && exhausted < pairs.size(); ++n) {
    check_stop();
    const auto [a, b] = pairs[n % pairs.size()];
    const clip_pair clips = new_pair(voices[a], used[a]++, voices[b], used[b]++, mixed);
    exhausted = clips.first ? 0 : exhausted + 1;
    if (!clips.first) continue;
    demo_mixture m = mix(r.mixtures.size() + 1, {&voices[a], &voices[b]}, {clips.first, clips.second});
    const auto start = std::chrono::steady_clock::now();
    const std::vector<float> estimates = separate(network, m);
    r.spent += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    r.seconds += static_cast<double>(m.samples.size()) / r.rate;
    score(m, estimates);
    draw_pictures(m, r.rate);
    before += m.before, after += m.after, improvement += m.improvement;
    r.mixtures.push_back(std::move(m));
  }
  const double count = static_cast<double>(r.mixtures.size());
  if (r.mixtures.size() < wanted)
    err << "note: the recordings give " << r.mixtures.size() << " different mixtures, not " << wanted << '\n';
  r.before = before / count, r.after = after / count, r.improvement = improvement / count;
  return r;
}

}  // namespace

void check_demo_folder(const fs::path& out) {
  std::error_code code, ignored;
  if (!fs::exists(out, ignored)) return;
  if (!fs::is_directory(out, ignored)) fail(out.string(), ": is a file; choose a folder for the results, demo.out=DIR");
  const bool empty = fs::is_empty(out, code);
  if (code) fail(out.string(), ": cannot be listed: ", code.message(), "; choose another folder, demo.out=DIR");
  if (!empty && !is_demo_folder(out))
    fail(out.string(), ": holds files that are not of an earlier demo; choose another folder, demo.out=DIR");
}

int run_demo(const demo_options& options, separator& network, std::ostream& out, std::ostream& err) {
  const stop_on_signal guard;
  try {
    staged_folder folder(options.out);  // first: where nothing can be written, nothing need be computed
    const demo_report r = make_report(options, network, err);
    write(r, folder);
    print(r, out);
    out << "listen and look: " << file_url(folder.target() / "index.html") << std::endl;
  } catch (const stopped&) {
    err << "stopped; nothing was written" << std::endl;
    return 130;
  }
  if (!out) fail("the results' lines could not be written: the output is closed or full");
  return 0;
}

}  // namespace avss::tools
