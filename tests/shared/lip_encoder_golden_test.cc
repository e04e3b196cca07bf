// The reference project's video encoder, full size, against the golden vectors of the folder AVSS_SHARED; and the complete
// lists of names there.
#include <gtest/gtest.h>
#include <zlib.h>

#include <avss/io/npz.hpp>
#include <avss/lipreading.hpp>
#include <avss/reference/lipreading.hpp>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <tests/shared/shared_golden.hpp>
#include <tests/support/compare.hpp>

namespace avss {
namespace {

// The weights of the golden values are a formula of name and place (reference_models.md, section 11).
double formula(const std::string& name, std::size_t rank, double fan_in, std::uint32_t i) {
  std::uint32_t h = i * 2654435761u + static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(name.data()),
                                                                         static_cast<uInt>(name.size())));
  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  h *= 3266489917u;
  h ^= h >> 16;
  const double v = (h >> 21) / 1024. - 1;
  if (name.ends_with("running_var")) return 1 + 0.5 * v;
  if (name.ends_with("num_batches_tracked")) return 0;
  if (name.ends_with("running_mean") || name.ends_with("bias")) return 0.25 * v;
  return rank == 1 ? 1 + 0.25 * v : v * std::exp2(std::round(0.5 * std::log2(3 / fan_in)));
}

template <class Engine>
void fill(Engine& e) {
  for (const param_info& p : list_params(e.net()))
    for (dim_t i = 0; i < p.size; ++i) {
      const double fan_in = static_cast<double>(p.size) / static_cast<double>(p.shape.empty() ? 1 : p.shape[0]);
      (p.is_state ? e.state() : e.values())[p.offset + i] =
          static_cast<typename Engine::T>(formula(p.name, p.shape.size(), fan_in, static_cast<std::uint32_t>(i)));
    }
}

template <class B>
void expect_golden(double limit) {
  using T = typename B::value_type;
  const std::string file = test::shared_file("golden/reference_video_encoder_golden.npz");
  if (file.empty()) GTEST_SKIP() << test::how_to_share;
  const tensor_dict golden = read_npz(file);
  const tensor* frames = golden.find("frames");
  ASSERT_NE(frames, nullptr);
  mouth_clip clip{frames->shape[0], frames->shape[1], frames->shape[2], {}};
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(frames->bytes.data());
  clip.pixels.assign(pixels, pixels + frames->bytes.size());
  const std::vector<float> normalised = preprocess(clip, lip_preprocessing::reference);
  const std::vector<T> x(normalised.begin(), normalised.end());

  lip_engine<LipEncoder<presets::lip_swish>, B> e;
  fill(e);
  typename lip_engine<LipEncoder<presets::lip_swish>, B>::workspace w;
  std::vector<T> y(static_cast<std::size_t>(512 * clip.frames));
  for (const auto& [name, batch] : {std::pair{"emb_bn_eval", false}, std::pair{"emb_bn_batchstats", true}}) {
    e.prepare(96, 96, batch);
    e.embed(w, x, y);
    const tensor* expected = golden.find(name);
    ASSERT_EQ(expected->shape, (std::vector<dim_t>{512, clip.frames}));
    test::expect_close(y, expected->values<double>(), limit, name);
  }
}

// Their largest value is 4; stored in float32, of an input in float32.
TEST(SharedLipEncoder, reference) { expect_golden<reference<double>>(1e-6); }
TEST(SharedLipEncoder, cpu) { expect_golden<cpu>(5e-6); }

template <lip_encoder_config S>
void expect_names(const std::string& list, std::size_t count) {
  const std::string path = test::shared_file("specs/" + list);
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  std::set<std::string> theirs, ours;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {  // "... NAME [a, b]"
    const std::size_t bracket = line.rfind(" [");
    ASSERT_NE(bracket, std::string::npos) << line;
    const std::size_t space = line.rfind(' ', bracket - 1);
    theirs.insert(line.substr(space + 1));
  }
  for (const param_info& p : list_params(LipEncoder<S>())) ours.insert(p.name + " " + shape_string(p.shape));
  EXPECT_EQ(theirs.size(), count);
  EXPECT_EQ(ours, theirs);
}

TEST(SharedLipEncoder, names_of_swish) { expect_names<presets::lip_swish>("reference_video_encoder_state_dict.txt", 120); }
TEST(SharedLipEncoder, names_of_prelu) { expect_names<presets::lip_prelu>("lipreading_prelu_state_dict.txt", 137); }

}  // namespace
}  // namespace avss
