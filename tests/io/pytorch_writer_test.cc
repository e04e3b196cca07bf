#include <gtest/gtest.h>

#include <avss/io/pytorch_file.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/zip_reader.hpp>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::expect_error;
using testing::files_in;
using testing::fresh_folder;
using testing::golden;
using testing::read_text;

checkpoint_value trainer_checkpoint() {
  const tensor_dict weights = weights_of(pytorch_file(golden("checkpoint.pth")));
  const std::vector<float> step{3};
  return checkpoint_value::dict(
      {{"arch", "TinyNet"},
       {"epoch", 7},
       {"state_dict", checkpoint_value::state_dict(weights)},
       {"optimizer",
        checkpoint_value::dict(
            {{"state", checkpoint_value::dict({{0, checkpoint_value::dict({{"step", tensor::of<float>({}, step)}})}})},
             {"param_groups",
              checkpoint_value::list({checkpoint_value::dict({{"lr", 5e-5},
                                                              {"betas", checkpoint_value::tuple({0.9, 0.999})},
                                                              {"amsgrad", false},
                                                              {"foreach", checkpoint_value()},
                                                              {"params", checkpoint_value::list({0, 1})}})})}})},
       {"integers", checkpoint_value::list({0, 255, 256, -1, std::int64_t{1} << 31, -(std::int64_t{1} << 31),
                                            std::numeric_limits<std::int64_t>::min()})},
       {"monitor_best", -std::numeric_limits<double>::infinity()},
       {"name", "caf\xc3\xa9"},
       {"empty", checkpoint_value::list({checkpoint_value::list({}), checkpoint_value::tuple({}), checkpoint_value::dict({}),
                                         checkpoint_value::state_dict({})})}});
}

// Equal trees; tensors by their contents.
void expect_same(const checkpoint_value& a, const checkpoint_value& b) {
  ASSERT_EQ(a.type(), b.type());
  EXPECT_EQ(a.ordered(), b.ordered());
  EXPECT_EQ(a.boolean(), b.boolean());
  EXPECT_EQ(a.integer(), b.integer());
  EXPECT_EQ(a.number(), b.number());
  EXPECT_EQ(a.text(), b.text());
  ASSERT_EQ(a.items().size(), b.items().size());
  for (std::size_t i = 0; i < a.items().size(); ++i) expect_same(a.items()[i], b.items()[i]);
  ASSERT_EQ(a.fields().size(), b.fields().size());
  for (std::size_t i = 0; i < a.fields().size(); ++i) {
    expect_same(a.fields()[i].first, b.fields()[i].first);
    expect_same(a.fields()[i].second, b.fields()[i].second);
  }
  if (a.is_tensor()) testing::expect_equal(a.tensor_view()->load(), b.tensor_view()->load(), "tensor");
}

TEST(pytorch_writer, round_trip) {
  const std::string path = fresh_folder() + "a.pth";
  write_pytorch(path, trainer_checkpoint());
  expect_same(pytorch_file(path).root(), trainer_checkpoint());
  const std::string first = read_text(path);
  write_pytorch(path, trainer_checkpoint());
  EXPECT_EQ(read_text(path), first);
  const zip_reader zip(as_bytes_of(first), path);
  for (const zip_entry& e : zip.entries()) EXPECT_EQ(e.data % 64, 0u) << e.name;
  // What was read, views and all, can be written as it is.
  const pytorch_file source(golden("state_bare_numbers.pth"));
  write_pytorch(path, source.root());
  expect_same(pytorch_file(path).root(), source.root());
  const pytorch_file views(golden("checkpoint.pth"));
  write_pytorch(path, *views.find("state_dict"));
  testing::expect_equal(weights_of(pytorch_file(path)), weights_of(views));
  write_pytorch(path, weights_of(views));
  testing::expect_equal(weights_of(pytorch_file(path)), weights_of(views));
}

TEST(pytorch_writer, refuses_what_has_no_plain_form) {
  const std::string folder = fresh_folder(), path = folder + "a.pth";
  expect_error([&] { write_pytorch(path, pytorch_file(golden("checkpoint.pth")).root()); },
               "cannot be written: a 'somewhere.schedule Scheduler' object; leave it out");
  expect_error([&] { write_pytorch(path, checkpoint_value::dict({{checkpoint_value::list({}), 1}})); }, "a dict key must be");
  checkpoint_value deep;
  for (int i = 0; i < 300; ++i) deep = checkpoint_value::list({deep});
  expect_error([&] { write_pytorch(path, deep); }, "deeper than 200 levels");
  EXPECT_THROW(checkpoint_value(tensor{dtype::f32, {2}, std::vector<std::byte>(4)}), error);
  EXPECT_EQ(files_in(folder), 0u);
}

// For tests/golden/check_pytorch_writer.py, which lets torch read the file.
TEST(pytorch_writer, for_torch) {
  const char* path = std::getenv("AVSS_PYTORCH_OUT");
  if (!path) GTEST_SKIP() << "set AVSS_PYTORCH_OUT to a file, then run tests/golden/check_pytorch_writer.py on it";
  write_pytorch(path, trainer_checkpoint());
}

}  // namespace
}  // namespace avss
