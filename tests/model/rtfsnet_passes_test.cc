// The number of passes as a matter of run time, and values that are none.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/cpu/rtfsnet.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr rtfsnet_config tiny = presets::rtfsnet_tiny;
constexpr rtfsnet_config six = [] {
  rtfsnet_config c = tiny;
  c.passes = 6;
  return c;
}();
constexpr av_size size{.batch = 2, .length = 640, .faces = 1, .video_frames = 4};

template <rtfsnet_config S>
struct run {
  av_engine<RtfsNet<S>, cpu> engine;
  std::vector<float> voices = std::vector<float>(1280), trained = voices;

  explicit run(int passes) : engine(cpu{1}, RtfsNet<S>(passes)) {
    init_params(engine.net(), 3, engine.values(), engine.state());
    engine.separate(size, noise(1280, 1), noise(2 * 12 * 4, 2), voices);
    engine.train_step(size, noise(1280, 1), noise(2 * 12 * 4, 2), trained, {}, [](auto&, auto y, auto, auto dy, auto) {
      std::copy_n(y.data, y.size(), dy.data);
      return 0;
    });
  }
};

TEST(RtfsNetPasses, of_run_time_are_those_of_compile_time) {
  run<tiny> made(6), named(tiny.passes);
  run<six> compiled(six.passes);
  EXPECT_EQ(made.engine.net().passes(), 6);
  EXPECT_EQ(made.voices, compiled.voices);
  EXPECT_EQ(made.trained, compiled.trained);
  EXPECT_TRUE(std::equal(made.engine.gradients().begin(), made.engine.gradients().end(), compiled.engine.gradients().begin()));
  EXPECT_EQ(made.engine.planned_bytes(pass::train, size), compiled.engine.planned_bytes(pass::train, size));
  EXPECT_EQ(made.engine.planned_bytes(pass::infer, size), compiled.engine.planned_bytes(pass::infer, size));
  EXPECT_NE(made.voices, named.voices);
  EXPECT_GT(made.engine.planned_bytes(pass::train, size), named.engine.planned_bytes(pass::train, size));
  for (const int passes : {0, -1, 33})
    EXPECT_TRUE(says(error_of([&] { RtfsNet<tiny>{passes}; }), "1 to 32 passes", std::to_string(passes)));
}

TEST(RtfsNetPasses, a_nan_comes_through) {
  run<tiny> r(4);
  for (const param_info& p : list_params(r.engine.net())) {
    // What inference does not look at.
    if (p.name.ends_with("num_batches_tracked") || p.name.ends_with("scale_x")) continue;
    const std::span<float> numbers = p.is_state ? r.engine.state() : r.engine.values();
    const std::span<float> part = numbers.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
    const std::vector<float> kept(part.begin(), part.end());
    std::fill(part.begin(), part.end(), std::numeric_limits<float>::quiet_NaN());
    r.engine.separate(size, noise(1280, 1), noise(2 * 12 * 4, 2), r.voices);
    EXPECT_TRUE(std::any_of(r.voices.begin(), r.voices.end(), [](float v) { return std::isnan(v); })) << p.name;
    std::copy(kept.begin(), kept.end(), part.begin());
  }
  r.engine.separate(size, noise(1280, 1), noise(2 * 12 * 4, 2), r.voices);
  for (const float v : r.voices) ASSERT_TRUE(std::isfinite(v));
}

class rtfsnet_variance : public in_folder {};

TEST_F(rtfsnet_variance, a_negative_one_is_refused) {
  run<tiny> from(4), to(4);
  for (float& v : from.engine.values()) v += 1;
  for (float& v : from.engine.state()) v += 1;
  for (const param_info& p : list_params(from.engine.net()))
    if (p.name.ends_with("running_var")) from.engine.state()[static_cast<std::size_t>(p.offset)] = -1;
  const std::string path = (folder / "from.pth").string();
  save_weights(from.engine, path);
  const std::vector<float> before(to.engine.values().begin(), to.engine.values().end());
  const std::vector<float> state(to.engine.state().begin(), to.engine.state().end());
  EXPECT_TRUE(says(error_of([&] { load_weights(to.engine, path); }), "from.pth", "running_var", "-1", "negative", "damaged"));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), to.engine.values().begin())) << "something was loaded";
  EXPECT_TRUE(std::equal(state.begin(), state.end(), to.engine.state().begin())) << "some state was loaded";
}

}  // namespace
}  // namespace avss
