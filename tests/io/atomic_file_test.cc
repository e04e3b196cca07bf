#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <avss/io/atomic_file.hpp>
#include <avss/io/read_file.hpp>
#include <csignal>
#include <stdexcept>
#include <string>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::error_of;
using testing::expect_error;
using testing::files_in;
using testing::fresh_folder;
using testing::read_text;
using testing::write_text;

TEST(atomic_file, writes_and_replaces) {
  const std::string folder = fresh_folder(), path = folder + "a.bin";
  for (std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{300000}}) {
    const std::string text(size, 'x');
    atomic_file file(path);
    file.write(text.substr(0, size / 3));
    file.write(text.substr(size / 3));
    EXPECT_EQ(file.position(), size);
    file.commit();
    EXPECT_EQ(read_text(path), text);
    EXPECT_EQ(files_in(folder), 1u);
    EXPECT_THROW(file.write("more"), error);
    EXPECT_THROW(file.commit(), error);
  }
}

TEST(atomic_file, leaves_the_target_alone_without_commit) {
  const std::string folder = fresh_folder(), path = folder + "a.bin";
  write_text(path, "old");
  { atomic_file(path).write("new"); }
  EXPECT_EQ(read_text(path), "old");
  try {
    atomic_file file(path);
    file.write("new");
    throw std::runtime_error("the caller's own");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(atomic_file, keeps_permissions_and_follows_links) {
  const std::string folder = fresh_folder(), path = folder + "a.bin", link = folder + "link";
  write_text(path, "old");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  ASSERT_EQ(::symlink("a.bin", link.c_str()), 0);
  write_file_atomically(link, as_bytes_of("new"));
  EXPECT_EQ(read_text(path), "new");
  struct stat info {};
  ASSERT_EQ(::lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(atomic_file, full_disk_leaves_nothing_behind) {
  const std::string folder = fresh_folder(), path = folder + "a.bin";
  write_text(path, "old");
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 100000;
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto at_once = [&] { write_file_atomically(path, as_bytes_of(std::string(200000, 'x'))); };
  const auto in_pieces = [&] {
    atomic_file file(path);
    for (int i = 0; i < 2000; ++i) file.write(std::string(100, 'x'));
    file.commit();
  };
  const std::string one = error_of(at_once), two = error_of(in_pieces);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  for (const std::string& line : {one, two}) {
    EXPECT_EQ(line.find(path + ": cannot be written: writing: File too large; free some space"), 0u) << line;
  }
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(atomic_file, no_space_left_on_device) {
  const int fd = ::open("/dev/full", O_WRONLY);
  if (fd < 0) GTEST_SKIP() << "no /dev/full here";
  expect_error([&] { detail::write_all(fd, as_bytes_of("x"), "weights.pth"); },
               "weights.pth: cannot be written: writing: No space left on device; free some space");
  ::close(fd);
}

TEST(atomic_file, bad_places) {
  const std::string folder = fresh_folder();
  write_text(folder + "file", "");
  expect_error([&] { atomic_file{folder + "none/a.bin"}; }, "No such file or directory; create the folder first");
  expect_error([&] { atomic_file{folder + "file/a.bin"}; }, "Not a directory; create the folder first");
  expect_error([&] { atomic_file{folder}; }, "it is a directory; name a file inside it");
  expect_error([&] { atomic_file{"/dev/null"}; }, "it is no regular file");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(atomic_file, read_only_folder) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const std::string folder = fresh_folder();
  ASSERT_EQ(::chmod(folder.c_str(), 0500), 0);
  expect_error([&] { atomic_file{folder + "a.bin"}; }, "Permission denied; choose a folder that you may write to");
  ::chmod(folder.c_str(), 0700);
}

TEST(read_file, says_what_is_wrong) {
  const std::string folder = fresh_folder();
  expect_error([&] { read_file(folder + "none"); }, "none: cannot be opened: No such file or directory");
  expect_error([&] { read_file(folder); }, "is a directory");
  expect_error([&] { read_file("/dev/null"); }, "is no regular file");
  write_text(folder + "a", "abc");
  EXPECT_EQ(read_file(folder + "a").size(), 3u);
  EXPECT_EQ(input_file(folder + "a").prefix(2).size(), 2u);
}

}  // namespace
}  // namespace avss
