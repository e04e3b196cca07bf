// Files from HTTP servers, taken up again where a transfer broke off.
#pragma once

#include <avss/core/error.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace avss::tools {

struct transfer_options {
  int retries = 5;    // in a row without a new byte, before it is given up
  double pause = 1;   // s before the first of them, twice as long before each further one, at most a minute
  double stall = 60;  // s without a byte that end a try
  // Bytes that are there, and that there are going to be, 0 if the server does not say.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = [](std::uint64_t, std::uint64_t) {};
  std::function<void(const std::string&)> note = [](const std::string&) {};  // of what is tried again
  std::function<bool()> stop = [] { return false; };                         // asked about once a second
};

// Was stopped; what has come stays, to be taken up again.
struct transfer_stopped {};

// The server could not be spoken to, or not to the end: others of its files will not come either.
class unreachable : public error {
 public:
  using error::error;
};

// Follows redirections (never from https to http), keeps cookies, goes through the proxy that http_proxy, https_proxy,
// all_proxy and no_proxy name, and trusts the certificates of the system or of SSL_CERT_FILE.
class http_client {
 public:
  http_client();
  ~http_client();

  // The file at the address, whole, as `part`. A part that an earlier try left is continued where it is of the same `identity`
  // and the server still has the same version of the file, which PART.state remembers, and made anew otherwise. A web page in
  // place of a file is not stored but returned. Throws error for an answer that will not get better, when the tries are used
  // up, and for a full disk: then the part stays. Throws transfer_stopped.
  std::optional<std::string> fetch(const std::string& address, const std::filesystem::path& part, const std::string& identity,
                                   const transfer_options& o);

 private:
  struct attempt;
  struct handle;
  enum class verdict : std::uint8_t { done, again };

  verdict judge(attempt& a, int code, const std::string& address);
  std::unique_ptr<handle> curl_;
};

// Where a part is remembered.
inline std::filesystem::path state_of(const std::filesystem::path& part) { return part.string() + ".state"; }

}  // namespace avss::tools
