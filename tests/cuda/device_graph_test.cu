// Steps that are captured into CUDA graphs and replayed, on a device.
#include <gtest/gtest.h>

#include <avss/cuda/dropout.cuh>
#include <avss/cuda/graphs.cuh>
#include <avss/cuda/pinned.cuh>
#include <avss/cuda/step_value.cuh>
#include <tests/cuda/device_fixture.cuh>
#include <tests/cuda/graphed_network.cuh>
#include <vector>

namespace avss {
namespace {

using test::device;
using test::waves;

TEST_F(device, replays_a_forward_pass) { test::expect_replays_equal(pass::infer, cuda()); }
TEST_F(device, replays_a_training_step) { test::expect_replays_equal(pass::train, cuda()); }
TEST_F(device, replays_products_in_reduced_precision) {
  test::expect_replays_equal(pass::train, cuda(product_precision::bfloat16));
}

TEST_F(device, leaves_alone_what_cannot_be_captured) {
  const cuda on;
  const std::size_t n = 100;
  const device_buffer<float> x(on, waves(n, 0.3)), y(n);
  step_graphs<int> graphs(on);
  std::vector<float> seen(n);
  const auto waits = [&] {
    enqueue_copy(on, y.data(), x.data(), n * sizeof(float));
    y.download(on, seen);
  };
  for (int round = 0; round < 3; ++round) {
    seen.assign(n, 0);
    EXPECT_EQ(graphs.run(1, waits), graph_use::direct);
    EXPECT_EQ(seen, waves(n, 0.3));
    EXPECT_EQ(graphs.problem().empty(), round == 0) << graphs.problem();
  }
  const auto takes = [&] { device_buffer<float> more(1000); };
  for (int round = 0; round < 3; ++round) EXPECT_EQ(graphs.run(2, takes), graph_use::direct);
  const auto copies = [&] { enqueue_copy(on, y.data(), x.data(), n * sizeof(float)); };
  EXPECT_EQ(graphs.run(3, copies), graph_use::direct);
  EXPECT_EQ(graphs.run(3, copies), graph_use::captured);
  EXPECT_EQ(graphs.run(3, copies), graph_use::replayed);
  on.wait();
}

TEST_F(device, drops_as_the_step_says_and_copies_through_pinned_memory) {
  cuda on;
  const std::size_t n = 1000;
  const pinned_buffer<float> in(n), out(n);
  const device_buffer<float> x(n), y(n);
  const step_value<random_stream> stream(on, random_stream(0));
  step_graphs<int> graphs(on);
  for (int step = 0; step < 5; ++step) {
    const random_stream now(7, "dropout", step);
    const op::dropout_rule rule{0.4, now.sub("path")};
    const std::vector<float> v = waves(n, 0.3 + step);
    std::copy(v.begin(), v.end(), in.data());
    stream.set(on, now);
    const graph_use use = graphs.run(1, [&] {
      enqueue_copy(on, x.data(), in.data(), n * sizeof(float));
      execute(
          on,
          op::dropout<float>{1, n, 1, {0.4, random_stream(0), stream.data(), hash_name("path")}, x.data(), nullptr, y.data()},
          nullptr);
      enqueue_copy(on, out.data(), y.data(), n * sizeof(float));
    });
    on.wait();
    EXPECT_EQ(use, step == 0 ? graph_use::direct : step == 1 ? graph_use::captured : graph_use::replayed) << graphs.problem();
    for (std::size_t i = 0; i < n; ++i)
      ASSERT_EQ(out.data()[i], rule.factor<float>(static_cast<dim_t>(i)) * v[i]) << i << " of step " << step;
  }
}

}  // namespace
}  // namespace avss
