// Mutated texts must be read or refused with avss::error, and what was read must survive writing and reading again.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/config/apply.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/override.hpp>
#include <avss/config/yaml.hpp>
#include <random>

namespace avss::config {
namespace {

std::string mutated(std::string s, const std::vector<std::string>& seeds, const std::string& letters, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  for (std::size_t n = 1 + below(6); n-- > 0;) {
    const std::size_t at = below(s.size() + 1);
    switch (random() % 6) {
      case 0: s.insert(at, 1, letters[below(letters.size())]); break;
      case 1: s.erase(at, 1 + below(3)); break;
      case 2:
        if (at < s.size()) s[at] = static_cast<char>(random() % 256);
        break;
      case 3: s.insert(at, s.substr(below(s.size() + 1), below(20))); break;
      case 4: {
        const std::string& other = seeds[below(seeds.size())];
        s.insert(at, other.substr(below(other.size() + 1), below(30)));
        break;
      }
      default: s.insert(at, 1 + below(200), letters[below(letters.size())]);
    }
  }
  return s;
}

bool harmless(const auto& f) {
  try {
    f();
    return true;
  } catch (const error& e) {
    EXPECT_FALSE(std::string(e.what()).empty());
    return false;
  }
}

// Writes and reads again; texts that are no valid UTF-8 come back changed, so only ASCII ones are compared.
void round_trip(const value& v) {
  const std::string once = to_yaml(v);
  if (std::any_of(once.begin(), once.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return;
  value again;
  ASSERT_NO_THROW(again = parse_yaml(once, "again")) << once;
  EXPECT_TRUE(v == again || (v.is(kind::map) && v.entries().empty())) << once;
}

TEST(fuzz, yaml) {
  const std::vector<std::string> seeds{
      "defaults:\n  - model: convtasnet\n  - override /db: x\n  - _self_\na: {b: [1, 2.5, 'x'], c: ~}\nd: |\n  text\n  more\n",
      "a: &x {b: 1, <<: {c: 2}}\nd:\n  <<: [*x, *x]\n  e: \"\\u00e9\\x41\"\n", "- 1\n- - 2\n  - [3, {a: b}]\n- ? x\n  : y\n",
      "lr: 1e-3\nt: 1:30\no: 012\nh: 0x1F\ni: .inf\nn: .nan\nq: ${a.b}/${oc.env:HOME,x}\n"};
  std::mt19937 random(1);
  int read = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string s = mutated(seeds[random() % seeds.size()], seeds, "{}[]:,-?&*!|>'\"%@` \n\t#<~0.$\\", random);
    value v;
    if (!harmless([&] { v = parse_yaml(s, "fuzz"); })) continue;
    ++read;
    round_trip(v);
    harmless([&] { resolved(v); });
    harmless([&] { settings(v).get<int>("a.b[0]"); });
  }
  EXPECT_GT(read, 200);
}

TEST(fuzz, overrides) {
  const std::vector<std::string> seeds{"a.b=[1,2.5,{c:'x y',d:null}]",
                                       "+model@net=conv_tas-net",
                                       "~a.b=1e-4",
                                       "++a.b.c={x:[a,\"b\\\"\"],y:${a.${b}}}",
                                       "a=C:\\\\dir\\,\\ x\\=\\(\\)",
                                       "a=1_000",
                                       "a=${oc.env:HOME,'x,y'}/z",
                                       "a=sort(3,int(1.5),x,reverse=true)",
                                       "+a=range(1,10,2.5),choice('a',[1])"};
  std::mt19937 random(2);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string s = mutated(seeds[random() % seeds.size()], seeds, "{}[]:,=()'\"\\$@+~/. \t_-019eEnN", random);
    override_item o;
    if (!harmless([&] { o = parse_override(s); })) continue;
    ++read;
    if (o.swept && o.swept->kind == sweep::form::range) harmless([&] { detail::range_values(*o.swept); });
    value root = parse_yaml("a: {b: {c: 1}}\nlist: [1, 2]", "root");
    harmless([&] { apply(root, o); });
    round_trip(root);
    harmless([&] { resolved(root); });
  }
  EXPECT_GT(read, 1000);
}

TEST(fuzz, depth_and_size_are_bounded) {
  const auto range = [](const std::string& text) {
    return detail::range_values(*parse_override("a=range(" + text + ")").swept);
  };
  EXPECT_EQ(range("9223372036854775800,9223372036854775807,5").size(), 2u);
  EXPECT_THROW(range("1000000000"), error);
  EXPECT_THROW(range("0,1,1e-9"), error);
  EXPECT_THROW(range("0,inf"), error);
  EXPECT_THROW(parse_yaml(std::string(100'000, '['), "deep"), error);
  EXPECT_THROW(parse_yaml(std::string(100, '[') + std::string(100, ']'), "deep"), error);
  EXPECT_THROW(parse_yaml(std::string(100'000, '{'), "deep"), error);
  std::string block;
  for (int i = 0; i < 2000; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THROW(parse_yaml(block, "deep"), error);
  EXPECT_THROW(parse_override("a=" + std::string(100'000, '[')), error);
  EXPECT_THROW(parse_override("a=" + std::string(100'000, '{')), error);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? ", " : "") + before;
    bomb += "]\n";
  }
  EXPECT_THROW(parse_yaml(bomb, "bomb"), error);
  EXPECT_THROW(parse_yaml("a: &x [*x]", "loop"), error);
  std::string chain;
  for (int i = 0; i < 20'000; ++i) chain += "k" + std::to_string(i) + ": ${k" + std::to_string(i + 1) + "}\n";
  EXPECT_THROW(resolved(parse_yaml(chain + "k20000: 1\n", "chain")), error);
  std::string wide = "b0: [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string item = "'${b" + std::to_string(i - 1) + "}'";
    wide += "b" + std::to_string(i) + ": [";
    for (int k = 0; k < 10; ++k) wide += (k ? ", " : "") + item;
    wide += "]\n";
  }
  EXPECT_THROW(resolved(parse_yaml(wide, "wide")), error);
  std::string longer = "s0: xxxxxxxxxx\n";
  for (int i = 1; i < 12; ++i) {
    const std::string item = "${s" + std::to_string(i - 1) + "}";
    longer += "s" + std::to_string(i) + ": '";
    for (int k = 0; k < 10; ++k) longer += item;
    longer += "'\n";
  }
  EXPECT_THROW(resolved(parse_yaml(longer, "longer")), error);
}

}  // namespace
}  // namespace avss::config
