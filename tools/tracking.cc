#include "tools/tracking.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/core/version.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/strict_json.hpp>
#include <avss/track/event.hpp>
#include <avss/track/utf8.hpp>
#include <avss/train/config_change.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/section.hpp"

namespace avss::tools {
namespace {

using config::settings;

// In single quotes where the shell would see more in it than a word.
std::string shell_word(std::string_view word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string own_command() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::string all;
  for (std::string word; std::getline(in, word, '\0');) all += (all.empty() ? "" : " ") + shell_word(word);
  return all;
}

// What git says of the folder in which `bazel run` was called; the environment names it, no text of ours is in the command.
std::string source_commit() {
  if (!std::getenv("BUILD_WORKSPACE_DIRECTORY")) return "";
  FILE* git = ::popen(
      "git -C \"$BUILD_WORKSPACE_DIRECTORY\" describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null </dev/null", "r");
  if (!git) return "";
  char line[128] = "";
  const bool said = std::fgets(line, sizeof line, git) != nullptr;
  const bool went_well = ::pclose(git) == 0;
  std::string commit = said && went_well ? line : "";
  while (!commit.empty() && commit.back() == '\n') commit.pop_back();
  return commit;
}

void flatten(const checkpoint_value& v, const std::string& path,
             std::vector<std::pair<std::string, hparams::value>>& parameters) {
  if (v.is_dict()) {
    for (const auto& [key, inner] : v.fields()) flatten(inner, path.empty() ? key.text() : path + "." + key.text(), parameters);
    return;
  }
  // What the result does not depend on.
  for (const std::string_view other : {"writer.", "trainer.resume_from", "trainer.save_dir"})
    if (path.starts_with(other)) return;
  if (const auto flag = v.boolean())
    parameters.emplace_back(path, *flag);
  else if (const auto number = v.number())
    parameters.emplace_back(path, *number);
  else
    parameters.emplace_back(path, v.is_text() ? v.text() : detail::config_text(v));
}

std::string fenced(const std::string& text, const char* language = "") {
  return std::string("```") + language + "\n" + text + (text.ends_with('\n') ? "" : "\n") + "```\n";
}

const std::vector<std::string> writers{"local", "CometMLWriter", "WandBWriter"};

// Keys of a service are checked, though only some of them change anything here.
void read_service(const settings& s, const section& w, const std::string& target, const std::filesystem::path& folder,
                  std::ostream& err) {
  const bool comet = target == "CometMLWriter";
  w.allow({"project_name", comet ? "workspace" : "entity", "run_id", "run_name", "mode", "loss_names", "log_checkpoints",
           "id_length"});
  s.one_of("writer.mode", {"online", "offline"});
  (void)w.get<bool>("log_checkpoints", false);
  if (const auto n = w.get<std::int64_t>("id_length", 32); n < 1 || n > 128)
    w.wrong("id_length", "expected a number from 1 to 128, found ", n);
  err << "note: writer._target_=" << target << ": nothing is sent to " << (comet ? "Comet" : "Weights & Biases")
      << "; the run is recorded as by writer=local, and can be uploaded from " << one_line(folder.string())
      << " afterwards: see \"Following a run\" in README.md" << std::endl;
}

std::string drawn_id(std::int64_t length) {
  constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;  // of no seed: two runs must not have the same
  std::uniform_int_distribution<std::size_t> which(0, digits.size() - 1);
  std::string id;
  for (std::int64_t i = 0; i < length; ++i) id += digits[which(random)];
  return id;
}

// The id of the run's first start, the configured one, or a new one; "" where no service asks for one.
std::string id_of(const settings& s, const std::filesystem::path& starts) {
  const section w(s, "writer");
  if (w.target(writers) == "local") return "";
  if (w.has("run_id")) return w.get<std::string>("run_id");
  std::ifstream in(starts, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view key = "\"run_id\": \"";
    const std::size_t at = line.find(key);
    if (at == std::string::npos) continue;
    const std::size_t from = at + key.size(), end = line.find('"', from);
    if (end != std::string::npos && end > from) return line.substr(from, end - from);
  }
  return drawn_id(w.get<std::int64_t>("id_length", 32));
}

}  // namespace

start_record this_start() {
  std::error_code ignored;
  const char* typed_in = std::getenv("BUILD_WORKING_DIRECTORY");
  return {as_utf8(own_command()), as_utf8(typed_in ? typed_in : std::filesystem::current_path(ignored).string()),
          source_commit()};
}

std::unique_ptr<tracker> make_tracker(const settings& s, const trainer_options& o, const start_record& start,
                                      const std::string& configuration, std::ostream& err) {
  const section w(s, "writer");
  const std::string target = w.target(writers);
  if (target == "local")
    w.allow({"run_name", "loss_names", "event_files"});
  else
    read_service(s, w, target, o.folder, err);

  event_tracker_options t;
  t.folder = o.folder;
  t.examples = s.get<std::int64_t>("trainer.examples_to_log_on_val", 0);
  if (t.examples < 0 || t.examples > 1000)
    fail("trainer.examples_to_log_on_val: expected a number from 0 to 1000, found ", t.examples);
  if (w.has("loss_names")) t.loss_names = w.get<std::vector<std::string>>("loss_names");
  if (target == "local" && !w.get<bool>("event_files", true)) return nullptr;
  t.texts = {{"config", fenced(configuration, "yaml")},
             {"command", fenced(start.command)},
             {"version", "avss " + std::string(library_version) + (start.commit.empty() ? "" : ", commit " + start.commit)}};
  flatten(o.config, "", t.parameters);
  std::error_code code;
  if (const std::string before = (o.folder / "config.yaml").string(); std::filesystem::exists(before, code))
    t.configuration_changed = as_text(read_file(before)) != configuration;
  t.warn = [&err](const std::string& what) { err << "warning: " << one_line(what) << std::endl; };
  return std::make_unique<event_tracker>(std::move(t));
}

void record_start(const settings& s, const std::filesystem::path& folder, std::int64_t step, const start_record& start) {
  const std::string path = (folder / "starts.jsonl").string();
  const std::string id = id_of(s, path);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char time[32];
  (void)std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &utc);
  const auto text_or_null = [](const std::string& t) { return t.empty() ? std::string("null") : json_quoted(t); };
  const std::string line =
      joined("{\"time\": \"", time, "\", \"step\": ", step, ", \"version\": ", json_quoted(library_version),
             ", \"commit\": ", text_or_null(start.commit), ", \"command\": ", json_quoted(start.command),
             ", \"folder\": ", json_quoted(start.folder), ", \"run_id\": ", text_or_null(id), "}\n");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) avss::detail::fail_to_write(path, "creating it", errno);
  try {
    avss::detail::write_all(fd, as_bytes_of(line), path);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
}

}  // namespace avss::tools
