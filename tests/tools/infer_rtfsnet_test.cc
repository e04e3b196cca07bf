// //tools:infer, convert and calc_metrics with networks that see faces, as a user runs them.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using signal_t = std::vector<float>;

constexpr std::size_t frames = 10, length = frames * 640;  // 0.4 s

template <rtfsnet_config S>
tensor_dict random_weights(std::uint64_t seed = 1) {
  av_engine<RtfsNet<S>, cpu> e(cpu{1});
  init_params(e.net(), seed, e.values(), e.state());
  return get_weights(e);
}
template <rtfsnet_config S>
void store_weights(const fs::path& path, std::string_view layout_name = "2024") {
  av_engine<RtfsNet<S>, cpu> e(cpu{1});
  init_params(e.net(), 1, e.values(), e.state());
  save_weights(e, path.string(), layout_name);
}

tensor embedding(std::uint32_t seed, std::size_t channels = 12, std::size_t n = frames) {
  return tensor::of<float>({static_cast<dim_t>(channels), static_cast<dim_t>(n)}, noise(channels * n, seed));
}

class infer_rtfsnet : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    store_weights<presets::rtfsnet_tiny>(weights());
    for (const char* part : {"mix", "s1", "s2"}) fs::create_directories(data() / "audio/val" / part);
    fs::create_directories(faces());
    store_item("11_22", 1);
    store_item("33_44", 5);
    store_npz("11", embedding(11));
    write_npy((faces() / "22.npy").string(), embedding(22));
    write_pytorch((faces() / "33.pt").string(), checkpoint_value(embedding(33)));
    store_npz("44", embedding(44, 12, frames + 2));  // two frames more than the sound
  }

  fs::path data() const { return folder / "data"; }
  fs::path faces() const { return data() / "video_embeddings"; }
  fs::path mixture(const std::string& name) const { return data() / "audio/val/mix" / (name + ".wav"); }
  std::string weights() const { return (folder / "tiny.pth").string(); }

  void store_item(const std::string& name, std::uint32_t seed, std::size_t n = length) {
    const signal_t a = noise(n, seed, 0.3), b = tone(n, 0.01 * seed, 0.3);
    signal_t mix(n);
    for (std::size_t i = 0; i < n; ++i) mix[i] = a[i] + b[i];
    write_audio(mixture(name), 16000, mix);
    write_audio(data() / "audio/val/s1" / (name + ".wav"), 16000, a);
    write_audio(data() / "audio/val/s2" / (name + ".wav"), 16000, b);
  }
  void store_npz(const std::string& id, const tensor& value) const {
    tensor_dict arrays;
    arrays.add("embedding", value);
    write_npz((faces() / (id + ".npz")).string(), arrays);
  }

  std::string tiny() const { return "-cn=inf_rtfsnet model=rtfsnet_tiny inferencer.from_pretrained=" + weights() + " "; }
  std::string data_set() const { return "datasets.inf.dataset_path=" + data().string() + " datasets.inf.partition=val "; }
  std::string file(const std::string& name, const std::string& embeddings) const {
    return "inferencer.input=" + mixture(name).string() + " inferencer.embeddings=" + embeddings + " ";
  }
  std::string face(const std::string& name) const { return (faces() / name).string(); }
  std::string to(const std::string& where = "out") const { return "inferencer.save_path=" + (folder / where).string() + " "; }
  const std::string raw = "inferencer.level=none inferencer.free_level=false ";

  outcome run(const std::string& arguments) const { return run_tool("infer", arguments); }
  signal_t result(const std::string& where, const std::string& source, const std::string& name) const {
    return read_audio(folder / where / "inf" / source / (name + ".wav")).samples;
  }

  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments);
    EXPECT_NE(r.status, 0);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.find('\n')), parts...));
    EXPECT_TRUE(files_in(folder / "out").empty());
  }
};

void expect_near(const signal_t& a, const signal_t& b, double most) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], most) << i;
}

TEST_F(infer_rtfsnet, separates_a_data_set_and_scores_it) {
  const outcome r = run(tiny() + data_set() + to());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(files_in(folder / "out"),
            (std::vector<std::string>{"inf/s1/11_22.wav", "inf/s1/33_44.wav", "inf/s2/11_22.wav", "inf/s2/33_44.wav"}));
  for (const char* word :
       {"rtfsnet_tiny: ", "a voice for each face", "means over 2 mixtures", "SI-SNR", "SI-SDR", "improvement"})
    EXPECT_NE(r.out.find(word), std::string::npos) << word << " in " << r.out;
  EXPECT_EQ(result("out", "s1", "33_44").size(), length);

  const outcome untold = run(tiny() + data_set() + to("untold") + "datasets.inf.expect_target=false");
  EXPECT_EQ(untold.status, 0) << untold.err;
  EXPECT_EQ(untold.out.find("SI-SNR"), std::string::npos) << untold.out;

  const outcome scores =
      run_tool("calc_metrics", "-cn=calc_metrics_rtfsnet metric_calculator.gt_path=" + (data() / "audio/val").string() +
                                   " metric_calculator.pred_path=" + (folder / "out").string());
  EXPECT_EQ(scores.status, 0) << scores.err;
  EXPECT_NE(scores.out.find("SI-SNR"), std::string::npos) << scores.out;
}

TEST_F(infer_rtfsnet, gives_what_the_library_gives) {
  ASSERT_EQ(run(tiny() + raw + file("11_22", "[" + face("11.npz") + "," + face("22.npy") + "]") + to()).status, 0);
  av_engine<RtfsNet<presets::rtfsnet_tiny>, cpu> e(cpu{1});
  EXPECT_EQ(load_weights(e, weights()).name, "2024");
  signal_t features = embedding(11).values<float>(), second = embedding(22).values<float>(), y(2 * length);
  features.insert(features.end(), second.begin(), second.end());
  e.separate({1, length, 2, frames}, read_audio(mixture("11_22")).samples, features, y);
  expect_near(result("out", "s1", "11_22"), signal_t(y.begin(), y.begin() + length), 1e-6);
  expect_near(result("out", "s2", "11_22"), signal_t(y.begin() + length, y.end()), 1e-6);
}

// In windows, too, for the mixture is 2.5 times as long as one.
TEST_F(infer_rtfsnet, a_voice_depends_on_its_face_alone) {
  store_item("55_66", 7, 16000 + 123);
  for (const int id : {55, 66, 77}) store_npz(std::to_string(id), embedding(static_cast<std::uint32_t>(id), 12, 25));
  const std::string a = face("55.npz"), b = face("66.npz"), c = face("77.npz"),
                    windows = tiny() + raw + "inferencer.window=0.4 ";
  ASSERT_EQ(run(windows + file("55_66", "[" + a + "," + b + "]") + to("both")).status, 0);
  ASSERT_EQ(run(windows + file("55_66", "[" + b + "," + a + "]") + to("turned")).status, 0);
  ASSERT_EQ(run(windows + file("55_66", "[" + a + "," + b + "," + c + "]") + to("three")).status, 0);
  ASSERT_EQ(run(windows + file("55_66", a) + to("first")).status, 0);
  ASSERT_EQ(run(windows + file("55_66", "[" + b + "]") + to("second")).status, 0);
  const signal_t first = result("both", "s1", "55_66"), second = result("both", "s2", "55_66");
  double differ = 0;
  for (std::size_t i = 0; i < first.size(); ++i) differ = std::max(differ, std::abs(double{first[i]} - second[i]));
  EXPECT_GT(differ, 1e-4);
  ASSERT_EQ(first.size(), 16123u);
  expect_near(first, result("first", "s1", "55_66"), 1e-6);
  expect_near(second, result("second", "s1", "55_66"), 1e-6);
  expect_near(first, result("turned", "s2", "55_66"), 1e-6);
  expect_near(second, result("turned", "s1", "55_66"), 1e-6);
  expect_near(first, result("three", "s1", "55_66"), 1e-6);
  EXPECT_EQ(files_in(folder / "three").size(), 3u);
  EXPECT_EQ(files_in(folder / "first").size(), 1u);
}

TEST_F(infer_rtfsnet, results_do_not_depend_on_threads) {
  ASSERT_EQ(run("--threads 1 " + tiny() + file("11_22", face("11.npz")) + to("one")).status, 0);
  // Threads that wait busily would take each other's cores where there are few.
  ASSERT_EQ(run_tool("infer", "--threads 3 " + tiny() + file("11_22", face("11.npz")) + to("three")).status, 0);
  expect_near(result("one", "s1", "11_22"), result("three", "s1", "11_22"), 1e-6);
}

TEST_F(infer_rtfsnet, takes_other_rates_and_very_short_clips) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{77}, std::size_t{3000}}) {
    const std::string name = "x" + std::to_string(n);
    write_audio(mixture(name), 8000, noise(n, 3, 0.3));
    write_npy(face(name + ".npy"), embedding(9, 12, static_cast<std::size_t>(lip_frames_of(static_cast<dim_t>(n), 8000))));
    const outcome r = run(tiny() + file(name, face(name + ".npy")) + to());
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(result("out", "s1", name).size(), n);
    EXPECT_EQ(probe_audio(folder / "out/inf/s1" / (name + ".wav")).rate, 8000);
  }
}

// The reference project's network, with its names, for the two faces of a mixture.
TEST_F(infer_rtfsnet, the_two_speaker_wrapper) {
  tensor_dict wrapped;
  store_weights<presets::rtfsnet>(folder / "bare.pth", "reference");
  for (named_tensor& e : read_weights_file((folder / "bare.pth").string()).tensors.entries)
    wrapped.add("rtfs_net." + e.name, std::move(e.value));
  write_pytorch((folder / "pit.pth").string(), checkpoint_value::dict({{"state_dict", checkpoint_value::state_dict(wrapped)}}));
  for (const char* id : {"11", "22", "33", "44"}) fs::remove(face(id + std::string(".npz")));
  fs::remove(face("22.npy")), fs::remove(face("33.pt"));
  for (const char* id : {"11", "22", "33", "44"}) store_npz(id, embedding(1 + static_cast<std::uint32_t>(id[0]), 512));
  const std::string pit = "-cn=inf_rtfsnet inferencer.from_pretrained=" + (folder / "pit.pth").string() + " ";
  const outcome r = run(pit + data_set() + to());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("rtfsnet: 879604 parameters"), std::string::npos) << r.out;
  EXPECT_EQ(files_in(folder / "out").size(), 4u);
  fs::remove_all(folder / "out");
  expect_refusal(pit + file("11_22", face("11.npz")) + to(), "has 1 face, and this configuration is for 2", "model=rtfsnet");
}

TEST_F(infer_rtfsnet, says_what_is_wrong_with_faces) {
  const std::string both = "[" + face("11.npz") + "," + face("22.npy") + "]";
  expect_refusal(tiny() + "inferencer.input=" + mixture("11_22").string() + " " + to(), "inferencer.embeddings=[FILE1,FILE2]",
                 "//tools:embed");
  expect_refusal(tiny() + file("11_22", "[]") + to(), "inferencer.embeddings", "empty list");
  expect_refusal(tiny() + file("11_22", face("99.npz")) + to(), "99.npz", "cannot be opened");
  expect_refusal(tiny() + file("11_22", mixture("11_22").string()) + to(), "11_22.wav: no lip embedding");
  expect_refusal(
      tiny() + "inferencer.input=" + (data() / "audio/val/mix").string() + " inferencer.embeddings=" + both + " " + to(),
      "holds 2 mixtures, and the embeddings given are of one");
  expect_refusal(tiny() + "inferencer.input=" + (data() / "audio/val").string() + " inferencer.embeddings=" + faces().string() +
                     " datasets.inf.use_video_data=false " + to(),
                 "use_video_data=false", "needs the speakers' faces");
  expect_refusal(
      "-cn=inf_rtfsnet model=convtasnet_tiny inferencer.from_pretrained=" + weights() + " " + file("11_22", both) + to(),
      "inferencer.embeddings", "by sound alone");
  expect_refusal(tiny() + data_set() + to() + "inferencer.window=0.01", "window = 0.01 s", "rtfsnet_tiny takes no less than");
  fs::remove(face("22.npy"));
  expect_refusal(tiny() + data_set() + to(), "22.npz, .npy or .pt, a face of 11_22", "bazel run //tools:embed");
  fs::rename(faces(), folder / "elsewhere");
  expect_refusal(tiny() + data_set() + to(), "video_embeddings: no such folder", "bazel run //tools:embed");
}

TEST_F(infer_rtfsnet, says_which_embedding_does_not_fit) {
  const auto with = [&](const tensor& value) {
    write_npy((folder / "face.npy").string(), value);
    return tiny() + file("11_22", (folder / "face.npy").string()) + to();
  };
  expect_refusal(with(embedding(1, 512)), "face.npy", "[512, 10] of float32", "[12, frames]");
  expect_refusal(with(embedding(1, 12, frames + 3)), "has 13 frames, 0.52 s", "11_22.wav lasts 0.4 s, 10 frames");
  expect_refusal(with(embedding(1, 12, frames - 3)), "has 7 frames");
  signal_t broken = embedding(1).values<float>();
  broken[25] = std::numeric_limits<float>::quiet_NaN();
  expect_refusal(with(tensor::of<float>({12, frames}, broken)), "face.npy", "not finite in frame 5, channel 2");
  for (const std::size_t n : {frames - 2, frames - 1, frames + 1, frames + 2})
    EXPECT_EQ(run(with(embedding(1, 12, n))).status, 0) << n;
}

TEST_F(infer_rtfsnet, faces_and_sources_go_together) {
  store_item("11_22_33", 3);
  expect_refusal(tiny() + data_set() + to(), "11_22_33.wav: has 3 faces where there are 2 sources");
  for (const char* part : {"s1", "s2"}) fs::remove_all(data() / "audio/val" / part);
  const outcome r = run(tiny() + data_set() + to());
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(files_in(folder / "out").size(), 7u);
  EXPECT_TRUE(fs::exists(folder / "out/inf/s3/11_22_33.wav"));
}

// A broken file harms its mixture alone.
TEST_F(infer_rtfsnet, goes_on_after_a_broken_embedding) {
  store_npz("11", embedding(1, 13));
  const outcome r = run(tiny() + data_set() + to());
  EXPECT_EQ(r.status, 1);
  EXPECT_TRUE(says(r.err.substr(0, r.err.find('\n')), "infer: [1/2] ", "11.npz", "[13, 10]"));
  EXPECT_EQ(files_in(folder / "out"), (std::vector<std::string>{"inf/s1/33_44.wav", "inf/s2/33_44.wav"}));
}

class convert_rtfsnet : public infer_rtfsnet {
 protected:
  outcome convert(const std::string& model, const fs::path& from, const std::string& to, const std::string& more = "") const {
    return run_tool("convert",
                    "model=" + model + " convert.from=" + from.string() + " convert.to=" + (folder / to).string() + " " + more);
  }
};

TEST_F(convert_rtfsnet, into_another_layout_and_back) {
  ASSERT_EQ(convert("rtfsnet_tiny", weights(), "a.pth", "convert.layout=2023").status, 0);
  const outcome r = convert("rtfsnet_tiny", folder / "a.pth", "b.pth");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("rtfsnet_tiny: "), std::string::npos) << r.out;
  EXPECT_EQ(bytes_of_file(folder / "b.pth"), bytes_of_file(weights()));
  const outcome wrong = convert("rtfsnet_tiny", weights(), "c.pth", "convert.layout=asteroid");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("choose one of: 2024, 2023, reference"), std::string::npos) << wrong.err;
}

TEST_F(convert_rtfsnet, generation_passes_and_attention_are_detected) {
  const auto expect_taken = [&](const std::string& named, const std::string& taken) {
    fs::remove(folder / "to.safetensors");
    const outcome r = convert(named, folder / "from.pth", "to.safetensors");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(r.out.substr(0, r.out.find(':')), taken);
    const bool chosen = named.find(' ') != std::string::npos;  // by a key, and not by the file
    EXPECT_EQ(r.err.find("note: ") != std::string::npos, named != taken && !chosen) << r.err;
  };
  using v = checkpoint_value;
  const auto with_config = [&](const tensor_dict& w, const v& model) {
    write_pytorch((folder / "from.pth").string(),
                  v::dict({{v("state_dict"), v::state_dict(w)}, {v("config"), v::dict({{v("model"), model}})}}));
  };
  write_pytorch((folder / "from.pth").string(),
                from_canonical(rtfsnet_layout("2023"), random_weights<presets::rtfsnet_4_2023>()));
  expect_taken("rtfsnet_4", "rtfsnet_4_2023");
  expect_taken("rtfsnet_12", "rtfsnet_12_2023");
  expect_taken("rtfsnet_6_2023", "rtfsnet_6_2023");
  const tensor_dict paper = random_weights<presets::rtfsnet_4>();
  write_pytorch((folder / "from.pth").string(),
                v::dict({{v("state_dict"), v::state_dict(paper)},
                         {v("model_args"), v::dict({{v("audio_params"), v::dict({{v("repeats"), v(12)}})}})}}));
  expect_taken("rtfsnet_4", "rtfsnet_12");
  expect_taken("rtfsnet_6_2023", "rtfsnet_12");
  with_config(paper, v::dict({{v("passes"), v(6)}, {v("attention"), v("time")}}));
  expect_taken("rtfsnet_4", "rtfsnet_6");
  with_config(paper, v::dict({{v("passes"), v(8.0)}}));
  expect_taken("rtfsnet_4", "rtfsnet_4 model.passes=8");
  with_config(paper, v::dict({{v("passes"), v("16")}}));
  expect_taken("rtfsnet_6", "rtfsnet_4 model.passes=16");
  expect_taken("rtfsnet_4 model.passes=16", "rtfsnet_4 model.passes=16");
  with_config(paper, v::dict({{v("passes"), v()}}));
  expect_taken("rtfsnet_4 model.passes=5", "rtfsnet_4 model.passes=5");
  const auto expect_refused = [&](const v& model, const std::string& why, const std::string& hint) {
    with_config(paper, model);
    const outcome r = convert("rtfsnet_4", (folder / "from.pth").string(), "to.pth");
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "from.pth", why, hint)) << r.err;
    EXPECT_FALSE(fs::exists(folder / "to.pth"));
  };
  expect_refused(v::dict({{v("passes"), v(33)}}), "33 passes", "1 to 32");
  for (const v& odd : {v("many"), v(7.5), v(std::nan("")), v(1e30), v(true)})
    expect_refused(v::dict({{v("passes"), odd}}), "no whole number", "model.passes");
  expect_refused(v::dict({{v("num_rtfs_blocks"), v(std::numeric_limits<std::int64_t>::max())}}), "9223372036854775807 passes",
                 "1 to 32");
  const tensor_dict reference = random_weights<presets::rtfsnet>();
  with_config(reference, v::dict({{v("num_rtfs_blocks"), v(6)}}));
  expect_taken("rtfsnet", "rtfsnet model.passes=7");
  with_config(reference, v::dict({{v("num_rtfs_blocks"), v(4)}}));
  expect_taken("rtfsnet", "rtfsnet");
  with_config(reference, v::dict({{v("passes"), v(5)}, {v("attention"), v("time")}}));
  expect_taken("rtfsnet", "rtfsnet_time");
  with_config(reference, v::dict({{v("preset"), v("unknown")}}));
  expect_taken("rtfsnet", "rtfsnet");
  expect_taken("rtfsnet_time", "rtfsnet_time");
  expect_taken("rtfsnet model.attention=time", "rtfsnet_time");
}

TEST_F(convert_rtfsnet, keeps_what_the_weights_do_not_show) {
  using v = checkpoint_value;
  const auto separate = [&](const std::string& with) {
    const outcome r = run(tiny() + file("11_22", "[" + face("11.npz") + "]") +
                          "inferencer.from_pretrained=" + (folder / with).string() + " " + to(with + "_out"));
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.out.find("rtfsnet_tiny model.passes=6: "), std::string::npos) << r.out;
    return result(with + "_out", "s1", "11_22");
  };
  write_pytorch((folder / "six.pth").string(),
                v::dict({{v("state_dict"), v::state_dict(random_weights<presets::rtfsnet_tiny>())},
                         {v("config"), v::dict({{v("model"), v::dict({{v("passes"), v(6)}})}})}}));
  const signal_t own = separate("six.pth");
  for (const char* to : {"to.pth", "to.safetensors"}) {
    SCOPED_TRACE(to);
    ASSERT_EQ(convert("rtfsnet_tiny", folder / "six.pth", to).status, 0);
    EXPECT_EQ(separate(to), own);
    EXPECT_EQ(told_passes(read_weights_file((folder / to).string()).metadata, to), 6);
  }
  store_weights<presets::rtfsnet_time>(folder / "time.pth");
  for (const char* to : {"time2.pth", "time.safetensors"}) {
    ASSERT_EQ(convert("rtfsnet_time", folder / "time.pth", to).status, 0);
    const outcome named = convert("rtfsnet", folder / to, std::string("again_") + to);
    EXPECT_EQ(named.status, 0) << named.err;
    EXPECT_EQ(named.out.substr(0, named.out.find(':')), "rtfsnet_time");
  }
}

TEST_F(convert_rtfsnet, says_which_network_the_weights_fit) {
  const outcome wrong = convert("rtfsnet_4", weights(), "to.pth");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_TRUE(says(wrong.err.substr(0, wrong.err.size() - 1), "tiny.pth: the weights fit model=rtfsnet_tiny", "not rtfsnet_4"));
  EXPECT_LT(wrong.err.size(), 700u);
  const outcome audio = convert("convtasnet_tiny", weights(), "to.pth");
  EXPECT_TRUE(says(audio.err.substr(0, audio.err.size() - 1), "the weights fit model=rtfsnet_tiny"));
  for (const char* passes : {"0", "33", "-1"}) {
    const outcome key = convert(std::string("rtfsnet_4 model.passes=") + passes, weights(), "to.pth");
    EXPECT_TRUE(says(key.err.substr(0, key.err.size() - 1), "model.passes", "from 1 to 32", passes));
  }
  EXPECT_FALSE(fs::exists(folder / "to.pth"));
}

}  // namespace
}  // namespace avss
