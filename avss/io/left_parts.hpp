// What killed processes left half written under hidden names of their own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace avss {

// Marks the open file or folder as being made, until its last descriptor is closed, which a process's end does. Where there are
// no locks it is not marked.
inline void mark_as_being_made(int fd) { (void)::flock(fd, LOCK_SH | LOCK_NB); }

namespace detail {

// Takes "123" off the front; -1 where there is none.
inline long take_number(std::string_view& text) {
  long n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool digits = !text.empty() && text.front() >= '0' && text.front() <= '9';
  if (code != std::errc() || !digits) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return n;
}

inline bool is_dead(long process) {
  return process > 0 && process <= 0x7fffffff && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH;
}

// A process of another container or machine, whose number says nothing here, may still be at it.
inline bool is_being_made(const std::filesystem::path& part) {
  const int fd = ::open(part.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return true;
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
  ::close(fd);
  return locked;
}

}  // namespace detail

// A hidden name: `begin`, the number of the process that makes it, "-", anything of digits and "kept-", `end`.
struct part_name {
  std::string_view begin, end;

  // The process, or none (-1) for any other name.
  long process_of(std::string_view name) const {
    if (!name.starts_with(begin) || !name.ends_with(end) || name.size() < begin.size() + end.size()) return -1;
    name.remove_prefix(begin.size());
    name.remove_suffix(end.size());
    const long process = detail::take_number(name);
    if (process <= 0 || !name.starts_with('-')) return -1;
    name.remove_prefix(1);
    if (name.starts_with("kept-")) name.remove_prefix(5);
    return detail::take_number(name) >= 0 && name.empty() ? process : -1;
  }
};

// Removes from the folder what processes made under such a name that are dead, unless somebody else is marked as making it. All
// other files stay. What cannot be removed stays, too: it is no error.
inline void remove_left_parts(const std::filesystem::path& folder, const part_name& of) {
  namespace fs = std::filesystem;
  std::error_code code, ignored;
  for (fs::directory_iterator e(folder, code), end; !code && e != end; e.increment(code)) {
    const bool plain = !e->is_symlink(ignored) && (e->is_regular_file(ignored) || e->is_directory(ignored));
    if (!plain || !detail::is_dead(of.process_of(e->path().filename().string())) || detail::is_being_made(e->path())) continue;
    fs::remove_all(e->path(), ignored);
  }
}

// The same of the temporary files of an atomic_file of that path. They are not marked.
inline void remove_left_temporaries_of(const std::filesystem::path& target) {
  const std::string begin = "." + target.filename().string().substr(0, 64) + ".";
  remove_left_parts(target.has_parent_path() ? target.parent_path() : ".", {begin, ".tmp"});
}

// The same of all files of a folder that is ours alone; those touched within the last hour stay.
inline void remove_left_temporaries(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code code, ignored;
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (fs::directory_iterator e(folder, code), end; !code && e != end; e.increment(code)) {
    const std::string name = e->path().filename().string();
    const std::size_t dot =
        name.size() > 5 && name.front() == '.' && name.ends_with(".tmp") ? name.rfind('.', name.size() - 5) : 0;
    if (dot == 0 || dot == std::string::npos || e->is_symlink(ignored) || !e->is_regular_file(ignored)) continue;
    const long process = part_name{std::string_view(name).substr(0, dot + 1), ".tmp"}.process_of(name);
    const auto touched = e->last_write_time(code);
    if (!code && detail::is_dead(process) && touched < long_ago) fs::remove(e->path(), ignored);
    code.clear();
  }
}

}  // namespace avss
