// A whole file, or its first bytes, in memory.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace avss {

// An open file for reading. Throws avss::error for what is missing, unreadable, a directory or no regular file.
class input_file {
 public:
  explicit input_file(std::string path) : path_(std::move(path)) {
    // O_NONBLOCK: opening a pipe must not wait for its writer; it means nothing to a regular file.
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) fail(path_, ": cannot be opened: ", std::strerror(errno), "; check the path and its permissions");
    struct stat info {};
    const char* wrong = ::fstat(fd_, &info) != 0 ? "cannot be examined"
                        : S_ISDIR(info.st_mode)  ? "is a directory; name a file inside it"
                        : !S_ISREG(info.st_mode) ? "is no regular file; copy it to one"
                                                 : nullptr;
    if (wrong) {
      ::close(fd_);
      fail(path_, ": ", wrong);
    }
    size_ = static_cast<std::size_t>(info.st_size);
  }
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;
  ~input_file() { ::close(fd_); }

  std::size_t size() const { return size_; }

  // The first n bytes, fewer where the file is shorter.
  std::vector<std::byte> prefix(std::size_t n) {
    std::vector<std::byte> bytes(n < size_ ? n : size_);
    std::size_t got = 0;
    while (got < bytes.size()) {
      const ssize_t r = ::pread(fd_, bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
      if (r < 0 && errno == EINTR) continue;
      if (r < 0) fail(path_, ": cannot be read: ", std::strerror(errno), "; check the disk and copy the file again");
      if (r == 0) break;
      got += static_cast<std::size_t>(r);
    }
    bytes.resize(got);  // shorter where somebody cut the file meanwhile
    return bytes;
  }

 private:
  std::string path_;
  int fd_ = -1;
  std::size_t size_ = 0;
};

inline std::vector<std::byte> read_file(const std::string& path) {
  input_file file(path);
  return file.prefix(file.size());
}

}  // namespace avss
