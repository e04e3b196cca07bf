// Files of torch.save: the zip archive (PyTorch 1.6 and later) and the legacy stream. Nothing in them is executed.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/pickle.hpp>
#include <avss/io/pickle_value.hpp>
#include <avss/io/place_index.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/zip_reader.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// A file's contents as a tree. Tensors stay in the file's bytes, which they keep alive, until stored_tensor::load().
class pytorch_file {
 public:
  explicit pytorch_file(const std::string& path)
      : pytorch_file(std::make_shared<const std::vector<std::byte>>(read_file(path)), path) {}

  // From memory; `origin` names the file in messages. Throws avss::error.
  pytorch_file(std::shared_ptr<const std::vector<std::byte>> bytes, std::string origin)
      : bytes_(std::move(bytes)), origin_(std::move(origin)) {
    if (is_zip(*bytes_))
      read_archive();
    else if (is_legacy(*bytes_))
      read_legacy();
    else
      fail(origin_, ": not a PyTorch file: neither a zip archive nor a legacy stream; save it with torch.save");
  }

  const checkpoint_value& root() const { return root_; }
  const std::string& origin() const { return origin_; }
  std::size_t size() const { return bytes_->size(); }

  // The value under a key of the top dict, or nullptr: metadata such as epoch, arch, model_args, N.
  const checkpoint_value* find(std::string_view key) const { return root_.find(key); }

  static bool is_zip(byte_span bytes) { return bytes.size() >= 4 && as_text(bytes.first(4)) == "PK\x03\x04"; }
  // A pickle that holds the magic number 0x1950a86a20f9469cfc6c, nothing else.
  static bool is_legacy(byte_span bytes) {
    constexpr std::string_view magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    const std::string_view text = as_text(bytes);
    return text.size() > 2 && text[0] == '\x80' && text.substr(2, magic.size()) == magic;
  }

 private:
  template <class... Parts>
  [[noreturn]] void damaged(const Parts&... parts) const {
    fail(origin_, ": damaged PyTorch file: ", parts..., "; save or download it again");
  }

  // ---- zip ----
  void read_archive() {
    const zip_reader zip(*bytes_, origin_);
    // The folder's name is that of the file when it was saved, not now.
    const zip_entry* pickle = nullptr;
    for (const zip_entry& e : zip.entries())
      if (e.name.ends_with("/data.pkl")) {
        if (pickle) damaged("two entries end in /data.pkl");
        pickle = &e;
      }
    if (!pickle)
      fail(origin_, ": not a PyTorch file: the zip archive has no entry that ends in /data.pkl; save it with torch.save");
    const std::string stem = pickle->name.substr(0, pickle->name.size() - 8);
    if (const zip_entry* order = zip.find(stem + "byteorder")) {
      const std::vector<std::byte> text = zip.read(*order);
      if (as_text(text) != "little") fail(origin_, ": saved on a big-endian machine; save it again on a little-endian one");
    }
    const std::vector<std::byte> stream = zip.read(*pickle);
    byte_cursor in(stream, origin_, "pickle");
    const pickle_graph graph = pickle_reader::read(in, origin_);

    name_index places;
    std::vector<storage_bytes> storages;
    const auto fetch = [&](const storage_id& id) {
      if (places.add(id.key, storages.size())) storages.push_back(read_storage(zip, stem, id.key));
      return sized(id, storages[places.find(id.key)]);
    };
    root_ = pickle_translator(origin_, fetch).translate(*graph.root);
  }

  storage_bytes read_storage(const zip_reader& zip, const std::string& stem, const std::string& key) const {
    const zip_entry* e = zip.find(stem + "data/" + key);
    if (!e) damaged("storage ", printable(key), " is missing");
    if (!e->deflated) return {zip.view(*e), bytes_};
    auto held = std::make_shared<const std::vector<std::byte>>(zip.read(*e));
    return {*held, held};
  }

  // The storage cut to the elements that its id declares.
  storage_bytes sized(const storage_id& id, storage_bytes s) const {
    const auto size = checked_mul(id.count, bytes_of(id.type));
    if (!size || *size > s.bytes.size())
      damaged("storage ", printable(id.key), " has ", s.bytes.size(), " bytes where ", id.count, " elements of ",
              name_of(id.type), " are declared");
    s.bytes = s.bytes.first(*size);
    if (id.view_count) {
      const std::uint64_t width = bytes_of(id.type);
      if (!in_range(id.view_offset, *id.view_count, id.count)) damaged("a view reaches past storage ", printable(id.key));
      s.bytes = s.bytes.subspan(id.view_offset * width, *id.view_count * width);
    }
    return s;
  }

  // ---- legacy: magic, protocol, system, object, keys, then each storage as int64 count and raw elements ----
  void read_legacy() {
    byte_cursor in(*bytes_, origin_, "legacy PyTorch file");
    pickle_reader::read(in, origin_);
    const pickle_graph protocol = pickle_reader::read(in, origin_);
    if (protocol.root->integer != 1001) damaged("protocol ", protocol.root->integer, " where 1001 is expected");
    const pickle_graph system = pickle_reader::read(in, origin_);
    const auto no_storages = [this](const storage_id&) -> storage_bytes { damaged("a tensor in its preamble"); };
    const checkpoint_value about = pickle_translator(origin_, no_storages).translate(*system.root);
    if (const checkpoint_value* little = about.find("little_endian"); little && little->boolean() == false)
      fail(origin_, ": saved on a big-endian machine; save it again on a little-endian one");
    const pickle_graph object = pickle_reader::read(in, origin_);
    const pickle_graph keys = pickle_reader::read(in, origin_);

    // Element sizes stand in the persistent ids only, so these are collected before the storages are walked.
    name_index places;
    std::vector<storage_id> ids;
    object.each([&](const pickle_node& n) {
      if (auto id = pickle_translator::parse_id(n); id && places.add(id->key, ids.size())) ids.push_back(*id);
    });
    std::vector<storage_bytes> storages(ids.size());  // without an owner until it was met
    for (const pickle_node* key : keys.root->items) {
      const std::size_t place = places.find(key->text);
      if (place == name_index::none) damaged("storage ", printable(key->text), " is of an element type that is not read");
      const auto count = in.read<std::uint64_t>();
      const auto size = checked_mul(count, bytes_of(ids[place].type));
      if (!size || count != ids[place].count)
        damaged("storage ", printable(key->text), " holds ", count, " elements where ", ids[place].count, " are declared");
      storages[place] = {in.take(*size), bytes_};
    }
    const auto fetch = [&](const storage_id& id) {
      const std::size_t place = places.find(id.key);
      if (place == name_index::none || !storages[place].owner) damaged("storage ", printable(id.key), " is missing");
      return sized(id, storages[place]);
    };
    root_ = pickle_translator(origin_, fetch).translate(*object.root);
  }

  std::shared_ptr<const std::vector<std::byte>> bytes_;
  std::string origin_;
  checkpoint_value root_;
};

}  // namespace avss
