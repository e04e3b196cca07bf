#include "tools/synthesize_item.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/synth/mouth_motion.hpp>
#include <avss/synth/mouth_outline.hpp>
#include <avss/synth/mouth_renderer.hpp>
#include <avss/synth/sentence.hpp>
#include <cmath>
#include <cstdio>
#include <span>

namespace avss::tools {
namespace {

constexpr std::size_t samples_per_frame = synthesis_rate / frames_per_second;

double rms(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, x.size())));
}

// Enough words for `seconds` and some to spare, so that clips begin anywhere in a sentence.
spoken_text say_enough(const espeak_speech& speech, const espeak_voice& voice, random_stream random, double seconds) {
  double words = 8 + (seconds + 1) * voice.rate / 60.;
  for (int attempt = 0; attempt < 6; ++attempt, words *= 1.6) {
    spoken_text spoken = speech.say(voice, make_sentence(random.sub("text"), static_cast<std::size_t>(words)));
    if (static_cast<double>(spoken.samples.size()) > (seconds + 0.3) * spoken.rate) return spoken;
  }
  fail("espeak-ng's voice ", voice.name, " says too little; choose another synthesize.seed");
}

struct clip {
  std::vector<float> samples;
  std::vector<timed_viseme> track;  // times from the clip's beginning
};

// Vowels that are said louder open the mouth further.
clip cut(const spoken_text& spoken, random_stream random, std::size_t length) {
  const std::vector<float> all = resample<float>(spoken.samples, spoken.rate, synthesis_rate);
  const std::size_t begin = random.below(all.size() - length + 1, 0);
  clip c{{all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(begin + length)}, {}};
  const auto level = [&](const spoken_phoneme& p) {
    const auto sample = [&](double t) { return std::min(all.size(), static_cast<std::size_t>(t * synthesis_rate)); };
    return rms(std::span(all).subspan(sample(p.begin), sample(p.end) - sample(p.begin)));
  };
  double loudest = 1e-9;
  for (const spoken_phoneme& p : spoken.phonemes) loudest = std::max(loudest, level(p));
  const double start = static_cast<double>(begin) / synthesis_rate;
  for (const spoken_phoneme& p : spoken.phonemes)
    add_phoneme(c.track, p.ipa, p.begin - start, p.end - start, 0.55 + 0.5 * std::sqrt(level(p) / loudest));
  return c;
}

double correlation(std::span<const double> a, std::span<const double> b) {
  double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sa += a[i], sb += b[i];
  const double ma = sa / static_cast<double>(a.size()), mb = sb / static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb), ab += (a[i] - ma) * (b[i] - mb);
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

// A frame shows the middle of its fortieth of a second's time.
void film(const clip& c, const face& looks, random_stream random, synthetic_utterance& u) {
  const mouth_renderer renderer(looks, draw_clip_look(random));
  constexpr std::size_t pixels = mouth_renderer::size * mouth_renderer::size;
  const std::size_t frames = c.samples.size() / samples_per_frame;
  u.mouth.resize(frames * pixels);
  std::vector<double> openings, levels;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const mouth_shape shape = mouth_at(c.track, (static_cast<double>(frame) + 0.5) / frames_per_second);
    renderer.draw(shape, frame, std::span(u.mouth).subspan(frame * pixels, pixels));
    openings.push_back(opening_of(looks, shape));
    levels.push_back(rms(std::span(c.samples).subspan(frame * samples_per_frame, samples_per_frame)));
  }
  u.correlation = correlation(openings, levels);
}

synthetic_utterance make_utterance(const synthesis_options& o, const espeak_speech& speech, const synthetic_speaker& speaker,
                                   std::size_t number) {
  char id[16];
  std::snprintf(id, sizeof id, "%05u%06u", static_cast<unsigned>(speaker.number % 100000),
                static_cast<unsigned>(number % 1000000));
  const random_stream random(o.seed, "utterance", speaker.number, number);
  const double seconds = static_cast<double>(o.frames) / frames_per_second;
  synthetic_utterance u;
  u.id = id;
  clip c = cut(say_enough(speech, speaker.voice, random, seconds), random.sub("cut"), o.frames * samples_per_frame);
  film(c, speaker.looks, random.sub("clip"), u);
  u.samples = std::move(c.samples);
  if (rms(u.samples) < 1e-4) fail("espeak-ng's voice ", speaker.voice.name, " is silent; choose another synthesize.seed");
  return u;
}

void add_up(synthetic_mixture& m) {
  m.samples = m.sources[0].samples;
  for (std::size_t i = 0; i < m.samples.size(); ++i) m.samples[i] += m.sources[1].samples[i];
}

// `first_louder` dB between the sources, 0.9 the largest sample.
void set_levels(synthetic_mixture& m, double first_louder) {
  for (std::size_t k = 0; k < 2; ++k) {
    const double gain = 0.1 * std::pow(10, (k == 0 ? 0.5 : -0.5) * first_louder / 20) / rms(m.sources[k].samples);
    for (float& v : m.sources[k].samples) v = static_cast<float>(v * gain);
  }
  add_up(m);
  float most = 0;
  for (const std::vector<float>* x : {&m.samples, &m.sources[0].samples, &m.sources[1].samples})
    for (const float v : *x) most = std::max(most, std::abs(v));
  for (synthetic_utterance& u : m.sources)
    for (float& v : u.samples) v = static_cast<float>(v * (0.9 / static_cast<double>(most)));
  add_up(m);  // again: scaled alone, it would miss the sum by a rounding
}

}  // namespace

synthetic_speaker draw_speaker(std::uint64_t seed, std::size_t number) {
  const random_stream random(seed, "speaker", number);
  const espeak_voice voice = draw_voice(random.sub("voice"));
  return {number, voice, draw_face(random.sub("face"), voice.low)};
}

synthetic_mixture make_mixture(const synthesis_options& o, const espeak_speech& speech,
                               const std::vector<synthetic_speaker>& speakers, const std::string& partition, std::size_t n) {
  random_sequence random(random_stream(o.seed, "mixture", partition, n));
  const std::size_t a = random.below(speakers.size());
  const std::size_t b = (a + 1 + random.below(speakers.size() - 1)) % speakers.size();
  const double difference = random.uniform(o.relative_level.first, o.relative_level.second);
  const bool even_is_louder = random_stream(o.seed, "louder", partition, n / 2).bits(0) & 1;
  synthetic_mixture m;
  m.sources[0] = make_utterance(o, speech, speakers[a], 2 * n);
  m.sources[1] = make_utterance(o, speech, speakers[b], 2 * n + 1);
  set_levels(m, (n % 2 == 0) == even_is_louder ? difference : -difference);
  return m;
}

}  // namespace avss::tools
