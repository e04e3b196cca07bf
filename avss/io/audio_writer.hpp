// Mono float wav files that are either complete or not there.
#pragma once

#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <avss/core/error.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/left_parts.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace avss {

// Writes IEEE float32 wav (format tag 3), one channel, beside the target under a hidden name. finish() makes the data
// durable, publish() renames it to the target; a writer destroyed before that leaves nothing. Same samples, same bytes.
class audio_writer {
 public:
  // `inputs` are files that must survive: error if `target` is one of them, under whatever name.
  audio_writer(std::filesystem::path target, int rate, std::span<const std::filesystem::path> inputs = {})
      : target_(std::move(target)) {
    std::error_code ignored;
    for (const std::filesystem::path& input : inputs)
      if (target_.lexically_normal() == input.lexically_normal() || std::filesystem::equivalent(target_, input, ignored))
        fail(target_.string(), ": is the input file ", input.string(), "; choose another folder for the output");
    if (std::filesystem::is_directory(target_, ignored))
      fail(target_.string(), ": is a folder; expected the name of a wav file to write");
    if (rate <= 0) fail(target_.string(), ": cannot have a sample rate of ", rate, " Hz");

    open_part();
    SF_INFO format{};
    format.samplerate = rate;
    format.channels = 1;
    format.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    file_.reset(sf_open_fd(fd_.get(), SFM_WRITE, &format, SF_FALSE));
    if (!file_) {
      const std::string reason = detail::sndfile_message();
      remove_part();
      fail(target_.string(), ": writing failed at the header: ", reason, "; nothing is left behind");
    }
    sf_command(file_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);  // it holds the time of writing
  }

  audio_writer(audio_writer&& other) noexcept
      : target_(std::move(other.target_)),
        part_(std::exchange(other.part_, {})),
        fd_(std::move(other.fd_)),
        file_(std::move(other.file_)),
        frames_(other.frames_) {}
  audio_writer& operator=(audio_writer&&) = delete;
  ~audio_writer() {
    file_.reset();
    remove_part();
  }

  const std::filesystem::path& target() const { return target_; }
  dim_t frames() const { return frames_; }

  // Throws error when the disk is full, when the file would pass wav's 4 GiB, and for NaN or infinite samples.
  void write(std::span<const float> samples) {
    for (std::size_t i = 0; i < samples.size(); ++i)
      if (!std::isfinite(samples[i]))
        fail(target_.string(), ": not written: sample ", frames_ + static_cast<dim_t>(i), " is ",
             std::isnan(samples[i]) ? "NaN" : "infinite");
    if ((frames_ + static_cast<dim_t>(samples.size())) * 4 > max_bytes)
      fail(target_.string(), ": not written: longer than a wav file's 4 GiB; cut the input into parts");
    errno = 0;
    if (sf_write_float(file_.get(), samples.data(), static_cast<sf_count_t>(samples.size())) !=
        static_cast<sf_count_t>(samples.size()))
      refuse_write();
    frames_ += static_cast<dim_t>(samples.size());
  }

  // Completes the header and waits until the bytes are on the disk. Nothing can be written afterwards.
  void finish() {
    if (!file_) return;
    errno = 0;
    const int closed = sf_close(file_.release());
    struct stat status;
    // libsndfile does not report every failed write of its header.
    if (closed != 0 || ::fsync(fd_.get()) != 0 || ::fstat(fd_.get(), &status) != 0 || status.st_size < 44 + 4 * frames_)
      refuse_write();
  }

  // Gives the file its name, replacing an earlier output. Calls finish().
  void publish() {
    finish();
    if (::rename(part_.c_str(), target_.c_str()) != 0)
      fail(target_.string(), ": cannot be put in place: ", detail::system_message(errno));
    part_.clear();
    fd_ = detail::descriptor();
    // The new name survives a power cut once its folder is written too; that some file systems refuse this is no error.
    detail::descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() >= 0) ::fsync(folder.get());
  }

 private:
  static constexpr dim_t max_bytes = (dim_t{1} << 32) - 4096;

  static std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  }

  void open_part() {
    static std::atomic<unsigned> serial{0};
    int fd = -1;
    do {  // O_EXCL: two processes never share a file. The target's own name may already fill the 255 bytes of a name.
      const std::string name = ".part-" + std::to_string(::getpid()) + "-" + std::to_string(serial++) + ".wav";
      part_ = folder_of(target_) / name;
      fd = ::open(part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0) {
      const int code = errno;
      part_.clear();
      fail(target_.string(), ": cannot be created: ", detail::system_message(code),
           code == ENOENT ? "; make its folder first" : "; choose a folder that can be written");
    }
    mark_as_being_made(fd);
    fd_ = detail::descriptor(fd);
  }

  void remove_part() noexcept {
    if (!part_.empty()) ::unlink(part_.c_str());
    part_.clear();
  }

  [[noreturn]] void refuse_write() {
    const int code = errno;
    const std::string reason = code != 0 ? detail::system_message(code) : "the disk took less than it was given";
    fail(target_.string(), ": writing failed after ", frames_, " samples: ", reason,
         "; nothing is left behind; free some space or choose another disk");
  }

  std::filesystem::path target_, part_;
  detail::descriptor fd_;
  detail::sndfile_handle file_;
  dim_t frames_ = 0;
};

// Removes from the folder what processes left that were killed while they wrote there; see remove_left_parts().
inline void remove_left_audio(const std::filesystem::path& folder) { remove_left_parts(folder, {".part-", ".wav"}); }

// A whole signal at once.
inline void write_audio(const std::filesystem::path& target, int rate, std::span<const float> samples,
                        std::span<const std::filesystem::path> inputs = {}) {
  audio_writer writer(target, rate, inputs);
  writer.write(samples);
  writer.publish();
}

}  // namespace avss
