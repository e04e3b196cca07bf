#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/io/audio_writer.hpp>
#include <avss/io/left_parts.hpp>
#include <avss/io/staged_folder.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class left_parts : public in_folder {
 protected:
  // Runs `work` in a process that is killed at its end. Returns its number.
  static pid_t killed(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return child;
  }
  std::string put(const std::string& name) const {
    write_bytes(folder / name, "x");
    return name;
  }
  bool there(const std::string& name) const { return fs::exists(folder / name); }
};

TEST_F(left_parts, a_staged_folder_of_a_killed_process_goes_with_the_next_at_its_target) {
  const auto leave = [&](const char* name) {
    return "." + std::string(name) + ".part-" + std::to_string(killed([&] {
             staged_folder s(folder / name);
             write_bytes(s.file("x/1.txt"), "one");
             ::kill(::getpid(), SIGKILL);
           })) +
           "-0";
  };
  const std::string left = leave("corpus"), other = leave("other");
  ASSERT_TRUE(there(left + "/x/1.txt"));
  ASSERT_TRUE(there(other));
  const std::string mine = put(left + ".mine"), old = put(".corpus.part-old");
  {
    staged_folder s(folder / "corpus");
    EXPECT_FALSE(there(left));
    for (const std::string& name : {other, mine, old}) EXPECT_TRUE(there(name)) << name;
  }
  EXPECT_TRUE(there(other));
}

TEST_F(left_parts, what_lives_is_left_alone) {
  staged_folder living(folder / "corpus");
  write_bytes(living.file("1.txt"), "one");
  { staged_folder second(folder / "corpus"); }
  // A process in another container: dead by its number here, and yet at it.
  const pid_t dead = killed([] {});
  const fs::path elsewhere = folder / (".corpus.part-" + std::to_string(dead) + "-7");
  fs::create_directory(elsewhere);
  const int fd = ::open(elsewhere.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  mark_as_being_made(fd);
  { staged_folder third(folder / "corpus"); }
  EXPECT_TRUE(fs::exists(elsewhere));
  ::close(fd);
  { staged_folder fourth(folder / "corpus"); }
  EXPECT_FALSE(fs::exists(elsewhere));
  living.publish("1.txt");
  EXPECT_EQ(bytes_of_file(folder / "corpus/1.txt"), "one");
}

TEST_F(left_parts, audio_of_a_killed_process) {
  const pid_t dead = killed([&] {
    audio_writer w(folder / "a.wav", 8000);
    w.write(std::vector<float>(100, 0.5f));
    w.finish();
    ::kill(::getpid(), SIGKILL);
  });
  const std::string left = ".part-" + std::to_string(dead) + "-0.wav";
  ASSERT_TRUE(there(left));
  const std::string kept = put(".part-" + std::to_string(dead) + "-kept-1.wav");
  const std::string mine = put("part-1-0.wav"), close = put(".part-" + std::to_string(dead) + "-x.wav");
  audio_writer living(folder / "b.wav", 8000);
  remove_left_audio(folder);
  EXPECT_FALSE(there(left));
  EXPECT_FALSE(there(kept));
  EXPECT_TRUE(there(mine));
  EXPECT_TRUE(there(close));
  living.write(std::vector<float>(10, 0.5f));
  living.publish();
  EXPECT_TRUE(there("b.wav"));
}

TEST_F(left_parts, temporaries) {
  const std::string dead = std::to_string(killed([] {})), own = std::to_string(::getpid());
  const std::string old = put(".1.pt." + dead + "-5.tmp"), living = put(".2.pt." + own + "-5.tmp");
  const std::string fresh = put(".3.pt." + dead + "-5.tmp"), mine = put(".4.pt.tmp");
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(2);
  for (const std::string& name : {old, living, mine}) fs::last_write_time(folder / name, long_ago);
  remove_left_temporaries(folder);
  EXPECT_FALSE(there(old));
  for (const std::string& name : {living, fresh, mine}) EXPECT_TRUE(there(name)) << name;
  remove_left_temporaries_of(folder / "2.pt");
  remove_left_temporaries_of(folder / "3.pt");
  EXPECT_FALSE(there(fresh));
  EXPECT_TRUE(there(living));
}

TEST_F(left_parts, a_link_is_not_followed) {
  const std::string dead = std::to_string(killed([] {}));
  fs::create_directory(folder / "mine");
  put("mine/1.txt");
  fs::create_directory_symlink(folder / "mine", folder / (".corpus.part-" + dead + "-0"));
  { staged_folder s(folder / "corpus"); }
  EXPECT_TRUE(there("mine/1.txt"));
}

}  // namespace
}  // namespace avss
