// Zip archives of stored entries, written front to back with fixed dates: equal contents give equal bytes.
#pragma once

#include <zlib.h>

#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace avss {
namespace detail {

// CRC-32 of zip, continued from `crc`.
inline std::uint32_t crc32_of(byte_span bytes, std::uint32_t crc = 0) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer for a request to start anew
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace detail

// add() each entry, then finish(), then commit() the file. Sizes of 4 GiB and more use zip64.
class zip_writer {
 public:
  explicit zip_writer(atomic_file& file) : file_(file) {}

  // An entry made of the parts one after another; its data starts at a multiple of `alignment`, so that readers can map
  // it. Names are UTF-8.
  void add(std::string_view name, std::initializer_list<byte_span> parts, std::uint32_t alignment = 1) {
    if (name.empty() || name.size() > 0xfff0) fail(file_.path(), ": a zip entry's name must have 1 to 65520 bytes");
    entry e{std::string(name), 0, 0, file_.position()};
    for (byte_span p : parts) {
      e.crc = detail::crc32_of(p, e.crc);
      e.size += p.size();
    }
    const bool big = e.size >= 0xffffffffu;
    std::string extra;
    if (big) {
      store_le<std::uint16_t>(extra, 1);
      store_le<std::uint16_t>(extra, 16);
      store_le<std::uint64_t>(extra, e.size);
      store_le<std::uint64_t>(extra, e.size);
    }
    const std::uint64_t unpadded = e.offset + 30 + e.name.size() + extra.size();
    if (unpadded % alignment != 0) {  // a field of any length >= 4 under PyTorch's padding id
      std::uint64_t pad = alignment - unpadded % alignment;
      while (pad < 4) pad += alignment;
      store_le<std::uint16_t>(extra, 0x4246);
      store_le<std::uint16_t>(extra, static_cast<std::uint16_t>(pad - 4));
      extra.append(static_cast<std::size_t>(pad - 4), 'Z');
    }
    std::string header;
    store_le<std::uint32_t>(header, 0x04034b50);
    common(header, e, big, big ? 0xffffffffu : static_cast<std::uint32_t>(e.size), extra.size());
    file_.write(header);
    file_.write(e.name);
    file_.write(extra);
    for (byte_span p : parts) file_.write(p);
    entries_.push_back(std::move(e));
  }
  void add(std::string_view name, byte_span data, std::uint32_t alignment = 1) { add(name, {data}, alignment); }

  // Writes the central directory. Nothing may be added afterwards.
  void finish() {
    const std::uint64_t start = file_.position();
    for (const entry& e : entries_) {
      const bool big = e.size >= 0xffffffffu || e.offset >= 0xffffffffu;
      std::string extra;
      if (big) {
        store_le<std::uint16_t>(extra, 1);
        store_le<std::uint16_t>(extra, 24);
        store_le<std::uint64_t>(extra, e.size);
        store_le<std::uint64_t>(extra, e.size);
        store_le<std::uint64_t>(extra, e.offset);
      }
      std::string header;
      store_le<std::uint32_t>(header, 0x02014b50);
      store_le<std::uint16_t>(header, big ? 45 : 20);  // made by: MS-DOS attributes, this version
      common(header, e, big, big ? 0xffffffffu : static_cast<std::uint32_t>(e.size), extra.size());
      header.append(10, '\0');  // comment length, disk, attributes
      store_le<std::uint32_t>(header, big ? 0xffffffffu : static_cast<std::uint32_t>(e.offset));
      file_.write(header);
      file_.write(e.name);
      file_.write(extra);
    }
    const std::uint64_t size = file_.position() - start, count = entries_.size();
    std::string end;
    if (start >= 0xffffffffu || size >= 0xffffffffu || count >= 0xffffu) {
      const std::uint64_t at = file_.position();
      store_le<std::uint32_t>(end, 0x06064b50);
      store_le<std::uint64_t>(end, 44);
      store_le<std::uint16_t>(end, 45);
      store_le<std::uint16_t>(end, 45);
      store_le<std::uint64_t>(end, 0);  // two disk numbers
      for (std::uint64_t v : {count, count, size, start}) store_le(end, v);
      store_le<std::uint32_t>(end, 0x07064b50);
      store_le<std::uint32_t>(end, 0);
      store_le<std::uint64_t>(end, at);
      store_le<std::uint32_t>(end, 1);
    }
    const auto clip = [](std::uint64_t v, std::uint64_t most) { return v < most ? v : most; };
    store_le<std::uint32_t>(end, 0x06054b50);
    store_le<std::uint32_t>(end, 0);
    for (int twice = 0; twice < 2; ++twice) store_le(end, static_cast<std::uint16_t>(clip(count, 0xffff)));
    store_le(end, static_cast<std::uint32_t>(clip(size, 0xffffffffu)));
    store_le(end, static_cast<std::uint32_t>(clip(start, 0xffffffffu)));
    store_le<std::uint16_t>(end, 0);
    file_.write(end);
  }

 private:
  struct entry {
    std::string name;
    std::uint32_t crc;
    std::uint64_t size, offset;
  };

  // The fields that local and central headers share, from "version needed" to the length of the extra field.
  static void common(std::string& out, const entry& e, bool big, std::uint32_t size, std::size_t extra) {
    store_le<std::uint16_t>(out, big ? 45 : 20);
    store_le<std::uint16_t>(out, 0x800);   // UTF-8 names
    store_le<std::uint16_t>(out, 0);       // stored
    store_le<std::uint16_t>(out, 0);       // 00:00:00
    store_le<std::uint16_t>(out, 0x0021);  // 1980-01-01
    store_le(out, e.crc);
    store_le(out, size);
    store_le(out, size);
    store_le(out, static_cast<std::uint16_t>(e.name.size()));
    store_le(out, static_cast<std::uint16_t>(extra));
  }

  atomic_file& file_;
  std::vector<entry> entries_;
};

}  // namespace avss
