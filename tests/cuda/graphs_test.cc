// Steps that are captured and replayed, on the emulator.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cuda/attention.cuh>
#include <avss/cuda/dropout.cuh>
#include <avss/cuda/graphs.cuh>
#include <avss/cuda/pinned.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/step_value.cuh>
#include <avss/cuda/to_host.cuh>
#include <limits>
#include <numeric>
#include <string>
#include <tests/cuda/graphed_network.cuh>
#include <vector>

namespace avss {
namespace {

using test::waves;

struct scale_by {
  static constexpr int threads = 32;
  static constexpr bool cooperates = false;
  dim_t n;
  float factor;
  const float* factor_there;  // in its place, or null
  const float* x;
  float* y;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t i = t.block() * threads + t.index();
    if (i < n) y[i] = (factor_there ? *factor_there : factor) * x[i];
  }
};

class Graphs : public testing::Test {
 protected:
  static constexpr std::size_t n = 40;
  void scale(float factor, const float* there = nullptr) {
    cuda_kernel::launch(on, "scale", scale_by{n, factor, there, x.data(), y.data()}, cuda_kernel::blocks_for(n, 32));
  }
  std::vector<float> result() const {
    std::vector<float> v(n);
    y.download(on, v);
    return v;
  }
  std::vector<float> scaled(float factor, double pitch = 0.3) const {
    std::vector<float> v = waves(n, pitch);
    for (float& value : v) value *= factor;
    return v;
  }

  const emulated_cuda on;
  const device_buffer<float> x{on, waves(n, 0.3)}, y{on, std::vector<float>(n)};
  step_graphs<int> graphs{on, 2};
};

TEST_F(Graphs, of_a_forward_pass_equal_it) { test::expect_replays_equal(pass::infer, on); }
TEST_F(Graphs, of_a_training_step_equal_it) { test::expect_replays_equal(pass::train, on); }
TEST_F(Graphs, of_products_in_reduced_precision_equal_them) {
  test::expect_replays_equal(pass::train, emulated_cuda(product_precision::bfloat16));
}

TEST_F(Graphs, take_no_device_memory) {
  struct limited {
    ~limited() { emulated::device_memory::all().limit(std::numeric_limits<std::size_t>::max()); }
  } restored;
  test::graphed_network network(on, 100, 4);
  const auto first = network.graphed(pass::train, 2, waves(80, 0.2), graph_use::direct);
  emulated::device_memory& memory = emulated::device_memory::all();
  memory.limit(0);
  EXPECT_EQ(network.graphed(pass::train, 2, waves(80, 0.2), graph_use::captured), first);
  EXPECT_EQ(network.graphed(pass::train, 2, waves(80, 0.2), graph_use::replayed), first);
}

TEST_F(Graphs, do_nothing_while_they_are_captured) {
  const device_graph graph(on, [&] { scale(2); });
  EXPECT_EQ(graph.size(), 1u);
  EXPECT_EQ(result(), std::vector<float>(n));
  graph.replay(on);
  EXPECT_EQ(result(), scaled(2));
  x.upload(on, waves(n, 0.9));
  graph.replay(on);
  EXPECT_EQ(result(), scaled(2, 0.9));
}

TEST_F(Graphs, keep_what_was_handed_over_by_value) {
  float factor = 1;
  const auto step = [&] { return graphs.run(1, [&] { scale(factor); }); };
  step();
  factor = 2;
  EXPECT_EQ(step(), graph_use::captured);
  EXPECT_EQ(result(), scaled(2));
  factor = 3;
  EXPECT_EQ(step(), graph_use::replayed);
  EXPECT_EQ(result(), scaled(2)) << "as said in graphs.cuh";
}

TEST_F(Graphs, see_values_of_a_step) {
  const step_value<float> factor(on, 1);
  for (const float f : {1.f, 2.f, 3.f, 4.f}) {
    factor.set(on, f);
    graphs.run(1, [&] { scale(0, factor.data()); });
    EXPECT_EQ(result(), scaled(f));
  }
}

TEST_F(Graphs, copy_through_pinned_memory) {
  const pinned_buffer<float> in(n), out(n);
  for (const double pitch : {0.3, 0.5, 0.7}) {
    const std::vector<float> v = waves(n, pitch);
    std::copy(v.begin(), v.end(), in.data());
    graphs.run(1, [&] {
      enqueue_copy(on, x.data(), in.data(), n * sizeof(float));
      scale(2);
      enqueue_copy(on, out.data(), y.data(), n * sizeof(float));
    });
    EXPECT_EQ(std::vector<float>(out.data(), out.data() + n), scaled(2, pitch));
  }
  EXPECT_EQ(graphs.problem(), "");
}

TEST_F(Graphs, of_the_key_last_used_stay) {
  const auto step = [&](int key) { return graphs.run(key, [&] { scale(static_cast<float>(key)); }); };
  for (const int key : {1, 2}) {
    step(key);
    EXPECT_EQ(step(key), graph_use::captured);
  }
  EXPECT_EQ(step(1), graph_use::replayed);
  EXPECT_EQ(step(3), graph_use::direct);  // 2 goes
  EXPECT_EQ(graphs.size(), 2u);
  EXPECT_EQ(step(1), graph_use::replayed);
  EXPECT_EQ(result(), scaled(1));
  EXPECT_EQ(step(2), graph_use::direct);
}

TEST_F(Graphs, are_forgotten) {
  const auto step = [&] { return graphs.run(1, [&] { scale(2); }); };
  step();
  step();
  EXPECT_EQ(step(), graph_use::replayed);
  graphs.forget();
  EXPECT_EQ(graphs.size(), 0u);
  EXPECT_EQ(step(), graph_use::direct);
  EXPECT_EQ(step(), graph_use::captured);
  EXPECT_EQ(result(), scaled(2));
}

// What a device does not permit while it captures: the step is run as it is, and why is told.
TEST_F(Graphs, leave_alone_what_cannot_be_captured) {
  std::vector<float> seen(n);
  emulated_cuda backend = on;
  const std::vector<std::pair<std::string, std::function<void()>>> cannot{
      {"the host cannot wait for the device while a graph is captured", [&] { y.download(on, seen); }},
      {"the host cannot wait for the device while a graph is captured",
       [&] {
         execute(backend, op::to_host<float>{n, y.data(), seen.data()}, nullptr);
       }},
      {"device memory cannot be taken while a graph is captured", [&] { device_buffer<float> more(3); }},
      {"a graph is captured within another", [&] { device_graph(on, [] {}); }},
  };
  int key = 0;
  for (const auto& [why, call] : cannot) {
    SCOPED_TRACE(why);
    ++key;
    float factor = 1;
    const auto step = [&] {
      return graphs.run(key, [&] {
        scale(++factor);
        if (why.starts_with("a graph") && factor != 3) return;  // only while it is captured is there another
        call();
      });
    };
    EXPECT_EQ(step(), graph_use::direct);
    EXPECT_EQ(step(), graph_use::direct);
    EXPECT_EQ(graphs.problem(), why);
    EXPECT_EQ(result(), scaled(4)) << "called to capture, then as it is";
    EXPECT_EQ(step(), graph_use::direct);
    EXPECT_EQ(result(), scaled(5)) << "called once";
  }
  graphs.run(99, [&] { scale(2); });
  EXPECT_EQ(graphs.run(99, [&] { scale(2); }), graph_use::captured) << "others are captured still";
}

TEST_F(Graphs, notice_memory_that_is_given_back) {
  auto held = std::make_unique<device_buffer<float>>(3);
  EXPECT_THROW(device_graph(on, [&] { held.reset(); }), error);
  scale(2);
  EXPECT_EQ(result(), scaled(2));
}

TEST_F(Graphs, let_errors_through) {
  bool fails = true;
  const auto step = [&] {
    return graphs.run(1, [&] {
      scale(2);
      if (fails) fail("a wrong length");
    });
  };
  EXPECT_THROW(step(), error);
  EXPECT_EQ(graphs.size(), 0u);
  fails = false;
  EXPECT_EQ(step(), graph_use::direct);
  fails = true;
  EXPECT_THROW(step(), error);
  fails = false;
  EXPECT_EQ(step(), graph_use::captured) << "what failed by itself is no reason not to capture";
  EXPECT_EQ(result(), scaled(2));
}

// Dropout of a replay is that of its step.
TEST_F(Graphs, drop_as_the_step_says) {
  const auto stream_of = [](int step) { return random_stream(7, "dropout", step); };
  emulated_cuda backend = on;
  const dim_t length = 8, width = 5;
  const op::vector_strides lie{length * width, 0, width};
  const op::attention_size size{1, 1, length, width, width, 0.7, lie, lie, lie};
  const device_buffer<float> weights(length * length), attended(n), scratch_memory(4096);
  const auto drop = [&](const op::dropout_rule& rule, const op::dropout_rule& other) {
    execute(backend, op::dropout<float>{1, n, 1, rule, x.data(), nullptr, y.data()}, nullptr);
    const op::attention_fwd<float> o{size, x.data(), x.data(), x.data(), weights.data(), attended.data(), other};
    ASSERT_LE(scratch_bytes(backend, o), scratch_memory.size() * sizeof(float));
    execute(backend, o, scratch_memory.data());
  };
  const auto both = [&] {
    std::vector<float> v = result(), w(n);
    attended.download(on, w);
    v.insert(v.end(), w.begin(), w.end());
    return v;
  };
  const step_value<random_stream> stream(on, stream_of(0));
  std::vector<std::vector<float>> all;
  for (int step = 0; step < 5; ++step) {
    drop({0.4, stream_of(step).sub("path")}, {0.3, stream_of(step).sub("weights")});
    const std::vector<float> exact = both();
    stream.set(on, stream_of(step));
    y.upload(on, std::vector<float>(n));
    graphs.run(1, [&] {
      drop({0.4, random_stream(0), stream.data(), hash_name("path")},
           {0.3, random_stream(0), stream.data(), hash_name("weights")});
    });
    EXPECT_EQ(both(), exact) << step;
    for (const auto& earlier : all) EXPECT_NE(exact, earlier);
    all.push_back(exact);
  }
}

TEST(GraphsOfNetworks, are_not_of_other_memory) {
  // Where kernels run, addresses of the second run are those of all others: memory that moves must be told.
  const emulated_cuda on;
  step_graphs<std::pair<int, const float*>> graphs(on);
  const device_buffer<float> a(on, std::vector<float>{1}), b(on, std::vector<float>{2}), to(1);
  const auto step = [&](const float* from) {
    graphs.run({1, from}, [&] { enqueue_copy(on, to.data(), from, sizeof(float)); });
    std::vector<float> v(1);
    to.download(on, v);
    return v[0];
  };
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(step(a.data()), 1);
    EXPECT_EQ(step(b.data()), 2);
  }
}

}  // namespace
}  // namespace avss
