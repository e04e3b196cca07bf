// What the last block of an item, of a channel or of all makes of their sums, in the pass or, where there are more groups than
// counters, behind it.
#include <gtest/gtest.h>

#include <avss/core/carver.hpp>
#include <avss/core/error.hpp>
#include <avss/cuda/column_sums.cuh>
#include <avss/cuda/passes.cuh>
#include <cstddef>
#include <string>
#include <vector>

namespace avss {
namespace {

using namespace cuda_kernel;

constexpr dim_t counters = emulated_cuda::block_counters;

// Whole numbers, so that sums are exact in any order.
float value(dim_t i) { return static_cast<float>(i % 23 - 7); }

struct values_and_ones {
  static constexpr int sums = 2;
  const float* x;
  void operator()(const place& at, double (&sum)[2]) const {
    sum[0] += x[at.i];
    sum[1] += 1;
  }
};

// Sums weighted by channel.
struct keep_weighted {
  double* to;
  double weight(dim_t channel) const { return static_cast<double>(channel % 5); }
  void operator()(dim_t group, const double (&sum)[2]) const {
    to[group * 2] = sum[0];
    to[group * 2 + 1] = sum[1];
  }
};

void expect_sums(dim_t batch, dim_t channels, dim_t frames) {
  SCOPED_TRACE(std::to_string(batch) + " x " + std::to_string(channels) + " x " + std::to_string(frames));
  std::vector<float> x(static_cast<std::size_t>(batch * channels * frames));
  std::vector<double> item(static_cast<std::size_t>(batch * 2));
  std::vector<float> channel(static_cast<std::size_t>(channels), 0.5f), count(channel);
  float total = 0.5f;
  for (dim_t i = 0; i < static_cast<dim_t>(x.size()); ++i) {
    const float v = x[static_cast<std::size_t>(i)] = value(i);
    const dim_t b = i / frames / channels, c = i / frames % channels;
    item[static_cast<std::size_t>(b * 2)] += static_cast<double>(c % 5) * v;
    item[static_cast<std::size_t>(b * 2 + 1)] += static_cast<double>(c % 5);
    channel[static_cast<std::size_t>(c)] += v;
    count[static_cast<std::size_t>(c)] += 1;
    total += v;
  }
  for (int again = 0; again < 2; ++again) {  // blocks run in another order then
    std::vector<double> partial(static_cast<std::size_t>(batch * channels * row_pieces(frames) * 2)), items(item.size());
    std::vector<float> values(channel.size(), 0.5f), ones(values);
    float all = 0.5f, unwanted = 3;
    pass_rows(emulated_cuda(), "sums", batch, channels, frames, values_and_ones{x.data()}, partial.data(),
              endings_of(ending{rows_of::item, make_of_sums{partial.data(), keep_weighted{items.data()}}},
                         ending{rows_of::channel, add_sums<2>{partial.data(), {values.data(), ones.data()}}},
                         ending{rows_of::channel, add_sums<2>{partial.data(), {&unwanted, &unwanted}}, false},
                         add_total(partial.data(), 2, 0, nullptr), add_total(partial.data(), 2, 0, &all)));
    EXPECT_EQ(items, item);
    EXPECT_EQ(values, channel);
    EXPECT_EQ(ones, count);
    EXPECT_EQ(all, total);
    EXPECT_EQ(unwanted, 3);
  }
}

TEST(endings, are_those_of_items_channels_and_all) {
  expect_sums(1, 1, 1);
  expect_sums(3, 5, 7);
  expect_sums(2, 3, row_piece + 1);
  expect_sums(1, 4, 3 * row_piece);
}

TEST(endings, come_behind_the_pass_where_counters_are_too_few) {
  expect_sums(2, counters / 2 - 4, 3);  // the most that fit: items, channels twice, all twice
  expect_sums(2, counters / 2, 3);
  expect_sums(counters + 1, 2, 3);
}

TEST(endings, of_columns_more_than_there_are_counters) {
  const dim_t rows = 2 * column_chunk + 3, columns = counters * 32 + 40;
  std::vector<float> x(static_cast<std::size_t>(rows * columns)), sums(static_cast<std::size_t>(columns), 1), to(sums);
  for (dim_t i = 0; i < rows * columns; ++i) {
    x[static_cast<std::size_t>(i)] = value(i);
    sums[static_cast<std::size_t>(i % columns)] += value(i);
  }
  const std::size_t bytes = layout_bytes([&](carver& m) { column_sums(m, rows, columns); });
  std::vector<std::byte> scratch(bytes + 64);
  carver m(scratch.data());
  column_sums(m, rows, columns).add(emulated_cuda(), rows, columns, columns, x.data(), to.data());
  EXPECT_EQ(to, sums);
}

// Comes for a group of more blocks than there are.
struct counts_wrongly {
  static constexpr int threads = 32;
  static constexpr bool cooperates = true;
  dim_t blocks;
  int* last;
  void operator()(const simt::thread& t) const {
    if (t.last_of(nullptr, 0, blocks) && t.index() == 0) ++*last;
  }
};

TEST(endings, are_missed_by_the_emulator_where_blocks_are) {
  int last = 0;
  launch(emulated_cuda(), "three", counts_wrongly{3, &last}, 3);
  EXPECT_EQ(last, 1);
  try {
    launch(emulated_cuda(), "four of three", counts_wrongly{4, &last}, 3);
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "kernel four of three: some blocks of a group were not counted");
  }
  launch(emulated_cuda(), "three", counts_wrongly{3, &last}, 3);
  EXPECT_EQ(last, 2);
}

}  // namespace
}  // namespace avss
