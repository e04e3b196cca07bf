// TensorBoard's event files: records one after another, each with its length and checksums of both.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/track/crc32c.hpp>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

// length (8 bytes), its masked CRC, the bytes, their masked CRC
inline std::string framed_record(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  store_le(out, static_cast<std::uint64_t>(bytes.size()));
  store_le(out, masked_crc32c(out));
  out += bytes;
  store_le(out, masked_crc32c(bytes));
  return out;
}

// A new file that grows record by record. Each is handed to the system in one piece: who reads the file meanwhile sees whole
// records, but for the last at worst, and so does who reads it after a crash of this process.
class event_file {
 public:
  explicit event_file(std::string path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (fd_ < 0) detail::fail_to_write(path_, "creating it", errno);
  }
  event_file(event_file&& from) noexcept : path_(std::move(from.path_)), fd_(std::exchange(from.fd_, -1)), size_(from.size_) {}
  event_file& operator=(event_file&&) = delete;
  ~event_file() {
    if (fd_ >= 0) ::close(fd_);
  }

  // Throws error; what was written of the record is then taken back, so that the file stays readable.
  void append(std::string_view record) {
    const std::string bytes = framed_record(record);
    try {
      detail::write_all(fd_, as_bytes_of(bytes), path_);
    } catch (...) {
      (void)!::ftruncate(fd_, static_cast<off_t>(size_));
      throw;
    }
    size_ += bytes.size();
  }
  // What was appended survives a power cut.
  void sync() { (void)::fsync(fd_); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// The event files of a folder, in the order in which TensorBoard reads them.
inline std::vector<std::filesystem::path> event_files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code code;
  for (std::filesystem::directory_iterator e(folder, code), end; !code && e != end; e.increment(code))
    if (e->path().filename().string().starts_with("events.out.tfevents.")) files.push_back(e->path());
  std::sort(files.begin(), files.end());
  return files;
}

// A name behind those that are there: the number after "tfevents" is the time of the beginning, in seconds.
inline std::filesystem::path new_event_file(const std::filesystem::path& folder, double wall) {
  constexpr std::string_view stem = "events.out.tfevents.";
  auto time = static_cast<std::int64_t>(wall);
  for (const std::filesystem::path& f : event_files_in(folder)) {
    const std::string name = f.filename().string();
    std::int64_t there = 0;
    std::from_chars(name.data() + stem.size(), name.data() + name.size(), there);
    constexpr std::int64_t last = 9'999'999'998;  // of ten digits, so that names are in the order of their numbers
    if (there <= last) time = std::max(time, there + 1);
  }
  char digits[32];
  std::snprintf(digits, sizeof digits, "%010lld", static_cast<long long>(time));
  return folder / (std::string(stem) + digits + ".avss");
}

namespace detail {

struct open_file {
  int fd;
  ~open_file() {
    if (fd >= 0) ::close(fd);
  }
  // Whether all of it is there.
  bool read(std::string& into, std::uint64_t from, std::uint64_t size) const {
    into.resize(size);
    for (std::size_t got = 0; got < size;) {
      const ssize_t n = ::pread(fd, into.data() + got, size - got, static_cast<off_t>(from + got));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }
};

}  // namespace detail

// Cuts the file before the first record that `goes`, and before a torn one at its end. A record that is damaged within the
// file ends the search: it and all behind it stay. Throws error.
inline void cut_event_file(const std::filesystem::path& path, const std::function<bool(std::string_view record)>& goes) {
  const detail::open_file file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
    fail(path.string(), ": cannot be opened: ", std::strerror(errno), "; check the path and its permissions");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const auto crc_at = [](const std::string& bytes, std::size_t at) {
    return load_le<std::uint32_t>(as_bytes_of(bytes).data() + at);
  };
  std::string head, body;
  for (std::uint64_t at = 0; at < size;) {
    const bool whole = size - at >= 16 && file.read(head, at, 12);
    if (whole && crc_at(head, 8) != masked_crc32c(std::string_view(head).substr(0, 8))) return;
    const std::uint64_t length = whole ? load_le<std::uint64_t>(as_bytes_of(head).data()) : 0;
    const bool torn = !whole || length > size - at - 16 || !file.read(body, at + 12, length + 4);
    const std::string_view record = torn ? "" : std::string_view(body).substr(0, length);
    if (!torn && crc_at(body, length) != masked_crc32c(record)) return;
    if (torn || goes(record)) {
      if (::ftruncate(file.fd, static_cast<off_t>(at)) != 0) detail::fail_to_write(path.string(), "shortening it", errno);
      return;
    }
    at += length + 16;
  }
}

}  // namespace avss
