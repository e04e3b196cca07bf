// The paper's RTFS-Net-4, weights of 2024, against its published code: outputs, intermediates, gradients, running statistics.
#include <tests/model/rtfsnet_published.hpp>

namespace avss {
namespace {

using namespace test;

constexpr rtfsnet_config exact = [] {
  rtfsnet_config c = presets::rtfsnet_4;
  c.tail = tail_rule::exact;
  return c;
}();

class RtfsNetPaper : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = published_folder();
    if (!shared) GTEST_SKIP() << "set AVSS_SHARED to the folder that holds golden/rtfsnet_golden.npz";
    folder = std::string(shared) + "/golden/";
  }
  std::string folder;
};

const auto no_loss = [](const auto&, const auto&, auto&, auto&) {};
const auto no_look = [](const auto&) {};

std::vector<double> sine(std::size_t n) {
  std::vector<double> t(n);
  for (std::size_t i = 0; i < n; ++i) t[i] = 0.1 * std::sin(0.05 * static_cast<double>(i));
  return t;
}

template <class Saved>
void expect_intermediates(const published_values& g, const std::string& c, const Saved& s) {
  constexpr double limit = 1e-6;  // of values stored in float
  expect_intermediate(g, c + "/spec", s.encoded.spectrum, limit);
  expect_intermediate(g, c + "/enc", s.e.data, limit);
  expect_intermediate(g, c + "/a0", s.a0.data, limit);
  expect_intermediate(g, c + "/a1", s.a1.data, limit);
  expect_intermediate(g, c + "/v1", s.fused.video, limit);
  expect_intermediate(g, c + "/fused", s.a[0].data, limit);
  expect_intermediate(g, c + "/aR", s.a[3].data, limit);
  expect_intermediate(g, c + "/mask", s.masked.mask, limit, true);
  expect_intermediate(g, c + "/z", masked_map(s).data(), limit);
  expect_intermediate(g, c + "/outspec", s.spectrum.data, limit);
}

TEST_F(RtfsNetPaper, intermediates_and_gradients) {
  const published_values g(folder + "rtfsnet_golden.npz"), grad(folder + "rtfsnet_golden_grad.npz");
  published_network<exact> net(g);
  double loss = 0;
  const auto r = net.run(
      g["a/wav"], g["a/emb"], {.mode = pass::train},
      [&](const auto& y, const auto&, auto& dy, auto&) { loss = negative_snr(y, sine(y.size()), dy); },
      [&](const auto& s) { expect_intermediates(g, "a", s); });
  expect_close(r.y, g["a/out"], 2e-6, "output");  // 7e-8 absolute
  EXPECT_NEAR(loss, grad.number("eval_loss"), 1e-6);
  EXPECT_NEAR(loss, g.number("a/neg_snr_vs_sine"), 1e-6);
  double total = 0;
  std::size_t n = 0, whole = 0;
  for (const param_info& p : list_params(net.net())) {
    if (p.is_state) continue;
    const std::vector<double> d = net.gradient(r, p);
    const double norm = norm_of(d), expected = grad.number("eval_gradnorm/" + p.name);
    EXPECT_NEAR(norm, expected, 1e-4 * expected + 1e-6) << p.name;
    total += norm * norm;
    ++n;
    if (!grad.has("eval_grad/" + p.name)) continue;
    expect_close(d, grad["eval_grad/" + p.name], 1e-4, p.name);
    ++whole;
  }
  EXPECT_EQ(n, 270u);
  EXPECT_EQ(whole, 7u);
  EXPECT_NEAR(std::sqrt(total), grad.number("eval_total_gradnorm"), 1e-5);
}

// These were made in float, with BatchNorm over two frames at the deepest level.
TEST_F(RtfsNetPaper, batch_statistics) {
  const published_values g(folder + "rtfsnet_golden.npz"), grad(folder + "rtfsnet_golden_grad.npz");
  published_network<exact> net(g);
  double loss = 0;
  const auto r = net.run(
      g["a/wav"], g["a/emb"], {.mode = pass::train, .rules = {.batch_statistics = true}},
      [&](const auto& y, const auto&, auto& dy, auto&) { loss = negative_snr(y, sine(y.size()), dy); }, no_look);
  EXPECT_NEAR(loss, grad.number("train_loss"), 1e-4);
  expect_close(r.y, grad["train_out"], 1e-3, "output");
  std::size_t statistics = 0;
  for (const param_info& p : list_params(net.net())) {
    if (!p.is_state) {
      const double expected = grad.number("train_gradnorm/" + p.name);
      EXPECT_NEAR(norm_of(net.gradient(r, p)), expected, 3e-2 * expected + 1e-5) << p.name;
    } else if (grad.has("train_after/" + p.name)) {
      const std::vector<double> now(net.states().begin() + p.offset, net.states().begin() + p.offset + p.size);
      expect_close(now, grad["train_after/" + p.name], 1e-4, p.name);
      ++statistics;
    }
  }
  EXPECT_EQ(statistics, 56u);
}

TEST_F(RtfsNetPaper, two_seconds) {
  const published_values g(folder + "rtfsnet_golden.npz");
  published_network<exact> net(g);
  const auto r = net.run(g["b/wav"], g["b/emb"], {.mode = pass::train, .backward = false}, no_loss,
                         [&](const auto& s) { expect_intermediates(g, "b", s); });
  expect_close(r.y, g["b/out"], 2e-6, "output");
  std::vector<double> unused(r.y.size());
  EXPECT_NEAR(negative_snr(r.y, sine(r.y.size()), unused), g.number("b/neg_snr_vs_sine"), 1e-6);
}

}  // namespace
}  // namespace avss
