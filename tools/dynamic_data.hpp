// Data sets that are mixed anew for every item.
#pragma once

#include "tools/data_part.hpp"
#include "tools/section.hpp"

namespace avss::tools {

// avss.DynamicMixing: of recordings of single speakers, sound alone. Throws error.
data_part make_dynamic_mixing(const section& s, const data_purpose& p);

// avss.DynamicFaces: of the single speakers of a data set of mixtures, with their faces. Throws error.
data_part make_dynamic_faces(const section& s, const data_purpose& p);

}  // namespace avss::tools
