// Google Drive puts a page before large files, which asks whether to download what it did not search for viruses.
#pragma once

#include <string>
#include <string_view>

namespace avss::tools {

// The address that the page's button leads to. `asked` is the one that gave the page: the answer has its server or one of
// Google's, and its scheme. Throws error for a page without such a button, with what it seems to say.
std::string confirmed_address(std::string_view page, const std::string& asked);

// What a page says of itself, for messages: its title, "" without one.
std::string title_of(std::string_view page);

// Characters other than letters, digits and -._~ as %XX; and back, where what is no such code stays.
std::string percent_encoded(std::string_view text);
std::string percent_decoded(std::string_view text);

}  // namespace avss::tools
