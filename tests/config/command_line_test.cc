#include <gtest/gtest.h>

#include <algorithm>
#include <avss/config/command_line.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace avss::config {
namespace {

const tool infer{"infer", "separates mixtures.", "primary"};

struct run {
  int status = -1;
  std::string out, err;
};

run call(
    std::vector<std::string> arguments, const tool& t = infer,
    const std::function<int(const settings&, const command_line&)>& body = [](const settings&,
                                                                              const command_line&) { return 0; },
    const std::string& configs = "tests/config/data") {
  arguments.insert(arguments.begin(), "infer");
  if (!configs.empty()) arguments.insert(arguments.end(), {"-cp", configs});
  std::vector<const char*> argv;
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out, err;
  run r;
  r.status = run_tool(static_cast<int>(argv.size()), argv.data(), t, body, out, err);
  r.out = out.str();
  r.err = err.str();
  return r;
}

TEST(command_line, flags_and_overrides_in_any_order) {
  for (const std::vector<std::string>& form :
       std::vector<std::vector<std::string>>{{"-cn", "x", "a=1", "--threads", "2", "b=2"},
                                             {"a=1", "--threads=2", "-cn=x", "b=2"},
                                             {"a=1", "b=2", "--config-name=x.yaml", "--threads", "2"},
                                             {"--config-name", "x", "--threads=2", "--", "a=1", "b=2"}}) {
    const command_line c = parse_command_line(form);
    EXPECT_EQ(c.config_name, "x");
    EXPECT_EQ(c.threads, 2);
    EXPECT_EQ(c.overrides, (std::vector<std::string>{"a=1", "b=2"}));
  }
  EXPECT_TRUE(parse_command_line({"--cfg", "job", "--resolve"}).resolve);
  EXPECT_EQ(parse_command_line({"-c=job"}).print, "job");
  EXPECT_TRUE(parse_command_line({"-m", "a=1,2"}).multirun);
  EXPECT_EQ(parse_command_line({"a=1", "--info"}).info, "all");
  EXPECT_EQ(parse_command_line({"-i", "defaults-tree", "a=1"}).info, "defaults-tree");
  EXPECT_EQ(parse_command_line({"--info", "a=1"}).overrides, std::vector<std::string>{"a=1"});
  EXPECT_EQ(parse_command_line({"-cd", "x", "--config-dir=y"}).config_dirs, (std::vector<std::string>{"x", "y"}));
}

TEST(command_line, wrong_flags_end_with_status_2) {
  for (const auto& [argument, message] : std::vector<std::pair<std::string, std::string>>{
           {"--config-nam=x",
            "infer: unknown flag '--config-nam'; a value is given as key=value, and --help lists flags and keys; did you mean "
            "'--config-name'?\n"},
           {"--thread=2", "did you mean '--threads'?"},
           {"-x", "unknown flag '-x'"},
           {"--threads=-1", "--threads: expected a number from 0 to 4096, found '-1'"},
           {"--threads=two", "found 'two'"},
           {"--help=yes", "takes no value"},
           {"-cn=", "needs a value"},
           {"-m=yes", "takes no value"},
           {"--cfg=jobs", "--cfg jobs: expected job, hydra or all"},
           {"--info=default", "did you mean 'defaults'?"},
           {"--package=db", "--package goes with --cfg job"},
           {"-sc=install=fish", "expected install=bash or uninstall=bash"},
           {"-sc=query=bash", "is for the shell, which sets COMP_LINE"},
           {"--resolve", "--resolve goes with --cfg job"}}) {
    const run r = call({argument});
    EXPECT_EQ(r.status, 2) << argument;
    EXPECT_NE(r.err.find(message), std::string::npos) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1);
  }
}

TEST(command_line, errors_name_what_was_meant) {
  for (const auto& [argument, message] : std::vector<std::pair<std::string, std::string>>{
           {"trainer.n_epoch=3",
            "Could not override 'trainer.n_epoch'. Key 'trainer.n_epoch' is not in the configuration; did you mean "
            "'trainer.n_epochs'? To append to your config use +trainer.n_epoch=3"},
           {"n_epochs=3", "did you mean 'trainer.n_epochs'?"},
           {"db=mysqll",
            "Could not find 'db/mysqll'; available options of 'db': 1, mysql, postgres, sqlite; searched in tests/config/data; "
            "did you mean 'mysql'?\n"},
           {"-cn=primry", "; did you mean 'primary'?\n"},
           {"-cn=missing_group", "You must specify 'db', e.g, db=<OPTION>; available options: 1, mysql, postgres, sqlite"},
           {"lr=1,2", "Ambiguous value for argument 'lr=1,2'"},
           {"lr", "'lr': expected key=value"},
           {"+debug=1", "Could not append to config. An item is already at 'debug'. Either remove + prefix: 'debug=1'"},
           {"~nothing", "Could not delete from config. 'nothing' does not exist"},
           {"~debug=true", "The value of 'debug' is false and not true"},
           {"modl@x=y", "there is no such group"},
           {"model=small_mysql",
            "Could not override 'model'. No match in the defaults list. To append to your default list use +model=small_mysql"},
           {"name=f(x)", "'name=f(x)': f(..): there is no such function; known: choice, range,"},
           {"name=rnge(3)", "did you mean 'range'?\n"},
           {"name=range(3)", "3. a sweep: add --multirun\n"},
           {"-cd=/no/such/folder", "/no/such/folder: no such folder"}}) {
    const run r = call({argument});
    EXPECT_EQ(r.status, 1) << argument;
    EXPECT_NE(r.err.find(message), std::string::npos) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1);
  }
}

TEST(command_line, prints_the_configuration) {
  const run raw = call({"--cfg", "job", "trainer.n_epochs=3"});
  EXPECT_EQ(raw.status, 0);
  EXPECT_NE(raw.out.find("  n_epochs: 3\n  epoch_len: 3000\n  steps: ${trainer.n_epochs}\n"), std::string::npos) << raw.out;
  const run followed = call({"--cfg", "job", "trainer.n_epochs=3", "--resolve"});
  EXPECT_NE(followed.out.find("  steps: 3\n  folder: first/run\n"), std::string::npos) << followed.out;
}

TEST(command_line, help_lists_configurations_groups_and_keys) {
  const run r = call({"--help"});
  EXPECT_EQ(r.status, 0);
  for (const char* part :
       {"usage: infer", "-cn, --config-name NAME", "no_defaults, ", "  db=OPTION   1, mysql, postgres, sqlite\n",
        "  server/apache=OPTION   large, small\n", "  trainer.n_epochs=15\n", "  list=[1, 2, 3]\n"})
    EXPECT_NE(r.out.find(part), std::string::npos) << part << " in\n" << r.out;
}

TEST(command_line, output_that_is_not_taken_is_an_error) {
  const auto into_full_disk = [](std::vector<const char*> argv, int status) {
    argv.insert(argv.end(), {"-cp", "tests/config/data"});
    argv.insert(argv.begin(), "infer");
    std::ofstream full("/dev/full");
    std::ostringstream err;
    const int got = run_tool(
        static_cast<int>(argv.size()), argv.data(), infer,
        [&](const settings&, const command_line&) {
          full << "said\n";
          return status;
        },
        full, err);
    return std::pair(got, err.str());
  };
  for (const std::vector<const char*>& argv : {std::vector<const char*>{}, {"--help"}, {"--cfg", "job"}}) {
    const auto [status, err] = into_full_disk(argv, 0);
    EXPECT_EQ(status, 1);
    EXPECT_EQ(err.find("infer: what it prints could not be written"), 0u) << err;
  }
  EXPECT_EQ(into_full_disk({}, 130), std::pair(130, std::string()));  // a line of its own was said
}

TEST(command_line, the_program_reads_types_and_places) {
  const run r = call({"trainer.n_epochs=many"}, infer, [](const settings& s, const command_line&) {
    s.get<int>("trainer.n_epochs");
    return 0;
  });
  EXPECT_EQ(r.status, 1);
  EXPECT_EQ(
      r.err,
      "infer: trainer.n_epochs: expected an integer, found the string 'many' (the command line, trainer.n_epochs=many)\n");
  const run broken = call({"lr=x"}, infer, [](const settings& s, const command_line&) {
    EXPECT_EQ(s.get<int>("trainer.steps"), 15);
    EXPECT_EQ(s.get<std::string>("db.user"), "nobody");
    EXPECT_EQ(s.get<std::optional<std::string>>("trainer.resume"), std::nullopt);
    EXPECT_EQ(s.one_of("name", {"first", "second"}), "first");
    s.one_of("server.name", {"wep", "none"});
    return 0;
  });
  EXPECT_EQ(broken.err,
            "infer: server.name: expected one of wep, none, found the string 'web' (tests/config/data/server/web.yaml:4:7); "
            "did you mean 'wep'?\n");
  EXPECT_EQ(call({}, infer, [](const settings&, const command_line&) -> int { throw std::runtime_error("x"); }).status, 1);
  EXPECT_EQ(call({}, infer, [](const settings&, const command_line&) { return 5; }).status, 5);
}

TEST(command_line, keys_that_were_added_and_that_nothing_reads_are_named) {
  const auto warned = [](const std::vector<std::string>& arguments, const std::function<void(const settings&)>& body) {
    const run r = call(arguments, infer, [&](const settings& s, const command_line&) {
      body(s);
      return 0;
    });
    EXPECT_EQ(r.status, 0) << r.err;
    return r.err;
  };
  const auto nothing = [](const settings&) {};
  EXPECT_EQ(warned({"+trainer.n_epoch=3"}, nothing),
            "infer: warning: nothing reads 'trainer.n_epoch', which was added; did you mean 'trainer.n_epochs'?\n");
  EXPECT_EQ(warned({"+trainer.n_epoch=3"}, [](const settings& s) { s.get<int>("trainer.n_epoch"); }), "");
  EXPECT_EQ(warned({"++qqqqqqqqqq.a=3"}, [](const settings& s) { (void)s.has("qqqqqqqqqqq"); }),
            "infer: warning: nothing reads 'qqqqqqqqqq.a', which was added\n");
  // Sections count as read with a key of theirs, and keys with their section.
  EXPECT_EQ(warned({"+zone={a: 1, b: 2}"}, [](const settings& s) { s.get<int>("zone.a"); }), "");
  EXPECT_EQ(warned({"+zone.a=1"}, [](const settings& s) { (void)s.at("zone"); }), "");
  // What another value refers to is read with it; a key that was there before, an option of a group, are not added.
  EXPECT_EQ(warned({"+mine.rate=3", "trainer.n_epochs=${mine.rate}"}, nothing), "");
  EXPECT_EQ(warned({"trainer.n_epochs=3", "hydra.job.chdir=false"}, nothing), "");
  // A tool that goes on for long warns before; each key is named once.
  std::ostringstream early;
  EXPECT_EQ(warned({"+a_first_key=1", "+a_second_key=1"}, [&](const settings& s) { warn_unread(s, "infer", early); }), "");
  EXPECT_EQ(std::ranges::count(early.str(), '\n'), 2);
}

TEST(command_line, a_folder_of_the_user_comes_first) {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/mine";
  std::filesystem::create_directories(folder + "/db");
  std::ofstream(folder + "/db/mysql.yaml") << "driver: mine\n";
  std::ofstream(folder + "/own.yaml") << "defaults:\n  - db: mysql\n  - _self_\nx: 1\n";
  EXPECT_EQ(call({"--cfg=job", "-cn=own", "-cd", folder}).out, "db:\n  driver: mine\nx: 1\n");
  std::ofstream(folder + "/bad.yaml") << "a: 1\na: 2\n";
  EXPECT_EQ(call({"-cn=bad", "-cd", folder}).err,
            "infer: " + folder + "/bad.yaml:2:1: the key 'a' is given twice in one section\n");
  std::ofstream(folder + "/loop.yaml") << "defaults:\n  - loop\n";
  EXPECT_NE(call({"-cn=loop", "-cd", folder}).err.find("without end"), std::string::npos);
  EXPECT_EQ(call({"-cn=../mine/own", "-cd", folder}).status, 1);
}

TEST(command_line, odd_files_are_read_or_named_in_one_line) {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/odd";
  std::filesystem::create_directories(folder + "/db");
  std::filesystem::create_directories(folder + "/folder.yaml");
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name + ".yaml", std::ios::binary) << text;
  };
  write("db/marked", "\xef\xbb\xbf# @package _global_\r\nx: 1\r\n");
  write("use_marked",
        "\xef\xbb\xbf"
        "defaults:\r\n  - db: marked\r\n  - _self_\r\ny: 'a b'\r\n");
  EXPECT_EQ(call({"--cfg=job", "-cn=use_marked", "-cd", folder}).out, "x: 1\n'y': a b\n");
  write("merged", "base: &b {lr: 1, n: 2}\nown:\n  <<: *b\n  n: 3\n");
  EXPECT_EQ(call({"--cfg=job", "-cn=merged", "-cd", folder}).out, "base:\n  lr: 1\n  'n': 2\nown:\n  lr: 1\n  'n': 3\n");

  write("binary", std::string("\x7f"
                              "ELF\x02\x01\0\0\0",
                              9));
  write("huge", "a: 1\n" + std::string(9 << 20, '#'));
  write("tab", "a:\n\tb: 1\n");
  write("loop", "a: ${b}\nb: x/${a}\n");
  write("first", "defaults: [second]\n");
  write("second", "defaults: [first]\n");
  write("deep", std::string(5000, '['));
  write("latin", "a: \xe4\xf6\n");
  for (const auto& [name, message] :
       std::vector<std::pair<std::string, std::string>>{{"binary", "byte 6 of it is zero; is it a binary file?"},
                                                        {"huge", "9 MiB are no configuration"},
                                                        {"tab", "tab.yaml:2:"},
                                                        {"loop", "'a' refers to itself"},
                                                        {"first", "refer to each other without end"},
                                                        {"deep", "nested deeper than"},
                                                        {"folder", "Cannot find primary config 'folder'"}}) {
    const run r = call({"--cfg=job", "--resolve", "-cn", name, "-cd", folder});
    EXPECT_EQ(r.status, 1) << name << r.out;
    EXPECT_NE(r.err.find(message), std::string::npos) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  // Bytes that are no UTF-8 neither end the program nor spoil what is printed of it.
  EXPECT_LE(call({"--cfg=job", "-cn=latin", "-cd", folder}).status, 1);
}

TEST(command_line, paths_are_the_users) {
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(user_path("a/b"), "a/b");
  setenv("BUILD_WORKING_DIRECTORY", "/home/u", 1);
  setenv("HOME", "/home/u", 1);
  EXPECT_EQ(user_path("a/b"), "/home/u/a/b");
  EXPECT_EQ(user_path("../b"), "/home/b");
  EXPECT_EQ(user_path("/a"), "/a");
  EXPECT_EQ(user_path("~/a"), "/home/u/a");
  EXPECT_EQ(user_path(""), "");
  unsetenv("BUILD_WORKING_DIRECTORY");
}

TEST(configs, every_one_composes_and_resolves) {
  config_store store({own_configs("")});
  const auto names = store.options("");
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) EXPECT_NO_THROW(resolved(compose(store, name, {}))) << name;
  for (const std::string& m : store.options("model")) {
    const settings s(compose(store, "inf_convtasnet", {"model=" + m}));
    // The two-speaker wrapper is another view of one network.
    EXPECT_EQ(s.get<std::string>("model.preset"), m == "rtfsnet_pit" ? "rtfsnet" : m);
    EXPECT_GT(s.get<int>(m.starts_with("convtasnet") ? "model.encoder_dim" : "model.passes"), 0);
  }
}

TEST(configs, the_main_command_is_understood) {
  const tool t{"infer", "separates mixtures.", ""};
  const run r = call(
      {"-cn=inf_convtasnet", "inferencer.from_pretrained=/w/a b.pth", "datasets.inf.dataset_path=data/x",
       "inferencer.save_path=out", "datasets.inf.partition=inf"},
      t,
      [](const settings& s, const command_line&) {
        EXPECT_EQ(s.get<std::string>("inferencer.from_pretrained"), "/w/a b.pth");
        EXPECT_EQ(s.get<std::string>("datasets.inf.dataset_path"), "data/x");
        EXPECT_EQ(s.get<std::string>("datasets.inf.partition"), "inf");
        EXPECT_EQ(s.get<double>("inferencer.window"), 10.0);
        EXPECT_EQ(s.one_of("inferencer.level", {"mixture", "peak", "none"}), "mixture");
        EXPECT_EQ(s.get<std::string>("model.preset"), "convtasnet");
        return 0;
      },
      "");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(call({}, t, {}, "").status, 2);
}

}  // namespace
}  // namespace avss::config
