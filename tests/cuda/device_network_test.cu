// Networks on a device, from host memory to host memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/cuda.cuh>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <cmath>
#include <tests/cuda/device_fixture.cuh>
#include <vector>

namespace avss {
namespace {

constexpr convtasnet_config tiny{.filters = 7,
                                 .window = 4,
                                 .stride = 2,
                                 .bottleneck = 5,
                                 .skip = 4,
                                 .hidden = 6,
                                 .blocks = 2,
                                 .repeats = 2,
                                 .padding = edge_padding::both_ends};
using net = ConvTasNet<tiny>;
using test::device;

// Both sides' parameters, and rows of numbers.
template <class E>
void fill_values(E& e) {
  edit(e.backend(), e.values(), [&](auto values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(0.4 * std::sin(0.7 * static_cast<double>(i + 1)));
  });
}
std::vector<float> row(std::size_t n, double pitch) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(std::sin(pitch * static_cast<double>(i)));
  return x;
}
std::vector<double> exact(const std::vector<float>& x) { return {x.begin(), x.end()}; }

void expect_near(const std::vector<float>& found, const std::vector<double>& expected, double slack) {
  double top = 0;
  for (const double v : expected) top = std::max(top, std::abs(v));
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], slack * top) << i;
}

TEST(cuda_engine, plans_without_a_driver) {
  const engine<net, cuda> there;
  EXPECT_GT(there.planned_bytes(pass::infer, 1, 4000), there.planned_bytes(pass::infer, 1, 400));
  const av_engine<RtfsNet<presets::rtfsnet_tiny>, cuda> seen;
  EXPECT_GT(seen.bytes_of_inference({1, 4000, 2, 7}), seen.bytes_of_inference({1, 2000, 1, 4}));
}

TEST_F(device, separates_as_the_reference) {
  engine<net, reference<double>> here;
  engine<net, cuda> there;
  fill_values(here);
  fill_values(there);
  for (const std::size_t length : {60u, 31u, 400u}) {
    const std::vector<float> x = row(length, 0.31);
    std::vector<double> y(length * net::sources);
    std::vector<float> z(y.size());
    here.separate(exact(x), y);
    there.separate(x, z);
    expect_near(z, y, 1e-5);
  }
}

TEST_F(device, separates_faces_as_the_reference) {
  using seeing = RtfsNet<presets::rtfsnet_tiny>;
  av_engine<seeing, reference<double>> here;
  av_engine<seeing, cuda> there;
  init_params(here.net(), 3, here.values(), here.state());
  edit(there.backend(), there.values(), [&](std::span<float> values) {
    edit(there.backend(), there.state(), [&](std::span<float> state) { init_params(there.net(), 3, values, state); });
  });
  for (const dim_t frames : {4, 7}) {
    const av_size n{2, frames * 640, 2, frames};
    const std::vector<float> x = row(static_cast<std::size_t>(n.batch * n.length), 0.31),
                             video = row(static_cast<std::size_t>(n.batch * n.faces * seeing::video_channels * frames), 0.57);
    std::vector<double> y(x.size() * 2);
    std::vector<float> z(y.size());
    here.separate(n, exact(x), exact(video), y);
    there.separate(n, x, video, z);
    expect_near(z, y, 2e-5);
  }
}

}  // namespace
}  // namespace avss
