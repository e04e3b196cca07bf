// Networks on the emulator's device memory, which the host cannot reach.
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
#include <limits>
#include <string>
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

void fill(std::span<float> x, double pitch) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(0.4 * std::sin(pitch * static_cast<double>(i + 1)));
}

TEST(DeviceMemory, is_reached_by_copies) {
  const std::vector<float> x{1, 2, 3};
  const device_buffer<float> there({}, x);
  std::vector<float> back(3);
  there.download({}, back);
  EXPECT_EQ(back, x);
  back.resize(2);
  EXPECT_THROW(there.download({}, back), error);
}

TEST(DeviceMemoryDeathTest, is_not_reached_by_the_host) {
  const device_buffer<float> there(4);
  EXPECT_DEATH(*static_cast<volatile float*>(there.data()) = 1, "");
}

// Both sides' values.
template <class E>
void fill_values(E& e, double pitch) {
  edit(e.backend(), e.values(), [&](auto values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(0.4 * std::sin(pitch * static_cast<double>(i + 1)));
  });
}

TEST(DeviceEngine, plans_without_memory) {
  struct limited {
    limited() { emulated::device_memory::all().limit(0); }
    ~limited() { emulated::device_memory::all().limit(std::numeric_limits<std::size_t>::max()); }
  } none;
  const engine<net, emulated_cuda> there;
  EXPECT_GT(there.planned_bytes(pass::train, 1, 4000), there.planned_bytes(pass::infer, 1, 400));
}

TEST(DeviceEngine, separates_as_the_definition) {
  engine<net, reference<double>> here;
  engine<net, emulated_cuda> there;
  fill_values(here, 0.7);
  fill_values(there, 0.7);
  // Longer, shorter and batched: arrays grow and are used again.
  for (const auto& [batch, length] : std::vector<std::pair<dim_t, dim_t>>{{1, 60}, {1, 31}, {3, 45}, {1, 60}}) {
    std::vector<float> x(static_cast<std::size_t>(batch * length)), z(x.size() * net::sources);
    fill(x, 0.31);
    std::vector<double> exact(x.begin(), x.end()), y(z.size());
    here.separate(exact, y, batch);
    there.separate(x, z, batch);
    double top = 0;
    for (const double v : y) top = std::max(top, std::abs(v));
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(z[i], y[i], 1e-5 * top) << i << " of " << batch << " x " << length;
  }
}

TEST(DeviceEngine, gradients_are_the_definitions) {
  engine<net, reference<double>> here;
  engine<net, emulated_cuda> there;
  fill_values(here, 0.7);
  fill_values(there, 0.7);
  std::vector<float> x(50), z(x.size() * net::sources), dx(x.size());
  fill(x, 0.31);
  std::vector<double> exact(x.begin(), x.end()), y(z.size()), exact_dx(x.size());
  // The sum of the estimates times a row of numbers.
  std::vector<float> row(z.size());
  fill(row, 1.3);
  here.train_step(
      exact, y, 1, [&](auto&, auto, auto d) { return std::copy(row.begin(), row.end(), d.data), 0; }, exact_dx);
  there.train_step(
      x, z, 1,
      [&](auto& ctx, auto, auto d) {
        detail::copy_to_device(ctx.backend(), d.data, row.data(), row.size() * sizeof(float));
        return 0;
      },
      dx);
  const auto expect = [](const auto& found, const auto& expected, const char* what) {
    double top = 0;
    for (const double v : expected) top = std::max(top, std::abs(v));
    ASSERT_GT(top, 0) << what;
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5 * top) << what << ' ' << i;
  };
  expect(z, y, "estimates");
  expect(dx, exact_dx, "mixtures");
  look(there.backend(), std::span<const float>(there.gradients()),
       [&](std::span<const float> g) { expect(g, here.gradients(), "parameters"); });
}

TEST(DeviceEngine, says_what_memory_is_missing_and_works_afterwards) {
  struct limited {
    ~limited() { emulated::device_memory::all().limit(std::numeric_limits<std::size_t>::max()); }
  } restored;
  engine<net, emulated_cuda> there;
  fill_values(there, 0.7);
  std::vector<float> x(40), y(x.size() * net::sources), z(y.size()), wide(4000), estimates(wide.size() * net::sources);
  fill(x, 0.31);
  there.separate(x, y);
  emulated::device_memory::all().limit(60000);
  try {
    there.separate(wide, estimates);
    FAIL() << "more memory than there is";
  } catch (const out_of_device_memory& e) {
    const std::string said = e.what();
    EXPECT_TRUE(said.starts_with("out of device memory: the network's working memory needs ")) << said;
    EXPECT_NE(said.find(" of 60000 are free; lower inferencer.window, or dataloader.batch_size where a network is trained"),
              std::string::npos)
        << said;
  }
  there.separate(x, z);
  EXPECT_EQ(y, z);
}

// After that the working memory may be smaller, and begin where the larger one did.
TEST(DeviceEngine, replays_no_graph_of_memory_that_was_larger) {
  struct limited {
    ~limited() { emulated::device_memory::all().limit(std::numeric_limits<std::size_t>::max()); }
  } restored;
  engine<net, emulated_cuda> there;
  fill_values(there, 0.7);
  std::vector<float> x(40), y(x.size() * net::sources), z(y.size()), wide(4000), widest(40000);
  std::vector<float> of_wide(wide.size() * net::sources), of_widest(widest.size() * net::sources);
  fill(x, 0.31);
  there.separate(wide, of_wide);
  for (int i = 0; i < 3; ++i) there.separate(x, y);                                  // captured, replayed
  emulated::device_memory::all().limit(there.planned_bytes(pass::infer, 1, 40000));  // and there is more than that
  EXPECT_THROW(there.separate(widest, of_widest), out_of_device_memory);
  there.separate(x, z);
  EXPECT_EQ(y, z);
}

}  // namespace
}  // namespace avss
