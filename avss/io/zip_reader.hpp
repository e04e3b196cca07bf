// Zip archives in memory: central directory, zip64, stored and deflated entries, every field checked.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/place_index.hpp>
#include <avss/io/printable.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct zip_entry {
  std::string name;  // as in the archive: never a path on this machine
  std::uint32_t crc = 0;
  bool deflated = false;
  std::uint64_t compressed = 0, size = 0;  // bytes in the archive, bytes after inflating
  std::uint64_t data = 0;                  // where the compressed bytes begin
};

struct zip_limits {
  // Entries larger than this may not expand more than `ratio` times. Deflate itself cannot exceed 1032.
  std::uint64_t free_size = std::uint64_t{64} << 20;
  std::uint64_t ratio = 200;
  std::uint64_t entries = 1 << 20;
};

// Reads an archive that lies in memory; the bytes must outlive the reader. Sizes come from the central directory, since
// local headers may leave them to a data descriptor. Overlapping entries, duplicate names, encryption and
// multi-volume archives are refused. Throws avss::error.
class zip_reader {
 public:
  zip_reader(byte_span archive, std::string origin, zip_limits limits = {})
      : archive_(archive), origin_(std::move(origin)), limits_(limits) {
    read_directory();
    locate_data();
  }

  const std::vector<zip_entry>& entries() const { return entries_; }

  // The entry of that name, or nullptr.
  const zip_entry* find(std::string_view name) const {
    const std::size_t place = index_.find(std::string(name));
    return place == name_index::none ? nullptr : &entries_[place];
  }

  // The bytes of a stored entry, in place, after a CRC check.
  byte_span view(const zip_entry& e) const {
    if (e.deflated) damaged("entry ", printable(e.name), " is compressed where stored bytes are needed");
    const byte_span bytes = archive_.subspan(e.data, e.compressed);
    check_crc(e, bytes);
    return bytes;
  }

  // The bytes of any entry, inflated and checked.
  std::vector<std::byte> read(const zip_entry& e) const {
    if (!e.deflated) {
      const byte_span bytes = view(e);
      return {bytes.begin(), bytes.end()};
    }
    std::vector<std::byte> out(e.size);
    inflate_into(e, out);
    check_crc(e, out);
    return out;
  }

 private:
  template <class... Parts>
  [[noreturn]] void damaged(const Parts&... parts) const {
    fail(origin_, ": damaged zip archive: ", parts..., "; copy or download the file again");
  }

  byte_span part(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (!in_range(offset, size, archive_.size()))
      damaged(what, " at offset ", offset, " lies outside the file of ", archive_.size(), " bytes");
    return archive_.subspan(offset, size);
  }

  struct directory {
    std::uint64_t count, size, offset;
  };

  directory find_directory() const {
    constexpr std::size_t end_bytes = 22, longest_comment = 0xffff;
    if (archive_.size() < end_bytes) damaged("no end record, the file is cut off");
    const std::size_t last = archive_.size() - end_bytes;
    const std::size_t first = last > longest_comment ? last - longest_comment : 0;
    const auto is_end = [&](std::size_t at) {
      const std::byte* p = archive_.data() + at;
      return load_le<std::uint32_t>(p) == 0x06054b50 && load_le<std::uint16_t>(p + 20) <= last - at;
    };
    std::size_t at = last;
    for (; !is_end(at); --at)
      if (at == first) damaged("no end record, the file is cut off");
    const std::byte* p = archive_.data() + at;
    if (load_le<std::uint16_t>(p + 4) != load_le<std::uint16_t>(p + 6)) damaged("it is one volume of several");
    directory d{load_le<std::uint16_t>(p + 10), load_le<std::uint32_t>(p + 12), load_le<std::uint32_t>(p + 16)};
    if (at >= 20 && load_le<std::uint32_t>(p - 20) == 0x07064b50) {
      const std::byte* z = part(load_le<std::uint64_t>(p - 12), 56, "the zip64 end record").data();
      if (load_le<std::uint32_t>(z) != 0x06064b50) damaged("the zip64 end record has a wrong signature");
      d = {load_le<std::uint64_t>(z + 32), load_le<std::uint64_t>(z + 40), load_le<std::uint64_t>(z + 48)};
    }
    return d;
  }

  // Replaces the fields that hold all ones by their 64-bit values, which stand in this order in the extra field.
  void widen(byte_span extra, zip_entry& e, std::uint64_t& local) const {
    std::uint64_t* const fields[] = {&e.size, &e.compressed, &local};
    if (std::none_of(std::begin(fields), std::end(fields), [](auto* f) { return *f == 0xffffffffu; })) return;
    byte_cursor all(extra, origin_, "extra field of a zip entry");
    while (all.remaining() >= 4) {
      const auto id = all.read<std::uint16_t>();
      const byte_span body = all.take(all.read<std::uint16_t>());
      if (id != 1) continue;
      byte_cursor wide(body, origin_, "zip64 field of a zip entry");
      for (std::uint64_t* f : fields)
        if (*f == 0xffffffffu) *f = wide.read<std::uint64_t>();
      return;
    }
  }

  void read_directory() {
    const directory d = find_directory();
    // 46 bytes an entry at least: a count that the directory cannot hold must not reserve memory.
    if (d.count > d.size / 46 || d.count > limits_.entries) damaged("its directory declares ", d.count, " entries");
    byte_cursor in(part(d.offset, d.size, "the central directory"), origin_, "central directory of a zip archive");
    entries_.reserve(d.count);
    std::uint64_t total = 0;
    for (std::uint64_t n = 0; n < d.count; ++n) {
      const std::byte* h = in.take(46).data();
      if (load_le<std::uint32_t>(h) != 0x02014b50) damaged("entry ", n, " of the directory has a wrong signature");
      zip_entry e;
      const auto flags = load_le<std::uint16_t>(h + 8), method = load_le<std::uint16_t>(h + 10);
      e.crc = load_le<std::uint32_t>(h + 16);
      e.compressed = load_le<std::uint32_t>(h + 20);
      e.size = load_le<std::uint32_t>(h + 24);
      std::uint64_t local = load_le<std::uint32_t>(h + 42);
      e.name = as_text(in.take(load_le<std::uint16_t>(h + 28)));
      widen(in.take(load_le<std::uint16_t>(h + 30)), e, local);
      in.take(load_le<std::uint16_t>(h + 32));
      if (flags & 0x2041) damaged("entry ", printable(e.name), " is encrypted");
      if (method != 0 && method != 8)
        damaged("entry ", printable(e.name), " uses compression method ", method, ", only 0 (stored) and 8 (deflate) are read");
      e.deflated = method == 8;
      e.data = local;
      check_sizes(e);
      total = checked_add(total, e.size).value_or(std::numeric_limits<std::uint64_t>::max());
      if (total / limits_.ratio > archive_.size() && total / 4 > limits_.free_size)
        damaged("its entries declare more than ", limits_.ratio, " times the bytes of the file");
      if (!index_.add(e.name, entries_.size())) damaged("entry ", printable(e.name), " occurs twice");
      entries_.push_back(std::move(e));
    }
  }

  void check_sizes(const zip_entry& e) const {
    if (!e.deflated && e.size != e.compressed)
      damaged("stored entry ", printable(e.name), " has ", e.compressed, " bytes and declares ", e.size);
    if (e.deflated && (e.size / 1032 > e.compressed || (e.size > limits_.free_size && e.size / limits_.ratio > e.compressed)))
      damaged("entry ", printable(e.name), " declares ", e.size, " bytes from ", e.compressed, " compressed ones");
  }

  // From local headers to data, and no two entries over the same bytes (which is how zip bombs multiply).
  void locate_data() {
    std::vector<byte_range> ranges;
    ranges.reserve(entries_.size());
    for (zip_entry& e : entries_) {
      const std::uint64_t local = e.data;
      const std::byte* h = part(local, 30, "a local header").data();
      if (load_le<std::uint32_t>(h) != 0x04034b50) damaged("entry ", printable(e.name), " has no local header");
      const std::uint64_t names = std::uint64_t{load_le<std::uint16_t>(h + 26)} + load_le<std::uint16_t>(h + 28);
      e.data = local + 30 + names;
      part(e.data, e.compressed, "an entry's data");
      ranges.emplace_back(local, e.data + e.compressed);
    }
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t n = 1; n < ranges.size(); ++n)
      if (ranges[n].first < ranges[n - 1].second) damaged("two entries overlap at offset ", ranges[n].first);
  }

  void check_crc(const zip_entry& e, byte_span bytes) const {
    const uLong crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (crc != e.crc) damaged("entry ", printable(e.name), " fails its CRC check");
  }

  void inflate_into(const zip_entry& e, std::vector<std::byte>& out) const {
    z_stream z{};
    if (::inflateInit2(&z, -15) != Z_OK) fail(origin_, ": zlib cannot start; free some memory");
    const byte_span in = archive_.subspan(e.data, e.compressed);
    std::size_t used = 0, made = 0;
    int status = Z_OK;
    constexpr std::size_t step = std::numeric_limits<uInt>::max();
    std::byte spare{};  // zlib wants somewhere to point even when nothing is left to write
    while (status == Z_OK) {
      const std::size_t give = std::min(in.size() - used, step), room = std::min(out.size() - made, step);
      z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data() + used));
      z.avail_in = static_cast<uInt>(give);
      z.next_out = reinterpret_cast<Bytef*>(room ? out.data() + made : &spare);
      z.avail_out = static_cast<uInt>(room);
      status = ::inflate(&z, Z_NO_FLUSH);
      used += give - z.avail_in;
      made += room - z.avail_out;
    }
    ::inflateEnd(&z);
    if (status != Z_STREAM_END || made != out.size())
      damaged("entry ", printable(e.name), " does not inflate to its ", e.size, " bytes");
  }

  byte_span archive_;
  std::string origin_;
  zip_limits limits_;
  std::vector<zip_entry> entries_;
  name_index index_;
};

}  // namespace avss
