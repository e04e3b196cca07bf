// The number of passes as a matter of run time, and values that are none.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <cmath>
#include <limits>

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
  for (const param_info& p : list_params(r.engine.net()))
    if (p.name.starts_with("mask_generator") && !p.is_state)
      for (dim_t i = 0; i < p.size; ++i)
        r.engine.values()[static_cast<std::size_t>(p.offset + i)] = std::numeric_limits<float>::quiet_NaN();
  r.engine.separate(size, noise(1280, 1), noise(2 * 12 * 4, 2), r.voices);
  for (const float v : r.voices) ASSERT_TRUE(std::isnan(v));
}

class rtfsnet_variance : public in_folder {};

TEST_F(rtfsnet_variance, a_negative_one_is_refused) {
  run<tiny> from(4), to(4);
  for (const param_info& p : list_params(from.engine.net()))
    if (p.name.ends_with("running_var")) from.engine.state()[static_cast<std::size_t>(p.offset)] = -1;
  const std::string path = (folder / "from.pth").string();
  save_weights(from.engine, path);
  const std::vector<float> before(to.engine.values().begin(), to.engine.values().end());
  EXPECT_TRUE(says(error_of([&] { load_weights(to.engine, path); }), "from.pth", "running_var", "-1", "negative", "damaged"));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), to.engine.values().begin())) << "something was loaded";
}

}  // namespace
}  // namespace avss
