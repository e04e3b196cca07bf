// Fetches weights and data of others from where they are published:
//   bazel run //tools:download -- list
//   bazel run //tools:download -- asset=convtasnet
#include <signal.h>
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "tools/download_job.hpp"
#include "tools/section.hpp"
#include "tools/stop_on_signal.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;
using avss::tools::asset;

asset read_asset(const settings& s, const std::string& name, const std::string& folder) {
  const avss::tools::section a(s, "assets." + name);
  asset out;
  out.name = name;
  out.about = a.get<std::string>("about", name), out.size = a.get<std::string>("size", "size not known");
  out.licence = a.get<std::string>("licence", "not stated");
  out.drive = a.get<std::string>("drive", ""), out.url = a.get<std::string>("url", "");
  out.sha256 = a.get<std::string>("sha256", ""), out.unpack = a.get<bool>("unpack", false);
  out.folder = avss::config::user_path(folder.empty() ? a.get<std::string>("folder") : folder);
  if (a.has("files"))
    out.files = a.get<std::vector<std::string>>("files");
  else
    out.files = {a.get<std::string>("file")};
  if (out.drive.empty() == out.url.empty()) a.wrong("url", "give either an address or drive, a file's id at Google Drive");
  if (out.files.empty()) a.wrong("files", "no file is named");
  if (out.files.size() > 1 && (!out.url.ends_with('/') || !out.sha256.empty() || out.unpack))
    a.wrong("files", "several files come from a folder, whose address ends with '/', and have neither sha256 nor unpack");
  if (!out.sha256.empty() && (out.sha256.size() != 64 || out.sha256.find_first_not_of("0123456789abcdef") != std::string::npos))
    a.wrong("sha256", "expected 64 hexadecimal digits in lower case, found '", out.sha256, "'");
  return out;
}

std::vector<std::string> known_assets(const settings& s) {
  const avss::config::value all = s.at("assets");
  std::vector<std::string> names;
  for (const auto& e : all.entries()) names.push_back(e.key);
  return names;
}

// The names in `asset`: one, a list, or "all".
std::vector<std::string> chosen_assets(const settings& s) {
  const std::vector<std::string> known = known_assets(s);
  const avss::config::value given = s.at("asset");
  if (given.is_null()) avss::fail("what should be fetched? give asset=NAME of ", avss::config::listed(known), ", or list");
  const std::vector<std::string> names =
      given.is(avss::config::kind::list) ? s.get<std::vector<std::string>>("asset") : std::vector{s.get<std::string>("asset")};
  if (names == std::vector<std::string>{"all"}) return known;
  for (const std::string& n : names)
    if (std::find(known.begin(), known.end(), n) == known.end())
      avss::fail("asset: expected ", avss::config::listed(known), ", all or list, found '", n, "'",
                 avss::config::did_you_mean(n, known));
  return names;
}

void list_assets(const settings& s, const std::string& drive) {
  for (const std::string& name : known_assets(s)) {
    const asset a = read_asset(s, name, "");
    std::cout << name << ": " << a.about << "\n  "
              << (a.files.size() == 1 ? a.files[0] : std::to_string(a.files.size()) + " files") << ", " << a.size << ", to "
              << a.folder.string() << "\n  licence: " << a.licence << "\n  from "
              << (a.files.size() == 1 ? avss::tools::address_of(a, a.files[0], drive) : a.url) << "\n";
  }
}

double positive(const settings& s, const std::string& key) {
  const double v = s.get<double>(key);
  if (!(v > 0 && v <= 86400)) avss::fail(key, ": expected seconds from above 0 to 86400, found ", v);
  return v;
}

int download(const settings& s, const avss::config::command_line&) {
  avss::tools::download_options o;
  o.drive_address = s.get<std::string>("download.drive");
  if (s.at("asset").is(avss::config::kind::string) && s.get<std::string>("asset") == "list")
    return list_assets(s, o.drive_address), 0;
  const std::string folder = s.get<std::string>("download.folder", "");
  for (const std::string& name : chosen_assets(s)) o.assets.push_back(read_asset(s, name, folder));
  const std::int64_t retries = s.get<std::int64_t>("download.retries");
  if (retries < 0 || retries > 1000) avss::fail("download.retries: expected a number from 0 to 1000, found ", retries);
  o.transfer.retries = static_cast<int>(retries);
  o.transfer.pause = positive(s, "download.pause"), o.transfer.stall = positive(s, "download.stall");
  o.transfer.stop = [] { return avss::tools::stop_on_signal::requested(); };
  o.terminal = ::isatty(STDOUT_FILENO) != 0;
  const avss::tools::stop_on_signal signals;
  return avss::tools::run_download(o, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a connection that the server closes is an error, not an end
  // The tool's one word that is no key.
  static char list[] = "asset=list";
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "list") == 0) argv[i] = list;
  return avss::tools::tool_main(argc, argv, {"download", "fetches weights and data of others.", "download"}, download);
}
