#include <gtest/gtest.h>

#include <avss/io/convtasnet_layouts.hpp>
#include <avss/io/layout.hpp>
#include <avss/io/match.hpp>
#include <avss/io/weights_file.hpp>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::error_of;
using testing::expect_error;
using testing::formula;
using testing::golden;

// The tiny networks of make_weights_golden.py.
constexpr dim_t N = 4, L = 4, B = 3, H = 5, P = 3, X = 2, R = 2, C = 2;

struct parts {
  bool conv_bias = true, skip = true, prelu = true, end_bias = false;
};

std::vector<expected_tensor> expected(const parts& has) {
  std::vector<expected_tensor> all;
  const auto pair = [&](const std::string& name, std::vector<dim_t> weight, bool bias) {
    all.push_back({name + "weight", weight});
    if (bias) all.push_back({name + "bias", {weight[0]}});
  };
  const auto norm = [&](const std::string& name, dim_t n) { pair(name, {n}, true); };
  pair("encoder.", {N, 1, L}, has.end_bias);
  norm("mask_generator.input_norm.", N);
  pair("mask_generator.input_conv.", {B, N, 1}, has.conv_bias);
  for (dim_t i = 0; i < X * R; ++i) {
    const std::string b = "mask_generator.conv_layers." + std::to_string(i) + ".", c = b + "conv_layers.";
    pair(c + "0.", {H, B, 1}, has.conv_bias);
    pair(c + "1.", {1}, false);
    norm(c + "2.", H);
    pair(c + "3.", {H, 1, P}, has.conv_bias);
    pair(c + "4.", {1}, false);
    norm(c + "5.", H);
    pair(b + "res_out.", {B, H, 1}, has.conv_bias);
    if (has.skip) pair(b + "skip_out.", {B, H, 1}, has.conv_bias);
  }
  if (has.prelu) pair("mask_generator.output_prelu.", {1}, false);
  pair("mask_generator.output_conv.", {C * N, B, 1}, has.conv_bias);
  all.push_back({"decoder.weight", {N, 1, L}});
  if (has.end_bias) all.push_back({"decoder.bias", {1}});
  return all;
}

struct published {
  const char *file, *layout;
  parts has;
};

class convtasnet : public ::testing::TestWithParam<published> {};

TEST_P(convtasnet, loads_and_saves) {
  const std::string path = golden(GetParam().file);
  const loaded_weights file = read_weights_file(path);
  const convtasnet_weights ours = to_convtasnet(file.tensors, file.metadata, path);
  EXPECT_EQ(ours.source.name, GetParam().layout);
  const std::vector<expected_tensor> want = expected(GetParam().has);
  const std::vector<const tensor*> found = match_strictly(want, ours.tensors, path, &ours.source);
  ASSERT_EQ(found.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(found[i]->values<double>(), formula(want[i].name, static_cast<std::size_t>(found[i]->size()))) << want[i].name;

  const tensor_dict back = from_canonical(convtasnet_layout(GetParam().layout, X), ours.tensors);
  testing::expect_equal(back, file.tensors);
  for (std::size_t i = 0; i < back.entries.size(); ++i) EXPECT_EQ(back.entries[i].name, file.tensors.entries[i].name);
}

INSTANTIATE_TEST_SUITE_P(
    published, convtasnet,
    ::testing::Values(published{"convtasnet_asteroid.pth", "asteroid", {}},
                      published{"convtasnet_asteroid_causal.pth", "asteroid (causal)", {}},
                      published{"convtasnet_kaituoxu.pth", "kaituoxu", {false, false, false, false}},
                      published{"convtasnet_kaituoxu_causal.pth", "kaituoxu (causal)", {false, false, false, false}},
                      published{"convtasnet_reference.pth", "reference", {true, true, true, true}}));

TEST(convtasnet_layouts, torchaudio_is_our_own) {
  tensor_dict own;
  for (const expected_tensor& e : expected({})) {
    const auto n = *checked_bytes(e.shape, dtype::f32);
    own.add("model." + e.name, tensor{dtype::f32, e.shape, std::vector<std::byte>(n)});
  }
  const convtasnet_weights ours = to_convtasnet(own, checkpoint_value(), "a.pth");
  EXPECT_EQ(ours.source.name, "torchaudio");
  EXPECT_NO_THROW(match_strictly(expected({}), ours.tensors, "a.pth", &ours.source));
  testing::expect_equal(from_canonical(ours.source, ours.tensors), ours.tensors);
}

TEST(convtasnet_layouts, a_missing_encoder_is_named) {
  const auto without_encoder = [](const tensor_dict& all) {
    tensor_dict rest;
    for (const named_tensor& e : all.entries)
      if (e.name.find("encoder.") != 0) rest.add(e.name, e.value);
    return rest;
  };
  tensor_dict own;
  for (const expected_tensor& e : expected({}))
    own.add(e.name, tensor{dtype::f32, e.shape, std::vector<std::byte>(*checked_bytes(e.shape, dtype::f32))});
  const convtasnet_weights ours = to_convtasnet(without_encoder(own), checkpoint_value(), "a.pth");
  EXPECT_EQ(ours.source.name, "torchaudio");
  expect_error([&] { match_strictly(expected({}), ours.tensors, "a.pth", &ours.source); }, "missing 1: 'encoder.weight'");
  for (const auto& [name, layout] :
       {std::pair{"asteroid", "asteroid"}, std::pair{"asteroid_causal", "asteroid (causal)"}, std::pair{"kaituoxu", "kaituoxu"},
        std::pair{"kaituoxu_causal", "kaituoxu (causal)"}, std::pair{"reference", "reference"}}) {
    const loaded_weights file = read_weights_file(golden("convtasnet_" + std::string(name) + ".pth"));
    EXPECT_EQ(to_convtasnet(without_encoder(file.tensors), checkpoint_value(), "a.pth").source.name, layout);
  }
}

// A trainer's file that lies beside the specifications; not part of the repository.
TEST(convtasnet_layouts, reference_checkpoint) {
  const char* shared = std::getenv("AVSS_SHARED");
  if (!shared) GTEST_SKIP() << "set AVSS_SHARED to the folder that holds golden/reference_ckpt_small_convtasnet.pth";
  const std::string path = std::string(shared) + "/golden/reference_ckpt_small_convtasnet.pth";
  const loaded_weights file = read_weights_file(path);
  const convtasnet_weights ours = to_convtasnet(file.tensors, file.metadata, path);
  EXPECT_EQ(ours.source.name, "reference");
  EXPECT_EQ(ours.tensors.entries.size(), 39u);
  for (const named_tensor& e : ours.tensors.entries) EXPECT_NE(their_name(ours.source, e.name), "") << e.name;
  testing::expect_equal(from_canonical(ours.source, ours.tensors), file.tensors);
}

TEST(convtasnet_layouts, errors) {
  tensor_dict other{{{"conv1.weight", tensor{dtype::u8, {1}, std::vector<std::byte>(1)}}}};
  expect_error([&] { to_convtasnet(other, checkpoint_value(), "a.pth"); },
               "a.pth: not the weights of a Conv-TasNet: names such as 'conv1.weight' belong to none of the layouts");
  const loaded_weights file = read_weights_file(golden("convtasnet_kaituoxu.pth"));
  expect_error(
      [&] {
        to_convtasnet(file.tensors, checkpoint_value::dict({{"X", 8}}), "a.pth");
      },
      "declares X=8 blocks a repeat and holds 2");
  EXPECT_EQ(to_convtasnet(file.tensors, checkpoint_value(), "a.pth").source.period, X);
  const loaded_weights full = read_weights_file(golden("convtasnet_reference.pth"));
  const tensor_dict ours = to_convtasnet(full.tensors, full.metadata, "a").tensors;
  const std::string line = error_of([&] { from_canonical(convtasnet_layout("kaituoxu", X), ours); });
  EXPECT_EQ(line.find("the kaituoxu layout has no place for 'encoder.bias', "), 0u) << line;
  EXPECT_NE(line.find("'mask_generator.conv_layers.{0-3}.skip_out.bias', 'mask_generator.output_prelu.weight', "
                      "'mask_generator.output_conv.bias', 'decoder.bias'; save in another layout"),
            std::string::npos)
      << line;
  expect_error([] { convtasnet_layout("paper", 1); }, "choose one of: torchaudio, asteroid, asteroid (causal), kaituoxu");
}

tensor floats(std::vector<dim_t> shape, const std::vector<float>& v) { return tensor::of<float>(std::move(shape), v); }

TEST(layout, names_and_axes) {
  const layout l{
      "test", {"x.0.0.w"}, {{"x.{i/X}.{i%X}.w", "y.{i}.w", "a 1 b", "1 b a"}, {"x.{i}.count", ""}, {"x.{i}.v", "y.{i}.v"}}, 3};
  tensor_dict theirs;
  theirs.add("x.1.2.w", floats({2, 1, 3}, {1, 2, 3, 4, 5, 6}));
  theirs.add("x.0.3.w", floats({}, {1}));    // 3 is no remainder of 3
  theirs.add("x.01.0.w", floats({}, {1}));   // no number is written so
  theirs.add("x.4.count", floats({}, {1}));  // dropped
  theirs.add("x.10.v", floats({}, {1}));
  theirs.add("x.0.0.w", floats({6}, {1, 2, 3, 4, 5, 6}));  // of another rank: left to matching
  theirs.add("x..v", floats({}, {1}));
  const tensor_dict ours = to_canonical(l, theirs);
  std::vector<std::string> names;
  names.reserve(ours.entries.size());
  for (const named_tensor& e : ours.entries) names.push_back(e.name);
  EXPECT_EQ(names, (std::vector<std::string>{"y.5.w", "x.0.3.w", "x.01.0.w", "y.10.v", "y.0.w", "x..v"}));
  EXPECT_EQ(ours.entries[0].value.shape, (std::vector<dim_t>{1, 3, 2}));
  EXPECT_EQ(ours.entries[0].value.values<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(ours.find("y.0.w")->shape, (std::vector<dim_t>{6}));
  EXPECT_EQ(their_name(l, "y.5.w"), "x.1.2.w");
  EXPECT_EQ(their_name(l, "z"), "");
  EXPECT_EQ(period_of(l, theirs), 4);
  const tensor_dict back = from_canonical(l, {{ours.entries[0]}});
  testing::expect_equal(back.entries[0].value, theirs.entries[0].value, "x.1.2.w");
  EXPECT_EQ(recognise(std::span(&l, 1), theirs), &l);
  EXPECT_EQ(recognise(std::span(&l, 1), ours), nullptr);
}

TEST(match, lists_everything_at_once) {
  const std::vector<expected_tensor> want{{"a", {2}}, {"b", {1, 2}}, {"c", {1}}, {"d", {1}, true}, {"e", {1}, true}};
  tensor_dict good{
      {{"c", floats({1}, {3})}, {"b", floats({1, 2}, {1, 2})}, {"e", floats({1}, {5})}, {"a", floats({2}, {1, 2})}}};
  const auto found = match_strictly(want, good, "w.pth");
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0], good.find("a"));
  EXPECT_EQ(found[3], nullptr);
  EXPECT_EQ(found[4], good.find("e"));

  const float inf = std::numeric_limits<float>::infinity();
  const layout l{"test", {}, {{"theirs.a", "a"}, {"theirs.b", "b"}}};
  tensor_dict bad{
      {{"b", floats({2, 1}, {1, 2})}, {"c", floats({1}, {inf})}, {"x\ny", floats({}, {1})}, {"c", floats({1}, {1})}}};
  EXPECT_EQ(
      error_of([&] { match_strictly(want, bad, "w.pth", &l); }),
      "w.pth: weights do not fit the network: missing 1: 'a' (in the file 'theirs.a') [2]; unexpected 2: 'x?y' [], 'c' [1] "
      "(twice); wrong shape 1: 'b' (in the file 'theirs.b') expected [1, 2] found [2, 1]; not finite 1: 'c'; choose the "
      "configuration that the file was made with");

  std::vector<expected_tensor> many;
  for (int i = 0; i < 20; ++i) many.push_back({"p" + std::to_string(i), {1}});
  std::string line = error_of([&] { match_strictly(many, {}, "w.pth"); });
  EXPECT_NE(line.find("missing 20: 'p0' [1], "), std::string::npos) << line;
  for (const expected_tensor& e : many) EXPECT_NE(line.find("'" + e.name + "' [1]"), std::string::npos) << e.name << line;
  EXPECT_NE(line.find("'p19' [1]; choose"), std::string::npos) << line;

  // Blocks are listed together; every index is there.
  many.clear();
  for (int i : {0, 1, 2, 3, 5, 7, 8})
    for (const char* end : {".conv.0.weight", ".conv.1.weight"})
      many.push_back({"net." + std::to_string(i) + end, {i == 3 ? 2 : 1}});
  const layout theirs{"l", {}, {{"t.{i}.c0", "net.{i}.conv.0.weight"}, {"t.{i}.c1.w", "net.{i}.conv.1.weight"}}};
  line = error_of([&] { match_strictly(many, {}, "w.pth", &theirs); });
  EXPECT_NE(
      line.find(
          "missing 14: 'net.{0-2,5,7,8}.conv.0.weight' (in the file 't.{0-2,5,7,8}.c0') [1], 'net.{0-2,5,7,8}.conv.1.weight' "
          "(in the file 't.{0-2,5,7,8}.c1.w') [1], 'net.3.conv.0.weight' (in the file 't.3.c0') [2], 'net.3.conv.1.weight' "
          "(in the file 't.3.c1.w') [2]; choose"),
      std::string::npos)
      << line;
  expect_error([&] { match_strictly(std::vector<expected_tensor>{{"a", {}}, {"a", {}}}, {}, "w"); }, "two parameters");
}

TEST(match, finiteness_of_every_type) {
  const auto with = [](dtype type, std::uint64_t bits) {
    tensor t{type, {2}, std::vector<std::byte>(2 * bytes_of(type))};
    std::memcpy(t.bytes.data() + bytes_of(type), &bits, bytes_of(type));
    return is_finite(t);
  };
  EXPECT_TRUE(with(dtype::f16, 0x7bff));
  EXPECT_FALSE(with(dtype::f16, 0xfc00));
  EXPECT_TRUE(with(dtype::bf16, 0x7f7f));
  EXPECT_FALSE(with(dtype::bf16, 0x7fc0));
  EXPECT_TRUE(with(dtype::f32, 0x7f7fffffu));
  EXPECT_FALSE(with(dtype::f32, 0xff800000u));
  EXPECT_TRUE(with(dtype::f64, 0x7fefffffffffffffu));
  EXPECT_FALSE(with(dtype::f64, 0x7ff8000000000000u));
  EXPECT_TRUE(with(dtype::i64, 0x7ff8000000000000u));
}

}  // namespace
}  // namespace avss
