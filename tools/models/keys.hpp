// What a network answers to the keys of a configuration's `model` section.
#pragma once

#include <avss/config/interpolation.hpp>
#include <string>

#include "tools/models/entry.hpp"

namespace avss::tools {

// The first key of the section, with its value, that the network answers differently, "" if there is none. The number of
// passes, a matter of run time, is none.
std::string differing_key(const config::settings& s, const model_entry& e);

// Whether two networks are the same in all that no key says.
bool same_kind(const model_entry& a, const model_entry& b);

}  // namespace avss::tools
