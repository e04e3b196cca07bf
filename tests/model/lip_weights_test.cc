// The lip-reading encoder's weights: published files and what is in them beside the encoder, files of other networks.
#include <gtest/gtest.h>

#include <avss/cpu/lipreading.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/lip_weights.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr lip_encoder_config swish = presets::lip_tiny;
constexpr lip_encoder_config prelu{.activation = image_curve::prelu, .width = 4};

template <lip_encoder_config S>
using engine_of = lip_engine<LipEncoder<S>, cpu>;

class lip_weights : public in_folder {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }

  template <lip_encoder_config S>
  static engine_of<S> drawn() {
    engine_of<S> e;
    init_params(e.net(), 7, e.values(), e.state());
    return e;
  }
  template <lip_encoder_config S>
  static loaded_weights file_of() {
    engine_of<S> e = drawn<S>();
    return {weights_format::pytorch_zip, get_weights(e), {}};
  }
  template <lip_encoder_config S>
  std::string refusal(const loaded_weights& file) {
    engine_of<S> e;
    const std::string why = error_of([&] { load_weights(e, file, "FILE"); });
    for (float v : std::as_const(e).values()) EXPECT_EQ(v, 0.f) << "something was changed";
    return why;
  }
};

template <lip_encoder_config S, class Engine>
void expect_same(const Engine& a, const engine_of<S>& b) {
  EXPECT_TRUE(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
  EXPECT_TRUE(std::equal(a.state().begin(), a.state().end(), b.state().begin()));
}

TEST_F(lip_weights, come_back_from_either_format_with_what_is_said_of_them) {
  engine_of<swish> e = drawn<swish>();
  for (const char* name : {"encoder.pth", "encoder.safetensors"}) {
    SCOPED_TRACE(name);
    save_weights(e, path(name), {{"random_seed", "7"}});
    engine_of<swish> back;
    const lip_weights_report report = load_weights(back, path(name));
    EXPECT_FALSE(report.assumed) << "the file says it";
    EXPECT_TRUE(report.unused.empty());
    expect_same<swish>(std::as_const(back), e);
    const loaded_weights file = read_weights_file(path(name));
    EXPECT_EQ(file.metadata.find("random_seed")->text(), "7");
    EXPECT_EQ(file.tensors.find("frontend3D.1.num_batches_tracked")->type, dtype::i64);
  }
  engine_of<prelu> other;
  EXPECT_TRUE(says(error_of([&] { load_weights(other, path("encoder.pth")); }), "prelu", "swish"));
}

TEST_F(lip_weights, of_a_whole_lip_reader_are_taken_and_the_rest_named) {
  loaded_weights file = file_of<swish>();
  file.tensors.add("tcn.tcn_output.weight", tensor::of<float>({2}, std::vector<float>{1, 2}));
  file.tensors.add("tcn.tcn_output.bias", tensor::of<float>({1}, std::vector<float>{1}));
  for (named_tensor& t : file.tensors.entries) t.name = "module." + t.name;
  engine_of<swish> e;
  const lip_weights_report report = load_weights(e, file, "FILE");
  EXPECT_EQ(report.unused, (std::vector<std::string>{"tcn.tcn_output.weight", "tcn.tcn_output.bias"}));
  EXPECT_TRUE(report.assumed);
  expect_same<swish>(std::as_const(e), drawn<swish>());
  engine_of<prelu> p;
  EXPECT_FALSE(load_weights(p, file_of<prelu>(), "FILE").assumed) << "the slopes tell";
}

TEST_F(lip_weights, of_others_are_refused_with_the_reason) {
  EXPECT_TRUE(says(refusal<swish>(file_of<prelu>()), "FILE", "frontend3D.2.weight", "prelu"));
  EXPECT_TRUE(says(refusal<prelu>(file_of<swish>()), "FILE", "no PReLU slopes", "swish"));
  loaded_weights shuffle;
  shuffle.tensors.add("trunk.0.0.banch2.0.weight", tensor::of<float>({1}, std::vector<float>{1}));
  EXPECT_TRUE(says(refusal<swish>(shuffle), "ShuffleNet"));
  loaded_weights said = file_of<swish>();
  said.metadata = checkpoint_value::dict({{"activation", "relu"}});
  EXPECT_TRUE(says(refusal<swish>(said), "'relu'", "swish"));
}

TEST_F(lip_weights, that_do_not_fit_are_listed) {
  loaded_weights file = file_of<swish>();
  std::vector<named_tensor>& all = file.tensors.entries;
  std::erase_if(all, [](const named_tensor& t) { return t.name == "trunk.layer2.0.downsample.1.running_var"; });
  file.tensors.add("fc.weight", tensor::of<float>({1}, std::vector<float>{1}));
  all.front().value = tensor::of<float>({1}, std::vector<float>{1});
  EXPECT_TRUE(says(refusal<swish>(file), "missing 1: 'trunk.layer2.0.downsample.1.running_var' [8]",
                   "unexpected 1: 'fc.weight'", "wrong shape 1: 'trunk.layer1.0.conv1.weight'"));
}

}  // namespace
}  // namespace avss
