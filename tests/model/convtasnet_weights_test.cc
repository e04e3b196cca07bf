// Conv-TasNet's weights: every published layout there and back, and what files say of themselves.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <avss/layer/init.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr convtasnet_config small{.filters = 8,
                                  .window = 4,
                                  .stride = 2,
                                  .bottleneck = 5,
                                  .skip = 3,
                                  .hidden = 6,
                                  .blocks = 2,
                                  .repeats = 2,
                                  .last = last_residual::unused};
constexpr convtasnet_config small_causal = [] {
  convtasnet_config c = small;
  c.causal = true;
  return c;
}();
constexpr convtasnet_config small_torchaudio = [] {
  convtasnet_config c = small;
  c.padding = edge_padding::both_ends;
  c.last = last_residual::left_out;
  return c;
}();
constexpr convtasnet_config small_kaituoxu = [] {
  convtasnet_config c = small;
  c.skip = 0, c.bias = false, c.mask_prelu = false, c.first_norm = norm_kind::per_frame, c.last = last_residual::used;
  return c;
}();
constexpr convtasnet_config small_reference = [] {
  convtasnet_config c = small;
  c.encoder_bias = c.decoder_bias = true;
  return c;
}();

class convtasnet_weights_file : public in_folder {
 protected:
  template <convtasnet_config S>
  void expect_round_trip(const std::string& layout_name) {
    engine<ConvTasNet<S>, cpu> from(cpu{1}), to(cpu{1});
    init_params(from.net(), 7, from.values());
    for (const char* ending : {".pth", ".safetensors"}) {
      SCOPED_TRACE(layout_name + ending);
      const std::string path = (folder / ("weights" + std::string(ending))).string();
      save_weights(from, path, layout_name);
      std::fill(to.values().begin(), to.values().end(), 0.f);
      EXPECT_EQ(load_weights(to, path).name, layout_name);
      EXPECT_TRUE(std::equal(from.values().begin(), from.values().end(), to.values().begin()));
    }
  }
};

TEST_F(convtasnet_weights_file, every_layout_there_and_back) {
  expect_round_trip<small_torchaudio>("torchaudio");
  expect_round_trip<small>("asteroid");
  expect_round_trip<small_causal>("asteroid (causal)");
  expect_round_trip<small_kaituoxu>("kaituoxu");
  expect_round_trip<small_reference>("reference");
}

TEST_F(convtasnet_weights_file, causal_and_not_are_told_apart_by_the_names) {
  engine<ConvTasNet<small_causal>, cpu> causal(cpu{1});
  engine<ConvTasNet<small>, cpu> other(cpu{1});
  init_params(causal.net(), 7, causal.values());
  const std::string path = (folder / "causal.pth").string();
  EXPECT_TRUE(says(error_of([&] { save_weights(causal, path, "asteroid"); }), path, "asteroid", "causal"));
  save_weights(causal, path, "asteroid (causal)");
  EXPECT_TRUE(says(error_of([&] { load_weights(other, path); }), path, "causal network"));
}

TEST_F(convtasnet_weights_file, a_misfit_changes_nothing) {
  engine<ConvTasNet<small>, cpu> from(cpu{1});
  engine<ConvTasNet<small_reference>, cpu> to(cpu{1});
  init_params(from.net(), 7, from.values());
  init_params(to.net(), 8, to.values());
  const std::vector<float> before(to.values().begin(), to.values().end());
  const std::string path = (folder / "a.pth").string();
  save_weights(from, path, "asteroid");
  EXPECT_TRUE(says(error_of([&] { load_weights(to, path); }), path, "missing 2", "encoder.bias", "decoder.bias"));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), to.values().begin()));
}

TEST_F(convtasnet_weights_file, a_file_that_says_otherwise_is_refused) {
  engine<ConvTasNet<small>, cpu> e(cpu{1});
  init_params(e.net(), 7, e.values());
  tensor_dict theirs = from_canonical(convtasnet_layout("asteroid", small.blocks), get_weights(e));
  const auto with = [&](const char* mask, int filters) {
    using v = checkpoint_value;
    const std::string path = (folder / (std::string(mask) + std::to_string(filters) + ".pth")).string();
    write_pytorch(path, v::dict({{v("model_name"), v("ConvTasNet")},
                                 {v("state_dict"), v::state_dict(theirs)},
                                 {v("model_args"), v::dict({{v("mask_act"), v(mask)},
                                                            {v("n_filters"), v(filters)},
                                                            {v("norm_type"), v("gLN")},
                                                            {v("causal"), v(false)},
                                                            {v("encoder_activation"), v()}})}}));
    return path;
  };
  EXPECT_EQ(load_weights(e, with("sigmoid", 8)).name, "asteroid");
  EXPECT_TRUE(says(error_of([&] { load_weights(e, with("relu", 8)); }),
                   "model_args.mask_act is 'relu' in the file and sigmoid in the network"));
  EXPECT_TRUE(says(error_of([&] { load_weights(e, with("relu", 9)); }), "mask_act", "n_filters is 9"));
}

}  // namespace
}  // namespace avss
