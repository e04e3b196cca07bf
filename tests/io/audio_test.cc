#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <avss/io/audio.hpp>
#include <csignal>
#include <limits>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class audio : public in_folder {
 protected:
  // An interleaved file of any format of libsndfile.
  fs::path store(const std::string& name, int format, const std::vector<float>& samples, int rate = 8000, int channels = 1) {
    fs::path path = folder / name;
    SF_INFO info{};
    info.samplerate = rate;
    info.channels = channels;
    info.format = format;
    detail::sndfile_handle file(sf_open(path.c_str(), SFM_WRITE, &info));
    EXPECT_TRUE(file) << sf_strerror(nullptr);
    if (file) sf_write_float(file.get(), samples.data(), static_cast<sf_count_t>(samples.size()));
    return path;
  }
  std::string read_error(const fs::path& path, channel_choice choice = channel_choice::first) {
    return error_of([&] { read_audio(path, choice); });
  }
};

std::string word(std::uint32_t v) {
  return {static_cast<char>(v), static_cast<char>(v >> 8), static_cast<char>(v >> 16), static_cast<char>(v >> 24)};
}

// A wav of 16-bit samples with `before` between the format and the samples.
std::string pcm16(const std::vector<std::int16_t>& samples, const std::string& before = "", std::int64_t promised = -1) {
  std::string data;
  for (std::int16_t s : samples) data += {static_cast<char>(s), static_cast<char>(s >> 8)};
  const std::string format = "fmt " + word(16) + word(1 | 1 << 16) + word(8000) + word(16000) + word(2 | 16 << 16);
  const auto length = promised < 0 ? static_cast<std::uint32_t>(data.size()) : static_cast<std::uint32_t>(promised);
  const std::string body = "WAVE" + format + before + "data" + word(length) + data;
  return "RIFF" + word(static_cast<std::uint32_t>(body.size())) + body;
}

TEST_F(audio, reads_every_wav_encoding) {
  const auto x = tone(1000, 0.01, 0.7);
  const std::pair<int, double> encodings[] = {
      {SF_FORMAT_PCM_U8, 1.1 / 128}, {SF_FORMAT_PCM_16, 1. / 32768}, {SF_FORMAT_PCM_24, 1. / 8388608},
      {SF_FORMAT_PCM_32, 1e-7},      {SF_FORMAT_FLOAT, 0},           {SF_FORMAT_DOUBLE, 0}};
  for (const int container : {SF_FORMAT_WAV, SF_FORMAT_WAVEX, SF_FORMAT_RF64})
    for (const auto& [encoding, step] : encodings) {
      const audio_signal y = read_audio(store("x.wav", container | encoding, x, 11025));
      EXPECT_EQ(y.info.rate, 11025);
      EXPECT_EQ(y.info.channels, 1);
      ASSERT_EQ(y.samples.size(), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y.samples[i], x[i], step) << i;
    }
}

TEST_F(audio, reads_flac_ogg_and_mp3) {
  const auto x = tone(16000, 0.02, 0.5);
  const auto flac = read_audio(store("x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, x, 16000));
  ASSERT_EQ(flac.samples.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(flac.samples[i], x[i], 1. / 32768);
  for (const auto& [name, format] :
       {std::pair{"x.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS}, std::pair{"x.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III}}) {
    const auto y = read_audio(store(name, format, x, 16000));
    EXPECT_EQ(y.info.frames, static_cast<dim_t>(y.samples.size())) << name;
    ASSERT_GE(y.samples.size(), x.size()) << name;
    double most = 0;
    for (std::size_t i = 4000; i < 12000; ++i) most = std::max(most, std::abs(double{y.samples[i]}));
    EXPECT_NEAR(most, 0.5, 0.05) << name;
  }
}

TEST_F(audio, reads_by_blocks_of_any_size) {
  const auto x = noise(10007, 1);
  const fs::path path = store("x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, x);
  for (const std::size_t size : {1u, 7u, 4096u, 5000u, 20000u}) {
    audio_reader reader(path);
    std::vector<float> y, block(size);
    while (const std::size_t got = reader.read(block)) y.insert(y.end(), block.begin(), block.begin() + static_cast<long>(got));
    EXPECT_EQ(y, x);
    EXPECT_EQ(reader.position(), 10007);
  }
  const audio_info info = probe_audio(path);
  EXPECT_EQ(info.frames, 10007);
  EXPECT_DOUBLE_EQ(info.seconds(), 10007 / 8000.);
}

TEST_F(audio, takes_the_first_channel_or_the_mean_or_refuses) {
  const fs::path path = store("x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, {0.5f, 0.25f, -0.5f, 0.f}, 8000, 2);
  EXPECT_EQ(read_audio(path).samples, (std::vector<float>{0.5f, -0.5f}));
  EXPECT_EQ(read_audio(path).info.channels, 2);
  EXPECT_EQ(read_audio(path, channel_choice::mean).samples, (std::vector<float>{0.375f, -0.25f}));
  EXPECT_TRUE(says(read_error(path, channel_choice::refuse), path.string(), "2 channels", "expected 1"));
}

TEST_F(audio, names_a_sample_that_is_not_finite) {
  auto x = noise(9000, 2);
  x[4234] = std::numeric_limits<float>::quiet_NaN();
  const fs::path path = store("x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, x);
  EXPECT_TRUE(says(read_error(path), path.string(), "sample 4234 (0.529 s) is NaN"));
  x[4234] = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(says(read_error(store("y.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, x)), "sample 4234", "infinite"));
}

TEST_F(audio, reads_odd_chunks_and_lengths_never_known) {
  const std::vector<std::int16_t> x{100, -200, 300};
  const std::vector<float> expected{100 / 32768.f, -200 / 32768.f, 300 / 32768.f};
  write_bytes(folder / "list.wav", pcm16(x, "LIST" + word(5) + std::string("abcde\0", 6)));
  EXPECT_EQ(read_audio(folder / "list.wav").samples, expected);
  write_bytes(folder / "tail.wav", pcm16(x) + "LIST" + word(3) + std::string("abc\0", 4));
  EXPECT_EQ(read_audio(folder / "tail.wav").samples, expected);
  for (const std::int64_t unknown : {0xffffffffll, 0x7fffffffll, 0x7ffff000ll}) {
    write_bytes(folder / "pipe.wav", pcm16(x, "", unknown));
    EXPECT_EQ(read_audio(folder / "pipe.wav").samples, expected) << unknown;
  }
}

TEST_F(audio, refuses_rates_that_no_recording_has) {
  for (const int rate : {1, 999, 768001, 2'000'000'000}) {
    write_audio(folder / "x.wav", rate, noise(50, 1));
    EXPECT_TRUE(
        says(read_error(folder / "x.wav"), "x.wav: has a sample rate of " + std::to_string(rate) + " Hz", "1000 to 768000"));
  }
  for (const int rate : {1000, 768000}) {
    write_audio(folder / "x.wav", rate, noise(50, 1));
    EXPECT_EQ(read_audio(folder / "x.wav").info.rate, rate);
  }
}

TEST_F(audio, refuses_a_truncated_file) {
  const auto x = noise(20000, 3, 0.5);
  const std::pair<const char*, int> formats[] = {{"x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
                                                 {"b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG},
                                                 {"r.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
                                                 {"x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                                                 {"x.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
                                                 {"x.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                                                 {"x.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
                                                 {"x.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16}};
  for (const auto& [name, format] : formats) {
    const std::string whole = bytes_of_file(store(name, format, x));
    EXPECT_EQ(read_audio(folder / name).samples.size(), x.size()) << name;
    for (const std::size_t left : {whole.size() - 2, whole.size() / 2, whole.size() / 10}) {
      write_bytes(folder / name, whole.substr(0, left));
      const bool readable = name != std::string("x.mp3") || left > whole.size() / 10;
      EXPECT_TRUE(says(read_error(folder / name), (folder / name).string(), readable ? "truncated" : "unknown format", "again"))
          << name << ' ' << left;
    }
  }
}

TEST_F(audio, refuses_a_truncated_file_with_an_odd_chunk_before_its_samples) {
  const std::string whole = pcm16({100, -200, 300}, "LIST" + word(5) + std::string("abcde\0", 6));
  write_bytes(folder / "x.wav", whole.substr(0, whole.size() - 2));
  EXPECT_TRUE(says(read_error(folder / "x.wav"), "truncated", "promises 6 bytes of samples and 4 are there"));
}

TEST_F(audio, refuses_a_truncated_ogg) {
  const auto x = noise(80000, 11, 0.5);
  for (const int encoding : {SF_FORMAT_VORBIS, SF_FORMAT_OPUS}) {
    const fs::path path = store("x.ogg", SF_FORMAT_OGG | encoding, x);
    const std::string whole = bytes_of_file(path);
    EXPECT_EQ(read_audio(path).samples.size(), x.size());
    std::vector<std::size_t> cuts{whole.size() - 1, whole.size() / 2, whole.size() / 10};
    const std::size_t last = whole.rfind("OggS");
    for (const std::size_t more : {1u, 4u, 5u, 26u, 27u, 30u}) cuts.push_back(last + more);
    std::size_t pages = 0;
    for (std::size_t at = whole.find("OggS", 4); at != std::string::npos; at = whole.find("OggS", at + 4), ++pages)
      cuts.push_back(at);
    EXPECT_GT(pages, 2u);
    for (const std::size_t left : cuts) {
      write_bytes(path, whole.substr(0, left));
      EXPECT_TRUE(says(read_error(path), path.string(), "is truncated", "again")) << encoding << ' ' << left;
    }
  }
}

TEST_F(audio, counts_a_flac_that_does_not_say_its_length) {
  const auto x = noise(9000, 4, 0.5);
  std::string bytes = bytes_of_file(store("x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, x));
  bytes[21] = static_cast<char>(bytes[21] & 0xf0);  // STREAMINFO: 36 bits of total samples, 0 = unknown
  for (std::size_t i = 22; i < 26; ++i) bytes[i] = 0;
  write_bytes(folder / "x.flac", bytes);
  EXPECT_EQ(probe_audio(folder / "x.flac").frames, 9000);
  EXPECT_EQ(read_audio(folder / "x.flac").samples.size(), 9000u);
}

TEST_F(audio, says_what_is_wrong_in_one_line) {
  const std::string missing = (folder / "none.wav").string();
  EXPECT_TRUE(says(read_error(missing), missing, "no such file", "expected"));
  EXPECT_TRUE(says(read_error(folder), folder.string(), "is a folder", "expected"));
  write_bytes(folder / "empty.wav", "");
  EXPECT_TRUE(says(read_error(folder / "empty.wav"), "is empty", "expected"));
  write_bytes(folder / "text.wav", "this is no audio, whatever its name says\n");
  EXPECT_TRUE(says(read_error(folder / "text.wav"), "no audio that can be read", "convert"));
  write_bytes(folder / "short.wav", "RIFF");
  EXPECT_TRUE(says(read_error(folder / "short.wav"), "no audio that can be read"));
  EXPECT_TRUE(says(read_error(store("none.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, {})), "no samples"));
  ASSERT_EQ(::mkfifo((folder / "fifo.wav").c_str(), 0600), 0);
  EXPECT_TRUE(says(read_error(folder / "fifo.wav"), "not a regular file"));
}

// Whatever the bytes, the answer is samples or one error, never a crash.
TEST_F(audio, survives_malformed_headers) {
  const std::string whole = pcm16(std::vector<std::int16_t>(50, 1000), "LIST" + word(4) + "abcd");
  lcg random(5);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    for (int k = 0; k < 1 + i % 3; ++k)
      bytes[static_cast<std::size_t>((random() + 1) / 2 * 60)] = static_cast<char>(random() * 128);
    write_bytes(folder / "x.wav", bytes);
    const std::string message = read_error(folder / "x.wav");
    if (!message.empty()) {
      EXPECT_TRUE(says(message, "x.wav"));
    }
  }
}

TEST_F(audio, writes_float_wav_that_reads_back_bit_for_bit) {
  auto x = noise(5000, 6, 3);  // beyond full scale, which float keeps
  const fs::path path = folder / "y.wav";
  audio_writer writer(path, 16000);
  writer.write(std::span(x).first(1234));
  writer.write(std::span(x).subspan(1234));
  EXPECT_FALSE(fs::exists(path));
  writer.publish();
  const audio_signal y = read_audio(path);
  EXPECT_EQ(y.samples, x);
  EXPECT_EQ(y.info.rate, 16000);
  const std::string bytes = bytes_of_file(path);
  EXPECT_EQ(bytes.substr(12, 4), "fmt ");
  EXPECT_EQ(bytes[20], 3);  // IEEE float
  EXPECT_EQ(count_files(), 1u);
  write_audio(path, 16000, x);  // again, over the first
  EXPECT_EQ(bytes_of_file(path), bytes);
}

TEST_F(audio, leaves_nothing_behind_when_writing_stops) {
  const fs::path path = folder / "y.wav";
  const auto x = noise(1000, 7);
  { audio_writer(path, 8000).write(x); }
  EXPECT_EQ(count_files(), 0u);
  const std::vector<float> bad{0.f, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(says(error_of([&] { write_audio(path, 8000, bad); }), path.string(), "sample 1 is NaN"));
  EXPECT_EQ(count_files(), 0u);
  EXPECT_TRUE(says(error_of([&] { write_audio(folder / "none" / "y.wav", 8000, x); }), "cannot be created", "folder"));
  fs::create_directory(folder / "sub");
  EXPECT_TRUE(says(error_of([&] { write_audio(folder / "sub", 8000, x); }), "is a folder"));
  write_bytes(folder / "plain", "x");
  EXPECT_TRUE(says(error_of([&] { write_audio(folder / "plain" / "y.wav", 8000, x); }), "cannot be created"));
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(audio, keeps_the_old_file_when_the_disk_is_full) {
  const fs::path path = folder / "y.wav";
  write_audio(path, 8000, noise(10, 8));
  const std::string before = bytes_of_file(path);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  std::string message[2];
  std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t limit : {rlim_t{20}, rlim_t{10000}}) {
    small.rlim_cur = limit;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    message[limit > 20] = error_of([&] { write_audio(path, 8000, noise(50000, 9)); });
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  }
  std::signal(SIGXFSZ, SIG_DFL);
  for (const std::string& m : message) EXPECT_TRUE(says(m, path.string(), "failed", "nothing is left"));
  EXPECT_TRUE(says(message[1], "free some space or choose another disk"));
  EXPECT_EQ(bytes_of_file(path), before);
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(audio, never_writes_over_an_input) {
  const auto x = noise(100, 10);
  const fs::path input = folder / "in.wav";
  write_audio(input, 8000, x);
  fs::create_symlink(input, folder / "link.wav");
  fs::create_hard_link(input, folder / "hard.wav");
  const fs::path inputs[] = {folder / "other.wav", input};
  for (const fs::path& target : {input, folder / "." / "in.wav", folder / "link.wav", folder / "hard.wav"})
    EXPECT_TRUE(says(error_of([&] { audio_writer(target, 8000, inputs); }), "is the input file", "in.wav"));
  EXPECT_EQ(read_audio(input).samples, x);
}

}  // namespace
}  // namespace avss
