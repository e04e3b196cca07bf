// The frozen lip-reading encoder within training, in place of embeddings that were made beforehand.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/mouth_folder.hpp>
#include <iosfwd>
#include <optional>
#include <vector>

#include "tools/missing_embeddings.hpp"

namespace avss::tools {

// With video_encoder.in_loop, the encoder for as many threads at once as `workers`, more of which wait for each other; nothing
// without. `sets` are the mixtures whose mouths it is going to see, `features` what the network reads of a face. Says on `out`
// what is done. Throws avss::error, one line that names the key.
std::optional<mouth_encoder> make_loop_encoder(const config::settings& s, const std::vector<seen_mixtures>& sets,
                                               dim_t features, int workers, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
