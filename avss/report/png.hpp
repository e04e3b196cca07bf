// Pictures of at most 256 colours as PNG.
#pragma once

#include <png.h>

#include <avss/core/error.hpp>
#include <avss/report/colour_map.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace avss {

// Numbers of colours, row by row from the top left.
struct indexed_picture {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;  // [height][width]
};

// The bytes of a PNG file. Throws error for a picture without pixels, of another size than it says, or larger than the
// format allows.
inline std::string encode_png(const indexed_picture& picture, const colour_table& colours) {
  const std::size_t w = picture.width, h = picture.height;
  constexpr std::size_t widest = 1u << 16;
  if (w == 0 || h == 0 || w > widest || h > widest || picture.pixels.size() != w * h)
    fail("a picture of ", w, " by ", h, " cannot be made of ", picture.pixels.size(), " pixels; expected 1 to ", widest,
         " in each direction");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(w), image.height = static_cast<png_uint_32>(h);
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(colours.size());
  const auto write = [&](void* to, png_alloc_size_t& size) {
    if (!png_image_write_to_memory(&image, to, &size, 0, picture.pixels.data(), static_cast<png_int_32>(w), colours.data()))
      fail("a picture of ", w, " by ", h, " cannot be encoded: ", image.message);
  };
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  write(bytes.data(), size);
  bytes.resize(size);
  return bytes;
}

}  // namespace avss
