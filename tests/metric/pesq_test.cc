// Scores that a program of the user's gives; here small shell scripts stand for it.
#include <gtest/gtest.h>
#include <sys/types.h>

#include <avss/io/audio.hpp>
#include <avss/metric/pesq.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

class pesq : public testing::in_folder {
 protected:
  // A program of these lines, as a command.
  std::string program(const std::string& lines) {
    const std::string path = (folder / "a program").string();
    std::ofstream(path) << lines << "\n";
    return "sh '" + path + "'";
  }
  // Of the process whose number is in the file "child", once it has had the time to end.
  std::string state_of_child() const {
    pid_t child = 0;
    std::ifstream(folder / "child") >> child;
    if (child <= 0) return "never began";
    std::string state;
    for (int i = 0; i < 1000; ++i) {
      state.clear();
      std::getline(std::ifstream("/proc/" + std::to_string(child) + "/stat"), state);
      // A zombie is one that nobody has waited for yet.
      if (state.empty() || state.find(") Z") != std::string::npos || state.find(") X") != std::string::npos) return "ended";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return state;
  }
  std::vector<float> target = testing::noise(1600, 1, 0.5), estimate = testing::noise(1600, 2, 0.5);
};

TEST_F(pesq, the_last_line_is_the_score) {
  pesq_program p(program("echo 'P.862.2 of:' \"$@\"; echo warning >&2; echo; echo ' 3.25 '; echo"));
  const ratio r = p.measure(estimate, target, 16000);
  EXPECT_EQ(r.value, 3.25);
  EXPECT_EQ(r.status, ratio_status::measured);
  EXPECT_EQ(p.trouble(), "");
}

TEST_F(pesq, the_program_gets_rate_target_and_estimate_as_they_are) {
  const std::string kept = folder.string();
  pesq_program p(
      program("echo $1 > '" + kept + "/rate'; cp \"$2\" '" + kept + "/t.wav'; cp \"$3\" '" + kept + "/e.wav'; echo -0.5"));
  EXPECT_EQ(p.measure(estimate, target, 8000).value, -0.5);
  std::string rate;
  std::getline(std::ifstream(folder / "rate") >> std::ws, rate);
  EXPECT_EQ(rate, "8000");
  EXPECT_EQ(read_audio(folder / "t.wav").samples, target);
  EXPECT_EQ(read_audio(folder / "e.wav").samples, estimate);
  EXPECT_EQ(read_audio(folder / "e.wav").info.rate, 8000);
}

TEST_F(pesq, a_program_that_is_not_there) {
  pesq_program p("/nowhere/pesq");
  EXPECT_TRUE(std::isnan(p.measure(estimate, target, 16000).value));
  EXPECT_TRUE(p.absent());
  EXPECT_NE(p.trouble().find("not installed"), std::string::npos) << p.trouble();
  EXPECT_NE(p.trouble().find("pip install pesq"), std::string::npos) << p.trouble();
  EXPECT_EQ(p.trouble().find('\n'), std::string::npos);
}

TEST_F(pesq, an_absent_program_is_called_once) {
  pesq_program p(program("echo >> '" + folder.string() + "/calls'; exit 127"));
  for (int i = 0; i < 3; ++i) p.measure(estimate, target, 16000);
  EXPECT_EQ(std::filesystem::file_size(folder / "calls"), 1u);
}

TEST_F(pesq, a_program_that_fails_is_called_again) {
  pesq_program p(program("echo >> '" + folder.string() + "/calls'; echo No utterances detected >&2; exit 3"));
  const ratio r = p.measure(estimate, target, 16000);
  EXPECT_TRUE(std::isnan(r.value));
  EXPECT_EQ(r.status, ratio_status::no_score);
  EXPECT_NE(p.trouble().find("status 3: No utterances detected"), std::string::npos) << p.trouble();
  EXPECT_FALSE(p.absent());
  p.measure(estimate, target, 16000);
  EXPECT_EQ(std::filesystem::file_size(folder / "calls"), 2u);
}

TEST_F(pesq, a_program_that_hangs_is_ended_with_its_children) {
  pesq_program p(program("sleep 1000 & echo $! > '" + folder.string() + "/child'; wait"), 0.5);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(std::isnan(p.measure(estimate, target, 16000).value));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_NE(p.trouble().find("longer than 0.5 s"), std::string::npos) << p.trouble();
  EXPECT_EQ(state_of_child(), "ended");
}

TEST_F(pesq, a_program_that_always_hangs_is_not_called_for_ever) {
  pesq_program p(program("echo >> '" + folder.string() + "/calls'; sleep 1000"), 0.1);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(p.measure(estimate, target, 16000).status, ratio_status::no_score);
  EXPECT_EQ(std::filesystem::file_size(folder / "calls"), 3u);
  EXPECT_NE(p.trouble().find("after 3 such calls in a row it is not called again"), std::string::npos) << p.trouble();
  // One that hangs now and then goes on.
  pesq_program q(program("test $(cat '" + folder.string() + "/n' | wc -l) = 2 || sleep 1000; echo 1"), 1.5);
  const auto ask = [&](const char* lines) {
    testing::write_bytes(folder / "n", lines);
    return q.measure(estimate, target, 16000).status;
  };
  for (const char* lines : {"\n", "\n", "\n\n", "\n", "\n", "\n\n"})
    EXPECT_EQ(ask(lines), std::string(lines).size() == 2 ? ratio_status::measured : ratio_status::no_score);
}

TEST_F(pesq, whoever_waits_may_end_it) {
  struct enough {};
  int asked = 0;
  pesq_program p(program("echo $$ > '" + folder.string() + "/child'; sleep 1000"), 600, [&] {
    if (std::filesystem::exists(folder / "child") && ++asked > 3) throw enough();
  });
  EXPECT_THROW(p.measure(estimate, target, 16000), enough);
  EXPECT_EQ(state_of_child(), "ended");
}

TEST_F(pesq, rubbish_is_no_score) {
  for (const char* said : {"echo", "echo nan", "echo 3.1 dB", "echo 99", "echo -7", "echo inf", "printf '\\001\\n'"}) {
    pesq_program p(program(said));
    EXPECT_TRUE(std::isnan(p.measure(estimate, target, 16000).value)) << said;
    EXPECT_NE(p.trouble().find("a number from -1 to 5 is expected"), std::string::npos) << p.trouble();
    EXPECT_EQ(p.trouble().find_first_of("\n\x01"), std::string::npos);
  }
}

TEST_F(pesq, endless_output_ends) {
  pesq_program p(program("yes"), 100);
  EXPECT_TRUE(std::isnan(p.measure(estimate, target, 16000).value));
  EXPECT_NE(p.trouble(), "");
}

TEST_F(pesq, signals_that_tell_nothing_are_not_given_to_it) {
  pesq_program p("/nowhere/pesq");
  const std::vector<float> silence(1600), none;
  EXPECT_EQ(p.measure(estimate, silence, 16000).status, ratio_status::silent_target);
  EXPECT_EQ(p.measure(silence, target, 16000).status, ratio_status::silent_estimate);
  EXPECT_EQ(p.measure(none, none, 16000).status, ratio_status::empty);
  estimate[7] = NAN;
  EXPECT_EQ(p.measure(estimate, target, 16000).status, ratio_status::not_finite);
  EXPECT_FALSE(p.absent());
  EXPECT_THROW(p.measure(none, target, 16000), error);
}

TEST_F(pesq, other_rates_are_told) {
  pesq_program p(program("echo 1"));
  EXPECT_TRUE(std::isnan(p.measure(estimate, target, 44100).value));
  EXPECT_NE(p.trouble().find("44100"), std::string::npos);
}

TEST(pesq_command, nonsense) {
  EXPECT_THROW(pesq_program(""), error);
  EXPECT_THROW(pesq_program("x", 0), error);
}

}  // namespace
}  // namespace avss
