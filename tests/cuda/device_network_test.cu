// Networks on a device, from host memory to host memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/model/convtasnet.hpp>
#include <avss/model/engine.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
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

TEST(cuda_engine, plans_without_a_driver) {
  const engine<net, cuda> there;
  EXPECT_GT(there.planned_bytes(pass::infer, 1, 4000), there.planned_bytes(pass::infer, 1, 400));
}

TEST_F(device, separates_as_the_reference) {
  engine<net, reference<double>> here;
  engine<net, cuda> there;
  edit(there.backend(), there.values(), [&](std::span<float> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      here.values()[i] = values[i] = static_cast<float>(0.4 * std::sin(0.7 * static_cast<double>(i + 1)));
  });
  for (const std::size_t length : {60u, 31u, 400u}) {
    std::vector<double> x(length), y(length * net::sources);
    std::vector<float> from(length), to(y.size());
    for (std::size_t i = 0; i < length; ++i) x[i] = from[i] = static_cast<float>(std::sin(0.31 * static_cast<double>(i)));
    here.separate(x, y);
    there.separate(from, to);
    double top = 0;
    for (const double v : y) top = std::max(top, std::abs(v));
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(to[i], y[i], 1e-5 * top) << i << " of " << length;
  }
}

}  // namespace
}  // namespace avss
