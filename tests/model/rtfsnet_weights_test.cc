// RTFS-Net's weights: every published layout there and back, and what files say of themselves.
#include <gtest/gtest.h>

#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <avss/reference/backend.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr rtfsnet_config tiny = presets::rtfsnet_tiny;
constexpr rtfsnet_config tiny_2023 = [] {
  rtfsnet_config c = tiny;
  c.projection_norm = false;
  return c;
}();
constexpr rtfsnet_config tiny_reference = [] {
  rtfsnet_config c = tiny;
  c.rnn = recurrence::lstm;
  c.encoder_act_norm = c.feed_forward_dense = c.feed_forward_bias = c.decoder_bias = true;
  c.video_norm = block_norm::global;
  c.stored_positions = false;
  c.fusion_heads = 1;
  return c;
}();

template <rtfsnet_config S>
using engine_of = av_engine<RtfsNet<S>, reference<float>>;

class rtfsnet_weights_file : public in_folder {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }

  template <rtfsnet_config S>
  static void init(engine_of<S>& e) {
    init_params(e.net(), 7, e.values(), e.state());
    for (const param_info& p : list_params(e.net()))
      if (p.name.ends_with("num_batches_tracked")) e.state()[static_cast<std::size_t>(p.offset)] = 12345;
  }
  template <rtfsnet_config S>
  void expect_round_trip(const std::string& layout_name) {
    engine_of<S> from, to;
    init(from);
    for (const char* ending : {".pth", ".safetensors"}) {
      SCOPED_TRACE(layout_name + ending);
      save_weights(from, path("weights" + std::string(ending)), layout_name);
      std::fill(to.values().begin(), to.values().end(), 0.f);
      EXPECT_EQ(load_weights(to, path("weights" + std::string(ending))).name, layout_name);
      EXPECT_TRUE(std::equal(from.values().begin(), from.values().end(), to.values().begin()));
      EXPECT_TRUE(std::equal(from.state().begin(), from.state().end(), to.state().begin()));
    }
  }
};

TEST_F(rtfsnet_weights_file, every_layout_there_and_back) {
  expect_round_trip<tiny>("2024");
  expect_round_trip<tiny>("2023");  // its names and axes, with the normalisation of 2024
  expect_round_trip<tiny_2023>("2023");
  expect_round_trip<tiny_2023>("2024");
  expect_round_trip<tiny_reference>("reference");
}

TEST_F(rtfsnet_weights_file, are_in_the_terms_of_their_layout) {
  engine_of<tiny_2023> e;
  init(e);
  save_weights(e, path("a.pth"), "2023");
  const tensor_dict w = read_weights_file(path("a.pth")).tensors;
  const std::string name = "refinement_module.audio_net.blocks.globalatt.1.rnn.rnn_lst.0.transform_module.weight";
  const tensor* theirs = w.find(name);
  ASSERT_NE(theirs, nullptr);
  EXPECT_EQ(theirs->shape, (std::vector<dim_t>{16, 12}));
  for (const param_info& p : list_params(e.net()))
    if (p.name == "refinement_module.audio_net.blocks.globalatt.1.rnn.rnn_lst.0.weight") {
      EXPECT_EQ(theirs->values<float>()[3 * 12 + 5], e.values()[static_cast<std::size_t>(p.offset + 5 * 16 + 3)]);
    }
  const tensor* count = w.find("refinement_module.video_net.blocks.downsample_layers.0.full_layer.3.num_batches_tracked");
  ASSERT_NE(count, nullptr);
  EXPECT_EQ(count->type, dtype::i64);
  EXPECT_TRUE(count->shape.empty());
}

TEST_F(rtfsnet_weights_file, a_trainers_file_with_a_lip_reading_network_beside) {
  engine_of<tiny> from, to;
  init(from);
  tensor_dict all;
  for (named_tensor& e : get_weights(from).entries) all.add("audio_model." + e.name, std::move(e.value));
  all.add("video_model.trunk.weight", tensor::of<float>({1}, std::vector<float>{1}));
  using v = checkpoint_value;
  const auto with = [&](int passes) {
    write_pytorch(
        path("epoch.ckpt"),
        v::dict({{v("state_dict"), v::state_dict(all)},
                 {v("training_config"),
                  v::dict({{v("audionet"), v::dict({{v("audio_params"), v::dict({{v("repeats"), v(passes)}})}})}})}}));
  };
  with(4);
  EXPECT_EQ(load_weights(to, path("epoch.ckpt")).name, "2024");
  EXPECT_TRUE(std::equal(from.values().begin(), from.values().end(), to.values().begin()));
  with(12);
  EXPECT_TRUE(says(error_of([&] { load_weights(to, path("epoch.ckpt")); }), "trained with 12 passes and the network makes 4"));
}

TEST_F(rtfsnet_weights_file, of_another_network) {
  engine_of<tiny> from, to;
  engine_of<tiny_2023> older;
  engine_of<tiny_reference> reference_like;
  init(from), init(older), init(reference_like);
  const auto refusal = [&](auto& engine, const std::string& layout_name) {
    save_weights(engine, path("w.pth"), layout_name);
    return error_of([&] { load_weights(to, path("w.pth")); });
  };
  EXPECT_TRUE(says(refusal(older, "2023"), path("w.pth"), "no normalisation, as the weights of 2023"));
  EXPECT_TRUE(says(refusal(reference_like, "reference"), "holds LSTMs and the network has SRUs"));
  tensor_dict few = get_weights(from);
  few.entries.pop_back();
  write_pytorch(path("few.pth"), few);
  EXPECT_TRUE(says(error_of([&] { load_weights(to, path("few.pth")); }), "missing 1", "decoder.decoder.weight"));
  tensor_dict other;
  other.add("conv1.weight", tensor::of<float>({1}, std::vector<float>{1}));
  write_pytorch(path("other.pth"), other);
  EXPECT_TRUE(says(error_of([&] { load_weights(to, path("other.pth")); }), "not the weights of an RTFS-Net", "conv1.weight"));
  EXPECT_TRUE(says(error_of([] { rtfsnet_layout("paper"); }), "choose one of: 2024, 2023, reference"));
}

}  // namespace
}  // namespace avss
