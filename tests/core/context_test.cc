#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <vector>

namespace avss {

// A backend whose one operation records what it was given.
struct recorder {
  using value_type = float;
  std::vector<void*>* scratch = nullptr;
};
struct needs {
  std::size_t bytes;
};
inline std::size_t scratch_bytes(const recorder&, const needs& o) { return o.bytes; }
inline void execute(recorder& r, const needs&, void* scratch) { r.scratch->push_back(scratch); }

namespace {

using vec = shape<dyn>;

TEST(context, finds_values_gradients_and_state) {
  param<3> p;
  p.offset = 16;
  state<2> s;
  s.offset = 1;
  std::vector<float> values(32), gradients(32), states(4);
  arena a(64);
  const context<recorder> ctx({}, a, pass::train, values, gradients, states);
  EXPECT_EQ(ctx.value(p), values.data() + 16);
  EXPECT_EQ(ctx.gradient(p), gradients.data() + 16);
  EXPECT_EQ(ctx.value(s), states.data() + 1);
  EXPECT_EQ(ctx.value(absent{}), nullptr);
  EXPECT_EQ(ctx.gradient(absent{}), nullptr);
  const context<recorder> bare({}, a, pass::infer);
  EXPECT_EQ(bare.value(p), nullptr);
  EXPECT_EQ(bare.gradient(p), nullptr);
}

TEST(context, frames_give_scratch_memory_back) {
  arena a(512);
  context<recorder> ctx({}, a, pass::train);
  float* kept = ctx.keep(vec(16)).data;
  float *outer, *inner;
  {
    const auto frame = ctx.frame();
    outer = ctx.scratch(vec(16)).data;
    {
      const auto nested = ctx.frame();
      inner = ctx.scratch(vec(16)).data;
      EXPECT_NE(inner, outer);
    }
    EXPECT_EQ(ctx.scratch(vec(16)).data, inner);
    EXPECT_EQ(ctx.keep(vec(16)).data, kept + 16);  // keeping is not undone by a frame
  }
  EXPECT_EQ(ctx.scratch(vec(16)).data, outer);
  EXPECT_EQ(ctx.keep(vec(16)).data, kept + 32);
}

TEST(context, holds_as_the_pass_demands) {
  arena a(256);
  context<recorder> train({}, a, pass::train);
  float* front = train.hold(vec(1)).data;
  a.reset();
  context<recorder> infer({}, a, pass::infer);
  EXPECT_EQ(infer.hold(vec(1)).data, front + 48);  // from the back
  EXPECT_TRUE(train.training());
  EXPECT_FALSE(infer.training());
}

TEST(context, makes_parts_anew_in_memory_that_is_given_back) {
  arena a(512);
  context<recorder> ctx({}, a, pass::train);
  float* const before = ctx.keep(vec(16)).data;
  {
    const auto guard = ctx.without_keeping();
    EXPECT_FALSE(ctx.training());
    const auto frame = ctx.frame();
    EXPECT_EQ(ctx.hold(vec(16)).data, before + 112);  // from the back
  }
  EXPECT_TRUE(ctx.training());
  for (int again = 0; again < 2; ++again) {
    const auto kept = ctx.kept_frame();
    {
      const auto frame = ctx.frame();
      ctx.scratch(vec(16));
      EXPECT_EQ(ctx.hold(vec(16)).data, before + 16);
    }
    EXPECT_EQ(ctx.keep(vec(16)).data, before + 32);  // outlives the frame
  }
  EXPECT_EQ(ctx.keep(vec(16)).data, before + 16);
  EXPECT_EQ(a.peak(), 3 * 64u);
}

TEST(context, hands_operations_their_scratch_memory) {
  std::vector<void*> given;
  arena a(192);
  context<recorder> ctx({&given}, a, pass::infer);
  ctx.run(needs{100});
  ctx.run(needs{0});
  ctx.run(needs{192});  // what the first had is free again
  ASSERT_EQ(given.size(), 3u);
  EXPECT_NE(given[0], nullptr);
  EXPECT_EQ(given[1], nullptr);
  EXPECT_EQ(a.peak(), 192u);
  EXPECT_THROW(ctx.run(needs{193}), error);
}

TEST(context, measuring_executes_nothing_and_counts_the_same) {
  arena sizes;
  context<measure<recorder>> ctx({}, sizes, pass::train);
  EXPECT_EQ(ctx.keep(vec(10)).data, nullptr);
  ctx.run(needs{100});
  EXPECT_EQ(sizes.peak(), 64u + 128u);
}

}  // namespace
}  // namespace avss
