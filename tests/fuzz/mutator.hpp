// Damage done to a file's bytes, always the same for a seed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>

namespace avss::testing {

class mutator {
 public:
  explicit mutator(unsigned seed) : random_(seed) {}

  // One to four changes in [first, last); the length is kept where `fixed`. Pieces are taken from `other`, too.
  std::string damage(std::string text, std::size_t first, std::size_t last, bool fixed, const std::string& other = {}) {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      if (last <= first) return text;
      const std::size_t at = first + below(last - first);
      switch (below(fixed ? 4 : other.empty() ? 7 : 8)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text[at] = static_cast<char>(text[at] ^ (1 << below(8))); break;
        case 2: {  // a whole field of extreme bytes: lengths become 0, -1, the largest and the least
          constexpr char extremes[] = {'\0', '\xff', '\x7f', '\x80'};
          const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), last - at);
          text.replace(at, width, width, extremes[below(4)]);
          break;
        }
        case 3: {  // a piece of the file in another place
          const std::size_t from = first + below(last - first), width = std::min({below(32), last - at, last - from});
          text.replace(at, width, text.substr(from, width));
          break;
        }
        case 4: {
          const std::size_t width = std::min<std::size_t>(1 + below(64), last - at);
          text.erase(at, width);
          last -= width;
          break;
        }
        case 5: {
          const std::string piece = text.substr(first + below(last - first), 1 + below(64));
          text.insert(at, piece);
          last += piece.size();
          break;
        }
        case 6:
          text.resize(at);
          last = at;
          break;
        default: {  // the rest of another file
          text.replace(at, std::string::npos, other.substr(below(other.size())));
          last = text.size();
        }
      }
    }
    return text;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  std::mt19937 random_;
};

}  // namespace avss::testing
