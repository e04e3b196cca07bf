// Event files: checksums, bytes as TensorBoard's library makes them, cutting.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <avss/report/wav_bytes.hpp>
#include <avss/track/crc32c.hpp>
#include <avss/track/event.hpp>
#include <avss/track/event_file.hpp>
#include <avss/track/utf8.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/track/event_reader.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using namespace std::string_literals;

TEST(crc32c, known_answers) {
  // The check value of the catalogue of CRCs, and RFC 3720, B.4.
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  EXPECT_EQ(crc32c(rising), 0x46DD794Eu);
  EXPECT_EQ(crc32c(std::string(rising.rbegin(), rising.rend())), 0x113FDB5Cu);
  for (const std::string& s : {"123456789"s, rising}) EXPECT_EQ(crc32c(s), slow_crc32c(s));
}

TEST(utf8, bytes_of_no_character_become_question_marks) {
  const std::string fine = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  EXPECT_EQ(as_utf8(fine), fine);
  EXPECT_EQ(as_utf8("\xff-\xc3"), "?-?");
  EXPECT_EQ(as_utf8("\xc0\x80"), "??");            // not the shortest form
  EXPECT_EQ(as_utf8("\xe0\x80\x80"), "???");       // likewise
  EXPECT_EQ(as_utf8("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(as_utf8("\xf4\x90\x80\x80"), "????");  // beyond the last character
  EXPECT_EQ(as_utf8("\xe2\x82"
                    "a"),
            "??a");
}

class event_files : public in_folder {
 protected:
  std::filesystem::path file(const std::string& name) const { return folder / name; }
  // A file with scalar x = step at each of the steps.
  void write(const std::string& name, const std::vector<int>& steps) const {
    event_file f(file(name).string());
    f.append(event::version(1));
    for (const int s : steps) f.append(event(s, s).scalar("x", s).bytes());
  }
  std::vector<std::int64_t> steps_of(const std::string& name) const {
    std::vector<std::int64_t> steps;
    for (const read_value& v : parse_events(bytes_of_file(file(name))).values) {
      EXPECT_EQ(v.tag, "x");
      EXPECT_EQ(v.fields.find(2)->second.single(), static_cast<float>(v.step));
      steps.push_back(v.step);
    }
    return steps;
  }
};

TEST_F(event_files, bytes_are_those_of_tensorboards_library) {
  constexpr double wall = 1700000000.25;
  const std::vector<float> samples{0, 0.5, -0.5, 1};
  {
    event_file f(file("events").string());
    f.append(event::version(wall));
    f.append(event(wall, 0).text("config", "a: 1\n").bytes());
    f.append(event(wall, 0)
                 .plugin_data(hparams::start_tag, hparams::plugin_name,
                              hparams::session_start({{"bool", false}, {"lr", 1e-3}, {"model", "größer"}}, "run", wall))
                 .bytes());
    f.append(event::restart(wall + 7, 7));
    f.append(event(wall + 50, 50).scalar("train_loss", -12.5).scalar("train_lr", 0).bytes());
    f.append(event(wall + 300, 300)
                 .audio("val_1/mixture", wav_bytes(samples, 8000), 8000, 4)
                 .image("val_1/mixture_spectrogram", "\x89PNG not really", 5, 3)
                 .bytes());
    f.append(
        event(wall + 300, 300).plugin_data(hparams::end_tag, hparams::plugin_name, hparams::session_end(wall + 300)).bytes());
  }
  EXPECT_TRUE(bytes_of_file(file("events")) == bytes_of_file("tests/golden/events.bin"));
}

TEST_F(event_files, an_independent_reader_finds_what_was_written) {
  write("events", {1, 5, 300});
  const read_events e = parse_events(bytes_of_file(file("events")));
  EXPECT_EQ(e.version, "brain.Event:2");
  EXPECT_FALSE(e.torn);
  EXPECT_EQ(steps_of("events"), (std::vector<std::int64_t>{1, 5, 300}));
  // And the reader would notice.
  std::string damaged = bytes_of_file(file("events"));
  damaged[damaged.size() - 9] ^= 1;
  EXPECT_THROW(parse_events(damaged), std::runtime_error);
}

TEST_F(event_files, cut_before_the_first_record_that_goes) {
  const auto cut_to = [&](const std::string& name, std::int64_t last) {
    cut_event_file(file(name), [&](std::string_view r) { return head_of(r).step > last; });
  };
  for (const int last : {0, 1, 4, 9}) {
    const std::string name = "events" + std::to_string(last);
    write(name, {1, 2, 4, 9});
    cut_to(name, last);
    std::vector<std::int64_t> kept;
    for (const int s : {1, 2, 4, 9})
      if (s <= last) kept.push_back(s);
    EXPECT_EQ(steps_of(name), kept);
  }
  // Torn at any place: what is whole before stays, byte by byte.
  write("whole", {1, 2});
  const std::string whole = bytes_of_file(file("whole"));
  write("one", {1});
  const std::size_t first = bytes_of_file(file("one")).size();
  for (std::size_t n = first; n < whole.size(); ++n) {
    std::ofstream(file("torn"), std::ios::binary | std::ios::trunc) << whole.substr(0, n);
    cut_to("torn", 100);
    EXPECT_EQ(bytes_of_file(file("torn")), whole.substr(0, first)) << n;
  }
  // Damaged within: nobody knows what it was; nothing goes.
  std::string damaged = whole;
  damaged[first - 6] ^= 1;
  std::ofstream(file("torn"), std::ios::binary | std::ios::trunc) << damaged;
  cut_to("torn", 0);
  EXPECT_EQ(bytes_of_file(file("torn")), damaged);
}

TEST_F(event_files, a_full_disk_leaves_a_readable_file) {
  event_file f(file("events").string());
  f.append(event::version(1));
  f.append(event(1, 1).scalar("x", 1).bytes());
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = 200;  // bytes
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string why = error_of([&] { f.append(event(2, 2).text("t", std::string(500, 'a')).bytes()); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_TRUE(says(why, "events", "cannot be written", "free some space"));
  EXPECT_EQ(steps_of("events"), (std::vector<std::int64_t>{1}));
  f.append(event(3, 3).scalar("x", 3).bytes());
  EXPECT_EQ(steps_of("events"), (std::vector<std::int64_t>{1, 3}));
}

TEST_F(event_files, names_rise) {
  const auto first = new_event_file(folder, 1700000000.9);
  EXPECT_EQ(first.filename(), "events.out.tfevents.1700000000.avss");
  event_file a(first.string());
  const auto second = new_event_file(folder, 1700000000.9), third = new_event_file(folder, 5);
  EXPECT_EQ(second.filename(), "events.out.tfevents.1700000001.avss");
  EXPECT_EQ(third, second);  // a clock that was set back
  event_file b(second.string());
  EXPECT_EQ(event_files_in(folder), (std::vector<std::filesystem::path>{first, second}));
  EXPECT_TRUE(says(error_of([&] { event_file again(first.string()); }), "events.out.tfevents.1700000000.avss", "cannot be"));
}

TEST_F(event_files, damaged_messages_have_no_step) {
  const std::string record = event(3, 77).scalar("tag", 1).bytes();
  EXPECT_EQ(head_of(record).step, 77);
  EXPECT_EQ(head_of(record).tag, "tag");
  for (std::size_t n = 0; n < record.size(); ++n) (void)head_of(std::string_view(record).substr(0, n));
  EXPECT_EQ(head_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").step, 0);
}

}  // namespace
}  // namespace avss
