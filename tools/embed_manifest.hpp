// What made each file of a folder of embeddings: which encoder, out of which crops.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace avss::tools {

// Enough to see that a file is still the same: its size and time, and where the time differs its content.
struct file_mark {
  std::uint64_t bytes = 0;
  std::uint64_t time = 0;  // of its last change, ns
  std::string hash;        // FNV-1a, 16 digits
};

// Throws avss::error where the file cannot be read.
file_mark mark_of(const std::filesystem::path& file);
bool same_file(const std::filesystem::path& file, const file_mark& mark);
// 16 digits
std::string hash_text(std::uint64_t hash);

struct embedding_entry {
  std::string file;  // of the embedding, its name in the folder
  std::int64_t frames = 0;
  file_mark mouth, embedding;
};

// EMBEDDINGS/manifest.jsonl: a line for the encoder, then one for each embedding, in the order in which they were made; of two
// for one clip the later counts. A line is added when its embedding is complete; one that was cut off is ignored.
class embedding_manifest {
 public:
  static constexpr const char* name = "manifest.jsonl";
  // What the encoder's line says, in order.
  using description = std::vector<std::pair<std::string, std::string>>;

  // Reads what there is, and opens it for adding; with `anew` what there is is forgotten. Throws avss::error where it was made
  // in another way than `made` says, or is damaged.
  embedding_manifest(const std::filesystem::path& folder, const description& made, bool anew);
  embedding_manifest(const embedding_manifest&) = delete;
  embedding_manifest& operator=(const embedding_manifest&) = delete;
  ~embedding_manifest();

  static bool exists(const std::filesystem::path& folder);

  // By the clip's name; nullptr where it has none.
  const embedding_entry* find(const std::string& id) const;
  const std::map<std::string, embedding_entry>& entries() const { return entries_; }
  // Threads may add at once.
  void add(const std::string& id, const embedding_entry& entry);

 private:
  void read(const description& made);

  std::string path_;
  std::map<std::string, embedding_entry> entries_;
  std::mutex mutex_;
  int fd_ = -1;
};

}  // namespace avss::tools
