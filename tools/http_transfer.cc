#include "tools/http_transfer.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

std::uint64_t number_in(std::string_view text) {
  std::uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return code ? 0 : static_cast<std::uint64_t>(size);
}

// Of a media type, whose case says nothing.
bool says_page(std::string type) {
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return type.starts_with("text/html") || type.starts_with("application/xhtml+xml");
}

// What a part belongs to: two lines, its identity and the server's mark of the version.
std::string mark_of(const fs::path& part, const std::string& identity) {
  std::ifstream in(state_of(part), std::ios::binary);
  std::string of, mark;
  return std::getline(in, of) && std::getline(in, mark) && of == identity ? mark : "";
}

}  // namespace

struct http_client::handle {
  CURL* curl = nullptr;
  ~handle() {
    if (curl) curl_easy_cleanup(curl);
  }
};

// One request and its answer.
struct http_client::attempt {
  const transfer_options& o;
  const fs::path& part;
  const std::string& address;
  const std::string& identity;
  const std::string mark;  // of the version that the part is of; empty where there is none
  CURL* curl;
  std::uint64_t have = 0;  // bytes of the part when it begins, then as it grows
  long status = 0;
  std::map<std::string, std::string> headers = {};  // of the last answer; names in lower case
  std::string page = {}, failure = {};
  std::uint64_t total = 0, received = 0;
  int fd = -1;
  bool is_page = false, stopped = false, refused = false;  // refused: a part that does not fit; begin anew

  attempt(const transfer_options& options, const fs::path& p, const std::string& a, const std::string& i, CURL* c)
      : o(options), part(p), address(a), identity(i), mark(mark_of(p, i)), curl(c) {}
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;
  ~attempt() { close(); }

  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  bool from_file() const { return address.starts_with("file:"); }
  std::string header(const char* name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) return headers.clear();  // of the next answer, after a redirection
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.remove_suffix(1);
    headers[name] = value;
  }

  // Before the first byte: where it goes. False where it goes nowhere.
  bool open() {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (!from_file() && status != 200 && status != 206) return true;  // an error's page is read to its end and forgotten
    is_page = says_page(header("content-type"));
    if (is_page) return true;
    if (status == 206) {
      // Content-Range: bytes FROM-TO/TOTAL
      const std::string range = header("content-range");
      if (!range.starts_with("bytes ") || number_in(std::string_view(range).substr(6)) != have || is_of_another_version())
        return refused = true, false;
      total = number_in(std::string_view(range).substr(std::min(range.find('/') + 1, range.size())));
    } else {
      have = 0;
      total = number_in(header("content-length"));
    }
    fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
    if (fd < 0) return says_why(errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      failure = part.string() + ": another process is downloading it; wait for its end";
      return false;
    }
    // Another process may have written to it, or have brought it to its end, before this one had it to itself.
    struct stat held {}, there {};
    if (::fstat(fd, &held) != 0) return says_why(errno);
    const bool same = ::stat(part.c_str(), &there) == 0 && there.st_ino == held.st_ino && there.st_dev == held.st_dev;
    if (!same || (have > 0 && static_cast<std::uint64_t>(held.st_size) != have)) {
      failure = part.string() + ": another process has just downloaded to it; start again";
      return false;
    }
    if (have == 0 && ::ftruncate(fd, 0) != 0) return says_why(errno);
    if (have == 0) remember();
    struct statvfs disk {};
    const std::uint64_t missing = total > have ? total - have : 0;
    if (::fstatvfs(fd, &disk) == 0 && disk.f_blocks > 0 && missing > disk.f_bavail * disk.f_frsize) {
      failure = joined(part.string(), ": ", missing >> 20, " MiB are still to come and the disk has ",
                       (disk.f_bavail * disk.f_frsize) >> 20, "; free some space or choose another disk");
      return false;
    }
    return true;
  }

  // A server that does not know If-Range sends the rest of whatever it has now.
  bool is_of_another_version() const {
    const std::string now = header(mark.starts_with('"') ? "etag" : "last-modified");
    return !now.empty() && now != mark;
  }

  // Weak marks do not promise the same bytes.
  void remember() {
    std::string mark = header("etag");
    if (mark.empty() || mark.starts_with("W/")) mark = header("last-modified");
    std::error_code ignored;
    if (mark.empty())
      fs::remove(state_of(part), ignored);
    else
      write_file_atomically(state_of(part).string(), as_bytes_of(identity + "\n" + mark + "\n"));
  }

  bool says_why(int number) {
    failure = joined(part.string(), ": cannot be written: ", std::strerror(number), "; ", avss::detail::write_remedy(number),
                     "; what has come so far stays");
    return false;
  }

  bool take(const char* bytes, std::size_t n) {
    if (received == 0 && !open()) return false;
    received += n;
    if (is_page || fd < 0) {
      constexpr std::size_t most = 1 << 20;
      if (is_page) page.append(bytes, std::min(n, most - std::min(most, page.size())));
      return true;
    }
    for (std::size_t done = 0; done < n;) {
      const ssize_t written = ::write(fd, bytes + done, n - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return says_why(written < 0 ? errno : ENOSPC);
      done += static_cast<std::size_t>(written);
      have += static_cast<std::uint64_t>(written);
    }
    o.progress(have, total);
    return true;
  }

  // Functions that libcurl calls; nothing may be thrown through it.
  static std::size_t on_header(char* bytes, std::size_t, std::size_t n, void* self) {
    static_cast<attempt*>(self)->take_header({bytes, n});
    return n;
  }
  static std::size_t on_bytes(char* bytes, std::size_t, std::size_t n, void* self) {
    attempt& a = *static_cast<attempt*>(self);
    try {
      return a.take(bytes, n) ? n : 0;
    } catch (const error& e) {
      a.failure = e.what();
    }
    return 0;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    attempt& a = *static_cast<attempt*>(self);
    a.stopped = a.stopped || a.o.stop();
    return a.stopped ? 1 : 0;
  }
};

http_client::http_client() : curl_(std::make_unique<handle>()) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  curl_->curl = ready == CURLE_OK ? curl_easy_init() : nullptr;
  CURL* c = curl_->curl;
  if (!c) fail("libcurl cannot start; free some memory");
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(c, CURLOPT_COOKIEFILE, "");
  curl_easy_setopt(c, CURLOPT_USERAGENT, "avss");
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  if (const char* trusted = std::getenv("SSL_CERT_FILE")) curl_easy_setopt(c, CURLOPT_CAINFO, trusted);
}
http_client::~http_client() = default;

namespace {

// Will the same request have another answer?
bool may_get_better(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
  }
}

bool may_get_better(long status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

void wait(double seconds, const transfer_options& o) {
  using clock = std::chrono::steady_clock;
  for (const auto end = clock::now() + std::chrono::duration<double>(seconds); clock::now() < end;) {
    if (o.stop()) throw transfer_stopped();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<long>(100, static_cast<long>(seconds * 1000) + 1)));
  }
}

// What differs from one request to the next. (curl_easy_reset() would lose, in 7.88, the memory that CURLOPT_COOKIEFILE takes.)
void prepare(CURL* c, const std::string& address, const transfer_options& o) {
  curl_easy_setopt(c, CURLOPT_URL, address.c_str());
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, address.starts_with("https:") ? "https" : "http,https");
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(o.stall)));
  curl_easy_setopt(c, CURLOPT_RANGE, nullptr);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, nullptr);
}

}  // namespace

// Throws for what will not get better.
http_client::verdict http_client::judge(attempt& a, int result, const std::string& address) {
  const auto code = static_cast<CURLcode>(result);
  if (a.stopped) throw transfer_stopped();
  if (!a.failure.empty()) fail(a.failure);
  std::error_code ignored;
  // Content-Range: bytes */TOTAL; stopped between its last byte and its end, the part is whole.
  const std::string range = a.header("content-range");
  if (code == CURLE_OK && a.status == 416 && a.have > 0 && range == "bytes */" + std::to_string(a.have)) return verdict::done;
  if (a.refused || (code == CURLE_OK && a.status == 416)) {
    // What is there is of another length, or version, than the server's file.
    fs::remove(a.part, ignored), fs::remove(state_of(a.part), ignored);
    a.failure = "the part that is there does not fit the server's file; begins anew";
    return verdict::again;
  }
  if (code != CURLE_OK) {
    const std::string why = curl_easy_strerror(code);
    if (!may_get_better(code)) fail(address, ": ", why, "; nothing was stored");
    a.failure = why;
    return verdict::again;
  }
  if (a.status >= 400) {
    if (!may_get_better(a.status))
      fail(address, ": the server answers ", a.status, a.status == 404 || a.status == 410 ? " (there is no such file)" : "",
           "; nothing was stored; check the address");
    a.failure = joined("the server answers ", a.status);
    return verdict::again;
  }
  if (!a.from_file() && a.status != 200 && a.status != 206)
    fail(address, ": the server answers ", a.status, " in place of a file; nothing was stored; check the address");
  if (a.is_page) return verdict::done;
  if (a.received == 0) fail(address, ": the server's file is empty; nothing was stored");
  if (a.total > 0 && a.have != a.total) {
    a.failure = joined("the connection ended after ", a.have, " of ", a.total, " bytes");
    return verdict::again;
  }
  if (::fsync(a.fd) != 0) fail(a.part.string(), ": cannot be written: ", std::strerror(errno), "; check the disk");
  return verdict::done;
}

std::optional<std::string> http_client::fetch(const std::string& address, const fs::path& part, const std::string& identity,
                                              const transfer_options& o) {
  std::uint64_t most = size_of(part);
  for (int tries = 0;; ++tries) {
    attempt a(o, part, address, identity, curl_->curl);
    prepare(curl_->curl, address, o);
    a.have = a.mark.empty() || a.from_file() ? 0 : size_of(part);
    curl_slist* headers = nullptr;
    const std::string range = std::to_string(a.have) + "-";
    if (a.have > 0) {
      curl_easy_setopt(curl_->curl, CURLOPT_RANGE, range.c_str());
      headers = curl_slist_append(nullptr, ("If-Range: " + a.mark).c_str());
      curl_easy_setopt(curl_->curl, CURLOPT_HTTPHEADER, headers);
    }
    curl_easy_setopt(curl_->curl, CURLOPT_HEADERFUNCTION, attempt::on_header);
    curl_easy_setopt(curl_->curl, CURLOPT_HEADERDATA, &a);
    curl_easy_setopt(curl_->curl, CURLOPT_WRITEFUNCTION, attempt::on_bytes);
    curl_easy_setopt(curl_->curl, CURLOPT_WRITEDATA, &a);
    curl_easy_setopt(curl_->curl, CURLOPT_XFERINFOFUNCTION, attempt::on_progress);
    curl_easy_setopt(curl_->curl, CURLOPT_XFERINFODATA, &a);
    const CURLcode code = curl_easy_perform(curl_->curl);
    curl_easy_getinfo(curl_->curl, CURLINFO_RESPONSE_CODE, &a.status);
    curl_slist_free_all(headers);
    if (judge(a, code, address) == verdict::done) return a.is_page ? std::optional(std::move(a.page)) : std::nullopt;
    if (a.have > most && a.fd >= 0) most = a.have, tries = 0;
    if (tries >= o.retries) {
      const std::string why = joined(address, ": ", a.failure, "; given up after ", tries + 1, tries == 0 ? " try" : " tries",
                                     size_of(part) > 0 ? "; what has come stays: the same command goes on" : "");
      if (code != CURLE_OK && a.received == 0) throw unreachable(one_line(why));
      fail(why);
    }
    double pause = std::min(60., o.pause * static_cast<double>(1 << std::min(tries, 20)));
    if (const std::string asked = a.header("retry-after"); !asked.empty())
      pause = std::max(pause, std::min(60., static_cast<double>(number_in(asked))));
    o.note(joined(address, ": ", a.failure, "; tries again in ", pause, " s"));
    wait(pause, o);
  }
}

}  // namespace avss::tools
