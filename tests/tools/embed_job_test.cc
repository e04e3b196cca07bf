// A folder of mouths to a folder of embeddings: what is made, what is left, what is noticed. The encoder is a fake.
#include "tools/embed_job.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/io/array_file.hpp>
#include <chrono>
#include <sstream>

#include "tests/support/tool_fixture.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

// Its features are the first value of each frame, plus its number.
class fake_embedder final : public lip_embedder {
 public:
  explicit fake_embedder(float number) : number_(number) {}
  image_curve activation() const override { return image_curve::swish; }
  dim_t parameters() const override { return 1; }
  lip_weights_report load(const loaded_weights&, const std::string&) override { return {}; }
  void draw(std::uint64_t) override {}
  void save(const std::string&, std::vector<std::pair<std::string, std::string>>) override {}
  std::uint64_t hash() const override { return static_cast<std::uint64_t>(number_); }
  void prepare(dim_t side, bool) override { side_ = static_cast<std::size_t>(side); }
  std::vector<float> embed(std::span<const float> clip, int) override {
    ++calls;
    const std::size_t frames = clip.size() / (side_ * side_);
    std::vector<float> y(features * frames);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = clip[i % frames * side_ * side_] + number_;
    return y;
  }
  void calibrate(std::span<const float>, dim_t, dim_t) override {}

  std::atomic<int> calls = 0;

 private:
  float number_;
  std::size_t side_ = 0;
};

class embed_job : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    options.mouths = folder / "mouths";
    options.embeddings = folder / "video_embeddings";
    options.threads = 2;
    fs::create_directories(options.mouths);
    for (int i = 0; i < 5; ++i) store(std::to_string(i), 2 + i, i);
  }

  void store(const std::string& id, dim_t frames, int grey) const {
    write_array((options.mouths / (id + ".npz")).string(), "data",
                tensor::of<std::uint8_t>({frames, 96, 96}, std::vector<std::uint8_t>(static_cast<std::size_t>(frames) * 96 * 96,
                                                                                     static_cast<std::uint8_t>(grey))));
  }
  fs::path embedding(const std::string& id) const { return options.embeddings / (id + ".pt"); }

  // Runs the job with an encoder of that number; expects that so many clips went through it.
  outcome run(int expected_calls, float number = 1) {
    fake_embedder encoder(number);
    std::ostringstream out, err;
    int status = -1;
    const std::string thrown = error_of([&] { status = run_embed(options, encoder, out, err); });
    EXPECT_EQ(encoder.calls, expected_calls);
    return {status, out.str(), thrown.empty() ? err.str() : thrown};
  }
  void expect_whole(float number = 1) const {
    for (int i = 0; i < 5; ++i) {
      const tensor t = read_array(embedding(std::to_string(i)).string(), "");
      EXPECT_EQ(t.shape, (std::vector<dim_t>{512, 2 + i}));
      EXPECT_EQ(t.values<float>()[0], static_cast<float>((i / 255. - 0.421) / 0.165) + number);
    }
  }

  embed_options options;
};

TEST_F(embed_job, embeds_all_and_then_nothing) {
  const outcome first = run(5);
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.out.find("5 clips embedded, 20 frames"), std::string::npos) << first.out;
  expect_whole();
  EXPECT_EQ(files_in(options.embeddings).size(), 6u);
  const std::string manifest = bytes_of_file(options.embeddings / "manifest.jsonl");
  const outcome second = run(0);
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.out.find("5 were there"), std::string::npos) << second.out;
  EXPECT_EQ(bytes_of_file(options.embeddings / "manifest.jsonl"), manifest);
}

TEST_F(embed_job, goes_on_where_it_was_killed) {
  ASSERT_EQ(run(5).status, 0);
  // The last line was being written; its embedding, whichever of two workers made it, was written already. Another's is gone.
  const std::string manifest = bytes_of_file(options.embeddings / "manifest.jsonl");
  const std::string last_line = manifest.substr(manifest.rfind('\n', manifest.size() - 2));
  fs::resize_file(options.embeddings / "manifest.jsonl", manifest.size() - 20);
  fs::remove(embedding(last_line.find("\"id\":\"3\"") == std::string::npos ? "3" : "2"));
  const outcome r = run(2);
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("1 clips embedded"), std::string::npos) << r.out;
  expect_whole();
  EXPECT_EQ(run(0).status, 0);
}

TEST_F(embed_job, what_a_killed_run_left_goes_with_the_next) {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  fs::create_directories(options.embeddings);
  const fs::path left = options.embeddings / (".0.pt." + std::to_string(dead) + "-5.tmp");
  write_bytes(left, "x");
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(run(5).status, 0);
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(embed_job, a_changed_clip_is_embedded_again_and_a_touched_one_is_not) {
  ASSERT_EQ(run(5).status, 0);
  fs::last_write_time(options.mouths / "2.npz", fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(run(0).status, 0);
  store("2", 9, 2);
  EXPECT_EQ(run(1).status, 0);
  EXPECT_EQ(read_array(embedding("2").string(), "").shape, (std::vector<dim_t>{512, 9}));
  fs::remove(options.mouths / "4.npz");
  const outcome r = run(0);
  EXPECT_NE(r.err.find("1 embeddings have no mouths any more"), std::string::npos) << r.err;
  EXPECT_TRUE(fs::exists(embedding("4")));
}

TEST_F(embed_job, another_encoder_is_noticed) {
  ASSERT_EQ(run(5).status, 0);
  const outcome r = run(0, 2);
  EXPECT_TRUE(says(r.err, "manifest.jsonl", "encoder 0000000000000001 (now 0000000000000002)", "overwrite=true"));
  expect_whole();
  options.batch_statistics = true;
  EXPECT_TRUE(says(run(0).err, "bn_stats running (now batch)"));
  options.overwrite = true;
  EXPECT_EQ(run(5, 2).status, 0);
  expect_whole(2);
}

TEST_F(embed_job, what_others_made_is_not_overwritten) {
  fs::create_directories(options.embeddings);
  std::ofstream(embedding("1")) << "somebody's";
  EXPECT_TRUE(says(run(0).err, "holds 1 embeddings and no manifest.jsonl", "overwrite=true"));
  EXPECT_EQ(bytes_of_file(embedding("1")), "somebody's");

  fs::remove(embedding("1"));
  ASSERT_EQ(run(5).status, 0);
  std::ofstream(embedding("1")) << "somebody's";  // a known one, changed
  std::ofstream(embedding("7")) << "somebody's";  // an unknown one
  store("7", 2, 7);
  const outcome r = run(1);
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("1.pt: is not what was written"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("7.pt: is there already and not in manifest.jsonl"), std::string::npos) << r.err;
  EXPECT_EQ(bytes_of_file(embedding("7")), "somebody's");
  options.overwrite = true;
  EXPECT_EQ(run(6).status, 0);
}

TEST_F(embed_job, one_bad_clip_does_not_stop_the_others) {
  std::ofstream(options.mouths / "2.npz") << "PK\x03\x04 cut";
  store("4", 0, 1);
  const outcome r = run(3);
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("2.npz"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("4.npz: an empty clip"), std::string::npos) << r.err;
  EXPECT_NE(r.out.find("3 clips embedded"), std::string::npos) << r.out;
  EXPECT_FALSE(fs::exists(embedding("2")));
}

TEST_F(embed_job, refuses_what_it_cannot_work_with) {
  std::ofstream(options.mouths / "notes.txt") << "not a clip";
  std::ofstream(options.mouths / ".hidden.npz") << "not a clip";
  EXPECT_NE(run(5).err.find("1 files that are no npz"), std::string::npos);
  write_array((options.mouths / "1.npy").string(), "",
              tensor::of<std::uint8_t>({1, 96, 96}, std::vector<std::uint8_t>(96 * 96)));
  EXPECT_TRUE(says(run(0).err, "1.npy", "1.npz", "two clips of one name"));
  options.mouths = folder / "nowhere";
  EXPECT_TRUE(says(run(0).err, "nowhere", "no such folder", "video_encoder.mouths"));
  fs::create_directories(options.mouths);
  EXPECT_TRUE(says(run(0).err, "nowhere", "holds no mouths"));
  options.mouths = options.embeddings = folder / "mouths";
  fs::remove(options.mouths / "1.npy");
  EXPECT_TRUE(says(run(0).err, "holds the mouths"));
}

TEST_F(embed_job, a_damaged_manifest_is_refused) {
  ASSERT_EQ(run(5).status, 0);
  const fs::path manifest = options.embeddings / "manifest.jsonl";
  std::ofstream(manifest, std::ios::app) << "{\"id\":\"9\"}\n";
  EXPECT_TRUE(says(run(0).err, "line 7 is damaged", "overwrite=true"));
  std::ofstream(manifest, std::ios::trunc) << "{}\n";
  EXPECT_TRUE(says(run(0).err, "line 1 is damaged"));
  std::ofstream(manifest, std::ios::trunc) << "no JSON\n";
  EXPECT_TRUE(says(run(0).err, "line 1 is damaged", "overwrite=true"));
  std::ofstream(manifest, std::ios::trunc) << "";
  EXPECT_TRUE(says(run(0).err, "line 1 is damaged"));
}

TEST_F(embed_job, writes_every_format) {
  for (const char* format : {"npy", "npz"}) {
    options.format = format;
    options.embeddings = folder / format;
    EXPECT_EQ(run(5).status, 0);
    EXPECT_EQ(read_array((options.embeddings / ("2." + options.format)).string(), "embedding").shape,
              (std::vector<dim_t>{512, 4}));
  }
}

}  // namespace
}  // namespace avss::tools
