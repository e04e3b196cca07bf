#include "tools/train_data.hpp"

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/synthetic_mixtures.hpp>
#include <cmath>
#include <string>

namespace avss::tools {
namespace {

// Seconds to samples.
dim_t length_of(const config::settings& s, const std::string& part, int rate) {
  const std::string key = part + ".max_audio_length";
  const double seconds = s.get<double>(key);
  if (!(seconds > 0 && seconds < 3600)) fail(key, ": expected seconds, more than 0, found ", seconds);
  return std::max<dim_t>(1, std::llround(seconds * rate));
}

std::unique_ptr<const item_source> make(const config::settings& s, const std::string& part, int rate, dim_t sources,
                                        std::uint64_t seed) {
  s.one_of(part + "._target_", {"avss.SyntheticMixtures"});
  const std::string key = part + ".limit";
  const dim_t count = s.get<dim_t>(key, 0);
  if (count < 0) fail(key, ": expected a number of items, or null for an endless row, found ", count);
  return std::make_unique<synthetic_mixtures>(sources, length_of(s, part, rate), rate, count,
                                              random_stream(seed, "data", part).bits(0));
}

}  // namespace

train_sources make_train_sources(const config::settings& s, int sample_rate, dim_t sources, std::uint64_t seed) {
  train_sources result;
  result.train = make(s, "datasets.train", sample_rate, sources, seed);
  if (s.has("datasets.val") && !s.at("datasets.val").is_null()) {
    result.val = make(s, "datasets.val", sample_rate, sources, seed);
    if (result.val->count() == 0) fail("datasets.val.limit: a validation needs a number of items");
  }
  return result;
}

}  // namespace avss::tools
