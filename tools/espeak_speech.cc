#include "tools/espeak_speech.hpp"

#include <espeak-ng/speak_lib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

namespace avss::tools {
namespace {

// What the speaking process hands back.
struct heard_event {
  std::int32_t milliseconds;
  char ipa[8];
};
struct recording_header {
  std::int32_t status;  // an espeak_ERROR
  std::int32_t samples, events;
};

// Only in the speaking process, where espeak-ng's callback has no other place to put them.
std::vector<std::int16_t> samples;
std::vector<heard_event> events;

int collect(short* wave, int count, espeak_EVENT* event) {
  if (wave) samples.insert(samples.end(), wave, wave + count);
  for (; event->type != espeakEVENT_LIST_TERMINATED; ++event) {
    if (event->type != espeakEVENT_PHONEME) continue;
    heard_event e{event->audio_position, {}};
    std::memcpy(e.ipa, event->id.string, sizeof e.ipa);
    events.push_back(e);
  }
  return 0;
}

bool send_all(int fd, const void* data, std::size_t size) {
  for (const char* at = static_cast<const char*>(data); size > 0;) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n, size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool receive_all(int fd, void* data, std::size_t size) {
  for (char* at = static_cast<char*>(data); size > 0;) {
    const ssize_t n = ::read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n, size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Nothing of a tool that is killed goes on, or holds what it has open: a folder's mark would tell that it is still being made.
void end_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

void close_all_but(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  ::close_range(3, kept - 1, 0);
  ::close_range(kept + 1, ~0u, 0);
}

[[noreturn]] void speak_in_child(int fd, const espeak_voice& voice, const std::string& text) {
  ::alarm(60);  // an utterance takes a tenth of a second
  int status = espeak_SetVoiceByName(voice.name.c_str());
  if (status == EE_OK) {
    espeak_SetParameter(espeakPITCH, voice.pitch, 0);
    espeak_SetParameter(espeakRANGE, voice.range, 0);
    espeak_SetParameter(espeakRATE, voice.rate, 0);
    status = espeak_Synth(text.c_str(), text.size() + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, nullptr, nullptr);
    if (status == EE_OK) status = espeak_Synchronize();
  }
  const recording_header header{status, static_cast<std::int32_t>(samples.size()), static_cast<std::int32_t>(events.size())};
  const bool written = send_all(fd, &header, sizeof header) && send_all(fd, samples.data(), samples.size() * 2) &&
                       send_all(fd, events.data(), events.size() * sizeof(heard_event));
  ::_exit(written ? 0 : 1);  // without the parent's buffers and destructors
}

spoken_text to_text(int rate, const std::vector<std::int16_t>& wave, const std::vector<heard_event>& heard) {
  spoken_text spoken{rate, {}, {}};
  spoken.samples.reserve(wave.size());
  for (const std::int16_t v : wave) spoken.samples.push_back(static_cast<float>(v) / 32768);
  const double end = static_cast<double>(wave.size()) / rate;
  for (std::size_t i = 0; i < heard.size(); ++i) {
    const double begin = heard[i].milliseconds / 1000., until = i + 1 < heard.size() ? heard[i + 1].milliseconds / 1000. : end;
    if (until <= begin) continue;
    spoken.phonemes.push_back({std::string(heard[i].ipa, ::strnlen(heard[i].ipa, sizeof heard[i].ipa)), begin, until});
  }
  return spoken;
}

}  // namespace

espeak_voice draw_voice(random_stream stream) {
  static constexpr const char* accents[] = {
      "en", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"};
  static constexpr const char* low[] = {"m1",    "m2",     "m3",   "m4",      "m5",     "m6",     "m7",    "m8",
                                        "adam",  "Alex",   "Andy", "david",   "Denis",  "edward", "Gene",  "Hugo",
                                        "john",  "Marco",  "max",  "Michael", "miguel", "Mike",   "pablo", "paul",
                                        "pedro", "quincy", "rob",  "robert",  "travis", "victor", "zac"};
  static constexpr const char* high[] = {"f1",    "f2",    "f3",      "f4",    "f5",     "Alicia", "Andrea", "anika",
                                         "Annie", "aunty", "belinda", "linda", "shelby", "steph",  "steph2", "steph3"};
  random_sequence r(stream);
  espeak_voice v{};
  const std::string accent = accents[r.below(std::size(accents))];
  v.low = r.chance(0.5);
  v.name = accent + "+" + (v.low ? low[r.below(std::size(low))] : high[r.below(std::size(high))]);
  v.pitch = static_cast<int>(r.below(56)) + 20;
  v.range = static_cast<int>(r.below(51)) + 30;
  v.rate = static_cast<int>(r.below(61)) + 130;
  return v;
}

espeak_speech::espeak_speech()
    : rate_(espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, nullptr,
                              espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_PHONEME_IPA | espeakINITIALIZE_DONT_EXIT)) {
  if (rate_ <= 0)
    fail(
        "espeak-ng cannot be used: its data are missing or damaged; as root, run: "
        "apt-get install --reinstall espeak-ng-data libespeak-ng1");
  espeak_SetSynthCallback(collect);
  const char* data = nullptr;
  version_ = espeak_Info(&data);
  version_ = version_.substr(0, version_.find(' '));
}

spoken_text espeak_speech::say(const espeak_voice& voice, const std::string& text) const {
  int ends[2];
  if (::pipe(ends) != 0) fail("speech cannot be made: ", std::strerror(errno), "; close other programs");
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) {
    end_with(parent);
    close_all_but(ends[1]);
    speak_in_child(ends[1], voice, text);
  }
  const int problem = errno;
  ::close(ends[1]);
  recording_header header{};
  std::vector<std::int16_t> wave;
  std::vector<heard_event> heard;
  bool whole = child > 0 && receive_all(ends[0], &header, sizeof header);
  if (whole) {
    wave.resize(static_cast<std::size_t>(header.samples));
    heard.resize(static_cast<std::size_t>(header.events));
    whole = receive_all(ends[0], wave.data(), wave.size() * 2) &&
            receive_all(ends[0], heard.data(), heard.size() * sizeof(heard_event));
  }
  ::close(ends[0]);
  if (child < 0) fail("speech cannot be made: no further process: ", std::strerror(problem), "; close other programs");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole || status != 0)
    fail("espeak-ng ended while it spoke with the voice ", voice.name, "; choose another synthesize.seed");
  if (header.status == EE_NOT_FOUND)
    fail("espeak-ng has no voice ", voice.name, "; as root, run: apt-get install --reinstall espeak-ng-data");
  if (header.status != EE_OK) fail("espeak-ng failed (", header.status, ") with the voice ", voice.name);
  return to_text(rate_, wave, heard);
}

}  // namespace avss::tools
