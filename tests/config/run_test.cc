// Whole runs of a program against the same runs under Hydra: what is printed of jobs, and what is left in files.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <avss/config/yaml.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/config/golden_text.hpp"

namespace avss::config {
namespace {

namespace fs = std::filesystem;

const value& golden() {
  static const value g = [] {
    value v = load_yaml("tests/golden/hydra_golden.json");
    make_literal(v);
    return v;
  }();
  return g;
}

struct outcome {
  int status;
  std::string out, err;
};

class sample_runs : public ::testing::Test {
 protected:
  void SetUp() override {
    static int number = 0;
    folder = fs::path(std::getenv("TEST_TMPDIR")) / ("run" + std::to_string(number++));
    fresh();
  }

  void fresh() {
    fs::remove_all(folder);
    for (const char* d : {"conf/db", "more/db"}) fs::create_directories(folder / d);
    for (const value::entry& e : golden().child("sample")->entries()) write("conf/" + e.key + ".yaml", e.item.text());
    write("conf/db/mysql.yaml", "n: mysql\n");
    write("conf/db/pg.yaml", "n: pg\n");
    write("conf/second.yaml", "a: second\n");
    write("more/db/extra.yaml", "n: extra\n");
    write("file.txt", "");
    given.clear();
    for (const auto& p : fs::recursive_directory_iterator(folder)) given.insert(p.path());
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }

  static std::string quoted(const std::string& word) {
    std::string q = "'";
    for (const char c : word) q += c == '\'' ? "'\\''" : std::string(1, c);
    return q + "'";
  }

  outcome run(const std::vector<std::string>& arguments, const std::string& before = "") const {
    static const std::string program = fs::absolute("tests/config/sample_tool").string();
    const std::string out = folder.string() + ".out", err = folder.string() + ".err";
    std::string line = "cd " + quoted(folder.string()) + " && unset VALUE BUILD_WORKING_DIRECTORY && " + before + " " +
                       quoted(program) + " -cp conf";
    for (const std::string& a : arguments) line += " " + quoted(a);
    const int status = std::system((line + " >" + quoted(out) + " 2>" + quoted(err)).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text_file(out), read_text_file(err)};
  }

  // Name to text; dates and times in names as NOW, in a log's lines left out.
  std::map<std::string, std::string> left() const {
    std::map<std::string, std::string> files;
    for (const auto& p : fs::recursive_directory_iterator(folder)) {
      if (given.contains(p.path()) || p.is_directory()) continue;
      const std::string name = std::regex_replace(p.path().lexically_relative(folder).string(),
                                                  std::regex(R"(\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d)"), "NOW");
      std::string text = read_text_file(p.path());
      if (name.ends_with(".log"))
        text = std::regex_replace(
            text, std::regex(R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[(?:sample|other)\]\[(?:INFO|ERROR)\] - )"), "");
      files[name] = text;
    }
    return files;
  }

  fs::path folder;
  std::set<fs::path> given;
};

// What Hydra prints of its jobs, without the times.
std::string about_jobs(const std::string& out) {
  std::string all;
  const std::regex line(R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[HYDRA\] (.*\n))");
  for (std::sregex_iterator m(out.begin(), out.end(), line), end; m != end; ++m) all += (*m)[1];
  return all;
}

TEST_F(sample_runs, are_those_of_hydra) {
  // Where we choose to differ, and why.
  const std::map<std::string, std::string> different{
      {" a=1,2 --multirun db=mysql,pg", "flags and overrides come in any order"},
      {" -m nope=1,2", "a mistake in a job is found before anything is written"},
      {" +hydra.sweeper.params.a='4,5' -m hydra.sweep.dir=sw", "keys can be added below null"},
  };
  int compared = 0;
  for (const value& line : golden().get<value::list>("runs")) {
    const auto arguments = line.items()[0].as<std::vector<std::string>>("run");
    const value& expected = line.items()[1];
    std::string shown;
    for (const std::string& a : arguments) shown += " " + a;
    fresh();
    const outcome o = run(arguments);
    const bool failed = o.status != 0;
    std::string printed = o.out.find("][HYDRA] ") != std::string::npos ? about_jobs(o.out) : "";
    if (std::find(arguments.begin(), arguments.end(), "-c") != arguments.end()) printed = o.out;
    const auto files = left();
    bool same = failed == expected.get<bool>("failed") && (failed || printed == expected.child("out")->text());
    const value::map& wanted = expected.child("files")->entries();
    same = same && files.size() == wanted.size();
    for (const value::entry& f : wanted) {
      const auto found = files.find(f.key);
      // A failed run's log ends with our message.
      same = same && found != files.end() &&
             (f.item.is_null() || (failed ? found->second.starts_with(f.item.text()) : found->second == f.item.text()));
    }
    ++compared;
    if (different.contains(shown)) {
      EXPECT_FALSE(same) << shown << " does not differ any more";
      continue;
    }
    std::string listing;
    for (const auto& [name, text] : files) listing += name + ": " + text;
    EXPECT_TRUE(same) << shown << "\nstatus " << o.status << "\n"
                      << o.out << o.err << listing << "\nexpected\n"
                      << text(expected);
    if (failed) {
      EXPECT_FALSE(o.err.empty()) << shown;
    }
  }
  EXPECT_GT(compared, 45);
}

TEST_F(sample_runs, a_job_that_fails_or_dies_leaves_the_others_running) {
  const outcome o = run({"-m", "+killed=true,false", "+bad=false,true", "hydra.sweep.dir=sw"});
  EXPECT_EQ(o.status, 128 + SIGABRT);
  EXPECT_NE(o.err.find("sample: the job #0 : +killed=True +bad=False ended with status 134\n"), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("sample: bad\nsample: the job #3 : +killed=False +bad=True ended with status 1\n"), std::string::npos);
  EXPECT_EQ(o.err.find("#2"), std::string::npos);
  EXPECT_EQ(left().at("sw/3/sample.log"), "a is 1 in ., VALUE unset\nsample: bad\n");
}

TEST_F(sample_runs, a_signal_ends_the_job_and_starts_no_other) {
  const std::string pid = quoted((folder / "pid").string());
  // The shell's own number is the tool's after exec.
  const std::string killer =
      "true; (sleep 30 & w=$!; until grep -qs waiting sw/0/sample.log; do kill -0 $w || exit; sleep 0.05; done; "
      "kill -TERM $(cat " +
      pid + "); kill $w) & echo $$ > " + pid + " && exec";
  const outcome o = run({"-m", "+wait=true", "a=1,2", "hydra.sweep.dir=sw"}, killer);
  EXPECT_EQ(o.status, 128 + SIGTERM) << o.err;
  EXPECT_TRUE(fs::exists(folder / "sw/0"));
  EXPECT_FALSE(fs::exists(folder / "sw/1"));
}

TEST_F(sample_runs, a_batch_that_failed_is_the_last) {
  const outcome o = run({"-m", "+bad=true,false,false", "hydra.sweep.dir=sw", "hydra.sweeper.max_batch_size=2"});
  EXPECT_EQ(o.status, 1);
  EXPECT_TRUE(fs::exists(folder / "sw/1"));
  EXPECT_FALSE(fs::exists(folder / "sw/2"));
}

TEST_F(sample_runs, the_log_has_what_is_printed_with_its_time) {
  EXPECT_EQ(run({"+loud=true", "hydra.run.dir=here"}).err, "part\rto the other\n");
  const std::string log = read_text_file(folder / "here/sample.log");
  EXPECT_TRUE(std::regex_match(
      log, std::regex(R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[sample\]\[INFO\] - a is 1 in \., VALUE unset\n)"
                      R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[sample\]\[ERROR\] - to the other\n)")))
      << log;
}

TEST_F(sample_runs, a_folder_that_cannot_be_made_is_said_and_goes_without) {
  write("outputs", "a file where the folder would be");
  const outcome o = run({});
  EXPECT_EQ(o.status, 0);
  EXPECT_EQ(o.out, "a is 1 in ., VALUE unset\n");
  EXPECT_EQ(o.err.find("sample: warning: "), 0u) << o.err;
  EXPECT_NE(o.err.find("hydra.output_subdir=null hydra/job_logging=disabled does without\n"), std::string::npos) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1);
  EXPECT_EQ(run({"hydra.output_subdir=null", "hydra/job_logging=disabled"}).err, "");
  const outcome asked = run({"hydra.run.dir=outputs/x"});
  EXPECT_EQ(asked.status, 1);
  EXPECT_EQ(asked.out, "");
  EXPECT_EQ(run({"-m", "a=1,2", "hydra.sweep.dir=outputs/x"}).status, 1);
}

TEST_F(sample_runs, folders_lie_where_bazel_run_was_called) {
  fs::create_directories(folder / "called");
  const outcome o = run({"hydra.run.dir=here", "-cp", (folder / "conf").string()},
                        "BUILD_WORKING_DIRECTORY=" + quoted((folder / "called").string()));
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_TRUE(fs::exists(folder / "called/here/.hydra/config.yaml"));
  const value hydra = load_yaml(folder / "called/here/.hydra/hydra.yaml");
  EXPECT_EQ(hydra.get<std::string>("hydra.runtime.cwd"), (folder / "called").string());
  EXPECT_EQ(hydra.get<std::string>("hydra.runtime.output_dir"), (folder / "called/here").string());
  EXPECT_EQ(hydra.get<std::string>("hydra.runtime.choices.db"), "mysql");
}

TEST_F(sample_runs, tell_about_themselves) {
  EXPECT_EQ(run({"--version"}).out, "sample of avss; its command line is that of Hydra 1.3.2\n");
  EXPECT_NE(run({"--hydra-help"}).out.find("  hydra.run.dir=DIR "), std::string::npos);
  EXPECT_NE(run({"--info", "defaults"}).out.find("  db/mysql   package db\n  config (_self_)   package _global_\n"),
            std::string::npos);
  EXPECT_NE(run({"-i", "defaults-tree"}).out.find("config\n  db/mysql\n  _self_\n"), std::string::npos);
  EXPECT_NE(run({"-i", "searchpath"}).out.find("  file://conf\n"), std::string::npos);
  EXPECT_NE(run({"--info"}).out.find("Config\n------\n"), std::string::npos);
  EXPECT_NE(run({"-i=plugins"}).out.find("sweeper: basic"), std::string::npos);
  EXPECT_EQ(run({"-c", "hydra", "-p", "hydra.run"}).out,
            "# @package hydra.run\ndir: outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}\n");
  EXPECT_EQ(run({"-c", "all"}).out.find("hydra:\n"), 0u);
  EXPECT_NE(run({"hydra.verbose=true"}).err.find("[HYDRA] db/mysql in db\n"), std::string::npos);
}

TEST_F(sample_runs, complete_words_for_the_shell) {
  const auto words = [&](const std::string& line) { return run({"-sc", "query=bash"}, "COMP_LINE=" + quoted(line)).out; };
  EXPECT_EQ(words("sample db=m"), "db=mysql\n");
  EXPECT_EQ(words("sample db="), "db=mysql\ndb=pg\n");
  EXPECT_EQ(words("sample a"), "a=\n");
  EXPECT_EQ(words("sample "), "a=\nb=\ndb.n=\ndb=\n");
  EXPECT_EQ(words("sample --mul"), "--multirun\n");
  EXPECT_EQ(words("sample -cn sec"), "second\n");
  EXPECT_EQ(words("sample -cn=second "), "a=\ndb=\n");
  const std::string script = run({"-sc", "install=bash"}).out;
  EXPECT_NE(script.find("complete -o nospace -o default -F _sample_words sample\n"), std::string::npos);
  write("script.sh", script);
  EXPECT_EQ(std::system(("bash -n " + quoted((folder / "script.sh").string())).c_str()), 0);
}

}  // namespace
}  // namespace avss::config
