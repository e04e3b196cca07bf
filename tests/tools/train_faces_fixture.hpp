// Small data sets with faces, and runs of //tools:train on them.
#pragma once

#include <avss/io/audio.hpp>
#include <avss/io/npz.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/train_fixture.hpp"

namespace avss::testing {

class train_faces : public train_in_folder {
 protected:
  // data/audio/<partition>/{mix,s1,s2}/<id>_<id>.wav of 0.4 s, and the embeddings of the faces.
  void store(const std::string& partition, int items, int first_id) const {
    for (int k = 0; k < items; ++k) {
      const int id = first_id + 2 * k;
      const auto a = noise(6400, static_cast<std::uint32_t>(id), 0.3), b = tone(6400, 0.003 * id, 0.2);
      std::vector<float> sum(a);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
      const std::string name = std::to_string(id) + "_" + std::to_string(id + 1);
      for (const auto& [part, x] : {std::pair{"mix", &std::as_const(sum)}, {"s1", &a}, {"s2", &b}}) {
        std::filesystem::create_directories(folder / "data/audio" / partition / part);
        write_audio(folder / "data/audio" / partition / part / (name + ".wav"), 16000, *x);
      }
      for (const int face : {id, id + 1}) embed(face);
    }
  }
  void embed(int id, dim_t frames = 10, dim_t channels = 12) const {
    tensor_dict arrays;
    arrays.add("embedding", tensor::of<float>({channels, frames}, noise(static_cast<std::size_t>(channels * frames),
                                                                        static_cast<std::uint32_t>(100 + id))));
    std::filesystem::create_directories(folder / "data/video_embeddings");
    write_npz(face(id).string(), arrays);
  }
  std::filesystem::path face(int id) const { return folder / "data/video_embeddings" / (std::to_string(id) + ".npz"); }
  // A run of 6 steps in two epochs.
  std::string tiny(const std::string& name, const std::string& config = "train_rtfsnet") const {
    return "--threads 1 -cn=" + config +
           " model=rtfsnet_tiny trainer.n_epochs=2 trainer.epoch_len=3 trainer.save_steps=2 trainer.log_step=2 "
           "dataloader.batch_size=2 datasets.train.segment=0.24 trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " datasets.train.dataset_path=" + (folder / "data").string() + " writer.run_name=" + name + " ";
  }
  std::string pit(const std::string& name) const { return tiny(name, "train_rtfsnet_pit"); }
};

}  // namespace avss::testing
