// DNSMOS against onnxruntime and librosa, on networks of its kind; see tests/golden/make_dnsmos_golden.py.
#include <gtest/gtest.h>

#include <avss/io/bytes.hpp>
#include <avss/io/onnx_graph.hpp>
#include <avss/metric/dnsmos.hpp>
#include <avss/metric/image_chain.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using testing::error_of;
using testing::says;
namespace fs = std::filesystem;

constexpr const char* networks = "tests/golden/dnsmos";

// As make_dnsmos_golden.py has it, bit for bit.
std::vector<float> signal(std::int64_t samples, std::int64_t pitch, double level) {
  std::vector<float> x;
  for (std::int64_t n = 0; n < samples; ++n) {
    const double saw = static_cast<double>(n * pitch % 1000 - 500) / 1024;
    const double hiss = static_cast<double>((n * n * 7919 + n * 104729) % 65536 - 32768) / 65536;
    x.push_back(static_cast<float>(level * (saw * (static_cast<double>(n / 1600 % 5) / 4) + hiss / 8)));
  }
  return x;
}

TEST(dnsmos, equals_onnxruntime) {
  const dnsmos net(networks);
  std::ifstream golden("tests/golden/dnsmos_golden.txt");
  int lines = 0;
  for (std::string line; std::getline(golden, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream in(line);
    std::int64_t samples = 0, pitch = 0;
    double level = 0, expected[4] = {}, exact[3] = {};
    in >> samples >> pitch >> level >> expected[0] >> expected[1] >> expected[2] >> expected[3] >> exact[0] >> exact[1] >>
        exact[2];
    ASSERT_TRUE(in) << line;
    const std::vector<float> x = signal(samples, pitch, level);
    const opinions o = net.p835(x, 16000);
    const ratio p808 = net.p808(x, 16000);
    const ratio found[] = {o.signal, o.background, o.overall, p808};
    for (int k = 0; k < 4; ++k) {
      // onnxruntime's float keeps few digits of the logarithms of bins with almost no power: it is itself 3e-5 from double.
      const double bound = std::max(1., std::abs(expected[k]));
      EXPECT_NEAR(found[k].value, expected[k], (k < 3 ? 5e-5 : 2e-6) * bound) << line << ", score " << k;
      if (k < 3) {
        EXPECT_NEAR(found[k].value, exact[k], 1e-6 * bound) << line << ", score " << k;
      }
      EXPECT_EQ(found[k].status, ratio_status::measured);
    }
    ++lines;
  }
  EXPECT_EQ(lines, 3);
}

TEST(dnsmos, signals_of_every_kind) {
  const dnsmos net(networks);
  EXPECT_EQ(net.p835({}, 16000).overall.status, ratio_status::empty);
  EXPECT_TRUE(std::isnan(net.p808({}, 16000).value));
  const std::vector<float> silence(5000), one(1, 0.5f);
  EXPECT_EQ(net.p835(silence, 16000).signal.status, ratio_status::silent_estimate);
  EXPECT_TRUE(std::isfinite(net.p835(silence, 16000).signal.value));
  EXPECT_TRUE(std::isfinite(net.p808(silence, 16000).value));
  EXPECT_EQ(net.p808(one, 16000).status, ratio_status::silent_estimate);
  std::vector<float> broken = signal(3000, 11, 0.5);
  broken[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(net.p835(broken, 16000).background.status, ratio_status::not_finite);
  EXPECT_TRUE(std::isnan(net.p808(broken, 16000).value));
  // Repeated until it is long enough: twice the signal is the same.
  const std::vector<float> once = signal(40000, 11, 0.5);
  std::vector<float> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(net.p835(once, 16000).overall.value, net.p835(twice, 16000).overall.value);
  // Another rate is resampled.
  EXPECT_NEAR(net.p835(resample(std::span<const float>(once), 16000, 48000), 48000).overall.value,
              net.p835(once, 16000).overall.value, 0.05);
}

// Graphs of another kind are refused, where following their layers one by one would give numbers that mean nothing.
class dnsmos_graphs : public ::testing::Test {
 protected:
  onnx_node& node(const char* op, int number = 0) {
    for (onnx_node& n : graph.nodes)
      if (n.op == op && number-- == 0) return n;
    throw error(op);
  }
  std::string refusal() const {
    return error_of([&] { image_chain net(graph, 900, 120, "net"); });
  }
  // Behind the node `op`: its result goes into the new one.
  void insert_behind(const char* op, int number, onnx_node added) {
    onnx_node& before = node(op, number);
    added.outputs = before.outputs;
    before.outputs = {"inserted"};
    added.inputs.insert(added.inputs.begin(), "inserted");
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      if (graph.nodes[i].outputs == before.outputs)
        return void(graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i) + 1, added));
  }
  std::vector<float> scores() const {
    const std::vector<float> x = signal(900 * 120, 13, 1);
    return image_chain(graph, 900, 120, "net").run(cpu(1), x);
  }
  onnx_graph graph = read_onnx(std::string(networks) + "/model_v8.onnx");
};

TEST_F(dnsmos_graphs, as_it_is) { EXPECT_EQ(refusal(), ""); }

TEST_F(dnsmos_graphs, a_value_that_skips_a_layer) {
  node("Conv", 4).inputs[0] = node("MaxPool", 1).outputs[0];
  EXPECT_TRUE(says(refusal(), "net", "'Conv'", "beside its chain"));
}

TEST_F(dnsmos_graphs, maps_that_are_joined_or_cut) {
  insert_behind("Relu", 1, {"Concat", {node("MaxPool").outputs[0]}, {}, {{"axis", {1}}}, {}, {}});
  EXPECT_TRUE(says(refusal(), "'Concat'", "not known"));
  node("Concat").op = "Slice";
  EXPECT_TRUE(says(refusal(), "'Slice'", "not known"));
  node("Slice").op = "Reshape";
  EXPECT_TRUE(says(refusal(), "'Reshape'", "not known"));
}

TEST_F(dnsmos_graphs, maxima_of_something_else) {
  node("ReduceMax").integers["axes"] = {1, 2};
  EXPECT_TRUE(says(refusal(), "ReduceMax", "height and width"));
  insert_behind("Relu", 4, {"Transpose", {}, {}, {{"perm", {0, 2, 3, 1}}}, {}, {}});
  EXPECT_EQ(refusal(), "");  // now they are height and width
  node("Transpose", 1).integers["perm"] = {0, 1, 3, 2};
  EXPECT_TRUE(says(refusal(), "Transpose"));
  graph = read_onnx(std::string(networks) + "/model_v8.onnx");
  node("ReduceMax").integers["axes"] = {-1, -2};
  EXPECT_EQ(refusal(), "");
  node("MaxPool").texts["auto_pad"] = "SAME_UPPER";
  EXPECT_TRUE(says(refusal(), "padded"));
}

TEST_F(dnsmos_graphs, biases_that_are_computed_or_come_twice) {
  node("Conv", 1).inputs[2] = "nowhere";
  EXPECT_TRUE(says(refusal(), "Conv", "computed"));
  graph = read_onnx(std::string(networks) + "/model_v8.onnx");
  const double before = scores()[0], bias = graph.tensors.at(node("Add", 2).inputs[1]).values<float>()[0];
  insert_behind("Add", 2, {"Add", {node("Add", 2).inputs[1]}, {}, {}, {}, {}});
  EXPECT_NEAR(scores()[0], before + bias, 1e-5 * std::abs(before));
}

// The greatest of what is cut off below zero is the greatest, cut off.
TEST_F(dnsmos_graphs, relu_behind_a_maximum) {
  const std::vector<float> before = scores();
  node("Relu", 0).op = "Identity";
  const std::vector<float> without = scores();
  insert_behind("MaxPool", 0, {"Relu", {}, {}, {}, {}, {}});
  EXPECT_EQ(scores(), before);
  EXPECT_NE(without, before);
}

// One tensor "t" of two numbers in a file with one node.
std::string file_with(int type, int field, const std::string& numbers) {
  const auto message = [](int number, const std::string& bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
  };
  const std::string kind{2 << 3, static_cast<char>(type)};
  const std::string tensor = message(1, "\2") + kind + message(8, "t") + message(field, numbers);
  return message(7, message(1, message(4, "Relu")) + message(5, tensor));
}

TEST(onnx_tensors, numbers_in_every_field) {
  const auto numbers = [](const std::string& file) {
    return parse_onnx(as_bytes_of(file), "net").tensors.at("t").values<double>();
  };
  const std::vector<double> expected{1, 0}, small{3, 5};
  EXPECT_EQ(numbers(file_with(9, 5, std::string("\1\0", 2))), expected);
  EXPECT_EQ(numbers(file_with(9, 9, std::string("\1\0", 2))), expected);
  EXPECT_EQ(numbers(file_with(6, 5, "\3\5")), small);
  EXPECT_EQ(numbers(file_with(7, 7, "\3\5")), small);
  const double doubles[] = {0.1, -2.5};
  EXPECT_EQ(numbers(file_with(11, 10, std::string(reinterpret_cast<const char*>(doubles), sizeof doubles))),
            (std::vector<double>{0.1, -2.5}));
  EXPECT_TRUE(says(error_of([&] { numbers(file_with(7, 7, "\3")); }), "net: tensor 't' holds another number"));
  EXPECT_TRUE(says(error_of([&] { numbers(file_with(8, 9, "ab")); }), "net: tensor 't' has a type"));
}

class dnsmos_files : public testing::in_folder {
 protected:
  std::string error_with(const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return error_of([&] { dnsmos net(folder); });
  }
  static std::string bytes_of(const char* name) {
    std::ifstream in(fs::path(networks) / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(dnsmos_files, one_of_them_is_enough_for_its_scores) {
  EXPECT_TRUE(says(error_of([&] { dnsmos net(folder); }), "sig_bak_ovr.onnx", "model_v8.onnx", "DNS-Challenge"));
  fs::copy_file(fs::path(networks) / "model_v8.onnx", folder / "model_v8.onnx");
  const dnsmos net(folder);
  EXPECT_NO_THROW(net.expect_p808());
  EXPECT_TRUE(std::isfinite(net.p808(signal(2000, 3, 0.5), 16000).value));
  EXPECT_TRUE(says(error_of([&] { net.p835(signal(2000, 3, 0.5), 16000); }), "sig_bak_ovr.onnx", "is not there"));
}

TEST_F(dnsmos_files, what_is_wrong_with_them) {
  const std::string whole = bytes_of("model_v8.onnx");
  EXPECT_TRUE(says(error_with("model_v8.onnx", whole.substr(0, whole.size() / 2)), "model_v8.onnx", "truncated"));
  EXPECT_TRUE(says(error_with("model_v8.onnx", "not a network"), "model_v8.onnx"));
  EXPECT_TRUE(says(error_with("model_v8.onnx", ""), "model_v8.onnx"));
  // The one in place of the other.
  EXPECT_TRUE(says(error_with("model_v8.onnx", bytes_of("sig_bak_ovr.onnx")), "model_v8.onnx", "3 scores, expected 1"));
  fs::remove(folder / "model_v8.onnx");
  EXPECT_TRUE(says(error_with("sig_bak_ovr.onnx", whole), "sig_bak_ovr.onnx", "0 matrices"));
  // A node that is not known is refused, not left out.
  std::string odd = whole;
  for (std::size_t at; (at = odd.find("MaxPool")) != std::string::npos;) odd.replace(at, 7, "AvgPool");
  fs::remove(folder / "sig_bak_ovr.onnx");
  EXPECT_TRUE(says(error_with("model_v8.onnx", odd), "model_v8.onnx", "AvgPool", "not known"));
}

}  // namespace
}  // namespace avss
