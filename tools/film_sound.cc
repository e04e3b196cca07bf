#include "tools/film_sound.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/media_audio.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace avss::tools {
namespace {

constexpr std::size_t block = 1 << 14;     // samples moved at a time
constexpr double most_apart = 24 * 3600.;  // s

// Writes no more than a number of samples.
class limited_writer {
 public:
  limited_writer(const std::filesystem::path& target, int rate, std::int64_t most) : out_(target, rate), most_(most) {}

  bool full() const { return written_ == most_; }
  std::int64_t written() const { return written_; }
  void write(std::span<const float> x) {
    const std::int64_t n = std::min(static_cast<std::int64_t>(x.size()), most_ - written_);
    out_.write(x.first(static_cast<std::size_t>(n)));
    written_ += n;
  }
  void silence_until(std::int64_t end) {
    const std::vector<float> silence(block, 0.f);
    while (written_ < std::min(end, most_))
      write(std::span(silence).first(static_cast<std::size_t>(std::min<std::int64_t>(block, end - written_))));
  }
  void publish() {
    out_.finish();
    out_.publish();
  }

 private:
  audio_writer out_;
  std::int64_t most_, written_ = 0;
};

}  // namespace

film_sound copy_film_sound(const std::filesystem::path& source, const film_sound_options& o,
                           const std::filesystem::path& target, const std::function<void()>& each) {
  media_audio_reader reader(source, o.channels);
  std::vector<float> samples(block);
  std::size_t got = reader.read(samples);  // tells when it begins
  film_sound sound;
  sound.rate = reader.info().rate;
  if (o.picture_start && std::isfinite(reader.starts())) sound.late = reader.starts() - *o.picture_start;
  if (std::abs(sound.late) > most_apart)
    fail(source.string(), ": its sound and its picture begin ", std::abs(sound.late), " s apart; give the sound, audio=FILE");
  const std::int64_t end = o.seconds > 0 ? std::llround(o.seconds * sound.rate) : std::numeric_limits<std::int64_t>::max();
  const std::int64_t late = std::llround(sound.late * sound.rate);
  limited_writer out(target, sound.rate, end);
  if (late > 0) out.silence_until(late);
  for (std::int64_t early = std::max<std::int64_t>(0, -late); got > 0 && !out.full(); got = reader.read(samples)) {
    each();
    const std::int64_t dropped = std::min(early, static_cast<std::int64_t>(got));
    early -= dropped;
    out.write(std::span<const float>(samples).first(got).subspan(static_cast<std::size_t>(dropped)));
  }
  if (o.seconds > 0) {
    sound.missing = static_cast<double>(end - out.written()) / sound.rate;
    out.silence_until(end);
  }
  out.publish();
  sound.samples = out.written();
  sound.gaps = reader.gaps();
  return sound;
}

}  // namespace avss::tools
