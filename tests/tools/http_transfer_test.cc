// Transfers from a server on loopback that misbehaves.
#include "tools/http_transfer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/http_server.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;

class transfers : public in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    part = folder / "file.part";
    o.pause = 0.01, o.retries = 3;
    o.note = [this](const std::string& n) { notes.push_back(n); };
  }
  std::optional<std::string> fetch(const http_server& server, const std::string& path = "/file") {
    return http_client().fetch(server.address() + path, part, server.address() + path, o);
  }
  std::string refusal(const http_server& server, const std::string& path = "/file") {
    return error_of([&] { fetch(server, path); });
  }
  static std::string bytes(std::size_t n, char first = 0) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += static_cast<char>(static_cast<std::size_t>(first) + i * i / 7);
    return all;
  }

  std::filesystem::path part;
  transfer_options o;
  std::vector<std::string> notes;
  const std::string file = bytes(300'000);
};

TEST_F(transfers, a_file_arrives) {
  std::uint64_t last = 0, of = 0;
  o.progress = [&](std::uint64_t done, std::uint64_t total) { last = done, of = total; };
  const http_server server([&](const http_request& r) { return ranged(r, file, "\"1\""); });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_EQ(last, file.size());
  EXPECT_EQ(of, file.size());
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].header("range"), "");
}

TEST_F(transfers, a_cut_connection_is_continued_where_it_was_cut) {
  const http_server server([&](const http_request& r) {
    http_reply reply = ranged(r, file, "\"1\"");
    reply.cut_after = 70'000;
    return reply;
  });
  EXPECT_FALSE(fetch(server));  // five parts with three retries: each brings something new
  EXPECT_TRUE(bytes_of_file(part) == file);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 5u);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(requests[i].header("range"), "bytes=" + std::to_string(i * 70'000) + "-");
    EXPECT_EQ(requests[i].header("if-range"), "\"1\"");
  }
}

TEST_F(transfers, a_later_process_goes_on) {
  bool cut = true;
  const http_server server([&](const http_request& r) {
    http_reply reply = ranged(r, file, "\"1\"");
    if (cut) reply.cut_after = r.header("range").empty() ? 100'000 : 0;
    return reply;
  });
  EXPECT_TRUE(says(refusal(server), "/file", "given up after 4 tries", "the same command goes on"));
  EXPECT_TRUE(bytes_of_file(part) == file.substr(0, 100'000));
  cut = false;
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_EQ(server.requests().back().header("range"), "bytes=100000-");
}

// As if another process, which has ended by now, had gone on meanwhile.
TEST_F(transfers, a_part_that_grew_meanwhile_is_not_written_to) {
  std::string grown;
  const http_server server([&](const http_request& r) {
    http_reply reply = ranged(r, file, "\"1\"");
    if (r.header("range").empty()) {
      reply.cut_after = 100'000;
    } else {
      std::ofstream(part, std::ios::binary | std::ios::app) << file.substr(100'000, 50'000);
      grown = bytes_of_file(part);
    }
    return reply;
  });
  EXPECT_TRUE(says(refusal(server), "file.part", "another process has just downloaded to it"));
  EXPECT_EQ(grown.size(), 150'000u);
  EXPECT_TRUE(bytes_of_file(part) == grown);
}

TEST_F(transfers, a_server_without_ranges_is_asked_for_all_of_it) {
  int asked = 0;
  const http_server server([&](const http_request&) {
    http_reply reply{200, file, {{"ETag", "\"1\""}}};
    if (++asked < 3) reply.cut_after = 200'000;
    return reply;
  });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(transfers, without_a_mark_of_the_version_nothing_is_continued) {
  for (const char* header : {"X-None", "ETag"}) {  // the second is a weak one
    int asked = 0;
    const http_server server([&](const http_request& r) {
      http_reply reply = ranged(r, file, "W/\"1\"");
      reply.headers[2].first = header;
      if (++asked == 1) reply.cut_after = 1000;
      return reply;
    });
    EXPECT_FALSE(fetch(server));
    EXPECT_TRUE(bytes_of_file(part) == file);
    EXPECT_EQ(server.requests()[1].header("range"), "");
  }
}

TEST_F(transfers, a_file_that_changed_meanwhile_is_begun_anew) {
  const std::string newer = bytes(250'000, 77);
  int asked = 0;
  const http_server server([&](const http_request& r) {
    const bool first = ++asked == 1;
    http_reply reply = ranged(r, first ? file : newer, first ? "\"1\"" : "\"2\"");
    if (first) reply.cut_after = 120'000;
    return reply;
  });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == newer);
  EXPECT_EQ(server.requests()[1].header("if-range"), "\"1\"");
}

TEST_F(transfers, what_a_server_without_if_range_sends_of_another_version_is_not_joined) {
  const std::string newer = bytes(300'000, 77);  // as long
  for (const bool etag : {true, false}) {
    int asked = 0;
    const http_server server([&](const http_request& r) {
      const bool first = ++asked == 1;
      http_request without = r;
      without.headers.erase("if-range");
      http_reply reply = ranged(without, first ? file : newer, first ? "\"1\"" : "\"2\"");
      if (!etag)
        reply.headers[2] = {"Last-Modified", first ? "Mon, 01 Jan 2024 00:00:00 GMT" : "Tue, 02 Jan 2024 00:00:00 GMT"};
      if (first) reply.cut_after = 120'000;
      return reply;
    });
    EXPECT_FALSE(fetch(server));
    EXPECT_TRUE(bytes_of_file(part) == newer);
    EXPECT_EQ(server.requests()[1].header("range"), "bytes=120000-");
    EXPECT_EQ(server.requests()[2].header("range"), "");
  }
}

TEST_F(transfers, a_part_of_another_file_is_not_continued) {
  const http_server server([&](const http_request& r) { return ranged(r, file, "\"1\""); });
  write_bytes(part, "something else");
  write_bytes(state_of(part), server.address() + "/other\n\"1\"\n");
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  // Nor one of which nothing is known.
  write_bytes(part, "something else");
  std::filesystem::remove(state_of(part));
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
}

TEST_F(transfers, a_part_that_is_whole_or_too_long) {
  const http_server server([&](const http_request& r) { return ranged(r, file, "\"1\""); });
  write_bytes(state_of(part), server.address() + "/file\n\"1\"\n");
  write_bytes(part, file);  // stopped between the last byte and the end
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_EQ(server.requests().size(), 1u);
  write_bytes(part, file + "and more");
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
}

TEST_F(transfers, a_range_that_was_not_asked_for_is_not_believed) {
  const http_server server([&](const http_request& r) {
    http_reply reply = ranged(r, file, "\"1\"");
    if (reply.status == 206) reply.body = file.substr(10), reply.headers.back().second = "bytes 10-299999/300000";
    return reply;
  });
  write_bytes(state_of(part), server.address() + "/file\n\"1\"\n");
  write_bytes(part, file.substr(0, 5000));
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
}

TEST_F(transfers, error_pages_are_never_stored) {
  for (const int status : {400, 401, 403, 404, 410, 451}) {
    const http_server server([&](const http_request&) {
      return http_reply{status, "<html>no</html>", {{"Content-Type", "text/html"}}};
    });
    EXPECT_TRUE(says(refusal(server), "/file", "answers " + std::to_string(status), "nothing was stored"));
    EXPECT_EQ(server.requests().size(), 1u);
  }
  for (const int status : {408, 429, 500, 502, 503}) {
    const http_server server([&](const http_request&) { return http_reply{status, "sorry"}; });
    EXPECT_TRUE(says(refusal(server), "answers " + std::to_string(status), "given up after 4 tries"));
    EXPECT_EQ(server.requests().size(), 4u);
  }
  for (const int status : {203, 204, 300, 304}) {
    const http_server server([&](const http_request&) { return http_reply{status, status == 203 ? "text" : ""}; });
    EXPECT_TRUE(says(refusal(server), "answers " + std::to_string(status), "nothing was stored"));
  }
  EXPECT_EQ(count_files(), 0u);
}

TEST_F(transfers, a_page_in_place_of_a_file_is_handed_back) {
  for (const char* type : {"text/html; charset=utf-8", "TEXT/HTML", "application/xhtml+xml"}) {
    const http_server server([&](const http_request&) {
      return http_reply{200, "<html>sign in</html>", {{"Content-Type", type}}};
    });
    EXPECT_EQ(fetch(server), "<html>sign in</html>");
    EXPECT_EQ(count_files(), 0u);
  }
}

TEST_F(transfers, a_busy_server_is_asked_again_later) {
  int asked = 0;
  const http_server server([&](const http_request& r) {
    return ++asked < 3 ? http_reply{503, "busy", {{"Retry-After", "0"}}} : ranged(r, file, "\"1\"");
  });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_TRUE(says(notes[0], "answers 503", "tries again in 0.01 s"));
  EXPECT_TRUE(says(notes[1], "tries again in 0.02 s"));
}

TEST_F(transfers, redirections) {
  const http_server server([&](const http_request& r) {
    if (r.target == "/file")
      return http_reply{302, "<html>moved</html>", {{"Location", "/there"}, {"Content-Type", "text/html"}}};
    if (r.target == "/there") return ranged(r, file, "\"1\"");
    if (r.target == "/local") return http_reply{302, "", {{"Location", "file:///etc/hostname"}}};
    return http_reply{302, "", {{"Location", "/round"}}};
  });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_FALSE(refusal(server, "/round").empty());
  EXPECT_FALSE(refusal(server, "/local").empty());
}

TEST_F(transfers, lengths_that_are_not_told_and_empty_files) {
  const http_server server([&](const http_request& r) {
    return http_reply{200, r.target == "/file" ? file : "", {{"ETag", "\"1\""}}, std::string::npos, r.target != "/file"};
  });
  EXPECT_FALSE(fetch(server));
  EXPECT_TRUE(bytes_of_file(part) == file);
  EXPECT_TRUE(says(refusal(server, "/empty"), "empty", "nothing was stored"));
}

TEST_F(transfers, nobody_there) {
  std::string address;
  {
    const http_server gone([](const http_request&) { return http_reply{}; });
    address = gone.address() + "/file";
  }
  o.retries = 1;
  EXPECT_TRUE(says(error_of([&] { http_client().fetch(address, part, address, o); }), address, "given up after 2 tries"));
  EXPECT_THROW(http_client().fetch(address, part, address, o), unreachable);
  EXPECT_TRUE(says(error_of([&] { http_client().fetch("gopher://127.0.0.1/", part, "x", o); }), "gopher"));
  EXPECT_EQ(count_files(), 0u);
}

TEST_F(transfers, files_of_this_machine) {
  write_bytes(folder / "there", file);
  for (int i = 0; i < 2; ++i) {  // the second finds a part
    EXPECT_FALSE(http_client().fetch("file://" + (folder / "there").string(), part, "x", o));
    EXPECT_TRUE(bytes_of_file(part) == file);
  }
  EXPECT_FALSE(error_of([&] { http_client().fetch("file:///absent/file", part, "x", o); }).empty());
}

TEST_F(transfers, can_be_stopped) {
  const http_server server([&](const http_request&) { return http_reply{503, ""}; });
  o.pause = 1000;
  int asked = 0;
  o.stop = [&] { return ++asked > 20; };
  EXPECT_THROW(fetch(server), transfer_stopped);
}

}  // namespace
}  // namespace avss::tools
