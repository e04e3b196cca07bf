#include "tools/embed_manifest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/path_kind.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/strict_json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

// Size and time; false where there is no file.
bool look_at(const fs::path& file, file_mark& mark) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return false;
  mark.bytes = static_cast<std::uint64_t>(info.st_size);
  mark.time =
      static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
  return true;
}

std::string content_hash(const fs::path& file) { return hash_text(hash_name(as_text(read_file(file.string())))); }

std::string mark_text(const char* name, const file_mark& m) {
  return joined(",\"", name, "\":{\"bytes\":", m.bytes, ",\"time\":", m.time, ",\"hash\":\"", m.hash, "\"}");
}

std::string line_of(const std::string& id, const embedding_entry& e) {
  return joined("{\"id\":", json_quoted(id), ",\"file\":", json_quoted(e.file), ",\"frames\":", e.frames) +
         mark_text("mouth", e.mouth) + mark_text("embedding", e.embedding) + "}\n";
}

std::string line_of(const embedding_manifest::description& made) {
  std::string line = "{\"avss_embeddings\":1";
  for (const auto& [key, value] : made) line += "," + json_quoted(key) + ":" + json_quoted(value);
  return line + "}\n";
}

bool read_text(const json_value& from, std::string_view key, std::string& to) {
  const json_value* v = from.find(key);
  if (!v || v->type != json_value::kind::text) return false;
  to = v->text;
  return true;
}
bool read_number(const json_value& from, std::string_view key, std::uint64_t& to) {
  const json_value* v = from.find(key);
  return v && v->to_unsigned(to);
}
bool read_mark(const json_value& from, std::string_view key, file_mark& to) {
  const json_value* v = from.find(key);
  return v && read_number(*v, "bytes", to.bytes) && read_number(*v, "time", to.time) && read_text(*v, "hash", to.hash);
}
bool read_entry(const json_value& from, std::string& id, embedding_entry& e) {
  std::uint64_t frames = 0;
  const bool all = read_text(from, "id", id) && read_text(from, "file", e.file) && read_number(from, "frames", frames) &&
                   read_mark(from, "mouth", e.mouth) && read_mark(from, "embedding", e.embedding);
  e.frames = static_cast<std::int64_t>(frames);
  return all;
}

}  // namespace

std::string hash_text(std::uint64_t hash) {
  char digits[20];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

file_mark mark_of(const fs::path& file) {
  file_mark m;
  m.hash = content_hash(file);
  look_at(file, m);
  return m;
}

bool same_file(const fs::path& file, const file_mark& mark) {
  file_mark now;
  if (!look_at(file, now) || now.bytes != mark.bytes) return false;
  return now.time == mark.time || content_hash(file) == mark.hash;
}

bool embedding_manifest::exists(const fs::path& folder) { return path_kind(folder / name) != fs::file_type::not_found; }

embedding_manifest::embedding_manifest(const fs::path& folder, const description& made, bool anew)
    : path_((folder / name).string()) {
  if (anew || !exists(folder))
    write_file_atomically(path_, as_bytes_of(line_of(made)));
  else
    read(made);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) fail(path_, ": cannot be opened for writing: ", std::strerror(errno), "; check its permissions");
}

embedding_manifest::~embedding_manifest() {
  if (fd_ >= 0) ::close(fd_);
}

void embedding_manifest::read(const description& made) {
  const std::vector<std::byte> bytes = read_file(path_);
  const std::string_view text = as_text(bytes);
  const auto damaged = [&](std::size_t line) {
    fail(path_, ": line ", line, " is damaged; make the embeddings anew with video_encoder.overwrite=true");
  };
  std::size_t at = 0, number = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    ++number;
    json_value v;
    try {
      v = strict_json::parse(text.substr(at, end - at), joined(path_, ": line ", number));
    } catch (const error&) {
      damaged(number);
    }
    if (number == 1) {
      if (!v.find("avss_embeddings")) damaged(1);
      std::string differ, said;
      for (const auto& [key, value] : made)
        if (!read_text(v, key, said) || said != value)
          differ += joined(differ.empty() ? "" : ", ", key, " ", said.empty() ? "unknown" : said, " (now ", value, ")");
      if (!differ.empty())
        fail(path_, ": these embeddings were made in another way: ", differ,
             "; choose another video_encoder.embeddings, or make them anew with video_encoder.overwrite=true");
      continue;
    }
    std::string id;
    embedding_entry e;
    if (!read_entry(v, id, e)) damaged(number);
    entries_[id] = e;
  }
  if (number == 0) damaged(1);
  if (at == text.size()) return;
  // The last line was cut off: what follows would be added to it.
  write_file_atomically(path_, byte_span(bytes).first(at));
}

const embedding_entry* embedding_manifest::find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void embedding_manifest::add(const std::string& id, const embedding_entry& entry) {
  const std::string line = line_of(id, entry);
  const std::lock_guard lock(mutex_);
  // One call: what a killed run leaves is at most one line that is cut off.
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    fail(path_, ": cannot be written: ", std::strerror(errno), "; free space on the disk and run it again");
}

}  // namespace avss::tools
