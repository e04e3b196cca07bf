// Files that libsndfile opens, with our checks before and behind it.
#include <sys/mman.h>
#include <unistd.h>

#include <avss/io/audio_reader.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/contract.hpp"

// libsndfile 1.2 loses what libvorbis keeps of a damaged ogg file that it refuses: 6 kB each.
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace avss;
  using namespace avss::testing;
  // A file without a place on the disk; the name shows in the path.
  static const detail::descriptor file(memfd_create(fuzzed_name, MFD_CLOEXEC));
  static const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  must(ftruncate(file.get(), 0) == 0 && pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size), "the file is written");
  return read_or_refuse(data, size, [&](std::string_view) {
    try {
      audio_reader reader(path, channel_choice::mean);
      std::vector<float> block(4096);
      // A few bytes of some formats may stand for hours.
      for (int i = 0; i < 256; ++i)
        if (reader.read(block) == 0) break;
    } catch (const error& e) {
      must(std::string_view(e.what()).starts_with(path), "a message names the path");
      fail(fuzzed_name, e.what());
    }
  });
}
