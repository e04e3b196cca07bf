// Archives (tar, compressed or not, and zip) into a folder.
#pragma once

#include <avss/io/staged_folder.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace avss::tools {

// The name of an entry as a path below a folder: "a/./b" is a/b; empty for the folder itself. Throws error for one that leads
// out of it: absolute, with "..", with a backslash or control characters.
std::filesystem::path inside_path(const std::string& name, const std::string& archive);

// Makes the archive's files in `target`, with the permissions of new files, and returns how many. Folders come as they are
// needed; entries that are neither (links, devices) are refused, as are two of one name. Throws error; then the caller drops
// what was made. `stop` is asked now and then and may throw.
std::size_t unpack_archive(
    const std::filesystem::path& archive, const staged_folder& target, const std::function<void()>& stop = [] {});

}  // namespace avss::tools
