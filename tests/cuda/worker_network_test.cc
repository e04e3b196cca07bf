// Workers that share a batch on the emulator, with arrays in its device memory, compute as one that has it whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/context.hpp>
#include <avss/core/random.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/cuda/staged_group.cuh>
#include <avss/dist/thread_group.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet.hpp>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <vector>

namespace avss {
namespace {

constexpr rtfsnet_config tiny = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.passes = 1;
  return c;
}();
using net_type = RtfsNet<tiny>;
using floats = std::vector<float>;
using buffer = device_buffer<float>;

constexpr dim_t length = 160, video_frames = 12;

// What all workers have together.
struct task {
  dim_t batch, faces;
  pass_rules rules;
};

template <class A>
void draw_into(A& to, const char* name) {
  const std::vector<double> v = test::draw(name, static_cast<dim_t>(to.size()));
  to.assign(v.begin(), v.end());
}

// A part of the items [batch] of x, whose rows follow each other.
floats part_of(const floats& x, int rank, int size) {
  const auto each = static_cast<std::ptrdiff_t>(x.size()) / size;
  return floats(x.begin() + rank * each, x.begin() + (rank + 1) * each);
}

// What the items have, one after another, and what they share.
using result = std::map<std::string, floats>;

// Forward and backward over the part of one worker, by a group or alone.
result run_part(worker_group& workers, device_group<emulated_cuda>* group, const task& all) {
  const dim_t batch = all.batch, faces = all.faces;
  const pass_rules& rules = all.rules;
  const net_type net;
  floats values(static_cast<std::size_t>(net.extent().values)), states(static_cast<std::size_t>(net.extent().state));
  init_params(net, 5, std::span<float>(values), std::span<float>(states));
  const auto array = [](dim_t n) { return floats(static_cast<std::size_t>(n)); };
  floats noise(values.size()), x = array(batch * length), v = array(batch * faces * net_type::video_channels * video_frames),
                               dy = array(batch * faces * length);
  draw_into(noise, "noise"), draw_into(x, "x"), draw_into(v, "v"), draw_into(dy, "dy");
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.05f * noise[i];

  emulated_cuda on;
  on.group = group;
  const int rank = workers.rank(), size = workers.size();
  const dim_t own = batch / size;
  const net_type::mixture_shape in(own, length);
  const net_type::faces_shape seen(own * faces, video_frames);
  const net_type::estimate_shape out(own, faces, length);
  using saved = net_type::saved<float>;
  arena plan;
  {
    context<measure<emulated_cuda>> ctx({on}, plan, pass::train);
    saved s;
    net.forward(ctx, view<net_type::mixture_shape, float>{nullptr, in}, view<net_type::faces_shape, float>{nullptr, seen},
                view<net_type::estimate_shape, float>{nullptr, out}, rules, s);
    net.backward(ctx, view<net_type::estimate_shape, const float>{nullptr, out}, nullptr,
                 view<net_type::mixture_shape, float>{nullptr, in}, view<net_type::faces_shape, float>{nullptr, seen}, s);
  }
  const floats zeros(values.size());
  const buffer d_values(on, values), d_gradients(on, zeros), d_states(on, states), d_x(on, part_of(x, rank, size)),
      d_v(on, part_of(v, rank, size)), d_dy(on, part_of(dy, rank, size)), d_y(static_cast<std::size_t>(out.size())),
      d_dx(d_x.size()), d_dv(d_v.size());
  arena memory = device_arena(plan.peak());
  context<emulated_cuda> ctx(on, memory, pass::train, d_values.span(), d_gradients.span(), d_states.span());
  saved s;
  net.forward(ctx, view<net_type::mixture_shape, float>{d_x.data(), in}, view<net_type::faces_shape, float>{d_v.data(), seen},
              view<net_type::estimate_shape, float>{d_y.data(), out}, rules, s);
  const floats silence(static_cast<std::size_t>(s.spectrum.size()));
  const buffer d_spectrum(on, silence);
  net.backward(ctx, view<net_type::estimate_shape, const float>{d_dy.data(), out}, d_spectrum.data(),
               view<net_type::mixture_shape, float>{d_dx.data(), in}, view<net_type::faces_shape, float>{d_dv.data(), seen}, s);
  if (group) group->sum(on, d_gradients.span());
  EXPECT_EQ(memory.peak(), plan.peak());

  result r;
  const auto fetch = [&](const char* name, const buffer& from) {
    r[name].resize(from.size());
    from.download(on, r[name]);
  };
  fetch("items y", d_y), fetch("items dx", d_dx), fetch("items dv", d_dv);
  fetch("gradients", d_gradients), fetch("states", d_states);
  return r;
}

result run_by(int size, const task& all) {
  std::vector<result> parts(static_cast<std::size_t>(size));
  thread_group::run(size, [&](worker_group& g) {
    staged_group<emulated_cuda> there(g);
    parts[static_cast<std::size_t>(g.rank())] = run_part(g, &there, all);
  });
  result r;
  for (const result& p : parts)
    for (const auto& [name, values] : p) {
      floats& to = r[name];
      if (name.starts_with("items"))
        to.insert(to.end(), values.begin(), values.end());
      else if (to.empty())
        to = values;
      else
        EXPECT_EQ(values, to) << name << ": all workers have the same bits";
    }
  return r;
}

// The largest of the differences, each relative to the largest of its array.
double difference(const result& a, const result& b) {
  double far = 0;
  for (const auto& [name, values] : b) far = std::max(far, test::relative_difference(a.at(name), values));
  return far;
}

class worker_network : public testing::Test {
 protected:
  static result run_alone(const task& all) {
    worker_group alone;
    return run_part(alone, nullptr, all);
  }
  static void expect_same(const task& all, std::initializer_list<int> sizes) {
    const result whole = run_alone(all);
    for (const int size : sizes) {
      const result shared = run_by(size, all);
      for (const auto& [name, values] : whole) {
        const double far = test::relative_difference(shared.at(name), values);
        std::printf("%d workers: %s differ by %.2g\n", size, name.c_str(), far);
        EXPECT_LE(far, size == 1 ? 1e-7 : 1e-6) << name << " of " << size << " workers";
      }
    }
  }
};

TEST_F(worker_network, shares_statistics_and_dropout) {
  task all{4, 1, {.batch_statistics = true, .dropout = random_stream(3)}};
  expect_same(all, {2, 4});
  const result dropped = run_alone(all);
  all.rules.dropout.reset();
  EXPECT_GT(difference(run_alone(all), dropped), 1e-3) << "nothing is dropped";
}
TEST_F(worker_network, shares_statistics_of_mixtures_with_several_faces) {
  expect_same({2, 2, {.batch_statistics = true, .dropout = random_stream(4)}}, {1, 2});
}
TEST_F(worker_network, shares_no_running_statistics) { expect_same({2, 1, {}}, {2}); }

}  // namespace
}  // namespace avss
