// RTFS-Net's parameters, working memory, faces, randomness and errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/io/rtfsnet_layouts.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <cstdint>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <thread>
#include <vector>

namespace avss {
namespace {

struct listing {
  std::size_t tensors;
  dim_t values;        // trained ones
  std::uint64_t hash;  // FNV-1a of the lines "name [extents]\n"
  friend bool operator==(const listing&, const listing&) = default;
};

std::ostream& operator<<(std::ostream& out, const listing& l) {
  return out << l.tensors << " tensors, " << l.values << " values, hash " << std::hex << l.hash << std::dec;
}

// In the names and shapes of a layout; sorted unless these are the network's own.
template <rtfsnet_config S>
listing list(const char* layout_name) {
  const RtfsNet<S> net;
  const layout& to = rtfsnet_layout(layout_name);
  tensor_dict all;
  for (const param_info& p : list_params(net))
    all.add(p.name, {dtype::u8, p.shape, std::vector<std::byte>(static_cast<std::size_t>(p.size))});
  std::vector<std::string> lines;
  for (const named_tensor& e : from_canonical(to, std::move(all)).entries)
    lines.push_back(e.name + " " + shape_string(e.value.shape) + "\n");
  if (!to.rules.empty()) std::sort(lines.begin(), lines.end());
  listing l{lines.size(), count_params(net), 14695981039346656037u};
  for (const std::string& line : lines)
    for (char c : line) l.hash = (l.hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return l;
}

// From the state_dicts that the authors' code of 2024 (in its order) and of 2023, and the reference project write.
TEST(RtfsNet, has_the_published_parameters) {
  EXPECT_EQ(list<presets::rtfsnet_4>("2024"), (listing{363, 740210, 0xd8c95c371b1c0d3c}));
  EXPECT_EQ(list<presets::rtfsnet_12>("2024"), (listing{363, 740210, 0xd8c95c371b1c0d3c}));
  EXPECT_EQ(list<presets::rtfsnet_4_2023>("2023"), (listing{354, 739952, 0xfeedf500a35621af}));
  EXPECT_EQ(list<presets::rtfsnet>("reference"), (listing{321, 879604, 0x6c496b1aced3e27f}));
}

constexpr rtfsnet_config tiny = presets::rtfsnet_tiny;
using tiny_engine = av_engine<RtfsNet<tiny>, reference<double>>;

// Initial weights, moved a little, so that nothing is exactly zero or one.
void init(tiny_engine& e) {
  init_params(e.net(), 5, e.values(), e.state());
  const std::vector<double> noise = test::draw("noise", static_cast<dim_t>(e.values().size()));
  for (std::size_t i = 0; i < noise.size(); ++i) e.values()[i] += 0.05 * noise[i];
}

const auto weighted = [](const std::vector<double>& dy) {
  return [&dy](auto&, auto voices, auto, auto d, auto) {
    double sum = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) {
      sum += dy[i] * voices.data[i];
      d.data[i] = dy[i];
    }
    return sum;
  };
};

// What does not depend on the video is computed once: the faces of one mixture must get what they get one by one.
TEST(RtfsNet, faces_share_a_mixture) {
  tiny_engine e;
  init(e);
  const dim_t length = 320, frames = 8, seen = RtfsNet<tiny>::video_channels * frames;
  const std::vector<double> x = test::draw("x", 2 * length), v = test::draw("v", 2 * 3 * seen);
  std::vector<double> together(static_cast<std::size_t>(2 * 3 * length)), alone(together.size());
  e.separate({2, length, 3, frames}, x, v, together);
  for (dim_t b = 0; b < 2; ++b)
    for (dim_t f = 0; f < 3; ++f)
      e.separate({1, length, 1, frames}, std::span(x).subspan(b * length, length),
                 std::span(v).subspan((b * 3 + f) * seen, seen), std::span(alone).subspan((b * 3 + f) * length, length));
  test::expect_close(together, alone, 1e-12, "voices");
}

// The seam itself: heard once, faces seen one after another in the same memory.
TEST(RtfsNet, hears_once_and_sees_many) {
  using net = RtfsNet<tiny>;
  tiny_engine e;
  init(e);
  const dim_t length = 320, frames = 8, seen = net::video_channels * frames;
  std::vector<double> x = test::draw("x", length), v = test::draw("v", 2 * seen), y(static_cast<std::size_t>(length));
  std::vector<double> together(static_cast<std::size_t>(2 * length));
  e.separate({1, length, 2, frames}, x, v, together);

  arena memory(e.planned_bytes(pass::infer, {1, length, 1, frames}));  // that of a single face
  context<reference<double>> ctx({}, memory, pass::infer, e.values(), {}, e.state());
  net::saved<double> s;
  e.net().hear(ctx, view<net::mixture_shape, double>{x.data(), net::mixture_shape(1, length)}, {}, s);
  for (dim_t face = 0; face < 2; ++face) {
    e.net().see_and_separate(ctx, view<net::faces_shape, double>{v.data() + face * seen, net::faces_shape(1, frames)},
                             view<net::estimate_shape, double>{y.data(), net::estimate_shape(1, 1, length)}, s);
    test::expect_close(y, std::span(together).subspan(static_cast<std::size_t>(face * length), y.size()), 1e-12, "voice");
  }
}

// Gradients through dropout, with BatchNorm by the batch: of the loss at the same draws. Of what kinds are dropped, and how
// often: tests/layer/rtfs_layer_test.cc.
TEST(RtfsNet, gradients_with_dropout) {
  tiny_engine e;
  init(e);
  const av_size n{3, 200, 1, 32};
  const std::vector<double> x = test::draw("x", 3 * 200), v = test::draw("v", 3 * 12 * 32), dy = test::draw("dy", 3 * 200);
  std::vector<double> y(x.size()), dv(v.size());
  const auto loss = [&](const pass_rules& r) { return e.train_step(n, x, v, y, r, weighted(dy)); };
  loss({.batch_statistics = true});
  std::vector<std::vector<double>> seen{y};
  for (const int draw : {4, 5, 6}) {
    SCOPED_TRACE(draw);
    const pass_rules rules{.batch_statistics = true, .dropout = random_stream(9, "step", draw)};
    std::fill(e.gradients().begin(), e.gradients().end(), 0.0);
    e.train_step(n, x, v, y, rules, weighted(dy), dv);
    const std::vector<double> dropped = y, gradients(e.gradients().begin(), e.gradients().end());
    for (const std::vector<double>& other : seen)
      EXPECT_GT(test::relative_difference(other, dropped), 1e-3) << "the same was dropped, or nothing";
    seen.push_back(dropped);
    loss({.batch_statistics = true, .recompute = true, .dropout = rules.dropout});
    EXPECT_EQ(y, dropped) << "the same draws drop something else";
    std::size_t checked = 0;
    for (const param_info& p : list_params(e.net())) {
      if (p.is_state || p.name.find("video_net") == std::string::npos) continue;
      if (p.name.find("globalatt") == std::string::npos && p.name.find("gateway") == std::string::npos) continue;
      double& at = e.values()[static_cast<std::size_t>(p.offset)];
      const double was = at, step = 1e-6;  // greater ones meet a kink of a ReLU
      at = was + step;
      const double up = loss(rules);
      at = was - step;
      const double down = loss(rules);
      at = was;
      EXPECT_NEAR(gradients[static_cast<std::size_t>(p.offset)], (up - down) / (2 * step), 1e-5) << p.name;
      ++checked;
    }
    EXPECT_EQ(checked, 19u);
  }
}

// Memory that a pass takes when training, with and without making blocks anew.
template <rtfsnet_config S>
std::size_t planned(pass mode, bool recompute) {
  const av_engine<RtfsNet<S>, reference<float>> e;
  return e.planned_bytes(mode, {1, 32000, 1, 50}, {.recompute = recompute});
}

TEST(RtfsNet, plans_its_memory) {
  constexpr std::size_t map = std::size_t{256} * 251 * 129 * 4, mib = 1 << 20;
  const std::size_t infer4 = planned<presets::rtfsnet_4>(pass::infer, false),
                    infer12 = planned<presets::rtfsnet_12>(pass::infer, false);
  EXPECT_EQ(infer4, infer12) << "passes take turns in one buffer";
  EXPECT_LT(infer4, 300 * mib);
  const std::size_t kept4 = planned<presets::rtfsnet_4>(pass::train, false),
                    kept12 = planned<presets::rtfsnet_12>(pass::train, false),
                    anew4 = planned<presets::rtfsnet_4>(pass::train, true),
                    anew12 = planned<presets::rtfsnet_12>(pass::train, true);
  EXPECT_LT(anew4, kept4);
  // A further pass that is made anew costs its input.
  EXPECT_LE((anew12 - anew4) / 8, map + 4096);
  EXPECT_LT((kept12 - kept4) / 8, 250 * mib);
  RecordProperty("infer MiB", static_cast<int>(infer4 / mib));
  RecordProperty("train 4 MiB", static_cast<int>(kept4 / mib));
  RecordProperty("train 12 MiB", static_cast<int>(kept12 / mib));
  RecordProperty("train 4 anew MiB", static_cast<int>(anew4 / mib));
  RecordProperty("train 12 anew MiB", static_cast<int>(anew12 / mib));
}

TEST(RtfsNet, lengths) {
  EXPECT_EQ(RtfsNet<presets::rtfsnet_4>::shortest_mixture(), 15 * 128);  // 16 frames, halved: 8, one window
  EXPECT_EQ(RtfsNet<presets::rtfsnet_4>::shortest_video(), 1);
  EXPECT_EQ(RtfsNet<presets::rtfsnet>::shortest_video(), 8);
  tiny_engine e;
  init(e);
  for (dim_t length : {1, 31, 32, 33, 159, 160, 161}) {
    const std::vector<double> x = test::draw("x", length), v = test::draw("v", 12);
    std::vector<double> y(x.size(), std::numeric_limits<double>::quiet_NaN());
    e.separate({1, length, 1, 1}, x, v, y);
    for (double s : y) ASSERT_TRUE(std::isfinite(s)) << length;
  }
}

// Zeros behind a mixture of whole hops change the mirrored end alone: what is given is not lost.
TEST(RtfsNet, padded_is_exact_at_whole_hops) {
  constexpr rtfsnet_config exact = [] {
    rtfsnet_config c = tiny;
    c.tail = tail_rule::exact;
    return c;
  }();
  tiny_engine e;
  init(e);
  av_engine<RtfsNet<exact>, reference<double>> other;
  std::copy(e.values().begin(), e.values().end(), other.values().begin());
  std::copy(e.state().begin(), e.state().end(), other.state().begin());
  const std::vector<double> x = test::draw("x", 320), v = test::draw("v", 12 * 8);
  std::vector<double> y(320), z(320);
  e.separate({1, 320, 1, 8}, x, v, y);
  other.separate({1, 320, 1, 8}, x, v, z);
  EXPECT_EQ(y, z);
}

std::string message(const auto& body) {
  try {
    body();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}

TEST(RtfsNet, errors) {
  constexpr rtfsnet_config strict = [] {
    rtfsnet_config c = tiny;
    c.tail = tail_rule::exact;
    c.video_kernel = 4;
    return c;
  }();
  av_engine<RtfsNet<strict>, reference<double>> e;
  std::vector<double> x(100), v(12 * 9), y(100);
  EXPECT_EQ(message([&] {
              e.separate({1, 100, 1, 9}, x, v, y);
            }),
            "mixtures of 100 samples are given and this network takes no fewer than 160: append silence");
  x.resize(160), y.resize(160), v.resize(12 * 7);
  EXPECT_EQ(message([&] {
              e.separate({1, 160, 1, 7}, x, v, y);
            }),
            "a video of 7 frames is given and this network takes no fewer than 8: use a longer one, or repeat its last frame");
  EXPECT_EQ(message([&] { e.separate({1, 160, 1, 8}, x, v, y); }), "features of the faces: 96 values are needed, 84 are given");
  EXPECT_EQ(message([&] {
              e.separate({1, 160, 0, 8}, x, v, y);
            }),
            "at least one mixture, face, sample and frame of video are needed, not 1, 0, 160, 8");
  v.assign(12 * 10001, 0.0);
  EXPECT_EQ(message([&] {
              e.planned_bytes(pass::infer, {1, 160, 1, 160000});
            }),
            "the network's table of positions ends at 10000 frames and 20000 are given: use shorter windows");
}

TEST(RtfsNet, one_network_serves_two_threads) {
  tiny_engine e;
  init(e);
  const std::vector<double> x = test::draw("x", 320), v = test::draw("v", 12 * 8);
  std::vector<double> y[3];
  const auto run = [&](std::size_t i) {
    tiny_engine own;
    std::copy(e.values().begin(), e.values().end(), own.values().begin());
    std::copy(e.state().begin(), e.state().end(), own.state().begin());
    y[i].resize(320);
    own.separate({1, 320, 1, 8}, x, v, y[i]);
  };
  run(0);
  std::thread one(run, 1), two(run, 2);
  one.join();
  two.join();
  EXPECT_EQ(y[1], y[0]);
  EXPECT_EQ(y[2], y[0]);
}

}  // namespace
}  // namespace avss
