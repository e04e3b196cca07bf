// What to do with recordings shorter than the segment that is wanted.
#pragma once

namespace avss {

enum class when_short {
  skip,  // left out, and counted
  pad,   // silence is added
};

}  // namespace avss
