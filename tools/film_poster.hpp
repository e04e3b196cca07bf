// What a page shows of a film before it is played, and where it cannot be.
#pragma once

#include <filesystem>
#include <string>

namespace avss::tools {

// PNG, in grey, at most 640 pixels wide: the picture that is shown `seconds` after the first one. Throws avss::error as
// media_video_reader does.
std::string film_poster(const std::filesystem::path& film, double seconds);

// "" where browsers decode the picture of such a film, else the codec's name.
std::string codec_that_browsers_lack(const std::filesystem::path& film);

}  // namespace avss::tools
