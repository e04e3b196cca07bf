#include "tests/support/faulty_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>

namespace avss::testing {
namespace {

struct state {
  bool on = false;
  fault kind = fault::none;
  std::int64_t at = 0, calls = 0;
  int error = 0;
} now;

// What this call meets.
fault meet() {
  if (!now.on) return fault::none;
  const std::int64_t call = now.calls++;
  if (now.kind == fault::torn_error && call == now.at + 1) return fault::error;
  return call == now.at ? now.kind : fault::none;
}

int fail_with(int error) {
  errno = error;
  return -1;
}

// A call that moves no bytes.
template <class Call>
int change(Call&& call) {
  switch (meet()) {
    case fault::error:
    case fault::torn_error: return fail_with(now.error);
    case fault::end: ::_exit(0);
    default: return static_cast<int>(call());
  }
}

// half(): writes half of the bytes.
template <class Half, class Whole>
ssize_t transfer(int fd, Half&& half, Whole&& whole) {
  switch (fd > STDERR_FILENO ? meet() : fault::none) {
    case fault::none: return whole();
    case fault::error: return fail_with(now.error);
    case fault::end: half(); ::_exit(0);
    default: return half();
  }
}

}  // namespace

faulty_calls::faulty_calls(fault kind, std::int64_t at, int error) { now = {true, kind, at, 0, error}; }
faulty_calls::~faulty_calls() { now.on = false; }
std::int64_t faulty_calls::calls() const { return now.calls; }

}  // namespace avss::testing

using avss::testing::change;
using avss::testing::transfer;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  const auto call = [&] { return ::syscall(SYS_openat, AT_FDCWD, path, flags, mode); };
  return (flags & O_CREAT) != 0 ? change(call) : static_cast<int>(call());
}

ssize_t write(int fd, const void* bytes, std::size_t n) {
  const auto put = [&](std::size_t count) { return ::syscall(SYS_write, fd, bytes, count); };
  return transfer(
      fd, [&] { return put((n + 1) / 2); }, [&] { return put(n); });
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  return transfer(
      fd, [&] { return ::syscall(SYS_write, fd, parts[0].iov_base, (parts[0].iov_len + 1) / 2); },
      [&] { return ::syscall(SYS_writev, fd, parts, count); });
}

int fsync(int fd) {
  return change([&] { return ::syscall(SYS_fsync, fd); });
}
int rename(const char* from, const char* to) noexcept {
  return change([&] { return ::syscall(SYS_rename, from, to); });
}
int link(const char* from, const char* to) noexcept {
  return change([&] { return ::syscall(SYS_link, from, to); });
}
int unlink(const char* path) noexcept {
  return change([&] { return ::syscall(SYS_unlink, path); });
}
int remove(const char* path) noexcept {
  return change([&] {
    struct stat about {};
    const bool folder = ::lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
    return ::syscall(folder ? SYS_rmdir : SYS_unlink, path);
  });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return change([&] { return ::syscall(SYS_mkdir, path, mode); });
}

}  // extern "C"
