// Files that tell whether the process that made them still lives.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <avss/core/error.hpp>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace avss::detail {

inline std::string reason(int code) { return std::generic_category().message(code); }

class descriptor {
 public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  descriptor& operator=(descriptor&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A file of this process: whole from the moment at which it has its name, locked until the process ends, however it ends.
// Removed with its object, where nobody has put another one in its place.
class held_file {
 public:
  held_file() = default;
  // Throws where the folder cannot be written, or its file system has no locks.
  held_file(const std::string& path, std::string_view text, std::string_view unique) : path_(path) {
    const std::string beside = joined(path, ".", unique, ".part");
    file_ = descriptor(::open(beside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file_) fail(beside, ": a file of a group of workers cannot be made: ", reason(errno));
    const auto refuse = [&](const char* what) {
      const int code = errno;
      (void)::unlink(beside.c_str());
      fail(beside, ": a file of a group of workers cannot be ", what, ": ", reason(code), "; choose another folder");
    };
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) refuse("locked");
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
      if (n < 0 && errno != EINTR) refuse("written");
      if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(file_.get()) != 0) refuse("written");
    if (std::rename(beside.c_str(), path.c_str()) != 0) refuse("renamed");
  }
  held_file(held_file&&) = default;
  held_file& operator=(held_file&& o) noexcept {
    std::swap(path_, o.path_);
    std::swap(file_, o.file_);
    return *this;
  }
  ~held_file() {
    if (file_ && in_place()) (void)::unlink(path_.c_str());
  }

  // Whether the name is still this file's.
  bool in_place() const {
    struct stat own {
    }, there{};
    return ::fstat(file_.get(), &own) == 0 && ::stat(path_.c_str(), &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
  }

 private:
  std::string path_;
  descriptor file_;
};

// Another process's held_file.
class watched_file {
 public:
  watched_file() = default;
  explicit watched_file(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_ && errno != ENOENT && errno != ESTALE)
      fail(path, ": a file of a group of workers cannot be read: ", reason(errno));
  }

  bool found() const { return static_cast<bool>(file_); }
  // Of a file that was found: whether its process has ended.
  bool ended() const {
    if (::flock(file_.get(), LOCK_SH | LOCK_NB) != 0) return false;
    (void)::flock(file_.get(), LOCK_UN);
    return true;
  }
  // All of it, or as much as such a file can have.
  std::string text() const {
    std::string all;
    std::array<char, 4096> part;
    while (all.size() < most) {
      const ssize_t n = ::pread(file_.get(), part.data(), part.size(), static_cast<off_t>(all.size()));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      all.append(part.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 22;
  descriptor file_;
};

}  // namespace avss::detail
