// BatchNorm of images by workers that share a batch, on the emulator and on the processor, against one that has it whole.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cpu/lipreading.hpp>
#include <avss/cuda/lipreading.cuh>
#include <avss/cuda/staged_group.cuh>
#include <avss/dist/thread_group.hpp>
#include <map>
#include <memory>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <utility>
#include <vector>

namespace avss {
namespace {

using floats = std::vector<float>;
using result = std::map<std::string, floats>;

constexpr op::image_size whole{8, 5, 6, 7};

// Backends of a group; null: alone.
struct on_processor {
  explicit on_processor(worker_group* g) : backend(1, g) {}
  cpu backend;
};
struct on_emulator {
  explicit on_emulator(worker_group* g) {
    if (g) backend.group = (there = std::make_unique<staged_group<emulated_cuda>>(*g)).get();
  }
  std::unique_ptr<staged_group<emulated_cuda>> there;
  emulated_cuda backend;
};

floats drawn(const char* name, dim_t n, int rank = 0, int size = 1) {
  const std::vector<double> v = test::draw(name, n);
  const auto each = static_cast<std::ptrdiff_t>(n) / size;
  return floats(v.begin() + rank * each, v.begin() + (rank + 1) * each);
}

template <class Kind>
result run_part(worker_group* g, bool fixed) {
  Kind kind(g);
  auto& backend = kind.backend;
  const int rank = g ? g->rank() : 0, size = g ? g->size() : 1;
  op::image_size n = whole;
  n.images /= size;
  const dim_t C = n.channels;
  const auto zeros = [](dim_t of) { return floats(static_cast<std::size_t>(of)); };
  const floats x = drawn("x", whole.size(), rank, size), gamma = drawn("gamma", C), beta = drawn("beta", C),
               slope = drawn("slope", C);
  floats mean = zeros(C), rstd = floats(static_cast<std::size_t>(C), 1.f), y = zeros(n.size()),
         d = drawn("d", whole.size(), rank, size), dx = zeros(n.size()), dgamma = zeros(C), dbeta = zeros(C), dslope = zeros(C),
         running_mean = zeros(C), running_var = zeros(C), batches = zeros(1);
  const auto run = [&](const auto& o) {
    std::vector<double> scratch(scratch_bytes(backend, o) / sizeof(double) + 1);
    execute(backend, o, scratch.data());
  };
  if (!fixed) run(op::image_moments<float>{n, 1e-5, x.data(), mean.data(), rstd.data()});
  run(op::update_running<float>{C, n.images * n.plane(), 1e-5, 0.1, mean.data(), rstd.data(), running_mean.data(),
                                running_var.data(), batches.data()});
  run(op::image_norm<float>{
      n, x.data(), mean.data(), rstd.data(), gamma.data(), beta.data(), false, {image_curve::prelu, slope.data()}, y.data()});
  run(op::image_norm_bwd<float>{n,
                                x.data(),
                                mean.data(),
                                rstd.data(),
                                gamma.data(),
                                beta.data(),
                                fixed,
                                nullptr,
                                {image_curve::prelu, slope.data()},
                                d.data(),
                                dx.data(),
                                dgamma.data(),
                                dbeta.data(),
                                dslope.data()});
  result r{{"items y", y},
           {"items d", d},
           {"items dx", dx},
           {"mean", mean},
           {"rstd", rstd},
           {"running mean", running_mean},
           {"running var", running_var},
           {"batches", batches}};
  for (auto [name, gradient] : {std::pair("dgamma", &dgamma), std::pair("dbeta", &dbeta), std::pair("dslope", &dslope)}) {
    if (g) g->sum(*gradient);
    r[name] = *gradient;
  }
  return r;
}

template <class Kind>
void expect_same(bool fixed) {
  const result alone = run_part<Kind>(nullptr, fixed);
  for (const int size : {2, 4}) {
    std::vector<result> parts(static_cast<std::size_t>(size));
    thread_group::run(size, [&](worker_group& g) { parts[static_cast<std::size_t>(g.rank())] = run_part<Kind>(&g, fixed); });
    for (const auto& [name, values] : alone) {
      floats all;
      for (result& p : parts) {
        if (name.starts_with("items"))
          all.insert(all.end(), p[name].begin(), p[name].end());
        else
          all = p[name];
        if (!name.starts_with("items")) {
          EXPECT_EQ(p[name], parts[0][name]) << name;
        }
      }
      test::expect_close(all, values, 1e-6, name + " of " + std::to_string(size));
    }
  }
}

TEST(WorkerImages, on_the_emulator) { expect_same<on_emulator>(false); }
TEST(WorkerImages, on_the_emulator_with_running_statistics) { expect_same<on_emulator>(true); }
TEST(WorkerImages, on_the_processor) { expect_same<on_processor>(false); }
TEST(WorkerImages, on_the_processor_with_running_statistics) { expect_same<on_processor>(true); }

}  // namespace
}  // namespace avss
