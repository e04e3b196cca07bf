// //tools:download against servers on loopback, as a user runs it.
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <avss/io/sha256.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/tool_fixture.hpp"
#include "tools/unpack_archive.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using namespace std::string_literals;
namespace fs = std::filesystem;

std::string sum_of(const std::string& bytes) { return sha256().add(as_bytes_of(bytes)).hex(); }

// Bytes that hardly compress.
std::string noise_text(std::size_t n) {
  lcg random(1);
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += static_cast<char>(static_cast<int>(127 * random()));
  return text;
}

struct member {
  std::string name, text;
  int type = AE_IFREG;
  std::string link = {};
};

void write_archive(const fs::path& path, const std::vector<member>& members, bool zip = false) {
  struct archive* a = archive_write_new();
  if (zip) {
    archive_write_set_format_zip(a);
  } else {
    archive_write_set_format_pax_restricted(a);
    archive_write_add_filter_bzip2(a);
  }
  ASSERT_EQ(archive_write_open_filename(a, path.c_str()), ARCHIVE_OK);
  for (const member& m : members) {
    archive_entry* e = archive_entry_new();
    archive_entry_set_pathname(e, m.name.c_str());
    archive_entry_set_filetype(e, static_cast<unsigned>(m.type));
    archive_entry_set_perm(e, 0644);
    if (m.type == AE_IFLNK) archive_entry_set_symlink(e, m.link.c_str());
    if (m.type == AE_IFREG && !m.link.empty()) archive_entry_set_hardlink(e, m.link.c_str());
    archive_entry_set_size(e, static_cast<la_int64_t>(m.text.size()));
    EXPECT_EQ(archive_write_header(a, e), ARCHIVE_OK) << archive_error_string(a);
    archive_write_data(a, m.text.data(), m.text.size());
    archive_entry_free(e);
  }
  archive_write_close(a);
  archive_write_free(a);
}

class download : public tool_in_folder {
 protected:
  // With an asset of the test's own.
  outcome fetch(const std::string& definition, const std::string& more = "", const std::string& before = "") const {
    return run_tool("download", "asset=mine '+assets.mine={" + definition + "}' " + common() + more, "env " + before);
  }
  std::string common() const {
    return "download.folder=" + (folder / "to").string() + " download.pause=0.01 download.retries=2 ";
  }
  static std::string at(const http_server& server, const std::string& file, const std::string& more = "") {
    return "url: \"" + server.address() + "/" + file + "\", file: " + file + ", folder: x" + more;
  }
  static std::string sum_key(const std::string& bytes) { return ", sha256: \"" + sum_of(bytes) + "\""; }
  fs::path to(const std::string& name) const { return folder / "to" / name; }
  void expect_refusal(const outcome& r, const std::vector<std::string>& parts) const {
    EXPECT_EQ(r.status, 1) << r.out;
    const std::size_t last = r.err.substr(0, r.err.size() - 1).rfind('\n');
    const std::string line = r.err.substr(last == std::string::npos ? 0 : last + 1);
    for (const std::string& p : parts) EXPECT_NE(line.find(p), std::string::npos) << p << " in " << r.err;
  }

  const std::string weights = "PK\x03\x04" + std::string(200'000, 'w');
};

TEST_F(download, what_another_process_records_meanwhile_stays) {
  const std::string other = sum_of("other") + "  0.pth\n";
  const http_server server([&](const http_request& r) {
    write_bytes(to("SHA256SUMS"), other);
    return ranged(r, weights, "\"1\"");
  });
  const outcome r = fetch(at(server, "a.pth"));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(bytes_of_file(to("SHA256SUMS")), other + sum_of(weights) + "  a.pth\n");
}

TEST_F(download, a_file_its_sum_and_nothing_else) {
  const http_server server([&](const http_request& r) { return ranged(r, weights, "\"1\""); });
  const outcome first = fetch(at(server, "a.pth") + ", licence: MIT, about: \"weights of a test\"");
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.out.find("licence: MIT"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("200004 bytes, sha256 " + sum_of(weights)), std::string::npos) << first.out;
  EXPECT_EQ(first.out.find('\r'), std::string::npos);
  EXPECT_TRUE(bytes_of_file(to("a.pth")) == weights);
  EXPECT_EQ(bytes_of_file(to("SHA256SUMS")), sum_of(weights) + "  a.pth\n");
  EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"SHA256SUMS", "a.pth"}));
  // Again: checked, not fetched.
  const outcome again = fetch(at(server, "a.pth"));
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("is there already"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 1u);
  // Changed here: said, and left alone.
  write_bytes(to("a.pth"), "PK\x03\x04 mine");
  expect_refusal(fetch(at(server, "a.pth")), {"another file", sum_of(weights), "move it away"});
  EXPECT_EQ(bytes_of_file(to("a.pth")), "PK\x03\x04 mine");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(download, sums) {
  std::string given = weights;
  const http_server server([&](const http_request& r) { return ranged(r, given, "\"1\""); });
  expect_refusal(fetch(at(server, "a.pth", sum_key("other"))),
                 {"a.pth", sum_of(weights), "expected " + sum_of("other"), "nothing was stored"});
  EXPECT_TRUE(files_in(folder / "to").empty());
  EXPECT_EQ(fetch(at(server, "a.pth", sum_key(weights))).status, 0);
  // The sum of first use holds for a file that is fetched anew.
  fs::remove(to("a.pth"));
  given += "tampered";
  expect_refusal(fetch(at(server, "a.pth")), {sum_of(given), "expected " + sum_of(weights)});
  EXPECT_FALSE(fs::exists(to("a.pth")));
  expect_refusal(fetch(at(server, "a.pth", ", sha256: abc")), {"sha256", "64 hexadecimal digits"});
  write_bytes(to("SHA256SUMS"), "no sums\n");
  expect_refusal(fetch(at(server, "a.pth")), {"SHA256SUMS", "sha256sum"});
}

TEST_F(download, pages_and_errors_are_never_data) {
  http_reply reply;
  const http_server server([&](const http_request&) { return reply; });
  const auto refused = [&](http_reply r, const std::vector<std::string>& parts, const char* file = "a.pth") {
    reply = std::move(r);
    expect_refusal(fetch(at(server, file)), parts);
    EXPECT_TRUE(files_in(folder / "to").empty());
  };
  refused({404, "<html>not here</html>", {{"Content-Type", "text/html"}}}, {"answers 404", "nothing was stored"});
  refused({500, "oops"}, {"answers 500", "given up after 3 tries"});
  refused({200, "<html><title>Hotel Wi-Fi</title></html>", {{"Content-Type", "text/html"}}},
          {"web page", "Hotel Wi-Fi", "sign in"});
  // A page under another name.
  refused({200, "<!DOCTYPE html><html>...", {{"Content-Type", "application/octet-stream"}}}, {"no pth file", "<!DOCTYP"});
  refused({200, "<!DOCTYPE html><html>...", {{"Content-Type", "audio/wav"}}}, {"no wav file"}, "a.wav");
  refused({200, ""}, {"empty"});
}

TEST_F(download, several_files_of_a_folder) {
  const std::string wav = "RIFF" + std::string(1000, 'x');
  const http_server server([&](const http_request& r) {
    return r.target == "/irs/b.wav" ? http_reply{404, "no"} : http_reply{200, wav, {{"Content-Type", "audio/x-wav"}}};
  });
  const std::string definition = "url: \"" + server.address() + "/irs/\", files: [a.wav, b.wav, \"B%26O.wav\"], folder: x";
  const outcome r = fetch(definition);
  expect_refusal(r, {"mine", "/irs/b.wav", "404"});
  EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"B&O.wav", "SHA256SUMS", "a.wav"}));
  EXPECT_EQ(server.requests().back().target, "/irs/B%26O.wav");
}

TEST_F(download, a_server_that_is_gone_is_not_asked_for_every_file) {
  std::string address;
  {
    const http_server gone([](const http_request&) { return http_reply{}; });
    address = gone.address();
  }
  const outcome r = fetch("url: \"" + address + "/irs/\", files: [a.wav, b.wav], folder: x");
  expect_refusal(r, {"a.wav", "given up after 3 tries", "the other files are not tried"});
  EXPECT_EQ(r.err.find("b.wav"), std::string::npos) << r.err;
}

TEST_F(download, continued_after_an_interrupt) {
  std::atomic<bool> slow = true;
  const http_server server([&](const http_request& r) {
    http_reply reply = ranged(r, weights, "\"1\"");
    if (slow) reply.cut_after = r.header("range").empty() ? 50'000 : 0;
    return reply;
  });
  {
    child_process child({"./tools/download", "asset=mine", "+assets.mine={" + at(server, "a.pth") + "}",
                         "download.folder=" + (folder / "to").string(), "download.pause=30", "download.retries=1000"},
                        folder / "out", folder / "err");
    ASSERT_TRUE(child.runs_until([&] { return bytes_of_file(folder / "err").find("tries again") != std::string::npos; }));
    child.signal(SIGINT);
    EXPECT_EQ(child.wait(), 130);
  }
  EXPECT_NE(bytes_of_file(folder / "err").find("the same command goes on"), std::string::npos);
  EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"a.pth.part", "a.pth.part.state"}));
  slow = false;
  ASSERT_EQ(fetch(at(server, "a.pth")).status, 0);
  EXPECT_EQ(server.requests().back().header("range"), "bytes=50000-");
  EXPECT_TRUE(bytes_of_file(to("a.pth")) == weights);
  EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"SHA256SUMS", "a.pth"}));
}

TEST_F(download, a_full_disk) {
  const http_server server([&](const http_request& r) { return ranged(r, weights, "\"1\""); });
  const std::string full = "sh -c 'ulimit -f 64; exec \"$@\"' sh";  // of 512 bytes each
  const outcome r = fetch(at(server, "a.pth"), "", full);
  expect_refusal(r, {"a.pth.part", "cannot be written", "free some space", "what has come so far stays"});
  EXPECT_FALSE(fs::exists(to("a.pth")));
  ASSERT_EQ(fetch(at(server, "a.pth")).status, 0);
  EXPECT_EQ(server.requests().back().header("range"), "bytes=" + std::to_string(64 * 512) + "-");
  EXPECT_TRUE(bytes_of_file(to("a.pth")) == weights);
  // A server that announces more than any disk has.
  const http_server boasting([&](const http_request&) {
    return http_reply{200, weights, {{"Content-Length", "900000000000000000"}}, std::string::npos, false};
  });
  expect_refusal(fetch(at(boasting, "b.pth")), {"MiB are still to come", "free some space"});
}

TEST_F(download, google_drive_asks_first) {
  const http_server server([&](const http_request& r) {
    if (r.target == "/uc?export=download&id=the%20id")
      return http_reply{
          200,
          "<html><title>Virus scan warning</title><form id=\"download-form\" action=\"/download\">"
          "<input type=\"hidden\" name=\"id\" value=\"the id\"><input type=\"hidden\" name=\"confirm\" value=\"t\">"
          "</form></html>",
          {{"Content-Type", "text/html"}, {"Set-Cookie", "warned=yes"}}};
    if (r.target == "/download?id=the%20id&confirm=t") return ranged(r, weights, "\"1\"");
    return http_reply{404, ""};
  });
  const std::string drive = "download.drive=" + server.address() + "/uc";
  const outcome r = fetch("drive: \"the id\", file: a.pth, folder: x", drive);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(bytes_of_file(to("a.pth")) == weights);
  EXPECT_EQ(server.requests().back().header("cookie"), "warned=yes");
  expect_refusal(fetch("drive: other, file: b.pth, folder: x", drive), {"404"});
}

TEST_F(download, archives) {
  for (const bool zip : {false, true}) {
    const std::string name = zip ? "noises.zip" : "noises.tar.bz2";
    fs::remove_all(folder / "to");
    write_archive(folder / name, {{"set/", "", AE_IFDIR}, {"./set/a.wav", "RIFF a"}, {"set/deep/b.wav", "RIFF b"}}, zip);
    const std::string bytes = bytes_of_file(folder / name);
    const http_server server([&](const http_request& r) { return ranged(r, bytes, "\"1\""); });
    const outcome r = fetch(at(server, name, ", unpack: true"));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(files_in(folder / "to"),
              (std::vector<std::string>{"." + name + ".unpacked", "SHA256SUMS", "set/a.wav", "set/deep/b.wav"}));
    EXPECT_EQ(bytes_of_file(to("set/deep/b.wav")), "RIFF b");
    ASSERT_EQ(fetch(at(server, name, ", unpack: true")).status, 0);
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST_F(download, an_archive_beside_what_is_there) {
  write_archive(folder / "n.tar.bz2", {{"set/a.wav", "RIFF a"}, {"SHA256SUMS", "its own"}});
  const std::string bytes = bytes_of_file(folder / "n.tar.bz2");
  const http_server server([&](const http_request& r) { return ranged(r, bytes, "\"1\""); });
  const std::string asset = at(server, "n.tar.bz2", ", unpack: true");
  // Of the same length and not the same, or no file at all.
  fs::create_directories(folder / "to/set");
  write_bytes(to("set/a.wav"), "RIFF b");
  expect_refusal(fetch(asset), {"set/a.wav", "is there already and is another file"});
  EXPECT_EQ(bytes_of_file(to("set/a.wav")), "RIFF b");
  fs::remove(to("set/a.wav"));
  fs::create_directories(folder / "to/set/a.wav");
  expect_refusal(fetch(asset), {"set/a.wav", "is there already"});
  fs::remove(to("set/a.wav"));
  write_bytes(to("set/a.wav"), "RIFF a");
  const outcome r = fetch(asset);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(bytes_of_file(to("n.tar.bz2.SHA256SUMS")), "its own");
  EXPECT_NE(bytes_of_file(to("SHA256SUMS")), "its own");
}

TEST_F(download, archives_that_reach_outside_are_refused_whole) {
  const std::pair<member, const char*> bad[] = {{{"../evil", "x"}, "leads out"},
                                                {{"set/../../evil", "x"}, "leads out"},
                                                {{"/tmp/evil", "x"}, "absolute"},
                                                {{"link", "", AE_IFLNK, "/etc"}, "neither a file nor a folder"},
                                                {{"hard", "", AE_IFREG, "good.wav"}, "neither a file nor a folder"},
                                                {{"pipe", "", AE_IFIFO}, "neither a file nor a folder"},
                                                {{"good.wav", "twice"}, "two entries"},
                                                {{"a\nb", "x"}, "characters"},
                                                {{"a\\b", "x"}, "characters"}};
  for (const auto& [entry, why] : bad) {
    SCOPED_TRACE(entry.name);
    write_archive(folder / "n.tar.bz2", {{"good.wav", "RIFF"}, entry});
    const std::string bytes = bytes_of_file(folder / "n.tar.bz2");
    const http_server server([&](const http_request& r) { return ranged(r, bytes, "\"1\""); });
    expect_refusal(fetch(at(server, "n.tar.bz2", ", unpack: true")), {"n.tar.bz2", why, "nothing was unpacked"});
    EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"SHA256SUMS", "n.tar.bz2"}));
    EXPECT_FALSE(fs::exists(folder / "evil"));
    fs::remove_all(folder / "to");
  }
}

TEST_F(download, damaged_archives) {
  write_archive(folder / "n.tar.bz2", {{"good.wav", noise_text(50'000)}});
  const std::string whole = bytes_of_file(folder / "n.tar.bz2");
  for (const std::string& bytes : {whole.substr(0, whole.size() / 2), "BZh9 no archive"s, whole.substr(0, 4)}) {
    const http_server server([&](const http_request& r) { return ranged(r, bytes, "\"1\""); });
    expect_refusal(fetch(at(server, "n.tar.bz2", ", unpack: true")), {"damaged archive", "nothing was unpacked"});
    EXPECT_EQ(files_in(folder / "to"), (std::vector<std::string>{"SHA256SUMS", "n.tar.bz2"}));
    fs::remove_all(folder / "to");
  }
}

TEST_F(download, what_is_there_is_not_overwritten_by_an_archive) {
  write_archive(folder / "n.tar.bz2", {{"a.wav", "RIFF new"}, {"b.wav", "RIFF b"}});
  const std::string bytes = bytes_of_file(folder / "n.tar.bz2");
  const http_server server([&](const http_request& r) { return ranged(r, bytes, "\"1\""); });
  fs::create_directories(folder / "to");
  write_bytes(to("a.wav"), "RIFF of mine");
  expect_refusal(fetch(at(server, "n.tar.bz2", ", unpack: true")), {"a.wav", "is there already", "move it away"});
  EXPECT_EQ(bytes_of_file(to("a.wav")), "RIFF of mine");
  EXPECT_FALSE(fs::exists(to("b.wav")));
  fs::remove(to("a.wav"));
  ASSERT_EQ(fetch(at(server, "n.tar.bz2", ", unpack: true")).status, 0);  // of the archive that is there
  EXPECT_EQ(bytes_of_file(to("a.wav")), "RIFF new");
  EXPECT_TRUE(fs::exists(to("n.tar.bz2")));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(download, through_a_proxy) {
  const http_server proxy([&](const http_request& r) { return ranged(r, weights, "\"1\""); });
  const outcome r = fetch("url: \"http://files.example/a.pth\", file: a.pth, folder: x", "", "http_proxy=" + proxy.address());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(proxy.requests().at(0).target, "http://files.example/a.pth");
}

TEST_F(download, list_and_refusals) {
  const outcome list = run_tool("download", "list");
  ASSERT_EQ(list.status, 0) << list.err;
  for (const char* words :
       {"convtasnet.pth, 60.7 MB, to weights", "rtfsnet.pth, 11.0 MB", "lrw_resnet18_dctcn_video_boundary.pth, 211 MB",
        "66 files", "id=18TEetAQ1212HoMBdnDWMd-1soRHJghA_", "licence: Creative Commons", "audioset_000.tar.bz2"})
    EXPECT_NE(list.out.find(words), std::string::npos) << words << " in " << list.out;
  EXPECT_EQ(run_tool("download", "asset=list").out, list.out);
  expect_refusal(run_tool("download", ""), {"asset=NAME", "convtasnet", "list"});
  expect_refusal(run_tool("download", "asset=convtasnt"), {"convtasnt", "did you mean", "convtasnet"});
  expect_refusal(fetch("file: a, folder: x"), {"assets.mine.url", "drive"});
  expect_refusal(fetch("url: \"http://x/\", files: [a, b], sha256: \"" + sum_of("") + "\", folder: x"), {"assets.mine.files"});
  expect_refusal(fetch("url: \"http://127.0.0.1/a\", file: \"../a\", folder: x"), {"name of a file", "../a"});
  expect_refusal(fetch("url: \"http://127.0.0.1/a\", file: a, folder: x", "download.retries=-1"), {"download.retries", "-1"});
}

}  // namespace
}  // namespace avss
