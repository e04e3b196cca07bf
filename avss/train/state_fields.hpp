// Numbers by name, to and from the dicts of a checkpoint.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// Reads a dict strictly. Errors start with the file's path and name the key.
class state_reader {
 public:
  // `where` names the dict within the file: "avss".
  state_reader(const checkpoint_value& dict, std::string origin, std::string where)
      : dict_(dict), origin_(std::move(origin)), where_(std::move(where)) {
    if (!dict_.is_dict()) fail(origin_, ": not a checkpoint of this trainer: ", where_, " is no dict");
  }

  const checkpoint_value& at(std::string_view key) const {
    const checkpoint_value* v = dict_.find(key);
    if (!v)
      fail(origin_, ": not a checkpoint of this trainer: ", where_, ".", key,
           " is missing; its weights alone can be taken with trainer.from_pretrained");
    return *v;
  }
  std::int64_t integer(std::string_view key) const {
    const auto v = at(key).integer();
    if (!v) wrong(key, "an integer");
    return *v;
  }
  double number(std::string_view key) const {
    const auto v = at(key).number();
    if (!v) wrong(key, "a number");
    return *v;
  }
  std::string text(std::string_view key) const {
    if (!at(key).is_text()) wrong(key, "a string");
    return at(key).text();
  }

  // As a visitor: v("name", number_to_be_set)
  void operator()(std::string_view key, std::int64_t& value) const { value = integer(key); }
  void operator()(std::string_view key, double& value) const { value = number(key); }

 private:
  [[noreturn]] void wrong(std::string_view key, const char* expected) const {
    fail(origin_, ": damaged checkpoint: ", where_, ".", key, " is not ", expected);
  }

  const checkpoint_value& dict_;
  std::string origin_, where_;
};

// As a visitor: collects names and numbers.
struct state_writer {
  std::vector<checkpoint_value::field> fields;
  template <class T>
  requires(std::same_as<T, std::int64_t> || std::same_as<T, double>) void operator()(std::string_view key, const T& value) {
    fields.emplace_back(key, value);
  }
};

}  // namespace avss
