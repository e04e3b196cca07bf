// Networks on the emulator's device memory, which the host cannot reach.
#include <gtest/gtest.h>

#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/device_engine.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/model/convtasnet.hpp>
#include <avss/model/engine.hpp>
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

TEST(DeviceEngine, equals_the_engine_in_host_memory) {
  engine<net, emulated_cuda> here;
  device_engine<net> there;
  fill(here.values(), 0.7);
  fill(there.host().values(), 0.7);
  // Longer, shorter and batched: arrays grow and are used again.
  for (const auto& [batch, length] : std::vector<std::pair<dim_t, dim_t>>{{1, 60}, {1, 31}, {3, 45}, {1, 60}}) {
    std::vector<float> x(static_cast<std::size_t>(batch * length)), y(x.size() * net::sources), z(y.size());
    fill(x, 0.31);
    here.separate(x, y, batch);
    there.separate(x, z, batch);
    EXPECT_EQ(y, z) << batch << " of " << length;
  }
}

TEST(DeviceEngine, takes_changed_parameters_when_told) {
  device_engine<net> there;
  std::vector<float> x(40), before(x.size() * net::sources), same(before.size()), after(before.size());
  fill(x, 0.31);
  fill(there.host().values(), 0.7);
  there.separate(x, before);
  fill(there.host().values(), 0.9);
  there.separate(x, same);
  EXPECT_EQ(before, same);
  there.refresh();
  there.separate(x, after);
  EXPECT_NE(before, after);
}

TEST(DeviceEngine, says_what_memory_is_missing_and_works_afterwards) {
  struct limited {
    ~limited() { emulated::device_memory::all().limit(std::numeric_limits<std::size_t>::max()); }
  } restored;
  device_engine<net> there;
  fill(there.host().values(), 0.7);
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
    EXPECT_NE(said.find(" of 60000 are free; use a shorter window or a smaller batch"), std::string::npos) << said;
  }
  there.separate(x, z);
  EXPECT_EQ(y, z);
}

}  // namespace
}  // namespace avss
