// One array in a file of its own, in three formats.
#include <gtest/gtest.h>

#include <avss/io/array_file.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class array_file : public in_folder {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }
  static tensor some() { return tensor::of<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}); }
};

TEST_F(array_file, comes_back_from_every_format) {
  for (const char* name : {"a.npz", "a.npy", "a.pt"}) {
    SCOPED_TRACE(name);
    write_array(path(name), "embedding", some());
    const tensor t = read_array(path(name), "embedding");
    EXPECT_EQ(t.type, dtype::f32);
    EXPECT_EQ(t.shape, some().shape);
    EXPECT_EQ(t.bytes, some().bytes);
  }
  EXPECT_TRUE(is_array_name("1.npz") && is_array_name("1.pt") && !is_array_name("1.txt") && !is_array_name("npz"));
}

TEST_F(array_file, a_format_is_told_by_its_bytes) {
  write_array(path("a.npy"), "", some());
  std::filesystem::rename(path("a.npy"), path("b.npz"));
  EXPECT_EQ(read_array(path("b.npz"), "data").bytes, some().bytes);
}

TEST_F(array_file, one_line_says_what_is_wrong) {
  const auto refused = [&](const char* name) { return error_of([&] { read_array(path(name), "data"); }); };
  EXPECT_TRUE(says(refused("none.npz"), "none.npz", "cannot be opened"));
  write_array(path("key.npz"), "frames", some());
  EXPECT_TRUE(says(refused("key.npz"), "key.npz", "'data'", "'frames'"));
  std::ofstream(path("empty.npz"));
  EXPECT_TRUE(says(refused("empty.npz"), "empty"));
  std::ofstream(path("text.npz")) << "no array";
  EXPECT_TRUE(says(refused("text.npz"), "expected an npz, npy or PyTorch file", "data=array"));
  write_array(path("cut.npz"), "data", some());
  std::filesystem::resize_file(path("cut.npz"), std::filesystem::file_size(path("cut.npz")) - 30);
  EXPECT_TRUE(says(refused("cut.npz"), "cut.npz"));
  tensor_dict several;
  several.add("a", some());
  write_pytorch(path("dict.pt"), std::move(several));
  EXPECT_TRUE(says(refused("dict.pt"), "one tensor", "torch.save"));
}

}  // namespace
}  // namespace avss
