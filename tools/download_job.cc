#include "tools/download_job.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/path_kind.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/sha256.hpp>
#include <avss/io/staged_folder.hpp>
#include <avss/train/progress.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <ostream>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/drive_page.hpp"
#include "tools/unpack_archive.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

// While it lives no other process holds one of the folder.
class folder_turn {
 public:
  explicit folder_turn(const fs::path& folder) : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) (void)::flock(fd_, LOCK_EX);  // where there are no locks, there is one process
  }
  folder_turn(const folder_turn&) = delete;
  folder_turn& operator=(const folder_turn&) = delete;
  ~folder_turn() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  int fd_;
};

// SHA256SUMS of a folder.
class sum_list {
 public:
  explicit sum_list(const fs::path& folder) : path_(folder / "SHA256SUMS") { read(); }
  std::string of(const std::string& name) const {
    const auto at = sums_.find(name);
    return at == sums_.end() ? "" : at->second;
  }
  void record(const std::string& name, const std::string& sum) {
    const folder_turn turn(path_.parent_path());
    read();  // what others have recorded meanwhile
    if (of(name) == sum) return;
    sums_[name] = sum;
    std::string text;
    for (const auto& [file, s] : sums_) text += s + "  " + file + "\n";
    write_file_atomically(path_.string(), as_bytes_of(text));
  }

 private:
  void read() {
    if (path_kind(path_) == fs::file_type::not_found) return;
    const std::vector<std::byte> bytes = read_file(path_.string());
    std::istringstream in{std::string(as_text(bytes))};
    for (std::string line; std::getline(in, line);) {
      if (line.size() < 67 || line.find_first_not_of("0123456789abcdef") != 64)
        fail(path_.string(), ": not the output of sha256sum: ", printable(line), "; mend the line or move the file away");
      sums_[line.substr(66)] = line.substr(0, 64);
    }
  }

  fs::path path_;
  std::map<std::string, std::string> sums_;
};

std::string sum_of_file(const fs::path& path, const transfer_options& t) {
  std::ifstream in(path, std::ios::binary);
  sha256 sum;
  std::vector<char> buffer(1 << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0) {
    sum.add(std::as_bytes(std::span(buffer).first(static_cast<std::size_t>(in.gcount()))));
    if (t.stop()) throw transfer_stopped();
  }
  if (in.bad() || !in.eof()) fail(path.string(), ": cannot be read; check the disk and its permissions");
  return sum.hex();
}

// The first bytes that files of a kind have; what a server says of its files' types is not to be relied on.
void check_kind(const fs::path& part, const std::string& name, const std::string& address) {
  using namespace std::string_view_literals;
  static const std::pair<std::string_view, std::vector<std::string_view>> kinds[] = {{".pth", {"PK\x03\x04"sv, "\x80\x02"sv}},
                                                                                     {".pt", {"PK\x03\x04"sv, "\x80\x02"sv}},
                                                                                     {".zip", {"PK\x03\x04"sv}},
                                                                                     {".wav", {"RIFF"sv, "RF64"sv}},
                                                                                     {".bz2", {"BZh"sv}},
                                                                                     {".gz", {"\x1f\x8b"sv}},
                                                                                     {".npz", {"PK\x03\x04"sv}}};
  input_file file(part.string());
  const std::vector<std::byte> bytes = file.prefix(8);
  const std::string_view head = as_text(bytes);
  for (const auto& [ending, heads] : kinds) {
    if (!name.ends_with(ending)) continue;
    for (const std::string_view h : heads)
      if (head.starts_with(h)) return;
    fail(address, ": what the server gives is no ", ending.substr(1), " file (it begins with ", printable(head),
         "); nothing was stored; check the address");
  }
}

// How far a file is: a bar that is redrawn on a terminal, a line every ten seconds elsewhere.
class byte_progress {
 public:
  byte_progress(std::ostream& out, bool terminal, std::string name) : out_(out), terminal_(terminal), name_(std::move(name)) {}
  ~byte_progress() {
    if (drawn_any_ && terminal_) out_ << "\r\033[K" << std::flush;
  }
  void show(std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (first_) first_ = false, begin_ = done, start_ = drawn_ = now;
    if (std::chrono::duration<double>(now - drawn_).count() < (terminal_ ? 0.2 : 10.)) return;
    drawn_ = now, drawn_any_ = true;
    const double rate = static_cast<double>(done - std::min(begin_, done)) /
                        std::max(std::chrono::duration<double>(now - start_).count(), 1e-9);
    char text[128];
    if (total > 0)
      std::snprintf(text, sizeof text, "%.1f/%.1f MB  %.1f MB/s  %s left", 1e-6 * static_cast<double>(done),
                    1e-6 * static_cast<double>(total), 1e-6 * rate,
                    clock_text(static_cast<double>(total - std::min(done, total)) / std::max(rate, 1.)).c_str());
    else
      std::snprintf(text, sizeof text, "%.1f MB  %.1f MB/s", 1e-6 * static_cast<double>(done), 1e-6 * rate);
    if (terminal_)
      out_ << redrawn(bar_text(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total)), name_ + "  " + text)
           << std::flush;
    else
      out_ << name_ << "  " << text << std::endl;
  }

 private:
  std::ostream& out_;
  bool terminal_, first_ = true, drawn_any_ = false;
  std::string name_;
  std::uint64_t begin_ = 0;
  std::chrono::steady_clock::time_point start_, drawn_;
};

class download {
 public:
  download(const download_options& o, std::ostream& out, std::ostream& err) : o_(o), out_(out), err_(err) {}

  // Whether all of the asset is there.
  bool take(const asset& a) {
    bool all = true;
    for (const std::string& file : a.files) {
      if (o_.transfer.stop()) throw transfer_stopped();
      try {
        take_file(a, file);
      } catch (const unreachable& e) {
        tell(a, e.what() + std::string(a.files.size() > 1 ? "; the other files are not tried" : ""));
        return false;
      } catch (const error& e) {
        tell(a, e.what());
        all = false;
      }
    }
    return all;
  }

 private:
  void tell(const asset& a, const std::string& what) { err_ << "download: " << one_line(a.name) << ": " << what << std::endl; }

  void take_file(const asset& a, const std::string& file) {
    const std::string name = percent_decoded(file);
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
      fail("the name of a file cannot be ", printable(name));
    std::error_code code;
    fs::create_directories(a.folder, code);
    if (code) fail(a.folder.string(), ": cannot be made: ", code.message(), "; choose another download.folder");
    sum_list sums(a.folder);
    const std::string known = a.sha256.empty() ? sums.of(name) : a.sha256;
    const fs::path target = a.folder / name, unpacked = a.folder / ("." + name + ".unpacked");
    if (a.unpack && path_kind(unpacked) != fs::file_type::not_found) {
      out_ << a.folder.string() << ": what " << name << " holds is there already" << std::endl;
      return;
    }
    const bool present = path_kind(target) != fs::file_type::not_found;
    if (present)
      check_present(target, name, known, sums);
    else
      fetch(a, file, name, known, sums);
    if (a.unpack) unpack(a, target, unpacked, !present);
  }

  void check_present(const fs::path& target, const std::string& name, const std::string& known, sum_list& sums) {
    const std::string found = sum_of_file(target, o_.transfer);
    if (!known.empty() && found != known)
      fail(target.string(), ": is there already and is another file than it should be: its sha256 is ", found, ", expected ",
           known, "; move it away, and the same command fetches it anew");
    sums.record(name, found);
    out_ << target.string() << ": is there already, sha256 " << found << (known.empty() ? ", which is recorded now" : "")
         << std::endl;
  }

  void fetch(const asset& a, const std::string& file, const std::string& name, const std::string& known, sum_list& sums) {
    const fs::path target = a.folder / name, part = target.string() + ".part";
    const std::string asked = address_of(a, file, o_.drive_address);
    transfer(a, asked, part, name);
    // What is not the file goes; what is stays, whatever the disk says afterwards.
    try {
      check_kind(part, name, asked);
    } catch (const error&) {
      forget(part);
      throw;
    }
    const std::string found = sum_of_file(part, o_.transfer);
    if (!known.empty() && found != known) {
      forget(part);
      fail(asked, ": the file that came has the sha256 ", found, ", expected ", known,
           "; nothing was stored; it may have been changed at its place");
    }
    sums.record(name, found);
    std::error_code code;
    fs::rename(part, target, code);
    if (code) fail(target.string(), ": cannot be written: ", code.message(), "; check the folder");
    const std::uint64_t bytes = fs::file_size(target, code);
    out_ << target.string() << ": " << bytes << " bytes, sha256 " << found
         << (known.empty() ? ", which is recorded and will be checked from now on" : ", as it should be") << std::endl;
    forget(part);
  }

  static void forget(const fs::path& part) {
    std::error_code ignored;
    fs::remove(part, ignored), fs::remove(state_of(part), ignored);
  }

  void transfer(const asset& a, const std::string& asked, const fs::path& part, const std::string& name) {
    byte_progress progress(out_, o_.terminal, name);
    transfer_options t = o_.transfer;
    t.progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
    t.note = [&](const std::string& what) { err_ << "note: " << one_line(what) << std::endl; };
    std::string address = asked;
    for (int pages = 0;; ++pages) {
      const std::optional<std::string> page = client_.fetch(address, part, asked, t);
      if (!page) return;
      if (a.drive.empty())
        fail(address, ": the server answers with a web page (", printable(title_of(*page)),
             ") in place of a file; nothing was ", "stored; check the address, and whether the network asks to sign in first");
      if (pages == 2) fail(address, ": Google Drive answers with one page after another; nothing was stored");
      address = confirmed_address(*page, address);
    }
  }

  // An archive that was there before stays.
  void unpack(const asset& a, const fs::path& archive, const fs::path& unpacked, bool remove) {
    out_ << archive.string() << ": unpacking" << std::endl;
    std::size_t files = 0;
    {
      staged_folder staged(a.folder / ".unpacked");
      files = unpack_archive(archive, staged, [this] {
        if (o_.transfer.stop()) throw transfer_stopped();
      });
      move_into(staged, a.folder, archive);
    }
    write_file_atomically(unpacked.string(), as_bytes_of(std::to_string(files) + " files\n"));
    std::error_code ignored;
    if (remove) fs::remove(archive, ignored);  // its files are there, and its sum is recorded
    out_ << a.folder.string() << ": " << files << " files" << (remove ? "; the archive is removed" : "") << std::endl;
  }

  static bool same_bytes(const fs::path& a, const fs::path& b) {
    std::error_code code;
    if (path_kind(a) != fs::file_type::regular || fs::file_size(a, code) != fs::file_size(b, code) || code) return false;
    std::ifstream x(a, std::ios::binary), y(b, std::ios::binary);
    std::vector<char> left(1 << 20), right(1 << 20);
    while (x && y) {
      x.read(left.data(), static_cast<std::streamsize>(left.size()));
      y.read(right.data(), static_cast<std::streamsize>(right.size()));
      if (x.gcount() != y.gcount() || std::memcmp(left.data(), right.data(), static_cast<std::size_t>(x.gcount())) != 0)
        return false;
    }
    return x.eof() && y.eof();
  }

  // What is there of the same name stays where it is the same, and is an error where it is not. An archive's own SHA256SUMS
  // has its name before it: the folder has one.
  static void move_into(const staged_folder& staged, const fs::path& folder, const fs::path& archive) {
    const fs::path from = staged.file("x").parent_path();
    std::vector<fs::path> files;
    for (const auto& e : fs::recursive_directory_iterator(from))
      if (e.is_regular_file()) files.push_back(fs::relative(e.path(), from));
    const auto to = [&](const fs::path& f) {
      return f == "SHA256SUMS" ? folder / (archive.filename().string() + ".SHA256SUMS") : folder / f;
    };
    for (const fs::path& f : files)
      if (path_kind(to(f)) != fs::file_type::not_found && !same_bytes(to(f), from / f))
        fail(to(f).string(), ": is there already and is another file than that of ", archive.string(),
             "; move it away, or choose another download.folder");
    for (const fs::path& f : files) {
      std::error_code code;
      fs::create_directories(to(f).parent_path(), code);
      if (!code) fs::rename(from / f, to(f), code);
      if (code) fail(to(f).string(), ": cannot be written: ", code.message(), "; check the folder");
    }
  }

  const download_options& o_;
  std::ostream &out_, &err_;
  http_client client_;
};

}  // namespace

std::string address_of(const asset& a, const std::string& file, const std::string& drive_address) {
  if (!a.drive.empty()) return drive_address + "?export=download&id=" + percent_encoded(a.drive);
  return a.url.ends_with('/') ? a.url + file : a.url;
}

int run_download(const download_options& o, std::ostream& out, std::ostream& err) {
  download d(o, out, err);
  bool all = true;
  try {
    for (const asset& a : o.assets) {
      out << a.name << ": " << a.about << "; " << a.size << "; licence: " << a.licence << std::endl;
      all = d.take(a) && all;
    }
  } catch (const transfer_stopped&) {
    err << "download: stopped; the same command goes on" << std::endl;
    return 130;
  }
  return all ? 0 : 1;
}

}  // namespace avss::tools
