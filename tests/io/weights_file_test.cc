#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/weights_file.hpp>
#include <filesystem>
#include <string>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::error_of;
using testing::expect_error;
using testing::fresh_folder;
using testing::golden;
using testing::read_text;
using testing::write_text;

TEST(weights_file, formats_by_content) {
  const std::string folder = fresh_folder();
  const tensor_dict w = read_weights(golden("state_bare.pth"));
  ASSERT_EQ(w.entries.size(), 3u);
  write_safetensors(folder + "a.npz", w, {{"arch", "TinyNet"}});
  write_npz(folder + "b.safetensors", w);
  std::filesystem::copy_file(golden("convtasnet_kaituoxu.pth"), folder + "c");
  const loaded_weights tensors = read_weights_file(folder + "a.npz");
  EXPECT_EQ(tensors.format, weights_format::safetensors);
  EXPECT_EQ(tensors.metadata.find("arch")->text(), "TinyNet");
  testing::expect_equal(tensors.tensors, w);
  const loaded_weights arrays = read_weights_file(folder + "b.safetensors");
  EXPECT_EQ(arrays.format, weights_format::npz);
  EXPECT_TRUE(arrays.metadata.is_none());
  testing::expect_equal(arrays.tensors, w);
  EXPECT_EQ(read_weights_file(golden("state_bare.pth")).format, weights_format::pytorch_zip);
  const loaded_weights legacy = read_weights_file(folder + "c");
  EXPECT_EQ(legacy.format, weights_format::pytorch_legacy);
  EXPECT_EQ(legacy.metadata.find("X")->integer(), 2);
  EXPECT_EQ(legacy.metadata.find("mask_nonlinear")->text(), "relu");
  const loaded_weights asteroid = read_weights_file(golden("convtasnet_asteroid_causal.pth"));
  EXPECT_EQ(asteroid.metadata.find("model_args")->find("causal")->boolean(), true);
}

TEST(weights_file, says_what_a_file_is_instead) {
  const std::string folder = fresh_folder(), path = folder + "w.pth";
  const auto says = [&](std::string_view content, std::string_view part) {
    write_text(path, content);
    const std::string line = error_of([&] { read_weights(path); });
    EXPECT_EQ(line.find(path + ": "), 0u) << line;
    EXPECT_NE(line.find(part), std::string::npos) << line;
  };
  says("", "not a weights file: it is empty");
  says("RIFF....WAVEfmt ", "not a weights file: expected a PyTorch file (.pth), safetensors or npz, found a WAV or AVI file");
  says("<!DOCTYPE html>", "found an HTML page (download it again)");
  says("version https://git-lfs.github.com/spec/v1", "found a Git LFS pointer");
  says("\x80\x04N.", "found a Python pickle that torch.save did not write");
  says(read_text(golden("single.npy")), "found a single npy array");
  says("hello", "found no known format");
  says(std::string(257, '\0') + "ustar" + std::string(250, '\0'), "found a tar archive");
  says(read_text(golden("streamed.zip")), "a zip archive with neither /data.pkl (PyTorch) nor only .npy entries (npz)");
  says(read_text(golden("tensor_bare.pt")), "it holds a single tensor where a state_dict is expected");
  for (const char* name : {"state_bare.pth", "checkpoint_legacy.pth", "small.safetensors", "stored.npz"}) {
    const std::string whole = read_text(golden(name));
    for (std::size_t part : {whole.size() - 1, whole.size() / 2, std::size_t{20}}) says(whole.substr(0, part), "");
  }
  expect_error([&] { read_weights(folder + "none"); }, "none: cannot be opened: No such file or directory");
  expect_error([&] { read_weights(folder); }, "is a directory; name a file inside it");
  says(std::string("\x02\0\0\0\0\0\0\0{}", 10), "not a weights file: it holds no tensor");
}

}  // namespace
}  // namespace avss
