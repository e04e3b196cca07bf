// References that lead in a circle, or to more than there is time for.
#include <gtest/gtest.h>

#include <avss/config/interpolation.hpp>
#include <avss/config/yaml.hpp>
#include <string>

namespace avss::config {
namespace {

std::string error_at(const std::string& yaml, const std::string& path) {
  const value v = parse_yaml(yaml, "test.yaml");
  try {
    settings(v, v).at(path);
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

TEST(references, circles_through_the_tools_own_section) {
  EXPECT_NE(error_at("hydra:\n  a: ${hydra:a}\nx: ${hydra:a}\n", "x").find("refers to itself"), std::string::npos);
  EXPECT_NE(error_at("hydra:\n  a: ${x}\nx: ${hydra:a}\n", "x").find("refers to itself"), std::string::npos);
  EXPECT_EQ(error_at("hydra:\n  a: ${hydra:b}\n  b: 3\nx: ${hydra:a}/${hydra:a}\n", "x"), "");
}

TEST(references, that_double_without_growing_a_text) {
  const auto doubled = [](int n) {
    std::string yaml = "a0: ''\n";
    for (int i = 1; i <= n; ++i) {
      const std::string before = "${a" + std::to_string(i - 1) + "}";
      yaml += "a" + std::to_string(i) + ": " + before + before + "\n";
    }
    return yaml;
  };
  EXPECT_EQ(error_at(doubled(10), "a10"), "");
  EXPECT_NE(error_at(doubled(60), "a60").find("the references lead to more than"), std::string::npos);
  // Through the other section, too.
  EXPECT_NE(error_at(doubled(60) + "hydra:\n  b: ${a60}\nx: ${hydra:b}\n", "x").find("the references lead to more than"),
            std::string::npos);
}

}  // namespace
}  // namespace avss::config
