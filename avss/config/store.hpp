// Folders of YAML files, searched in order: configurations at the top, options of a group in a folder of its name; and
// what a file says about itself: its package header and its defaults list.
#pragma once

#include <algorithm>
#include <avss/config/value.hpp>
#include <avss/config/yaml.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss::config {

// One line of a defaults list. The group and the name are as written; parent_* are set when the line's place in the
// tree of files is known.
struct default_item {
  bool self = false;                 // _self_
  bool is_group = false;             // "group: option" (else "path/of/config")
  std::string group;                 // "/" before it: from the top, not from the file's own group
  std::optional<std::string> name;   // the option, none for null; the path of the other form
  std::vector<std::string> options;  // of "group: [a, b]"
  bool has_options = false;
  std::optional<std::string> package;  // of "group@package: option"
  bool optional = false;
  bool is_override = false;
  bool primary = false;
  origin where;

  std::string parent_folder;
  std::string parent_package;
  std::optional<std::string> header;  // the package that the file itself asks for

  bool absolute() const { return (is_group ? group : *name).starts_with('/'); }
  std::string bare() const { return (is_group ? group : *name).substr(absolute() ? 1 : 0); }

  static std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }
  static std::string joined(const std::string& a, const std::string& b, char between) {
    return a.empty() ? b : b.empty() ? a : a + between + b;
  }
  static std::string dotted(std::string path) {
    std::replace(path.begin(), path.end(), '/', '.');
    return path;
  }

  std::string relative_group() const { return is_group ? bare() : folder_of(bare()); }
  std::string group_path() const { return joined(absolute() ? "" : parent_folder, relative_group(), '/'); }
  std::string config_path() const {
    if (is_group) return group_path() + "/" + name.value_or("null");
    return joined(absolute() ? "" : parent_folder, bare(), '/');
  }

  void place(const std::string& folder, const std::string& parent) {
    parent_folder = folder;
    parent_package = parent;
    if (!package) return;
    if (*package == "_here_") package = "";
    if (const std::size_t at = package->find("_group_"); at != std::string::npos)
      package = "_global_." + package->replace(at, 7, dotted(group_path()));
  }

  // Where the file's contents go; "" is the root.
  std::string final_package(bool with_header = true) const {
    const std::string own = package ? *package : with_header && header ? *header : dotted(relative_group());
    const std::string full = joined(parent_package, own, '.');
    const std::size_t at = full.rfind("_global_");
    if (at == std::string::npos) return full;
    return full.size() > at + 9 ? full.substr(at + 9) : "";
  }

  // What selects another option on the command line: "model", "model@encoder".
  std::string override_key() const {
    const std::string own = final_package(false);
    if (own == dotted(group_path())) return group_path();
    return group_path() + "@" + (own.empty() ? "_global_" : own);
  }
};

struct config_file {
  value body{value::map{}};  // without its defaults list
  std::vector<default_item> defaults;
  std::optional<std::string> header;
};

namespace detail {

// The word after "# @package" in the comments at the top of the file.
inline std::optional<std::string> package_header(const std::string& text, const std::string& path) {
  std::istringstream lines(text.substr(text.starts_with("\xef\xbb\xbf") ? 3 : 0));  // without a byte order mark
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    std::string hash, key, name, more;
    words >> hash;
    if (hash.empty()) continue;
    if (!hash.starts_with('#')) break;
    if (hash == "#")
      words >> key;
    else
      key = hash.substr(1);
    if (!key.starts_with('@')) break;
    words >> name >> more;
    if (key != "@package") continue;
    if (name.empty() || !more.empty()) fail(path, ":", number, ": expected '# @package NAME'");
    return name;
  }
  return std::nullopt;
}

inline default_item parse_default(const value& v) {
  const std::string at = v.where().text();
  default_item d;
  d.where = v.where();
  const auto split_package = [&](std::string s) {
    if (const std::size_t p = s.find('@'); p != std::string::npos) {
      d.package = s.substr(p + 1);
      s.resize(p);
    }
    return s;
  };
  if (v.is(kind::string)) {
    d.name = split_package(v.text());
    d.self = *d.name == "_self_";
    if (d.self && d.package) fail(at, ": _self_@PACKAGE is not supported");
    return d;
  }
  if (!v.is(kind::map) || v.entries().size() != 1)
    fail(at, ": an entry of the defaults list is 'name', 'group: option' or 'group: [options]', found ", v.described());
  d.is_group = true;
  const value::entry& e = v.entries()[0];
  d.group = split_package(e.key);
  while (true) {
    const std::size_t space = d.group.find(' ');
    if (space == std::string::npos) break;
    const std::string word = d.group.substr(0, space);
    if (word == "optional")
      d.optional = true;
    else if (word == "override")
      d.is_override = true;
    else
      fail(at, ": '", word, "' before a group's name is neither 'optional' nor 'override'");
    d.group.erase(0, d.group.find_first_not_of(' ', space));
  }
  if (d.group.empty() || d.group == "/") fail(at, ": the group's name is missing");
  if (e.item.is(kind::list)) {
    d.has_options = true;
    d.options = e.item.as<std::vector<std::string>>(d.group);
  } else if (e.item.is(kind::string)) {
    d.name = e.item.text();  // may hold ${group}, resolved later
  } else if (!e.item.is_null()) {
    d.name = e.item.as<std::string>(d.group);
  }
  return d;
}

}  // namespace detail

class config_store {
 public:
  // The first folder that has a file wins.
  explicit config_store(std::vector<std::string> folders) : folders_(std::move(folders)) {}

  // A configuration that comes last in the search and is not listed at the top.
  void add(const std::string& path, std::string text) { built_in_[path] = std::move(text); }
  // One more folder, searched after the others.
  void add_folder(std::string folder) { folders_.push_back(std::move(folder)); }

  // The folders, for messages.
  std::vector<std::string> folders() const {
    std::vector<std::string> all;
    for (const std::string& f : folders_) all.push_back(name_for_people(f));
    return all;
  }

  bool has_group(const std::string& group) const {
    if (!safe(group)) return false;
    const auto inside = built_in_.lower_bound(group + "/");
    if (!group.empty() && inside != built_in_.end() && inside->first.starts_with(group + "/")) return true;
    return std::any_of(folders_.begin(), folders_.end(), [&](const std::string& f) {
      std::error_code ignored;
      return std::filesystem::is_directory(std::filesystem::path(f) / group, ignored);
    });
  }

  // Names of the configurations in a group ("" is the top), sorted.
  std::vector<std::string> options(const std::string& group) const { return names(group, false); }
  // Groups in a group, sorted.
  std::vector<std::string> groups(const std::string& group) const { return names(group, true); }

  bool has(const std::string& path) const { return !file_of(path).empty() || built_in_.contains(path); }

  // Null pointer if there is no such file.
  const config_file* load(const std::string& path) {
    if (const auto known = files_.find(path); known != files_.end()) return &known->second;
    const std::string file = file_of(path);
    const auto own = built_in_.find(path);
    if (file.empty() && own == built_in_.end()) return nullptr;
    const std::string text = file.empty() ? own->second : read_configuration(file);
    config_file c;
    const std::string shown = file.empty() ? path : name_for_people(file);
    c.header = detail::package_header(text, shown);
    value body = parse_yaml(text, shown);
    if (!body.is_null()) {
      if (!body.is(kind::map)) fail(shown, ": a configuration is a section (key: value), found ", body.described());
      if (const value* list = body.child("defaults")) {
        if (!list->is(kind::list)) fail(list->where().text(), ": 'defaults' is a list, found ", list->described());
        for (const value& item : list->items()) c.defaults.push_back(detail::parse_default(item));
        body.erase("defaults");
      }
      c.body = std::move(body);
    }
    return &files_.emplace(path, std::move(c)).first->second;
  }

 private:
  // Of a file that was built in, the path in the source tree.
  static std::string name_for_people(const std::string& file) {
    constexpr std::string_view inside = ".runfiles/avss/";
    const std::size_t at = file.rfind(inside);
    return at == std::string::npos ? file : file.substr(at + inside.size());
  }

  // The text of a file that can be a configuration: not of hundreds of megabytes, nothing binary.
  static std::string read_configuration(const std::string& file) {
    constexpr std::uintmax_t most = 8 << 20;
    std::error_code ignored;
    if (const std::uintmax_t bytes = std::filesystem::file_size(file, ignored); !ignored && bytes > most)
      fail(name_for_people(file), ": ", bytes >> 20, " MiB are no configuration; up to ", most >> 20, " MiB are read");
    std::string text = read_text_file(file);
    if (const std::size_t zero = text.find('\0'); zero != std::string::npos)
      fail(name_for_people(file), ": a text is expected, and byte ", zero, " of it is zero; is it a binary file?");
    return text;
  }

  static bool safe(const std::string& path) {
    if (path.find('\0') != std::string::npos) return false;
    for (const auto& part : std::filesystem::path(path))
      if (part == ".." || part == "/") return false;
    return true;
  }

  std::string file_of(const std::string& path) const {
    if (path.empty() || !safe(path)) return "";
    for (const std::string& folder : folders_) {
      const std::string file = (std::filesystem::path(folder) / (path.ends_with(".yaml") ? path : path + ".yaml")).string();
      std::error_code ignored;
      if (std::filesystem::is_regular_file(file, ignored)) return file;
    }
    return "";
  }

  std::vector<std::string> names(const std::string& group, bool folders) const {
    std::set<std::string> found;
    if (!safe(group)) return {};
    for (const std::string& folder : folders_) {
      std::error_code ignored;
      for (const auto& f : std::filesystem::directory_iterator(std::filesystem::path(folder) / group, ignored)) {
        const auto path = f.path();
        if (path.filename().string().starts_with('.')) continue;
        if (folders ? f.is_directory(ignored) : path.extension() == ".yaml")
          found.insert((folders ? path.filename() : path.stem()).string());
      }
    }
    if (!group.empty() && !folders)
      for (const auto& [path, text] : built_in_)
        if (default_item::folder_of(path) == group) found.insert(path.substr(group.size() + 1));
    return {found.begin(), found.end()};
  }

  std::vector<std::string> folders_;
  std::map<std::string, std::string> built_in_;
  std::map<std::string, config_file> files_;
};

}  // namespace avss::config
