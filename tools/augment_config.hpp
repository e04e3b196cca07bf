// From a data set's `instance_transforms` to augmentations.
#pragma once

#include <avss/augment/any.hpp>
#include <avss/augment/item.hpp>
#include <optional>
#include <string>

#include "tools/section.hpp"

namespace avss::tools {

struct read_transforms {
  std::optional<any_augmentation> what;  // none: items as they are
  std::string about;                     // "; 12 noises of DIR" for people, or empty
};

// The chain `instance_transforms.whole_item` of a data set whose items are of this kind; `threads` look into folders of sounds.
// Throws error.
read_transforms read_instance_transforms(const section& data, const sound_kind& kind, int threads);

}  // namespace avss::tools
