#include "tools/unpack_archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/printable.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

using reader = std::unique_ptr<struct archive, decltype(&archive_read_free)>;

[[noreturn]] void damaged(struct archive* a, const fs::path& path) {
  const char* why = archive_error_string(a);
  fail(path.string(), ": damaged archive: ", why ? why : "unknown form", "; nothing was unpacked; download it again");
}

// Of an archive of so many bytes: sound and pictures are not packed a hundredfold, what wants to fill a disk is.
std::uint64_t most_bytes(std::uint64_t packed) { return std::max<std::uint64_t>(std::uint64_t{1} << 30, 200 * packed); }

// Returns the bytes written, at most `most`.
std::uint64_t copy_entry(struct archive* a, const fs::path& archive, const fs::path& to, std::uint64_t most,
                         const std::function<void()>& stop) {
  std::uint64_t written = 0;
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    fail(archive.string(), ": has two entries named ", printable(to.filename().string()), "; nothing was unpacked");
  if (fd < 0) avss::detail::fail_to_write(to.string(), "creating it", errno);
  try {
    std::vector<char> buffer(1 << 18);
    for (;;) {
      stop();
      const la_ssize_t n = archive_read_data(a, buffer.data(), buffer.size());
      if (n < 0) damaged(a, archive);
      if (n == 0) break;
      written += static_cast<std::uint64_t>(n);
      if (written > most)
        fail(archive.string(), ": unfolds to more than 200 times its size, which no data set does; nothing was unpacked");
      avss::detail::write_all(fd, std::as_bytes(std::span(buffer).first(static_cast<std::size_t>(n))), to.string());
    }
  } catch (...) {
    ::close(fd);
    throw;
  }
  if (::close(fd) != 0) avss::detail::fail_to_write(to.string(), "writing", errno);
  return written;
}

}  // namespace

fs::path inside_path(const std::string& name, const std::string& archive) {
  const auto refuse = [&](const char* why) {
    fail(archive, ": the entry ", printable(name), " ", why, "; nothing was unpacked");
  };
  if (name.empty()) refuse("has no name");
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') refuse("has characters that no path should have");
  if (name.front() == '/') refuse("is an absolute path");
  fs::path inside;
  for (const fs::path& part : fs::path(name)) {
    if (part == "..") refuse("leads out of the folder");
    if (!part.empty() && part != ".") inside /= part;
  }
  return inside;
}

std::size_t unpack_archive(const fs::path& archive, const staged_folder& target, const std::function<void()>& stop) {
  const reader a(archive_read_new(), &archive_read_free);
  if (!a) fail("libarchive cannot start; free some memory");
  // Not all that there are: some are programs that libarchive would start.
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_bzip2(a.get());
  archive_read_support_filter_xz(a.get());
  archive_read_support_filter_zstd(a.get());
  archive_read_support_format_tar(a.get());
  archive_read_support_format_zip(a.get());
  constexpr std::size_t block = 1 << 18;
  if (archive_read_open_filename(a.get(), archive.c_str(), block) != ARCHIVE_OK) damaged(a.get(), archive);
  std::error_code code;
  const std::uint64_t packed = fs::file_size(archive, code);
  std::uint64_t left = most_bytes(code ? 0 : packed);
  std::size_t files = 0;
  for (archive_entry* entry = nullptr;;) {
    const int status = archive_read_next_header(a.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) damaged(a.get(), archive);
    const char* name = archive_entry_pathname(entry);
    const fs::path inside = inside_path(name ? name : "", archive.string());
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
        (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR))
      fail(archive.string(), ": the entry ", printable(inside.string()),
           " is neither a file nor a folder; nothing was unpacked");
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    if (inside.empty()) fail(archive.string(), ": has a file without a name; nothing was unpacked");
    if (archive_entry_sparse_count(entry) > 0)
      fail(archive.string(), ": the entry ", printable(inside.string()), " is a file with holes; nothing was unpacked");
    const std::uint64_t written = copy_entry(a.get(), archive, target.file(inside), left, stop);
    left -= written;
    if (archive_entry_size_is_set(entry) && static_cast<std::uint64_t>(archive_entry_size(entry)) != written)
      fail(archive.string(), ": damaged archive: the entry ", printable(inside.string()), " has ", written, " bytes, expected ",
           archive_entry_size(entry), "; nothing was unpacked; download it again");
    ++files;
  }
  if (files == 0) fail(archive.string(), ": there is no file in the archive");
  return files;
}

}  // namespace avss::tools
