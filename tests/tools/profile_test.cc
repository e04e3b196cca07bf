// What networks cost, against published figures and against counting by hand.
#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <avss/io/csv.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/op/products.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/models/profile_preset.hpp"
#include "tools/profile_report.hpp"

namespace avss::tools {
namespace {

const part_cost& part(const model_cost& cost, const std::string& name) {
  for (const part_cost& p : cost.parts)
    if (p.name == name) return p;
  throw error("no part called " + name);
}

TEST(profile, operations_counted_by_hand) {
  op::conv2d_fwd<float> conv{};
  conv.n = {2, 3, 5, 7};  // 210 inputs, 4 outputs of 9 taps for each
  conv.out = 4;
  conv.s.kernel_t = conv.s.kernel_f = 3;
  EXPECT_EQ(products(conv), 210 * 4 * 9);
  op::depthwise2d_fwd<float> deep{};
  deep.n = {2, 3, 8, 6};
  deep.s = {4, 4, 2, 2, 1, 1, 4, 3};
  EXPECT_EQ(products(deep), 2 * 3 * 4 * 3 * 16);
  op::pointwise_fwd<float> twice{};
  twice.batch = 2, twice.in = 5, twice.frames = 7, twice.n_targets = 2;
  twice.target[0].out = 3, twice.target[1].out = 4;
  EXPECT_EQ(products(twice), 2 * 5 * 7 * 7);
  op::lstm_fwd<float> lstm{};
  lstm.n = {6, 5, 4, 8, false};
  EXPECT_EQ(products(lstm), 6 * 5 * 4 * 4 * 4);
  op::attention_fwd<float> attention{};
  attention.n.outer = 2, attention.n.inner = 3, attention.n.length = 5;
  attention.n.width = 4, attention.n.value_width = 7;
  EXPECT_EQ(products(attention), 2 * 3 * 5 * 5 * (4 + 7));
  op::window_linear_fwd<float> windows{};
  windows.n = {10, 3, 4, 8, 5};  // 3 windows of 8 steps
  EXPECT_EQ(products(windows), 3 * 3 * 4 * 8 * 5);
  op::window_fold_fwd<float> fold{};
  fold.steps = 3, fold.rows = 2, fold.in = 4, fold.window = 8, fold.out = 5;
  EXPECT_EQ(products(fold), 3 * 2 * 4 * 8 * 5);
}

// Pegg, Li, Hu 2024, table 1: 739 thousand parameters (740 with the later norms); 21.9, 30.5 and 56.4 G at 2 s.
TEST(profile, rtfsnet_costs_what_is_published) {
  for (const auto& [passes, published] : {std::pair{4, 21.9e9}, {6, 30.5e9}, {12, 56.4e9}}) {
    const model_cost cost =
        profile_preset<preset_id::rtfsnet_4>({.seconds = 2, .faces = 1, .threads = 1, .repeats = 1, .passes = passes});
    EXPECT_EQ(cost.sum().parameters, 740210);
    EXPECT_NEAR(cost.sum().macs / published, 1, 0.006) << passes;
    // 251 frames of 129 bins
    const double places = 251 * 129;
    EXPECT_EQ(part(cost, "STFT encoder").macs, places * 2 * 256 * 9);
    EXPECT_EQ(part(cost, "bottleneck").macs, places * 256 * 256);
    EXPECT_EQ(part(cost, "S3 mask").macs, places * 256 * 256);
    EXPECT_EQ(part(cost, "decoder").macs, places * 2 * 256 * 9);
    EXPECT_NEAR(part(cost, "RTFS block").macs / passes / 4342e6, 1, 0.005);
    EXPECT_GT(part(cost, "CAF").parameters, 0);
    EXPECT_GT(part(cost, "VP block").macs, 0);
    for (const part_cost& p : cost.parts) EXPECT_GT(p.seconds, 0) << p.name;
    EXPECT_GT(cost.training_bytes, cost.inference_bytes);
  }
}

// Luo and Mesgarani 2019, table II: 5.1 M parameters.
TEST(profile, convtasnet_costs_what_its_sizes_say) {
  const model_cost cost = profile_preset<preset_id::convtasnet_paper>({.seconds = 1, .threads = 1, .repeats = 1});
  EXPECT_NEAR(static_cast<double>(cost.sum().parameters), 5.1e6, 0.05e6);
  // 8000 samples, padded as the authors pad them: 8 at the end and 8 on either side.
  const double frames = 1002, n = 512, l = 16, b = 128, h = 512, kernel = 3;
  EXPECT_EQ(part(cost, "encoder").macs, frames * n * l);
  EXPECT_EQ(part(cost, "masks and decoder").macs, frames * 2 * n * (b + l));
  // The last block has no convolution to the residual stream.
  EXPECT_EQ(part(cost, "separator").macs, frames * (n * b + 24 * (b * h + h * kernel + 2 * h * b) - h * b));
  EXPECT_EQ(cost.faces, 0);
}

// He et al. 2016, table 1: 1.8 G for 224 x 224 with a front end of its own; here 88 x 88 and five frames to a tap.
TEST(profile, the_lip_encoder_costs_what_its_sizes_say) {
  const model_cost cost = profile_preset<preset_id::lip_prelu>({.seconds = 0.12, .faces = 2, .threads = 1, .repeats = 1});
  EXPECT_EQ(cost.sum().parameters, 11186688);
  const double frames = 2 * 3;
  EXPECT_EQ(part(cost, "3-D front end").macs, frames * 44 * 44 * 64 * 5 * 7 * 7);
  EXPECT_EQ(part(cost, "3-D front end").parameters, 64 * 5 * 7 * 7 + 2 * 64 + 64);
  // Two blocks of two convolutions 3 x 3 each; from the second stage on the first has a shortcut 1 x 1.
  EXPECT_EQ(part(cost, "stage 1").macs, frames * 22 * 22 * 64 * 4 * 64 * 9);
  double places = 22 * 22, channels = 64;
  for (const char* name : {"stage 2", "stage 3", "stage 4"}) {
    places = places == 121 ? 36 : places / 4;  // 11 x 11 becomes 6 x 6
    EXPECT_EQ(part(cost, name).macs, frames * places * 2 * channels * channels * (9 + 3 * 18 + 1)) << name;
    channels *= 2;
  }
  for (const part_cost& p : cost.parts) EXPECT_GT(p.seconds, 0) << p.name;
  EXPECT_GT(cost.training_bytes, cost.inference_bytes);
}

TEST(profile, what_is_written_can_be_read) {
  model_cost cost;
  cost.name = "a net";
  cost.sample_rate = 8000, cost.length = 4000, cost.faces = 2;
  cost.inference_bytes = 1000, cost.training_bytes = 3000;
  cost.parts = {{"first", 10, 3e9, 0.25}, {"second", 30, 1e9, 0.75}};
  const csv_table table = parse_csv(profile_csv(cost), "csv");
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[2], (std::vector<std::string>{"all", "40", "4000000000", "1"}));
  const json_value v = strict_json::parse(profile_json(cost), "json");
  EXPECT_EQ(v.find("model")->text, "a net");
  EXPECT_EQ(v.find("macs")->text, "4000000000");
  EXPECT_EQ(v.find("parts")->items[1].find("parameters")->text, "30");
  const std::string text = profile_table(cost);
  EXPECT_NE(text.find("2.000 s for a second of sound"), std::string::npos) << text;
  EXPECT_NE(text.find("75.0"), std::string::npos) << text;
}

}  // namespace
}  // namespace avss::tools
