// The folder of a training run.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/read_file.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

// As long as it lives, no other process trains in the folder. The system lets go of it when the process ends, however it ends.
class run_lock {
 public:
  explicit run_lock(const std::filesystem::path& folder) : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    // Where locks are not supported the run goes on without one.
    if (folder_ >= 0 && ::flock(folder_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(folder_);
      fail(folder.string(), ": another process is training there; wait for its end, or choose another writer.run_name=NAME");
    }
  }
  run_lock(run_lock&& from) noexcept : folder_(std::exchange(from.folder_, -1)) {}
  run_lock& operator=(run_lock&& from) noexcept {
    std::swap(folder_, from.folder_);
    return *this;
  }
  ~run_lock() {
    if (folder_ >= 0) ::close(folder_);
  }

 private:
  int folder_;
};

namespace detail {

// Names that only a run that was killed while it wrote leaves: those of atomic_file, a checkpoint that has not become the last
// one yet, and further names of a checkpoint.
inline bool is_half_written(std::string_view name) {
  if (name == "checkpoint-new.pth") return true;
  if (!name.ends_with(".tmp")) return false;
  for (const std::string_view begin :
       {".checkpoint-new.pth.", ".config.yaml.", ".config-until-step", ".metrics.csv.", ".metrics.jsonl."})
    if (name.starts_with(begin)) return true;
  return name.ends_with(".pth.tmp") && (name.starts_with("checkpoint-") || name.starts_with("model_best."));
}

inline void remove_half_written(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const std::filesystem::directory_entry& e : std::filesystem::directory_iterator(folder))
    if (is_half_written(e.path().filename().string())) std::filesystem::remove(e.path(), ignored);
}

}  // namespace detail

// Whether a run is there: any file but what one leaves that was killed before its first checkpoint.
inline bool holds_run(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code code;
  for (fs::directory_iterator e(folder, code), end; !code && e != end; e.increment(code))
    if (!detail::is_half_written(e->path().filename().string())) return true;
  // What cannot be looked into is not ours to use.
  return code && code != std::errc::no_such_file_or_directory && code != std::errc::not_a_directory;
}

// Throws error where a new run would meet an old one. Makes nothing.
inline void check_run_folder(const std::filesystem::path& folder, const std::string& resume_from) {
  if (resume_from.empty() && holds_run(folder))
    fail(folder.string(),
         ": a run is there already, and nothing of it is deleted; choose another writer.run_name=NAME, continue it with "
         "trainer.resume_from=checkpoint-last.pth, or move the folder away yourself");
}

// Makes the folder of a new run, or checks that the folder of a run to be resumed is there; what a killed process left half
// written goes. Nothing else in it is ever deleted or overwritten by a new run: one that is not empty is refused. Throws error.
inline run_lock open_run_folder(const std::filesystem::path& folder, const std::string& resume_from) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (!resume_from.empty()) {
    if (fs::path(resume_from).has_parent_path())
      fail("trainer.resume_from=", resume_from, ": expected the name of a checkpoint in ", folder.string(),
           ", without a folder");
    if (!fs::exists(folder / resume_from, code) &&
        !(resume_from == "checkpoint-last.pth" && fs::exists(folder / "checkpoint-previous.pth", code)))
      fail((folder / resume_from).string(), ": no such checkpoint to resume from");
    run_lock lock(folder);
    detail::remove_half_written(folder);
    return lock;
  }
  fs::create_directories(folder, code);
  if (code) fail(folder.string(), ": cannot be made: ", code.message(), "; choose another trainer.save_dir");
  run_lock lock(folder);
  check_run_folder(folder, resume_from);
  detail::remove_half_written(folder);
  return lock;
}

// Writes config.yaml. Where it says something else, the run goes on with another configuration from `step` on, and the former
// one is kept as config-until-stepN.yaml. One that is there by that name did the steps up to N, and stays.
inline void write_config(const std::filesystem::path& folder, const std::string& text, std::int64_t step) {
  const std::string path = (folder / "config.yaml").string();
  std::error_code code;
  if (std::filesystem::exists(path, code)) {
    const std::vector<std::byte> before = read_file(path);
    if (as_text(before) == text) return;
    const std::string kept = (folder / ("config-until-step" + std::to_string(step) + ".yaml")).string();
    if (!std::filesystem::exists(kept, code)) write_file_atomically(kept, before);
  }
  write_file_atomically(path, as_bytes_of(text));
}

}  // namespace avss
