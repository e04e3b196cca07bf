// Where things are in a list: hash maps of as few types as possible, since each type costs every compilation its share.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

namespace avss {

// Key: std::string or const void*.
template <class Key>
class place_index {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // Notes the place of a key; false where the key has a place already, which it then keeps.
  bool add(const Key& key, std::size_t place) { return places_.emplace(key, place).second; }
  // The place of a key, or none.
  std::size_t find(const Key& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? none : found->second;
  }

 private:
  std::unordered_map<Key, std::size_t> places_;
};

using name_index = place_index<std::string>;
using object_index = place_index<const void*>;

}  // namespace avss
