// Evaluations of several parts, and steps that memory is not enough for.
#include <gtest/gtest.h>

#include <new>

#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class evaluations : public training_run {
 protected:
  // Beside val, its first items with louder mixtures.
  training_data two_parts() const {
    training_data d = data();
    d.parts.push_back({"loud",
                       [make = d.parts[0].make](std::uint64_t first, dim_t size, batch& b) {
                         make(first, size, b);
                         for (float& x : b.mixtures) x *= 3;
                       },
                       3});
    return d;
  }
  // Columns of the rows of a partition.
  std::vector<std::vector<std::string>> rows(const std::string& name, const std::string& partition) const {
    std::vector<std::vector<std::string>> all;
    std::ifstream in(folder / name / "metrics.csv");
    for (std::string line; std::getline(in, line);) {
      std::istringstream fields(line);
      std::vector<std::string> row;
      for (std::string f; std::getline(fields, f, ',');) row.push_back(f);
      if (row[2] == partition) all.push_back(row);
    }
    return all;
  }
};

TEST_F(evaluations, each_part_has_its_own_rows_and_any_may_be_watched) {
  const auto net = make_tiny({.threads = 1}), alone = make_tiny({.threads = 1});
  trainer_options o = options("two");
  o.monitor = "min loud_loss";
  ASSERT_EQ(run(*net, o, schedule(), two_parts()), 0);
  ASSERT_EQ(run(*alone, options("one")), 0);
  EXPECT_EQ(weights_of(*net), weights_of(*alone)) << "evaluations change nothing";
  const auto val = rows("two", "val"), loud = rows("two", "loud");
  EXPECT_EQ(val, rows("one", "val"));
  ASSERT_EQ(loud.size(), 2u);
  EXPECT_NE(loud[1][5], val[1][5]) << "the improvement over a mixture of another level";
  for (const char* word : {"val si_snri", "loud si_snri"})
    EXPECT_NE(out.str().find(word), std::string::npos) << word << " in " << out.str();
  const double first = std::stod(loud[0][3]), second = std::stod(loud[1][3]);
  EXPECT_DOUBLE_EQ(read_checkpoint(folder / "two" / last_checkpoint).monitor_best, std::min(first, second));
}

TEST_F(evaluations, a_run_that_diverges_on_any_part_ends_with_an_error) {
  training_data d = two_parts();
  d.parts[1].make = [make = d.parts[1].make](std::uint64_t first, dim_t size, batch& b) {
    make(first, size, b);
    b.mixtures[0] = std::numeric_limits<float>::infinity();
  };
  const auto net = make_tiny({.threads = 1});
  EXPECT_TRUE(says(error_of([&] { run(*net, options("run"), schedule(), d); }), "last validation is not finite"));
  // It stays so, however often the end is looked at.
  trainer_options again = options("run");
  again.resume_from = last_checkpoint;
  EXPECT_TRUE(says(error_of([&] { run(*net, again, schedule(), d); }), "last validation is not finite"));
}

// One that runs out of memory at some of its steps.
class tight final : public trainable {
 public:
  tight(std::unique_ptr<trainable> net, std::int64_t at) : net_(std::move(net)), at_(at) {}
  const trainable_info& info() const override { return net_->info(); }
  std::size_t planned_bytes(dim_t size, dim_t length) const override { return net_->planned_bytes(size, length); }
  std::vector<named_value> train_step(const batch& b, double weight) override {
    std::vector<named_value> values = net_->train_step(b, weight);
    if (step_++ == at_) throw std::bad_alloc();
    if (at_ < 0) throw out_of_memory("out of memory: too little");
    return values;
  }
  double apply(double max_norm, const rates& r) override { return net_->apply(max_norm, r); }
  void discard() override { net_->discard(); }
  std::vector<named_value> evaluate(const batch& b) override { return net_->evaluate(b); }
  training_state state(const rates& r) override { return net_->state(r); }
  void restore(const training_state& s, const std::string& origin) override { net_->restore(s, origin); }
  void load_weights(const loaded_weights& file, const std::string& origin) override { net_->load_weights(file, origin); }

 private:
  std::unique_ptr<trainable> net_;
  std::int64_t at_, step_ = 0;
};

TEST_F(evaluations, a_step_without_memory_is_left_out_or_ends_the_run) {
  tight net(make_tiny({.threads = 1}), 3);
  ASSERT_EQ(run(net, options("left_out")), 0);
  EXPECT_EQ(skipped, 1);
  // As if the step had not been finite.
  training_data d = data();
  d.train = [make = d.train](std::uint64_t first, dim_t size, batch& b) {
    make(first, size, b);
    if (first == 6) b.targets[0] = std::numeric_limits<float>::quiet_NaN();
  };
  const auto other = make_tiny({.threads = 1});
  ASSERT_EQ(run(*other, options("not_finite"), schedule(), d), 0);
  EXPECT_EQ(weights_of(net), weights_of(*other));

  trainer_options o = options("ended");
  o.skip_oom = false;
  tight ended(make_tiny({.threads = 1}), 3);
  EXPECT_THROW(run(ended, o), std::bad_alloc);
  tight never(make_tiny({.threads = 1}), -1);
  o.folder = folder / "never ended";
  EXPECT_THROW(run(never, o), out_of_memory);
  o = options("never");
  o.max_bad_steps = 2;
  try {
    run(never, o);
    FAIL() << "no step had memory";
  } catch (const error& e) {
    const std::string said = e.what();
    EXPECT_TRUE(
        said.starts_with("step 2: out of memory: too little; none of the last 2 steps was taken: lower dataloader.batch_size"))
        << said;
  }
}

}  // namespace
}  // namespace avss
