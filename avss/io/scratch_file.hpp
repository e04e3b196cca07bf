// Samples that do not fit in memory, put aside on the disk.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/io/audio_reader.hpp>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace avss {

// A file without a name: it is gone with the object, however the program ends.
class scratch_file {
 public:
  explicit scratch_file(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::string name = (folder_ / ".scratch-XXXXXX").string();
    file_ = detail::descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (file_.get() < 0) fail(folder_.string(), ": no file can be made here: ", detail::system_message(errno));
    ::unlink(name.c_str());
  }

  std::size_t size() const { return written_; }  // samples

  void append(std::span<const float> samples) {
    const auto bytes = std::as_bytes(samples);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n =
          ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(4 * written_ + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        fail(folder_.string(), ": writing failed: ", detail::system_message(n < 0 ? errno : ENOSPC),
             "; free some space or choose another disk");
      done += static_cast<std::size_t>(n);
    }
    written_ += samples.size();
  }

  // Samples [from, from + out.size()); throws error where they were never written.
  void read(std::size_t from, std::span<float> out) const {
    const auto bytes = std::as_writable_bytes(out);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::pread(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(4 * from + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail(folder_.string(), ": reading back failed: ", n < 0 ? detail::system_message(errno) : "too short");
      done += static_cast<std::size_t>(n);
    }
  }

 private:
  std::filesystem::path folder_;
  detail::descriptor file_;
  std::size_t written_ = 0;
};

}  // namespace avss
