// The version of the library, which runs record.
#pragma once

#include <string_view>

namespace avss {

inline constexpr std::string_view library_version = "0.1.0";

}  // namespace avss
