// A composed configuration as a program reads it: references between values (references.hpp) are followed at the moment of
// reading.
#pragma once

#include <algorithm>
#include <avss/config/references.hpp>
#include <avss/config/unread.hpp>
#include <avss/config/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace avss::config {

// A copy in which every reference is followed.
inline value resolved(const value& root, const value* full = nullptr) { return detail::resolver(root, full).all(); }

// A composed configuration as a program reads it: references are followed at the moment of reading, so that a broken one
// harms only those who ask for it.
class settings {
 public:
  settings() : root_(value::map{}) {}
  explicit settings(value root) : root_(std::move(root)) {}
  // With the section 'hydra' of a run. `added`: keys of which unread() tells.
  settings(value root, value full, std::vector<std::string> added = {})
      : root_(std::move(root)),
        full_(std::make_shared<const value>(std::move(full))),
        unread_(added.empty() ? nullptr : std::make_shared<unread_keys>(std::move(added))) {}

  const value& root() const { return root_; }
  // A copy in which every reference is followed.
  value resolved() const { return config::resolved(root_, full_.get()); }
  bool has(const std::string& path) const { return found(path).has_value(); }
  // Those of the added keys that nobody has asked for yet, each told once.
  std::vector<std::string> unread() const { return unread_ ? unread_->take() : std::vector<std::string>(); }

  // The node at the path, resolved; throws with the nearest known path if there is none.
  value at(const std::string& path) const {
    auto v = found(path);
    if (!v) fail("'", path, "' is not in the configuration", did_you_mean(path, root_.paths(true)));
    return *v;
  }

  // See value::as for the types.
  template <class T>
  T get(const std::string& path) const {
    return at(path).as<T>(path);
  }
  // The fallback if there is none, or if it is null.
  template <class T>
  T get(const std::string& path, T fallback) const {
    const auto v = found(path);
    return v && !v->is_null() ? v->as<T>(path) : fallback;
  }

  // A string that must be one of `choices`.
  std::string one_of(const std::string& path, const std::vector<std::string>& choices) const {
    const value v = at(path);
    const std::string s = v.as<std::string>(path);
    if (std::find(choices.begin(), choices.end(), s) == choices.end())
      fail(path, ": expected one of ", listed(choices), ", found ", v.described(),
           v.where().text().empty() ? "" : " (" + v.where().text() + ")", did_you_mean(s, choices));
    return s;
  }

 private:
  std::optional<value> found(const std::string& path) const {
    if (unread_) unread_->read(path);
    return detail::resolver(root_, full_.get()).at(split_path(path));
  }

  value root_;
  std::shared_ptr<const value> full_;
  std::shared_ptr<unread_keys> unread_;
};

}  // namespace avss::config
