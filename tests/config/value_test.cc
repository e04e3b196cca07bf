#include <gtest/gtest.h>

#include <avss/config/value.hpp>

namespace avss::config {
namespace {

std::string message(const auto& body) {
  try {
    body();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}

value sample() {
  value root;
  root["trainer"]["n_epochs"] = value(15);
  root["trainer"]["lr"] = value(5e-5);
  root["trainer"]["name"] = value("testing");
  root["trainer"]["names"] = value(value::list{value("a"), value("b")});
  root["trainer"]["resume"] = value();
  root["trainer"]["path"] = value("???");
  return root;
}

TEST(path, splits_dots_and_brackets) {
  EXPECT_EQ(split_path("a.b[0].c"), (std::vector<std::string>{"a", "b", "0", "c"}));
  EXPECT_EQ(split_path("a"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(split_path("[a].b"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split_path("a[0][1]"), (std::vector<std::string>{"a", "0", "1"}));
  EXPECT_TRUE(split_path("").empty());
}

TEST(value, gives_what_was_asked_for) {
  const value v = sample();
  EXPECT_EQ(v.get<int>("trainer.n_epochs"), 15);
  EXPECT_EQ(v.get<double>("trainer.n_epochs"), 15.0);
  EXPECT_EQ(v.get<std::string>("trainer.name"), "testing");
  EXPECT_EQ(v.get<std::vector<std::string>>("trainer.names"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(v.get<std::string>("trainer.names[1]"), "b");
  EXPECT_EQ(v.get<std::optional<int>>("trainer.resume"), std::nullopt);
  EXPECT_EQ(v.get<int>("trainer.resume", 3), 3);
  EXPECT_EQ(v.get<int>("trainer.absent", 4), 4);
  EXPECT_EQ(v.get<std::optional<double>>("trainer.lr"), 5e-5);
}

TEST(value, errors_name_path_expectation_and_finding) {
  value v = sample();
  EXPECT_EQ(message([&] { v.get<int>("trainer.name"); }), "trainer.name: expected an integer, found the string 'testing'");
  EXPECT_EQ(message([&] { v.get<int>("trainer.n_epoch"); }),
            "'trainer.n_epoch' is not in the configuration; did you mean 'trainer.n_epochs'?");
  EXPECT_EQ(message([&] { v.get<int>("n_epochs"); }),
            "'n_epochs' is not in the configuration; did you mean 'trainer.n_epochs'?");
  EXPECT_EQ(message([&] { v.get<std::string>("trainer.path"); }),
            "trainer.path: mandatory, and not given; give it on the command line: trainer.path=VALUE");
  v["trainer"]["n_epochs"].set_where({std::make_shared<std::string>("a.yaml"), 3, 5});
  EXPECT_EQ(message([&] { v.get<bool>("trainer.n_epochs"); }),
            "trainer.n_epochs: expected true or false, found 15 (a.yaml:3:5)");
  v["trainer"]["n_epochs"] = value(300);
  EXPECT_EQ(message([&] { v.get<std::uint8_t>("trainer.n_epochs"); }),
            "trainer.n_epochs: expected an integer from 0 to 255, found 300");
}

TEST(value, a_scalar_read_as_a_string_is_as_written) {
  value v(std::numeric_limits<double>::infinity());
  v.set_written("inf");
  EXPECT_EQ(v.as<std::string>("partition"), "inf");
}

TEST(value, merges_sections_and_replaces_the_rest) {
  value a = sample(), b;
  b["trainer"]["n_epochs"] = value(3);
  b["trainer"]["names"] = value(value::list{value("c")});
  b["trainer"]["name"] = value("???");
  b["other"] = value(true);
  merge(a, b);
  EXPECT_EQ(a.get<int>("trainer.n_epochs"), 3);
  EXPECT_EQ(a.get<std::vector<std::string>>("trainer.names"), std::vector<std::string>{"c"});
  EXPECT_EQ(a.get<std::string>("trainer.name"), "testing");
  EXPECT_TRUE(a.get<bool>("other"));
}

TEST(value, numbers_are_written_as_yaml_has_them) {
  EXPECT_EQ(number_text(1e-5), "1.0e-05");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(3), "3.0");
  EXPECT_EQ(number_text(1e16), "1.0e+16");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "-.inf");
}

TEST(suggest, finds_the_nearest_or_nothing) {
  EXPECT_EQ(nearest("convtasnett", {"rtfsnet", "convtasnet", "convtasnet_cpu"}), "convtasnet");
  EXPECT_EQ(nearest("ConvTasNet", {"rtfsnet", "convtasnet"}), "convtasnet");
  EXPECT_EQ(nearest("seeed", {"model", "seed"}), "seed");
  EXPECT_EQ(nearest("xyz", {"model", "seed"}), "");
}

}  // namespace
}  // namespace avss::config
