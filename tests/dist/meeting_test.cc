// How workers meet: over a group that is there, or by files; what files of other runs, torn ones and missing ones do.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/dist/file_meeting.hpp>
#include <avss/dist/meeting.hpp>
#include <avss/dist/thread_group.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace avss {
namespace {

using namespace std::chrono_literals;
using bytes = std::vector<std::byte>;

bytes counted(std::size_t n) {
  bytes b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::byte>(7 * i + 250);
  return b;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

testing::AssertionResult says(const std::string& text, std::initializer_list<const char*> words) {
  if (text.empty()) return testing::AssertionFailure() << "nothing was thrown";
  if (text.find('\n') != text.npos) return testing::AssertionFailure() << "not one line: " << text;
  for (const char* w : words)
    if (text.find(w) == text.npos) return testing::AssertionFailure() << "'" << w << "' is not in: " << text;
  return testing::AssertionSuccess();
}

TEST(GroupMeeting, the_first_tells_the_others_and_machines_are_counted) {
  std::vector<int> locals(5);
  thread_group::run(5, [&](worker_group& g) {
    group_meeting m(g, g.rank() % 2 ? "odd/1" : "even/2");
    bytes data = g.first() ? counted(128) : bytes(128, std::byte{1});
    m.share(data);
    EXPECT_EQ(data, counted(128));
    EXPECT_EQ(m.missing(), "");
    locals[static_cast<std::size_t>(g.rank())] = m.local_rank();
  });
  EXPECT_EQ(locals, (std::vector<int>{0, 0, 1, 1, 2}));
}

class file_meeting_test : public testing::Test {
 protected:
  file_meeting_test() {
    std::string name = testing::TempDir() + "/meeting.XXXXXX";
    folder = ::mkdtemp(name.data());
    path = (folder / "run").string();
  }
  ~file_meeting_test() override { std::filesystem::remove_all(folder); }

  std::string file(const std::string& tail) const { return path + tail; }
  std::string text_of(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(name, std::ios::binary).rdbuf();
    return all.str();
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(name, std::ios::binary) << text; }
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& f : std::filesystem::directory_iterator(folder)) names.push_back(f.path().filename().string());
    return names;
  }

  // All members of a group on threads; what each has been told.
  std::vector<bytes> meet(int size, std::size_t n) const {
    std::vector<bytes> told(static_cast<std::size_t>(size));
    thread_group::run(size, [&](worker_group& g) {
      file_meeting m(path, g.rank(), size, 20s);
      bytes data = g.first() ? counted(n) : bytes(n);
      m.share(data);
      EXPECT_EQ(m.local_rank(), g.rank());
      told[static_cast<std::size_t>(g.rank())] = data;
    });
    return told;
  }
  // A member whom nobody joins.
  std::string alone(int rank, int size) const {
    return error_of([&] {
      bytes data(8);
      file_meeting(path, rank, size, 100ms).share(data);
    });
  }

  static std::string sealed(const std::string& body) {
    std::string sum(16, '0');
    std::uint64_t n = detail::hash_of(body);
    for (std::size_t i = 16; i-- > 0; n >>= 4) sum[i] = "0123456789abcdef"[n & 15];
    return body + "sum " + sum + "\n";
  }
  // The file of a worker of rank 0 of 2 that tells nothing.
  detail::held_file silent_first() const { return {file(".0"), sealed("avss-worker 0 of 2\n0123 1 here/1\n"), "test"}; }

  // Processes, ended with the test.
  struct child {
    template <class Body>
    explicit child(Body&& body) : id(::fork()) {
      if (id != 0) return;
      ::alarm(120);
      try {
        body();
      } catch (...) {
        ::_exit(3);
      }
      ::_exit(0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() { kill(); }
    void kill() {
      if (id <= 0) return;
      ::kill(id, SIGKILL);
      ::waitpid(id, nullptr, 0);
      id = 0;
    }
    pid_t id;
  };
  // Joins a group and stays.
  auto member(int rank, int size, std::size_t n) const {
    return [this, rank, size, n] {
      file_meeting m(path, rank, size, 20s);
      bytes data = rank == 0 ? counted(n) : bytes(n);
      m.share(data);
      ::pause();
    };
  }

  std::filesystem::path folder;
  std::string path;
};

TEST_F(file_meeting_test, everyone_is_told_what_the_first_has) {
  for (const int size : {1, 2, 5})
    for (const bytes& told : meet(size, 128)) EXPECT_EQ(told, counted(128));
  EXPECT_TRUE(left().empty()) << left().front();
}

TEST_F(file_meeting_test, files_that_a_killed_run_has_left_are_not_taken) {
  {
    child first(member(0, 2, 200)), second(member(1, 2, 200));
    for (const char* tail : {"", ".0.told", ".1.told"})
      while (!std::filesystem::exists(file(tail))) std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(left().size(), 5U);
  const std::string old = text_of(path);
  for (const bytes& told : meet(2, 16)) EXPECT_EQ(told, counted(16));
  EXPECT_TRUE(left().empty()) << left().front();
  // Nor is what the first one of it has told, whether or not the next first one has come.
  write(path, old);
  EXPECT_TRUE(says(alone(1, 2), {"there is no", "run.0", "within 0.1 s", "start all 2 with the same file"}));
  const detail::held_file first = silent_first();
  EXPECT_TRUE(says(alone(1, 2), {"run is of an earlier run"}));
}

TEST_F(file_meeting_test, says_who_is_missing) {
  EXPECT_TRUE(says(alone(0, 3), {"have not met within 0.1 s: there is no", "run.1"}));
  {
    child gone(member(1, 3, 8));
    while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
  }
  EXPECT_TRUE(says(alone(0, 3), {"run.1 was left by a worker that has ended (process"}));
  EXPECT_TRUE(std::filesystem::exists(file(".1"))) << "the file of another is not removed";
  EXPECT_FALSE(std::filesystem::exists(file(".0")));
}

TEST_F(file_meeting_test, torn_and_foreign_files_are_not_taken) {
  // Of a member.
  std::string whole;
  {
    child one(member(1, 2, 8));
    while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
    whole = text_of(file(".1"));
  }
  ASSERT_GT(whole.size(), 60U);
  for (const std::string& text : {whole.substr(0, whole.size() - 1), whole.substr(0, 30), std::string(), "x" + whole,
                                  std::string("sum 0000000000000000\n"), std::string(5000, '\0')}) {
    write(file(".1"), text);
    EXPECT_TRUE(says(alone(0, 2), {"run.1 is not a worker's file, or not a whole one"})) << text;
  }
  // Of the first: it is whole, of these members, or not taken.
  std::filesystem::remove(file(".1"));
  const detail::held_file first = silent_first();
  EXPECT_TRUE(says(alone(1, 2), {"there is no", "run of the worker of rank 0"}));
  for (const char* text : {"", "avss-workers", "sum cbf29ce484222325\n"}) {
    write(path, text);
    EXPECT_TRUE(says(alone(1, 2), {"run is not a file of workers, or not a whole one"})) << text;
  }
}

TEST_F(file_meeting_test, a_group_of_another_size_is_refused_at_once) {
  child one(member(1, 3, 8));
  while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(says(error_of([&] {
                     bytes data(8);
                     file_meeting(path, 0, 2, 60s).share(data);
                   }),
                   {"run.1", "is of rank 1 of 3, not 1 of 2"}));
}

TEST_F(file_meeting_test, two_of_one_rank_are_refused) {
  child one(member(1, 2, 8));
  while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(says(alone(1, 2), {"there is a worker of rank 1 already (process", "of its own"}));
  EXPECT_TRUE(std::filesystem::exists(file(".1")));
}

TEST_F(file_meeting_test, who_is_replaced_says_so_and_leaves_the_others_file) {
  std::string said;
  {
    const std::jthread one([&] {
      said = error_of([&] {
        bytes data(8);
        file_meeting(path, 1, 2, 20s).share(data);
      });
    });
    while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
    write(file(".new"), "of another process");
    std::filesystem::rename(file(".new"), file(".1"));
  }
  EXPECT_TRUE(says(said, {"run.1: another process has come with rank 1"}));
  EXPECT_EQ(text_of(file(".1")), "of another process");
}

TEST_F(file_meeting_test, data_of_another_size_are_refused) {
  child first(member(0, 2, 16));
  EXPECT_TRUE(says(error_of([&] {
                     bytes data(8);
                     file_meeting(path, 1, 2, 20s).share(data);
                   }),
                   {"tells 16 bytes, 8 are expected"}));
}

TEST_F(file_meeting_test, the_end_of_a_process_is_noticed) {
  child second(member(1, 3, 8)), third(member(2, 3, 8));
  file_meeting m(path, 0, 3, 20s);
  bytes data = counted(8);
  m.share(data);
  EXPECT_EQ(m.missing(), "");
  const std::string process = joined("process ", static_cast<long>(third.id));
  third.kill();
  EXPECT_TRUE(says(m.missing(), {"the worker of rank 2 of 3", process.c_str(), "has ended"}));
  EXPECT_TRUE(says(m.missing(), {"rank 2"})) << "asked again";
}

TEST_F(file_meeting_test, the_end_of_a_process_before_all_have_met_is_noticed) {
  child one(member(1, 3, 8));
  while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
  const std::string process = joined("process ", static_cast<long>(one.id));
  const std::jthread later([&] {
    while (!std::filesystem::exists(file(".0"))) std::this_thread::sleep_for(5ms);
    std::this_thread::sleep_for(200ms);
    one.kill();
  });
  EXPECT_TRUE(says(error_of([&] {
                     bytes data(8);
                     file_meeting(path, 0, 3, 15s).share(data);
                   }),
                   {"the worker of rank 1 of 3", process.c_str(), "has ended before all had met"}));
}

// As where a run is started again while the last one still ends.
TEST_F(file_meeting_test, a_process_that_is_replaced_in_time_is_not_missed) {
  child old(member(1, 3, 16));
  while (!std::filesystem::exists(file(".1"))) std::this_thread::sleep_for(5ms);
  std::string said = "nothing";
  std::jthread first([&] {
    said = error_of([&] {
      bytes data = counted(16);
      file_meeting(path, 0, 3, 60s).share(data);
    });
  });
  while (!std::filesystem::exists(file(".0"))) std::this_thread::sleep_for(5ms);
  std::this_thread::sleep_for(100ms);
  old.kill();
  std::this_thread::sleep_for(300ms);
  child next(member(1, 3, 16)), last(member(2, 3, 16));
  first.join();
  EXPECT_EQ(said, "");
}

// The first one's share ends when the others have what it told, or have ended.
TEST_F(file_meeting_test, all_wait_until_everyone_is_told) {
  for (const char* told : {"", "of another run"}) {
    const std::string body = "avss-worker 1 of 2\n0123 1 here/1\n";
    const detail::held_file second(file(".1"), sealed(body), "test");
    if (*told) write(file(".1.told"), told);
    EXPECT_TRUE(says(alone(0, 2), {"there is no", "run.1.told, or it is of an earlier run"}));
  }
  detail::held_file second(file(".1"), sealed("avss-worker 1 of 2\n0123 1 here/1\n"), "test");
  const std::jthread later([&] {
    while (!std::filesystem::exists(path)) std::this_thread::sleep_for(5ms);
    second = {};
  });
  file_meeting m(path, 0, 2, 20s);
  bytes data(8);
  m.share(data);
  EXPECT_TRUE(says(m.missing(), {"the worker of rank 1 of 2 (process 1 on here) has ended"}));
}

TEST_F(file_meeting_test, refuses_ranks_and_folders_that_are_not_there) {
  EXPECT_TRUE(says(error_of([&] { file_meeting(path, 2, 2); }), {"not rank 2 of 2"}));
  EXPECT_TRUE(says(error_of([&] { file_meeting(path, -1, 2); }), {"not rank -1 of 2"}));
  path = (folder / "none" / "run").string();
  EXPECT_TRUE(says(alone(0, 1), {"none/run.0", "cannot be made: No such file or directory"}));
}

}  // namespace
}  // namespace avss
