// Files that are either written whole or not at all.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace avss {
namespace detail {

// How to mend a failed write, by errno.
inline const char* write_remedy(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "free some space or choose another disk";
    case EACCES:
    case EPERM:
    case EROFS: return "choose a folder that you may write to";
    case ENOENT:
    case ENOTDIR: return "create the folder first";
    default: return "check the disk and the path";
  }
}

[[noreturn]] inline void fail_to_write(const std::string& path, const char* doing, int number) {
  fail(path, ": cannot be written: ", doing, ": ", std::strerror(number), "; ", write_remedy(number));
}

// Writes all of it, or throws with `path` in the message.
inline void write_all(int fd, byte_span bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_to_write(path, "writing", errno);
    if (n == 0) fail_to_write(path, "writing", ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace detail

// Writes beside the target under a name of its own, then renames: a reader sees the old file or the new one, never a
// part. Without commit(), or when anything throws, the temporary file is removed and the target stays as it was.
// A symbolic link is followed, an existing file's permission bits are kept. Throws avss::error.
class atomic_file {
 public:
  explicit atomic_file(std::string path) : asked_(std::move(path)), target_(asked_) {
    if (char* real = ::realpath(asked_.c_str(), nullptr)) {
      target_ = real;
      std::free(real);
    }
    struct stat old {};
    const bool exists = ::stat(target_.c_str(), &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) fail(asked_, ": cannot be written: it is a directory; name a file inside it");
    if (exists && !S_ISREG(old.st_mode)) fail(asked_, ": cannot be written: it is no regular file; choose another name");
    const std::size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : target_.substr(0, slash + 1);
    // A name of bounded length: the target's own name may already be as long as the file system allows.
    const std::string leaf = target_.substr(folder.size()).substr(0, 64);
    do {
      struct timespec now {};
      ::clock_gettime(CLOCK_MONOTONIC, &now);
      temporary_ = folder + "." + leaf + "." + std::to_string(::getpid()) + "-" + std::to_string(now.tv_nsec) + ".tmp";
      fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd_ < 0 && errno == EEXIST);
    if (fd_ < 0) detail::fail_to_write(asked_, "creating a file beside it", errno);
    if (exists) (void)!::fchmod(fd_, old.st_mode & 07777);
    buffer_.reserve(buffer_bytes);
  }
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file() { discard(); }

  void write(byte_span bytes) {
    if (fd_ < 0) fail(asked_, ": cannot be written: an earlier write failed or the file was committed already");
    position_ += bytes.size();
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() > buffer_bytes) return put(bytes);
    buffer_.append(as_text(bytes));
  }
  void write(std::string_view text) { write(as_bytes_of(text)); }

  // Bytes written so far.
  std::uint64_t position() const { return position_; }
  const std::string& path() const { return asked_; }

  // Makes the file durable and gives it its name.
  void commit() {
    if (fd_ < 0) fail(asked_, ": cannot be written: an earlier write failed or the file was committed already");
    flush();
    if (::fsync(fd_) != 0) give_up("flushing to disk");
    const int fd = std::exchange(fd_, -1);
    // close() may be the first to tell of a full disk (network file systems).
    if (::close(fd) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
      const int number = errno;
      ::unlink(temporary_.c_str());
      detail::fail_to_write(asked_, "renaming the finished file", number);
    }
    sync_folder();
  }

 private:
  static constexpr std::size_t buffer_bytes = 1 << 16;

  void put(byte_span bytes) {
    try {
      detail::write_all(fd_, bytes, asked_);
    } catch (...) {
      discard();
      throw;
    }
  }
  void flush() {
    put(as_bytes_of(buffer_));
    buffer_.clear();
  }
  [[noreturn]] void give_up(const char* doing) {
    const int number = errno;
    discard();
    detail::fail_to_write(asked_, doing, number);
  }
  void discard() {
    if (fd_ < 0) return;
    ::close(std::exchange(fd_, -1));
    ::unlink(temporary_.c_str());
  }
  // The new name survives a power cut only when the folder is on disk; some file systems refuse, which is no error.
  void sync_folder() const {
    const std::size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)::fsync(fd);
    ::close(fd);
  }

  std::string asked_, target_, temporary_, buffer_;
  std::uint64_t position_ = 0;
  int fd_ = -1;
};

// The whole text or nothing, in one call.
inline void write_file_atomically(const std::string& path, byte_span bytes) {
  atomic_file file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace avss
