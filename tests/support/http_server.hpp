// A small HTTP server on loopback, which answers as a test wants.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <avss/core/error.hpp>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace avss::testing {

struct http_request {
  std::string method, target;                  // "GET", "/file?id=1"
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

struct http_reply {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::size_t cut_after = std::string::npos;  // bytes of the body after which the connection ends
  bool says_length = true;                    // Content-Length of the whole body
};

// One connection at a time, one request each. Every request is kept.
class http_server {
 public:
  using handler = std::function<http_reply(const http_request&)>;

  explicit http_server(handler answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      fail("a server on loopback cannot be started");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;
  ~http_server() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<http_request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  static bool ready(int fd, int milliseconds) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, milliseconds) > 0;
  }

  void serve() {
    while (!stop_) {
      if (!ready(listener_, 20)) continue;
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      converse(connection);
      ::close(connection);
    }
  }

  void converse(int connection) {
    std::string text;
    for (char buffer[4096]; text.find("\r\n\r\n") == std::string::npos;) {
      if (!ready(connection, 5000)) return;
      const ssize_t n = ::recv(connection, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    const http_request request = parse(text);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const http_reply reply = answer_(request);
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Reason\r\nConnection: close\r\n";
    if (reply.says_length) head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
    send_all(connection, head + "\r\n");
    send_all(connection, reply.body.substr(0, reply.cut_after));
    // Unread bytes would turn the end into a reset, which may overtake what was sent.
    ::shutdown(connection, SHUT_WR);
    for (char rest[256]; ready(connection, 1000) && ::recv(connection, rest, sizeof rest, 0) > 0;) {
    }
  }

  static http_request parse(const std::string& text) {
    http_request r;
    std::size_t at = text.find("\r\n");
    const std::string first = text.substr(0, at);
    r.method = first.substr(0, first.find(' '));
    r.target = first.substr(r.method.size() + 1, first.rfind(' ') - r.method.size() - 1);
    for (std::size_t end; at += 2, (end = text.find("\r\n", at)) != std::string::npos && end > at; at = end) {
      const std::string line = text.substr(at, end - at);
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::string name = line.substr(0, colon), value = line.substr(colon + 1);
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      value.erase(0, value.find_first_not_of(' '));
      r.headers[name] = value;
    }
    return r;
  }

  static void send_all(int connection, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::send(connection, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }

  handler answer_;
  int listener_ = -1;
  unsigned port_ = 0;
  mutable std::mutex mutex_;
  std::vector<http_request> requests_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// The file as a server with ranges gives it: all of it, or from where "Range: bytes=N-" says, unless If-Range names another
// version.
inline http_reply ranged(const http_request& request, const std::string& body, const std::string& etag,
                         const std::string& type = "application/octet-stream") {
  http_reply r{200, body, {{"Content-Type", type}, {"Accept-Ranges", "bytes"}, {"ETag", etag}}};
  const std::string range = request.header("range"), condition = request.header("if-range");
  if (range.empty() || (!condition.empty() && condition != etag)) return r;
  const std::size_t from = std::strtoull(range.c_str() + 6, nullptr, 10);
  const std::string size = std::to_string(body.size());
  if (from >= body.size()) {
    r.status = 416, r.body.clear();
    r.headers.emplace_back("Content-Range", "bytes */" + size);
    return r;
  }
  r.status = 206, r.body = body.substr(from);
  r.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" + size);
  return r;
}

}  // namespace avss::testing
