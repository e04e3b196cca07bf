// Several files that appear together or not at all.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <avss/core/error.hpp>
#include <avss/io/left_parts.hpp>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace avss {

// Files are made in a hidden folder beside the target; publish() gives it the target's name. Where the target is there
// already, its files of the same names are replaced one by one and all others stay. Without publish(), or when anything
// throws before it, the target stays as it was and what was made is removed. What a process that was killed at it had made is
// removed when the next one is at the same target.
class staged_folder {
 public:
  // Makes the folders above the target. Throws error where that, or a folder beside it, cannot be made, and where the target is
  // no folder.
  explicit staged_folder(const std::filesystem::path& target) : target_(std::filesystem::absolute(target).lexically_normal()) {
    namespace fs = std::filesystem;
    if (!target_.has_filename()) target_ = target_.parent_path();
    static std::atomic<unsigned> serial{0};
    const std::string name = "." + target_.filename().string().substr(0, 64) + ".part-";
    std::error_code code;
    if (fs::exists(target_, code) && !fs::is_directory(target_, code))
      fail(target_.string(), ": is there and is no folder; choose another folder");
    fs::create_directories(target_.parent_path(), code);
    if (!code) remove_left_parts(target_.parent_path(), {name, ""});
    // A process of the same number may have left such a name in another container.
    fs::path part;
    for (bool made = false; !code && !made;)
      made = fs::create_directory(
                 part = target_.parent_path() / (name + std::to_string(::getpid()) + "-" + std::to_string(serial++)), code) &&
             mark(part);
    if (code) fail(target_.string(), ": cannot be made: ", code.message(), "; choose another folder");
    part_ = part;
  }
  staged_folder(const staged_folder&) = delete;
  staged_folder& operator=(const staged_folder&) = delete;
  ~staged_folder() {
    std::error_code ignored;
    if (!part_.empty()) std::filesystem::remove_all(part_, ignored);
    if (mark_ >= 0) ::close(mark_);
  }

  const std::filesystem::path& target() const { return target_; }

  // Where to make a file; the folder for it is there.
  std::filesystem::path file(const std::filesystem::path& inside) const {
    const std::filesystem::path path = part_ / inside;
    std::error_code code;
    std::filesystem::create_directories(path.parent_path(), code);
    if (code) fail((target_ / inside).string(), ": cannot be made: ", code.message(), "; choose another folder");
    return path;
  }

  // Runs `work`, which makes files: errors tell of the target, not of the hidden folder, which nobody will find.
  template <class Work>
  void make(Work&& work) const {
    try {
      work();
    } catch (const error& e) {
      std::string text = e.what();
      const std::string hidden = one_line(part_.string()), shown = one_line(target_.string());
      for (std::size_t at = 0; (at = text.find(hidden, at)) != std::string::npos; at += shown.size())
        text.replace(at, hidden.size(), shown);
      throw error(text);
    }
  }

  // In a target that is there, the file `last` comes last: it shows that all others are there.
  void publish(const std::filesystem::path& last) {
    namespace fs = std::filesystem;
    std::error_code code;
    fs::rename(part_, target_, code);  // where there is none, or an empty one
    if (!code) return part_.clear();
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(part_))
      if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), part_));
    std::stable_partition(files.begin(), files.end(), [&](const fs::path& f) { return f != last; });
    for (const fs::path& f : files) {
      fs::create_directories((target_ / f).parent_path(), code);
      if (!code) fs::rename(part_ / f, target_ / f, code);
      if (code) fail((target_ / f).string(), ": cannot be written: ", code.message(), "; choose another folder");
    }
  }

 private:
  // False where it was taken for a dead process's before it was marked.
  bool mark(const std::filesystem::path& part) {
    if (mark_ >= 0) ::close(mark_);
    mark_ = ::open(part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mark_ < 0) return errno != ENOENT;
    mark_as_being_made(mark_);
    struct stat status {};
    return ::fstat(mark_, &status) != 0 || status.st_nlink > 0;
  }

  std::filesystem::path target_, part_;
  int mark_ = -1;
};

}  // namespace avss
