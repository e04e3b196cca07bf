// Convolutions by Winograd's products against their definition in double; how they share memory and threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/context.hpp>
#include <avss/cpu/image_conv.hpp>
#include <avss/cpu/winograd.hpp>
#include <avss/reference/image.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <utility>
#include <vector>

namespace avss {
namespace {

using cpu_kernel::tile_line;
using cpu_kernel::winograd_layout;

TEST(Winograd, tiles_cover_a_line_once) {
  for (dim_t extent = 1; extent <= 100; ++extent) {
    SCOPED_TRACE(extent);
    const tile_line line{extent};
    dim_t next = 0;
    for (dim_t t = 0; t < line.count(); ++t) {
      EXPECT_EQ(line.first(t), next);
      next += line.is_four(t) ? 4 : 3;
    }
    EXPECT_GE(next, extent);
    EXPECT_LT(next, extent + 3);
    if (extent >= 6) {
      EXPECT_EQ(next, extent) << "only very short lines have tiles beyond their end";
    }
  }
}

op::image_conv_plan plan_of(dim_t height, dim_t width, dim_t in, dim_t out) {
  op::image_conv_plan p{{1, height, width, in}, {out, 3, 1, 1}};
  p.method = conv_method::winograd;
  return p;
}

std::string name_of(const op::image_conv_plan& p) {
  return std::to_string(p.n.height) + " x " + std::to_string(p.n.width) + ", " + std::to_string(p.n.channels) + " -> " +
         std::to_string(p.kernel.out) + ", curve " + std::to_string(static_cast<int>(p.form)) + (p.add ? ", added" : "") +
         (p.offset ? ", offset" : "");
}

TEST(Winograd, is_taken_where_it_pays) {
  const auto pays = [](auto&& change) {
    op::image_conv_plan p = plan_of(6, 6, 32, 32);
    change(p);
    return winograd_layout::pays(p);
  };
  EXPECT_TRUE(pays([](auto&) {}));
  EXPECT_FALSE(pays([](auto& p) { p.method = conv_method::direct; }));
  EXPECT_FALSE(pays([](auto& p) { p.kernel.stride = 2; }));
  EXPECT_FALSE(pays([](auto& p) { p.kernel.pad = 0; }));
  EXPECT_FALSE(pays([](auto& p) { p.kernel.size = 1, p.kernel.pad = 0; }));
  EXPECT_FALSE(pays([](auto& p) { p.n.channels = 24; }));
  EXPECT_FALSE(pays([](auto& p) { p.kernel.out = 8; }));
  EXPECT_FALSE(pays([](auto& p) { p.n.height = p.n.width = 1; })) << "one tap is within the image, 25 products";
  EXPECT_FALSE(pays([](auto& p) { p.n.height = p.n.width = 2; }));
  EXPECT_TRUE(pays([](auto& p) { p.n.height = p.n.width = 3; }));
}

// All that a convolution reads, for so many images.
struct data {
  data(const op::image_conv_plan& p, dim_t images)
      : plan(p),
        images(images),
        x(test::draw("x", images * p.n.each())),
        weight(test::draw("weight", p.kernel.out * p.n.channels * 9)),
        gain(test::draw("gain", p.kernel.out)),
        offset(test::draw("offset", p.kernel.out)),
        slope(test::draw("slope", p.kernel.out)),
        y(test::draw("y", images * p.kernel.over(p.n).each())) {}

  op::image_conv_plan plan;
  dim_t images;
  std::vector<double> x, weight, gain, offset, slope, y;
};

// The result; weights, arenas and the result's place hold NaN before, and arenas as many bytes as are planned.
template <class B>
std::vector<typename B::value_type> convolve(const data& d, B backend = {}) {
  using T = typename B::value_type;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const auto in = [](const std::vector<double>& v) { return std::vector<T>(v.begin(), v.end()); };
  const std::vector<T> x = in(d.x), weight = in(d.weight), gain = in(d.gain), offset = in(d.offset), slope = in(d.slope);
  std::vector<T> y = d.plan.add ? in(d.y) : std::vector<T>(d.y.size(), nan);
  std::vector<T> packed(static_cast<std::size_t>(packed_values(backend, d.plan)), nan);
  const op::pack_image_conv<T> pack{d.plan, weight.data(), gain.data(), packed.data()};
  const op::image_conv<T> conv{d.images, d.plan, x.data(), packed.data(), offset.data(), slope.data(), y.data()};
  arena sizes;
  context<measure<B>> plan({backend}, sizes, pass::infer);
  plan.run(pack);
  plan.run(conv);
  arena memory(sizes.peak());
  const auto poison = memory.take_back(sizes.peak());
  std::fill_n(static_cast<T*>(poison), sizes.peak() / sizeof(T), nan);
  memory.reset();
  context<B> ctx(backend, memory, pass::infer);
  ctx.run(pack);
  ctx.run(conv);
  EXPECT_EQ(memory.peak(), sizes.peak());
  return y;
}

void expect_reference(const op::image_conv_plan& p, dim_t images) {
  SCOPED_TRACE(name_of(p));
  EXPECT_TRUE(winograd_layout::pays(p));
  const data d(p, images);
  const auto exact = convolve<reference<double>>(d);
  EXPECT_GT(test::largest(exact), 1);
  test::expect_close(convolve<cpu>(d, cpu(1)), exact, 3e-6, "cpu");
}

// The lip-reading encoder's maps, and such as have every kind of edge.
TEST(Winograd, is_the_convolution) {
  constexpr std::pair<dim_t, dim_t> sizes[] = {{22, 22}, {11, 11}, {6, 6},  {3, 3},  {4, 4}, {5, 5},
                                               {7, 7},   {8, 3},   {3, 10}, {1, 16}, {13, 9}};
  constexpr std::pair<dim_t, dim_t> channels[] = {{16, 16}, {16, 48}, {48, 16}, {32, 80}};  // whole panels and halves
  int i = 0;
  for (const auto& [height, width] : sizes)
    for (const auto& [in, out] : channels) {
      op::image_conv_plan p = plan_of(height, width, in, out);
      p.form = static_cast<image_curve>(i % 4);
      p.offset = i % 3 > 0;
      p.add = i % 5 > 1;
      if (winograd_layout::pays(p)) expect_reference(p, 1 + i % 2), ++i;
    }
  EXPECT_GE(i, 40);
}

TEST(Winograd, all_curves_with_offset_and_sum) {
  for (image_curve form : {image_curve::identity, image_curve::relu, image_curve::prelu, image_curve::swish})
    for (bool offset : {false, true})
      for (bool add : {false, true}) {
        op::image_conv_plan p = plan_of(7, 6, 32, 32);
        p.form = form, p.offset = offset, p.add = add;
        expect_reference(p, 2);
      }
}

// Threads share the steps of a convolution with large weights, and whole images of one with small ones.
constexpr std::pair<dim_t, dim_t> shared[] = {{22, 32}, {11, 64}, {6, 208}, {3, 208}};

TEST(Winograd, large_weights_and_many_images) {
  bool steps[2] = {};
  for (const auto& [side, channels] : shared) {
    op::image_conv_plan p = plan_of(side, side, channels, channels);
    p.form = image_curve::swish;
    expect_reference(p, side == 3 ? 35 : 1);  // more than go together
    steps[cpu_kernel::winograd_share(winograd_layout(p), 35).steps] = true;
  }
  EXPECT_TRUE(steps[0] && steps[1]) << "both ways are met";
}

std::vector<float> part(const std::vector<float>& y, dim_t from, dim_t to, dim_t each) {
  return {y.begin() + from * each, y.begin() + to * each};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Winograd, an_image_is_by_itself_whatever_its_company_and_the_threads) {
  constexpr dim_t images = 37;
  for (const auto& [side, channels] : shared) {
    op::image_conv_plan p = plan_of(side, side, channels, channels);
    p.form = image_curve::swish;
    p.offset = p.add = true;
    SCOPED_TRACE(name_of(p));
    const data all(p, images);
    const std::vector<float> whole = convolve<cpu>(all, cpu(1));
    for (int threads : {2, 3, 5}) EXPECT_TRUE(same_bits(convolve<cpu>(all, cpu(threads)), whole)) << threads;
    const dim_t each = p.n.each();
    for (const auto& [from, to] : {std::pair<dim_t, dim_t>{0, 1}, {17, 18}, {36, 37}, {3, 16}, {5, 36}}) {
      data some = all;
      some.images = to - from;
      some.x = {all.x.begin() + from * each, all.x.begin() + to * each};
      some.y = {all.y.begin() + from * each, all.y.begin() + to * each};
      EXPECT_TRUE(same_bits(convolve<cpu>(some, cpu(1)), part(whole, from, to, each))) << from << " to " << to;
    }
  }
}

// Positive inputs, as after a ReLU, of maps as in the first stage: errors are those of direct convolutions. The usual points 0,
// +-1, +-2 would double them.
TEST(Winograd, rounding_is_no_worse_than_that_of_direct_convolutions) {
  const auto error = [](conv_method method) {
    op::image_conv_plan p = plan_of(22, 22, 64, 64);
    p.method = method;
    data d(p, 2);
    for (double& x : d.x) x = std::abs(x);
    std::fill(d.gain.begin(), d.gain.end(), 1);
    const auto exact = convolve<reference<double>>(d);
    const auto y = convolve<cpu>(d, cpu(1));
    double far = 0, all = 0;
    for (std::size_t i = 0; i < y.size(); ++i) far += std::pow(y[i] - exact[i], 2), all += std::pow(exact[i], 2);
    return std::sqrt(far / all);
  };
  const double winograd = error(conv_method::winograd), direct = error(conv_method::direct);
  EXPECT_NE(winograd, direct) << "otherwise it was not taken";
  EXPECT_LT(winograd, 6e-7);
  EXPECT_LT(winograd, 1.5 * direct);
  RecordProperty("winograd_e9", static_cast<int>(1e9 * winograd));
  RecordProperty("direct_e9", static_cast<int>(1e9 * direct));
}

}  // namespace
}  // namespace avss
