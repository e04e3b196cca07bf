#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <avss/io/media_audio.hpp>
#include <avss/metric/ratio.hpp>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/media_file.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class media_audio : public in_folder {
 protected:
  static std::vector<float> chirp(std::size_t length) {
    std::vector<float> x(length);
    for (std::size_t i = 0; i < length; ++i) {
      const double t = static_cast<double>(i) / 16000;
      x[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * (200 * t + 400 * t * t)));
    }
    return x;
  }
  std::string read_error(const fs::path& path, channel_choice choice = channel_choice::first) {
    return error_of([&] { read_media_audio(path, choice); });
  }
};

TEST_F(media_audio, reads_g722) {
  const std::vector<float> x = chirp(32000);
  const fs::path path = folder / "x.g722";
  media_file(path).add_sound(AV_CODEC_ID_ADPCM_G722, 16000, x).write();
  EXPECT_EQ(fs::file_size(path), x.size() / 2);  // 64 kbit/s
  EXPECT_DOUBLE_EQ(media_audio_reader(path).seconds(), 2);
  const audio_signal y = read_media_audio(path);
  EXPECT_EQ(y.info.rate, 16000);
  EXPECT_EQ(y.info.channels, 1);
  ASSERT_EQ(y.samples.size(), x.size());
  // Two quadrature mirror filters of 24 taps delay the sound by 22 samples.
  const std::span<const float> sent(x), got(y.samples);
  EXPECT_GT(measure_snr(got.subspan(22), sent.first(x.size() - 22)).value, 20);
}

TEST_F(media_audio, reads_what_libsndfile_reads_to_the_same_samples) {
  const std::vector<float> x = chirp(10007);
  write_audio(folder / "x.wav", 11025, x);
  EXPECT_EQ(read_media_audio(folder / "x.wav").samples, x);
  EXPECT_EQ(read_media_audio(folder / "x.wav").info.rate, 11025);
  SF_INFO info{};
  info.samplerate = 16000, info.channels = 1, info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
  {
    detail::sndfile_handle file(sf_open((folder / "x.flac").c_str(), SFM_WRITE, &info));
    sf_write_float(file.get(), x.data(), static_cast<sf_count_t>(x.size()));
  }
  EXPECT_EQ(read_media_audio(folder / "x.flac").samples, read_audio(folder / "x.flac").samples);
}

TEST_F(media_audio, reads_the_sound_of_a_film) {
  const std::vector<float> x = chirp(16000);
  const fs::path path = folder / "x.mkv";
  media_file(path).add_pictures(AV_CODEC_ID_MPEG4, 25, 25).add_sound(AV_CODEC_ID_PCM_S16LE, 16000, x).write();
  const audio_signal y = read_media_audio(path);
  ASSERT_EQ(y.samples.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y.samples[i], x[i], 1. / 16384) << i;
}

TEST_F(media_audio, reads_aac_without_what_the_encoder_put_before_it) {
  const std::vector<float> x = chirp(32000);
  const fs::path path = folder / "x.m4a";
  media_file(path).add_sound(AV_CODEC_ID_AAC, 16000, x).write();
  const audio_signal y = read_media_audio(path);
  ASSERT_GE(y.samples.size(), x.size());
  EXPECT_LT(y.samples.size(), x.size() + 2048);
  EXPECT_GT(measure_snr(std::span<const float>(y.samples).first(x.size()), std::span<const float>(x)).value, 15);
}

TEST_F(media_audio, reads_by_blocks_of_any_size) {
  const fs::path path = folder / "x.g722";
  media_file(path).add_sound(AV_CODEC_ID_ADPCM_G722, 16000, chirp(10000)).write();
  const std::vector<float> whole = read_media_audio(path).samples;
  for (const std::size_t size : {1u, 7u, 4096u, 20000u}) {
    media_audio_reader reader(path);
    EXPECT_EQ(reader.info().frames, 0);
    std::vector<float> y, block(size);
    while (const std::size_t got = reader.read(block)) y.insert(y.end(), block.begin(), block.begin() + static_cast<long>(got));
    EXPECT_EQ(y, whole);
    EXPECT_EQ(reader.info().frames, 10000);
  }
  EXPECT_EQ(read_media_audio(path, channel_choice::first, 1234).samples,
            std::vector<float>(whole.begin(), whole.begin() + 1234));
}

TEST_F(media_audio, takes_the_first_channel_or_the_mean_or_refuses) {
  const std::vector<float> left = noise(3000, 1, 0.5), right = noise(3000, 2, 0.5);
  std::vector<float> both;
  for (std::size_t i = 0; i < left.size(); ++i) both.insert(both.end(), {left[i], right[i]});
  const fs::path path = folder / "x.mka";
  media_file(path).add_sound(AV_CODEC_ID_PCM_F32LE, 8000, both, 2).write();
  EXPECT_EQ(read_media_audio(path).samples, left);
  EXPECT_EQ(read_media_audio(path).info.channels, 2);
  const std::vector<float> mean = read_media_audio(path, channel_choice::mean).samples;
  ASSERT_EQ(mean.size(), left.size());
  for (std::size_t i = 0; i < mean.size(); ++i) ASSERT_NEAR(mean[i], (left[i] + right[i]) / 2, 1e-7);
  EXPECT_TRUE(says(read_error(path, channel_choice::refuse), path.string(), "2 channels", "expected 1"));
}

TEST_F(media_audio, fills_a_gap_in_the_time_stamps) {
  const std::vector<float> x = chirp(48000);
  media_file(folder / "x.mkv")
      .add_pictures(AV_CODEC_ID_MPEG4, 25, 100)
      .move_sound(1.024, 0.8)
      .add_sound(AV_CODEC_ID_PCM_S16LE, 16000, x)
      .write();
  constexpr std::size_t from = 16384, by = 12800;
  for (const std::size_t size : {333u, 100000u}) {
    media_audio_reader reader(folder / "x.mkv");
    std::vector<float> y, block(size);
    while (const std::size_t got = reader.read(block)) y.insert(y.end(), block.begin(), block.begin() + static_cast<long>(got));
    ASSERT_EQ(y.size(), x.size() + by);
    EXPECT_EQ(reader.info().frames, static_cast<dim_t>(y.size()));
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i < from ? i : i + by], x[i], 1. / 16384) << i;
    for (std::size_t i = from; i < from + by; ++i) ASSERT_EQ(y[i], 0.f) << i;
    ASSERT_EQ(reader.gaps().size(), 1u);
    EXPECT_NEAR(reader.gaps()[0].at, 1.024, 0.001);
    EXPECT_NEAR(reader.gaps()[0].seconds, 0.8, 0.001);
  }
}

TEST_F(media_audio, fills_a_gap_of_a_sound_that_is_coded) {
  const std::vector<float> x = chirp(48000);
  const auto read = [&](double by) {
    media_file(folder / "x.mp4").move_sound(1.024, by).add_sound(AV_CODEC_ID_AAC, 16000, x).write();
    return read_media_audio(folder / "x.mp4").samples;
  };
  const std::vector<float> whole = read(0), parted = read(0.8);
  ASSERT_NEAR(static_cast<double>(parted.size()), static_cast<double>(whole.size() + 12800), 20);
  const std::size_t moved = parted.size() - whole.size();
  for (std::size_t i = 0; i < 14000; ++i) ASSERT_EQ(parted[i], whole[i]) << i;
  for (std::size_t i = 20000; i < whole.size(); ++i) ASSERT_EQ(parted[i + moved], whole[i]) << i;
}

TEST_F(media_audio, leaves_out_what_overlaps_and_leaves_jitter) {
  const std::vector<float> x = chirp(24000);
  const auto read = [&](double by) {
    media_file(folder / "x.mka").move_sound(1.024, by).add_sound(AV_CODEC_ID_PCM_S16LE, 8000, x).write();
    return read_media_audio(folder / "x.mka").samples;
  };
  constexpr std::size_t from = 8192, back = 960;
  const std::vector<float> y = read(-0.12);
  ASSERT_EQ(y.size(), x.size() - back);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], x[i < from ? i : i + back], 1. / 16384) << i;
  for (const double jitter : {0.03, -0.03}) EXPECT_EQ(read(jitter).size(), x.size()) << jitter;
  EXPECT_TRUE(says(error_of([&] { read(4000); }), "x.mka", "leap by 4000 s", "convert"));
}

TEST_F(media_audio, a_clock_that_begins_late_is_no_truncation) {
  const std::vector<float> x = chirp(48000);
  for (const char* name : {"x.mkv", "x.mp4", "x.ts"}) {
    const fs::path path = folder / name;
    const AVCodecID codec = path.extension() == ".mkv" ? AV_CODEC_ID_PCM_S16LE : AV_CODEC_ID_AAC;
    media_file(path).delay_all(1000).add_pictures(AV_CODEC_ID_MPEG4, 25, 75).add_sound(codec, 16000, x).write();
    EXPECT_EQ(read_error(path), "") << name;
    EXPECT_NEAR(media_audio_reader(path).seconds(), 3, 0.2) << name;
  }
  const std::string whole = bytes_of_file(folder / "x.mkv");
  write_bytes(folder / "x.mkv", whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(says(read_error(folder / "x.mkv"), "truncated", "again"));
}

TEST_F(media_audio, refuses_a_truncated_file) {
  const std::vector<float> x = noise(80000, 3, 0.3);
  media_file(folder / "x.mka").add_sound(AV_CODEC_ID_PCM_S16LE, 16000, x).write();
  media_file(folder / "x.m4a").add_sound(AV_CODEC_ID_AAC, 16000, x).write();
  media_file(folder / "x.mp4").add_sound(AV_CODEC_ID_AAC, 16000, x).add_pictures(AV_CODEC_ID_MPEG4, 25, 125).write();
  write_audio(folder / "x.wav", 16000, x);
  for (const char* name : {"x.mka", "x.m4a", "x.mp4", "x.wav"}) {
    const std::string whole = bytes_of_file(folder / name);
    EXPECT_EQ(read_error(folder / name), "") << name;
    for (const std::size_t left : {whole.size() / 10, whole.size() / 2, whole.size() * 4 / 5}) {
      write_bytes(folder / name, whole.substr(0, left));
      EXPECT_TRUE(says(read_error(folder / name), (folder / name).string(), "again")) << name << ' ' << left;
    }
  }
}

TEST_F(media_audio, says_what_is_wrong_in_one_line) {
  const std::string missing = (folder / "none.m4a").string();
  EXPECT_TRUE(says(read_error(missing), missing, "No such file"));
  EXPECT_TRUE(says(read_error(folder), folder.string(), "directory"));
  write_bytes(folder / "empty.g722", "");
  EXPECT_TRUE(says(read_error(folder / "empty.g722"), "is empty", "expected"));
  write_bytes(folder / "text.m4a", "this is no sound, whatever its name says\n");
  EXPECT_TRUE(says(read_error(folder / "text.m4a"), "text.m4a", "no sound or film", "convert"));
  media_file(folder / "silent.mkv").add_pictures(AV_CODEC_ID_MPEG4, 25, 10).write();
  EXPECT_TRUE(says(read_error(folder / "silent.mkv"), "has no audio stream", "video (mpeg4)"));
  const std::vector<float> x{0.f, std::numeric_limits<float>::quiet_NaN(), 0.f};
  media_file(folder / "nan.mka").add_sound(AV_CODEC_ID_PCM_F32LE, 8000, x).write();
  EXPECT_TRUE(says(read_error(folder / "nan.mka"), "sample 1 is NaN"));
}

// A play list could otherwise read any file of the user's, or ask any address.
TEST_F(media_audio, reads_no_other_file) {
  write_audio(folder / "secret.wav", 8000, chirp(8000));
  const std::string list =
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + (folder / "secret.wav").string() + "\n#EXT-X-ENDLIST\n";
  write_bytes(folder / "list.m3u8", list);
  write_bytes(folder / "list.ffconcat", "ffconcat version 1.0\nfile secret.wav\n");
  for (const char* name : {"list.m3u8", "list.ffconcat"}) EXPECT_TRUE(says(read_error(folder / name), name)) << name;
}

// Whatever the bytes, the answer is samples or one error, never a crash.
TEST_F(media_audio, survives_damage) {
  media_file(folder / "x.m4a").add_sound(AV_CODEC_ID_AAC, 16000, noise(4000, 4, 0.5)).write();
  const std::string whole = bytes_of_file(folder / "x.m4a");
  lcg random(5);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string bytes = whole;
    for (int k = 0; k < 1 + i % 4; ++k)
      bytes[static_cast<std::size_t>((random() + 1) / 2 * static_cast<double>(bytes.size()))] =
          static_cast<char>(random() * 128);
    write_bytes(folder / "y.m4a", bytes);
    const std::string message = read_error(folder / "y.m4a");
    if (message.empty()) continue;
    ++refused;
    EXPECT_TRUE(says(message, "y.m4a"));
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace avss
