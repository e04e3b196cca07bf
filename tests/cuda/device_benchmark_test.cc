// The benchmarks of a device, tiny networks on the emulator: what they tell, not how fast it is.
#include <gtest/gtest.h>

#include <benchmarks/cuda/convtasnet_case.hpp>
#include <benchmarks/cuda/result_line.hpp>
#include <benchmarks/cuda/rtfsnet_case.hpp>
#include <limits>
#include <string>
#include <vector>

namespace avss::bench {
namespace {

const request quick{.filter = "", .seconds = 0};

void expect_measured(const case_result& c, bool trains) {
  EXPECT_EQ(c.problem, "") << c.name;
  EXPECT_EQ(c.host.runs, 5);
  EXPECT_LE(c.host.least, c.host.median);
  EXPECT_GT(c.host.least, 0);
  EXPECT_EQ(c.device.runs, trains ? 0 : 5);
  EXPECT_GE(c.taken, c.planned) << c.name << " has its working memory on the device";
  EXPECT_GT(c.planned, 0u);
  EXPECT_DOUBLE_EQ(c.gflop, (trains ? 3 : 1) * 2e-9 * 1e6 * 2);
}

TEST(device_benchmark, convtasnet) {
  for (const bool trains : {false, true}) {
    std::vector<case_result> told;
    convtasnet_case<presets::convtasnet_tiny>(quick, "tiny", trains, 200, 2, 1e6,
                                              [&](const case_result& c) { told.push_back(c); });
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].name, trains ? "train/tiny/2" : "infer/tiny/2");
    expect_measured(told[0], trains);
  }
}

TEST(device_benchmark, rtfsnet) {
  for (const bool trains : {false, true}) {
    std::vector<case_result> told;
    rtfsnet_case<presets::rtfsnet_tiny>(quick, "tiny", trains, 960, 2, 2, 1e6,
                                        [&](const case_result& c) { told.push_back(c); });
    ASSERT_EQ(told.size(), 1u);
    expect_measured(told[0], trains);
  }
}

TEST(device_benchmark, leaves_out_what_is_not_wanted) {
  request r = quick;
  r.filter = "infer/other";
  convtasnet_case<presets::convtasnet_tiny>(r, "tiny", false, 200, 1, 1e6, [](const case_result&) { FAIL(); });
}

TEST(device_benchmark, tells_what_does_not_fit) {
  auto& memory = emulated::device_memory::all();
  memory.limit(memory.total() - memory.free());
  case_result told;
  convtasnet_case<presets::convtasnet_tiny>(quick, "tiny", false, 200, 1, 1e6, [&](const case_result& c) { told = c; });
  memory.limit(std::numeric_limits<std::size_t>::max());
  EXPECT_TRUE(told.problem.starts_with("out of device memory: ")) << told.problem;
  const std::string line = json_line(told, {});
  EXPECT_NE(line.find("\"problem\": \"out of device memory: "), std::string::npos) << line;
  EXPECT_EQ(line.find("\"ms\""), std::string::npos) << line;
}

TEST(device_benchmark, a_case_that_fails_is_told) {
  case_result told;
  tell_case(
      {}, [&](const case_result& c) { told = c; }, [](case_result&) { fail("no algorithm for it"); });
  EXPECT_EQ(told.problem, "no algorithm for it");
}

TEST(device_benchmark, memory_that_came_back_is_none_taken) {
  const std::size_t free = free_bytes();
  const device_buffer<float> held(1000);
  EXPECT_GE(taken_since(free), 4000u);
  EXPECT_EQ(taken_since(free_bytes() - 8), 0u);
}

TEST(device_benchmark, floors) {
  case_result c;
  c.gflop = 30, c.bytes = 4e9;
  floors f;
  EXPECT_DOUBLE_EQ(floor_of(c, f), 0) << "nothing was measured";
  f.float32 = 10, f.bandwidth = 2000;
  EXPECT_DOUBLE_EQ(floor_of(c, f), 3) << "30 GFLOP at 10 TFLOP/s";
  f.bandwidth = 1000;
  EXPECT_DOUBLE_EQ(floor_of(c, f), 4) << "4 GB at 1000 GB/s";
  f.tf32 = 20, f.bandwidth = 1e6, c.precision = product_precision::tensor_float32;
  EXPECT_DOUBLE_EQ(floor_of(c, f), 1.5);
  // Weights, inputs and results; then what is kept twice, two of gradients, two of weights, four of moments.
  EXPECT_DOUBLE_EQ(floor_bytes(false, 100, 10, 20, 500, 900), 4 * 130);
  EXPECT_DOUBLE_EQ(floor_bytes(true, 100, 10, 20, 500, 900), 4 * 130 + 800 + 3200);
}

TEST(device_benchmark, lines_are_json) {
  case_result c;
  c.name = "a \"b\"\\c\n";
  c.host = {2, 1, 7}, c.planned = 3, c.taken = 4;
  EXPECT_EQ(json_line(c, {}),
            "{\"case\": \"a \\\"b\\\"\\\\c \", \"by\": \"avss\", \"precision\": \"float32\", \"ms\": 2, \"least_ms\": 1, "
            "\"runs\": 7, \"planned_bytes\": 3, "
            "\"device_bytes\": 4, \"gflop\": 0, \"moved_bytes\": 0, \"floor_ms\": 0}");
}

}  // namespace
}  // namespace avss::bench
