// Weights and data of others, fetched from where they are published.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "tools/http_transfer.hpp"

namespace avss::tools {

struct asset {
  std::string name, about, licence, size;  // the last three for people
  std::string drive;                       // the file's id at Google Drive; "": it is at `url`
  std::string url;                         // of the file, or of the folder that has the files
  // Names: of the one file, what it shall be called; of several, what they are called on the server, percent-encoded.
  std::vector<std::string> files;
  std::string sha256;  // of the one file; "": not known
  std::filesystem::path folder;
  bool unpack = false;  // the one file is an archive, whose files are wanted
};

struct download_options {
  std::vector<asset> assets;
  std::string drive_address = "https://drive.google.com/uc";
  transfer_options transfer;
  bool terminal = false;  // `out` is one
};

// Where a file comes from, as it is shown: the address, before any redirection.
std::string address_of(const asset& a, const std::string& file, const std::string& drive_address);

// 0: all that was asked for is there, in the folders of the assets. 1: some of it is not, each with a line on `err`. 130:
// stopped.
//
// A file comes as NAME.part beside its place, and takes it when it is whole: of the length that the server told, with the first
// bytes that its kind has, and with the known sum. Sums are kept in SHA256SUMS of the folder (as sha256sum writes it), those of
// first use, too: a file that is there is held against them, and not fetched again. Nothing that is there is overwritten.
int run_download(const download_options& o, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
