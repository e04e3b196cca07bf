// A small data set of mixtures with the mouths of their speakers, for tools that make embeddings by themselves.
#pragma once

#include <avss/io/array_file.hpp>
#include <avss/io/audio.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/tool_fixture.hpp"

namespace avss::testing {

// data/audio/{train,val}/{mix,s1,s2}/<id>_<id>.wav of 0.4 s, and data/mouths/<id>.npz.
class with_mouths : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    store("train", 11, 12);
    store("train", 13, 14);
    store("val", 21, 22);
  }

  void store(const std::string& partition, int first, int second) const {
    const auto a = noise(6400, static_cast<std::uint32_t>(first), 0.3), b = tone(6400, 0.002 * second, 0.2);
    std::vector<float> sum(a);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
    const std::string name = std::to_string(first) + "_" + std::to_string(second) + ".wav";
    for (const auto& [part, x] : {std::pair{"mix", &std::as_const(sum)}, {"s1", &a}, {"s2", &b}}) {
      std::filesystem::create_directories(data() / "audio" / partition / part);
      write_audio(data() / "audio" / partition / part / name, 16000, *x);
    }
    for (const int id : {first, second}) store_mouth(id);
  }
  // Ten frames of 96 x 96 that are not alike.
  void store_mouth(int id, dim_t frames = 10) const {
    lcg random(static_cast<std::uint32_t>(id));
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(frames) * 96 * 96);
    for (std::uint8_t& v : pixels) v = static_cast<std::uint8_t>(120 + 80 * random());
    std::filesystem::create_directories(data() / "mouths");
    write_array(mouth(id).string(), "data", tensor::of<std::uint8_t>({frames, 96, 96}, pixels));
  }

  std::filesystem::path data() const { return folder / "data"; }
  std::filesystem::path mouth(int id) const { return data() / "mouths" / (std::to_string(id) + ".npz"); }
  std::filesystem::path face(int id) const { return data() / "video_embeddings" / (std::to_string(id) + ".pt"); }

  // A run of 4 steps in two epochs.
  std::string training(const std::string& name) const {
    return "--threads 1 -cn=train_rtfsnet model=rtfsnet_small trainer.n_epochs=2 trainer.epoch_len=2 trainer.log_step=1 "
           "trainer.dropout=false trainer.save_period=0 dataloader.batch_size=1 datasets.train.segment=0.24 trainer.save_dir=" +
           folder.string() + " datasets.train.dataset_path=" + data().string() + " writer.run_name=" + name + " ";
  }
  // As on a machine of several cores, whatever the tests are given.
  outcome train(const std::string& arguments) const { return run_tool("train", arguments, "OMP_NUM_THREADS=2"); }
  // Fails with one line that has all `parts`.
  template <class... Parts>
  void expect_refusal(const outcome& r, const Parts&... parts) {
    EXPECT_EQ(r.status, 1) << r.out;
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), parts...));
  }
};

}  // namespace avss::testing
