// Whole command lines, sweeps, references and files as Hydra 1.3.2 and OmegaConf 2.3.0 take them; the answers are made by
// tests/golden/make_hydra_golden.py.
#include <gtest/gtest.h>

#include <avss/config/compose.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/config/jobs.hpp>
#include <avss/config/yaml.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/config/golden_text.hpp"

namespace avss::config {
namespace {

const value& golden() {
  static const value g = [] {
    value v = load_yaml("tests/golden/hydra_golden.json");
    make_literal(v);
    return v;
  }();
  return g;
}

// What a message of ours is about, in the words of the golden file.
std::string kind_of(const std::string& message) {
  static const std::vector<std::pair<std::string, std::string>> phrases{
      {"Cannot find primary config", "primary"},
      {"Ambiguous value for argument", "ambiguous"},
      {"Could not override", "override"},
      {"Could not append to config", "append"},
      {"Could not delete", "delete"},
      {"You must specify", "specify"},
      {"Multiple values for", "several"},
      {"Duplicate _self_", "self"},
      {"Overrides must be at the end", "order"},
      {"Could not find", "option"},
      {"Error resolving interpolation", "defaults"},
      {"environment variable", "environment"},
      {"mandatory", "mandatory"},
      {"there is no resolver", "resolver"},
      {"cannot resolve", "reference"},
      {"refers to itself", "reference"},  // to OmegaConf a circle is a reference that ends nowhere
      {"without end", "cycle"},
      {"given twice", "duplicate"},
  };
  for (const auto& [phrase, kind] : phrases)
    if (message.find(phrase) != std::string::npos) return kind;
  return "other";
}

struct answer {
  std::string kind, text;  // kind: "" unless it is refused
};

template <class F>
answer ask(const F& f) {
  try {
    return {"", f()};
  } catch (const error& e) {
    const std::string message = e.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_FALSE(message.empty());
    return {kind_of(message), message};
  }
}

bool refused(const value& v) { return v.is(kind::map) && v.child("refused"); }

// A refusal must be one, and be about the same thing. Where Hydra says "other", its own text tells no kind either.
void compare(const std::string& shown, const value& expected, const answer& got, const std::string& expected_text) {
  if (!refused(expected)) {
    EXPECT_EQ(got.kind, "") << shown << " is refused: " << got.text;
    EXPECT_EQ(got.text, expected_text) << shown;
    return;
  }
  const std::string kind = expected.child("refused")->text();
  EXPECT_NE(got.kind, "") << shown << " must be refused (" << kind << "), gave\n" << got.text;
  if (kind != "other" && !got.kind.empty()) {
    EXPECT_EQ(got.kind, kind) << shown << ": " << got.text;
  }
}

std::string joined(const value& words) {
  std::string line;
  for (const value& w : words.items()) line += (line.empty() ? "" : " ") + w.text();
  return line;
}

const std::string& folder_of(const std::string& tree) {
  static const std::map<std::string, std::string> folders = [] {
    std::map<std::string, std::string> all;
    for (const value::entry& t : golden().child("trees")->entries()) {
      const std::filesystem::path folder = std::filesystem::path(std::getenv("TEST_TMPDIR")) / "trees" / t.key;
      for (const value::entry& file : t.item.entries()) {
        std::filesystem::create_directories((folder / file.key).parent_path());
        std::ofstream(folder / file.key, std::ios::binary) << file.item.text();
      }
      all[t.key] = folder.string();
    }
    return all;
  }();
  return folders.at(tree);
}

// Where we choose to differ, and why. Every entry is checked to differ: none may stay when its reason is gone.
using deviations = std::map<std::string, std::string>;

bool chosen(const deviations& all, const std::string& shown, const value& expected, const answer& got,
            const std::string& expected_text) {
  const auto d = all.find(shown);
  if (d == all.end()) return false;
  const bool same = refused(expected) ? !got.kind.empty() && (expected.child("refused")->text() == "other" ||
                                                              got.kind == expected.child("refused")->text())
                                      : got.kind.empty() && got.text == expected_text;
  EXPECT_FALSE(same) << shown << " does not differ any more (" << d->second << ")";
  return true;
}

TEST(hydra, compositions) {
  const deviations different{
      {"plain config ~c.e.0", "an item of a list can be deleted"},
      {"plain config ~c.f.g=null", "what is null or mandatory can be deleted like any other value"},
      {"plain config ~needed", "what is null or mandatory can be deleted like any other value"},
      {"plain config ~ref=1", "the value to be deleted is compared as it is written"},
      {"plain config ~flag=1", "the value to be deleted is compared as it is written"},
      {"plain config db=null", "null switches a group off, as in a defaults list"},
      {"plain config db=null +db=postgres", "null switches a group off, as in a defaults list"},
      {"choices null db=null", "null switches a group off, as in a defaults list"},
      {"plain config nogroup/sub=x", "a name with / can only be a group, so it is said that there is none"},
      {"plain config +nogroup/sub=x", "a name with / can only be a group, so it is said that there is none"},
      {"packages path g/a=b", "a name with / can only be a group, so it is said that there is none"},
      {"selves interpolated_first", "a section laid over a reference replaces it, as every other value does"},
      {"selves interpolated_first g=b", "a section laid over a reference replaces it, as every other value does"},
      {"selves interpolated_first +g@new=b", "a section laid over a reference replaces it, as every other value does"},
      {"selves list_first", "a section laid over a list replaces it, as every other value does"},
      {"selves list_first g=b", "a section laid over a list replaces it, as every other value does"},
      {"selves list_first +g@new=b", "a section laid over a list replaces it, as every other value does"},
      {"packages header2", "_group_ in a header means what Hydra's manual says: the group's own package"},
      {"choices bool_option", "an option may be called 3 or on, its file's name"},
      {"choices num", "an option may be called 3 or on, its file's name"},
      {"choices bool_option sw=on", "an option may be called 3 or on, its file's name"},
      {"choices bool_option sw='on'", "an option may be called 3 or on, its file's name"},
      {"choices num num=3", "an option may be called 3 or on, its file's name"},
  };
  for (const value& line : golden().get<value::list>("composed")) {
    const value::list& words = line.items()[0].items();
    const value& expected = line.items()[1];
    const std::string shown = joined(line.items()[0]);
    std::vector<std::string> overrides;
    for (std::size_t i = 2; i < words.size(); ++i) overrides.push_back(words[i].text());
    value root;
    const answer got = ask([&] {
      config_store store({folder_of(words[0].text())});
      root = compose(store, words[1].text(), overrides);
      return to_yaml(root);
    });
    const std::string wanted = refused(expected) ? "" : expected.child("yaml")->text();
    if (chosen(different, shown, expected, got, wanted)) continue;
    compare(shown, expected, got, wanted);
    if (refused(expected) || !got.kind.empty()) continue;
    const value& whole = *expected.child("resolved");
    compare(shown + " (resolved)", whole, ask([&] { return text(resolved(root)); }), refused(whole) ? "" : whole.text());
  }
}

TEST(hydra, sweeps) {
  const deviations different{
      {"a=range(3,1)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=range(0)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(*)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(m*)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob([m*,p*])", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(*,exclude=m*)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(*,exclude=[m*,p*])", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(include=p*)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=glob(x*)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"db=glob(none)", "a sweep without values is a mistake; Hydra launches nothing and says so to nobody"},
      {"a=range(0,1,0.1)", "0.7 and not 0.7000000000000001: the steps are decimal"},
      {"a=str(1)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(1.0)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(1.50)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(true)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str([1,true])", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str({a:1})", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(1,2)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(choice(1,2))", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(1e-5)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(1e20)", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=str(int(1.5))", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a={a:str(1)}", "str(1) stays a string for the job; Hydra's job gets the number"},
      {"a=choice(a,b) ", "a blank behind a function is no mistake"},
      {"~a b=1,2", "~a stays ~a; Hydra's job gets ~a=null, which deletes nothing else"},
  };
  const config_store store({folder_of("plain")});
  for (const value& line : golden().get<value::list>("sweeps")) {
    const std::string shown = joined(line.items()[0]);
    const value& expected = line.items()[1];
    const answer got = ask([&] {
      std::string all;
      for (const auto& job : sweep_jobs(store, line.items()[0].as<std::vector<std::string>>("line"))) {
        for (const std::string& o : job) all += o + " ";
        all += "\n";
      }
      return all;
    });
    std::string wanted;
    if (!refused(expected))
      for (const value& job : expected.items()) wanted += joined(job) + (job.items().empty() ? "\n" : " \n");
    if (chosen(different, shown, expected, got, wanted)) continue;
    compare(shown, expected, got, wanted);
  }
}

TEST(hydra, values_on_the_command_line) {
  const deviations different{
      {"a=interval(0,1)", "a sweep that cannot be run is refused where it is read"},
      {"a=choice(a,b),c", "a sweep that cannot be run is refused where it is read"},
      {"a=range(2),5", "a sweep that cannot be run is refused where it is read"},
      {"a=range(1,3),a", "a sweep that cannot be run is refused where it is read"},
      {"a=choice(a,b) ", "a blank behind a function is no mistake"},
  };
  for (const value& line : golden().get<value::list>("elements")) {
    const std::string shown = line.items()[0].text();
    const value& expected = line.items()[1];
    const std::string wanted = expected.is_null() ? "a sweep" : refused(expected) ? "" : expected.text();
    const answer got = ask([&] {
      const override_item o = parse_override(shown);
      return o.swept ? "a sweep" : o.given ? text(*o.given) : "null";
    });
    if (chosen(different, shown, expected, got, wanted)) continue;
    compare(shown, expected, got, wanted);
  }
}

TEST(hydra, references) {
  const deviations different{
      {"t5", "a list or a section within a text is a mistake; OmegaConf prints Python's form of it"},
      {"t6", "a list or a section within a text is a mistake; OmegaConf prints Python's form of it"},
      {"e15", "a list or a section within a text is a mistake; OmegaConf prints Python's form of it"},
      {"k5", "an index may be a reference"},
  };
  setenv("AVSS_TEST_SET", "from env", 1);
  setenv("AVSS_TEST_LIST", "[1, 2.5, a, ${a}]", 1);
  unsetenv("AVSS_TEST_UNSET");
  const settings s(parse_yaml(golden().child("references")->text(), "references"));
  for (const value& line : golden().get<value::list>("read")) {
    const std::string key = line.items()[0].text();
    const value& expected = line.items()[1];
    const std::string wanted = refused(expected) ? "" : expected.text();
    const answer got = ask([&] {
      const value v = s.at(key);
      if (v.is_missing()) fail("mandatory");
      return text(v);
    });
    if (chosen(different, key, expected, got, wanted)) continue;
    compare(key + ": " + s.root().find(key)->described(), expected, got, wanted);
  }
}

TEST(hydra, files) {
  const deviations different{
      {"a: &x {p: 1}\nb: {<<: *x, <<: *x}\n", "a key given twice is a mistake, << too"},
      {"a:	1\n", "YAML allows tabs there"},
      {"a: 1	\n", "YAML allows tabs there"},
      {"true: x\n", "keys are words, also 1, true and yes"},
      {"yes: x\n", "keys are words, also 1, true and yes"},
      {"a\n", "a file that is only a word is not a section with that key"},
      {"'a'\n", "a file that is only a word is not a section with that key"},
      {"5\n", "a file that is only a word is not a section with that key"},
      {"a: [,]\n", "as the YAML library has it"},
      {"a: =\n", "as the YAML library has it"},
      {"a: !\n", "as the YAML library has it"},
      {"v: 100000000000000000000\n", "integers have 64 bits"},
      {"a: ${b\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"t13: ${a\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"t14: ${}\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"t20: \"${a.}\"\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"t21: ${a b}\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"k3: ${${a}${a}}\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"k6: ${s${empty}}\n", "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"s7: ${oc.select:lst[1]}\n",
       "a reference is looked into when it is read, so a broken one harms only those who ask for it"},
      {"a: !!omap [x: 1]\n", "collections have no tags"},
  };
  // Read back the same, written in another style: lines as \n, quotes
  // around keys and around what a reader may take for a number or a date.
  const std::set<std::string> other_style{"1: x\n2: y\n",
                                          "1.5: x\n",
                                          "a: {1: b}\n",
                                          "a: |\n  x\n  y\n",
                                          "a: |+\n  x\n\n",
                                          "a: >\n  x\n  y\n\n  z\n",
                                          "a: x\n  y\n\n  z\n",
                                          "v: .1e5\n",
                                          "v: 2001-1-1\n",
                                          "v: 0888\n",
                                          "a: \"\\x41\\u00e9\\U0001F600\\t\\n\"\n"};
  for (const value& line : golden().get<value::list>("documents")) {
    const std::string shown = line.items()[0].text();
    const value& expected = line.items()[1];
    value root;
    const answer got = ask([&] {
      root = parse_yaml(shown, "text");
      if (root.is_null()) root = value(value::map{});
      return text(root);
    });
    const std::string wanted = refused(expected) ? "" : expected.child("value")->text();
    if (chosen(different, shown, expected, got, wanted)) continue;
    compare(shown, expected, got, wanted);
    if (refused(expected) || !got.kind.empty()) continue;
    const std::string written = to_yaml(root);
    EXPECT_EQ(text(parse_yaml(written, "written")), got.text) << shown;
    EXPECT_EQ(written != expected.child("yaml")->text(), other_style.contains(shown)) << shown << written;
  }
}

}  // namespace
}  // namespace avss::config
