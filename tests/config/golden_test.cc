// The answers of OmegaConf and Hydra, made by tests/golden/make_config_golden.py.
#include <gtest/gtest.h>

#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/override.hpp>
#include <avss/config/yaml.hpp>
#include <cstdlib>
#include <set>

#include "tests/config/golden_text.hpp"

namespace avss::config {
namespace {

const value& golden() {
  static const value g = [] {
    value v = load_yaml("tests/golden/config_golden.json");
    make_literal(v);
    return v;
  }();
  return g;
}

std::string answer(const auto& f) {
  try {
    return f();
  } catch (const error& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return std::string("refused: ") + e.what();
  }
}

void compare(const char* section, const auto& f) {
  for (const value& line : golden().get<value::list>(section)) {
    const std::string in = line.items()[0].text();
    const std::string got = answer([&] { return f(in); });
    const value& expected = line.items()[1];
    if (expected.is_null())
      EXPECT_TRUE(got.starts_with("refused: ")) << section << " [" << in << "] gave " << got;
    else
      EXPECT_EQ(got, expected.text()) << section << " [" << in << "]";
  }
}

TEST(golden, yaml_scalars) {
  compare("scalars", [](const std::string& s) {
    const value v = parse_yaml("v: " + s, "text");
    return text(*v.child("v"));
  });
}

TEST(golden, yaml_documents) {
  compare("documents", [](const std::string& s) {
    const value v = parse_yaml(s, "text");
    return v.is_null() ? "{}" : text(v);
  });
}

TEST(golden, yaml_output) {
  compare("emitted", [](const std::string& s) { return to_yaml(parse_yaml(s, "text")); });
}

TEST(golden, overrides) {
  // Taken here and refused there: ~ in a word, quoted keys. Refused here and taken there: an empty key.
  const std::set<std::string> except{"a=~", "a={'b':1}", "=1", "~"};
  for (const value& line : golden().get<value::list>("overrides")) {
    const std::string in = line.items()[0].text();
    if (except.contains(in)) continue;
    const value& expected = line.items()[1];
    const std::string got = answer([&] {
      const override_item o = parse_override(in);
      if (o.swept) fail("a sweep");
      constexpr const char* kinds[] = {"CHANGE", "ADD", "FORCE_ADD", "DEL"};
      return std::string(kinds[static_cast<int>(o.kind)]) + " " + o.key + " @" + (o.has_package ? o.package : "none") + " " +
             (o.given ? text(*o.given) : "none");
    });
    if (expected.is_null()) {
      EXPECT_TRUE(got.starts_with("refused: ")) << "[" << in << "] gave " << got;
      continue;
    }
    const value& package = *expected.child("package");
    EXPECT_EQ(got, expected.get<std::string>("type") + " " + expected.get<std::string>("key") + " @" +
                       (package.is_null() ? "none" : package.text()) + " " + expected.get<std::string>("value"))
        << "[" << in << "]";
  }
}

TEST(golden, interpolations) {
  setenv("AVSS_TEST_SET", "from env", 1);
  unsetenv("AVSS_TEST_UNSET");
  const settings s(parse_yaml(golden().child("tree")->text(), "tree"));
  compare("interpolations", [&](const std::string& key) {
    const value v = s.at(key);
    if (v.is_missing()) fail("mandatory");
    return text(v);
  });
}

TEST(golden, compositions) {
  unsetenv("AVSS_TEST_USER");
  for (const value& line : golden().get<value::list>("composed")) {
    std::vector<std::string> arguments = line.items()[0].as<std::vector<std::string>>("case");
    const std::string name = arguments[0];
    std::string shown = name;
    arguments.erase(arguments.begin());
    if (shown == "primary" && arguments == std::vector<std::string>{"db=1"}) continue;  // an option called 1 is found here
    for (const std::string& a : arguments) shown += " " + a;
    config_store store({"tests/config/data"});
    value root;
    const std::string got = answer([&] {
      root = compose(store, name, arguments);
      return to_yaml(root);
    });
    if (line.items()[1].is_null()) {
      EXPECT_TRUE(got.starts_with("refused: ")) << shown << " gave\n" << got;
      continue;
    }
    EXPECT_EQ(got, line.items()[1].text()) << shown;
    if (!line.items()[2].is_null()) {
      EXPECT_EQ(text(resolved(root)), line.items()[2].text()) << shown;
    }
  }
}

}  // namespace
}  // namespace avss::config
