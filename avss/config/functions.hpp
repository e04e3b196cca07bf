// The functions of Hydra's override grammar: choice(a,b), range(1,10,2), glob(*,exclude=x), casts int(..) float(..) str(..)
// bool(..), sort(..), shuffle(..), tag(..).
#pragma once

#include <algorithm>
#include <avss/config/scalar.hpp>
#include <avss/config/suggest.hpp>
#include <avss/config/sweep.hpp>
#include <avss/config/value.hpp>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace avss::config {

namespace detail {

// The integer, number, boolean or null of an unquoted word, otherwise the word itself.
value word_value(std::string_view s);

struct argument {
  std::string name;  // "" if it is positional
  swept_value given;
};

// A function of the grammar with its arguments.
class function_call {
 public:
  function_call(std::string name, std::vector<argument> arguments) : name_(std::move(name)), arguments_(std::move(arguments)) {
    bool named = false;
    for (const argument& a : arguments_) {
      if (named && a.name.empty()) wrong("an argument without a name after one with a name");
      named = named || !a.name.empty();
    }
  }

  swept_value result() {
    if (name_ == "choice") return choice();
    if (name_ == "range") return range();
    if (name_ == "glob") return glob();
    if (name_ == "sort") return sort();
    if (name_ == "shuffle") return shuffle();
    if (name_ == "tag") return tag();
    if (name_ == "interval")
      wrong(
          "interval(..) has no end of values, which a sweep one by one cannot take; give range(first,last,step) or choice(..)");
    if (name_ == "int" || name_ == "float" || name_ == "str" || name_ == "bool") return cast();
    const std::vector<std::string> known{"choice", "range", "glob", "int",     "float",   "str",
                                         "bool",   "sort",  "tag",  "shuffle", "interval"};
    wrong("there is no such function; known: " + listed(known) + "; for a plain parenthesis write \\( or quote the value" +
          did_you_mean(name_, known));
  }

 private:
  [[noreturn]] void wrong(const std::string& why) const { fail(name_, "(..): ", why); }

  std::vector<swept_value> positional() const {
    std::vector<swept_value> all;
    for (const argument& a : arguments_)
      if (a.name.empty()) all.push_back(a.given);
    return all;
  }
  // The argument called so, or at that position; none if it is not given.
  std::optional<swept_value> take(const char* name, std::size_t position) const {
    std::size_t i = 0;
    for (const argument& a : arguments_) {
      if (a.name == name) return a.given;
      if (a.name.empty() && i++ == position) return a.given;
    }
    return std::nullopt;
  }
  void allow(std::initializer_list<std::string_view> names, std::size_t most) const {
    for (const argument& a : arguments_)
      if (!a.name.empty() && std::find(names.begin(), names.end(), a.name) == names.end())
        wrong("no argument is called '" + a.name + "'");
    if (positional().size() > most) wrong("too many arguments");
  }
  value plain(const swept_value& v) const {
    if (!std::holds_alternative<value>(v)) wrong("a sweep within this function is not possible");
    return std::get<value>(v);
  }

  static sweep simple_choice(value::list options) {
    sweep s;
    s.simple = true;
    s.options = std::move(options);
    return s;
  }
  value::list all_plain() const {
    value::list all;
    for (const swept_value& v : positional()) all.push_back(plain(v));
    return all;
  }

  swept_value choice() {
    allow({}, max_sweep);
    if (arguments_.empty()) wrong("at least one value is needed");
    if (arguments_.size() == 1 && std::holds_alternative<sweep>(arguments_[0].given)) {
      sweep s = std::get<sweep>(arguments_[0].given);
      if (s.kind != sweep::form::choice || !s.simple) wrong("a sweep within a sweep is not possible");
      s.simple = false;
      return s;
    }
    sweep s;
    s.options = all_plain();
    return s;
  }

  swept_value range() {
    allow({"start", "stop", "step"}, 3);
    const auto number = [&](const char* name, std::size_t position, std::optional<value> fallback) {
      const auto v = take(name, position);
      if (!v && fallback) return *fallback;
      if (!v || !std::holds_alternative<value>(*v))
        wrong("expected numbers: range(stop), range(start,stop) or range(start,stop,step)");
      const value& n = std::get<value>(*v);
      if (!n.is(kind::integer) && !n.is(kind::real)) wrong("expected numbers, found " + n.described());
      return n;
    };
    sweep s;
    s.kind = sweep::form::range;
    s.start = number("start", 0, std::nullopt);
    s.step = number("step", 2, value(1));
    if (take("stop", 1)) {
      s.stop = number("stop", 1, std::nullopt);
    } else {
      s.stop = s.start;
      s.start = value(0);
    }
    return s;
  }

  swept_value glob() {
    allow({"include", "exclude"}, 2);
    const auto patterns = [&](const char* name, std::size_t position, bool needed) {
      const auto given = take(name, position);
      if (!given && needed) wrong("a pattern is needed: glob(*) or glob([a*,b*],exclude=c*)");
      std::vector<std::string> all;
      if (!given) return all;
      const value v = plain(*given);
      for (const value& p : v.is(kind::list) ? v.items() : value::list{v}) {
        if (!p.is(kind::string)) wrong("a pattern is a string, found " + p.described());
        all.push_back(p.text());
      }
      return all;
    };
    sweep s;
    s.kind = sweep::form::glob;
    s.include = patterns("include", 0, true);
    s.exclude = patterns("exclude", 1, false);
    return s;
  }

  static int rank(const value& v) {
    return v.is(kind::boolean) || v.is(kind::integer) || v.is(kind::real) ? 0
           : v.is(kind::string)                                           ? 1
           : v.is(kind::list)                                             ? 2
                                                                          : 3;
  }
  bool less(const value& a, const value& b) const {
    if (rank(a) != rank(b) || rank(a) == 3)
      wrong("only values of one kind can be sorted, found " + a.described() + " and " + b.described());
    if (rank(a) == 1) return a.text() < b.text();
    if (rank(a) == 2)
      return std::lexicographical_compare(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                                          [&](const value& x, const value& y) { return less(x, y); });
    const auto number = [](const value& v) { return v.is(kind::boolean) ? static_cast<double>(v.boolean()) : as_number(v); };
    return number(a) < number(b);
  }
  value::list sorted(value::list all, bool reverse) const {
    std::stable_sort(all.begin(), all.end(), [&](const value& a, const value& b) { return reverse ? less(b, a) : less(a, b); });
    return all;
  }

  swept_value sort() {
    allow({"list", "sweep", "reverse"}, max_sweep);
    bool reverse = false;
    if (const auto r = take("reverse", max_sweep)) {
      const value v = plain(*r);
      if (!v.is(kind::boolean)) wrong("reverse is true or false, found " + v.described());
      reverse = v.boolean();
    }
    const auto many = positional();
    if (many.size() > 1) return simple_choice(sorted(all_plain(), reverse));
    auto one = take("sweep", max_sweep);
    if (!one) one = take("list", 0);
    if (!one) wrong("there is nothing to sort");
    if (const value* v = std::get_if<value>(&*one)) return v->is(kind::list) ? value(sorted(v->items(), reverse)) : *v;
    sweep s = std::get<sweep>(*one);
    if (s.kind == sweep::form::glob) wrong("the names of a glob are sorted as they are");
    s.options = sorted(s.options, reverse);
    if (s.kind == sweep::form::range) turn(s, reverse);
    return s;
  }
  // A range in the other direction: the same values where the step divides it.
  void turn(sweep& s, bool reverse) const {
    const double a = as_number(s.start), b = as_number(s.stop), step = as_number(s.step);
    if (reverse ? a >= b : a <= b) return;
    const bool whole = s.start.is(kind::integer) && s.stop.is(kind::integer) && s.step.is(kind::integer);
    const double by = reverse ? -std::fabs(step) : std::fabs(step);
    const auto made = [&](double x) { return whole ? value(static_cast<std::int64_t>(x)) : value(x); };
    s.start = made(b + by);
    s.stop = made(a + by);
    s.step = made(-step);
  }

  swept_value shuffle() {
    allow({"list", "sweep"}, max_sweep);
    if (positional().size() > 1) {
      sweep s = simple_choice(all_plain());
      s.shuffled = true;
      return s;
    }
    auto one = take("sweep", max_sweep);
    if (!one) one = take("list", 0);
    if (!one) wrong("there is nothing to shuffle");
    if (const value* v = std::get_if<value>(&*one)) {
      value::list all = v->is(kind::list) ? v->items() : value::list{*v};
      std::shuffle(all.begin(), all.end(), std::mt19937_64(std::random_device()()));
      return value(all);
    }
    sweep s = std::get<sweep>(*one);
    s.shuffled = true;
    return s;
  }

  // The tags are for sweepers that look at them; this one does not.
  swept_value tag() {
    allow({"sweep"}, max_sweep);
    auto all = positional();
    if (const auto s = take("sweep", max_sweep)) all.push_back(*s);
    if (all.size() < (take("sweep", max_sweep) ? 2 : 1) || !std::holds_alternative<sweep>(all.back()))
      wrong("the last argument must be a sweep: tag(name,choice(a,b))");
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
      if (const value v = plain(all[i]); !v.is(kind::string)) wrong("a tag is a string, found " + v.described());
    return all.back();
  }

  swept_value cast() {
    allow({"value"}, max_sweep);
    const auto many = positional();
    const auto named = take("value", max_sweep);
    if ((named && !many.empty()) || (!named && many.empty())) wrong("expected one value, or several to choose from");
    if (many.size() > 1) {
      value::list all = all_plain();
      for (value& v : all) v = cast_one(v);
      return simple_choice(std::move(all));
    }
    const swept_value& one = named ? *named : many[0];
    if (const value* v = std::get_if<value>(&one)) return cast_one(*v);
    sweep s = std::get<sweep>(one);
    if (s.kind == sweep::form::glob) wrong("the names of a glob are strings");
    if (s.kind == sweep::form::range) {
      if (name_ != "int" && name_ != "float") wrong("a range can become int or float only");
      for (value* v : {&s.start, &s.stop, &s.step}) *v = cast_one(*v);
    }
    for (value& v : s.options) v = cast_one(v);
    return s;
  }

  value cast_one(const value& v) const {
    if (v.is(kind::list)) {
      value::list all = v.items();
      for (value& item : all) item = cast_one(item);
      return value(std::move(all));
    }
    if (v.is(kind::map)) {
      value all = v;
      for (value::entry& e : all.entries()) e.item = cast_one(e.item);
      return all;
    }
    const auto refuse = [&]() -> value { wrong(v.described() + " cannot become " + name_); };
    if (v.is_null()) return refuse();
    if (name_ == "str")
      return v.is(kind::string) ? value(v.text()) : value(v.is(kind::boolean) ? v.described() : python_text(v));
    const value w = v.is(kind::string) ? word_value(v.text()) : v;
    if (name_ == "bool") {
      if (v.is(kind::string)) return w.is(kind::boolean) ? w : refuse();
      return v.is(kind::boolean) ? v : value(as_number(v) != 0);
    }
    if (w.is(kind::boolean)) {
      if (v.is(kind::string)) return refuse();
      return name_ == "int" ? value(w.boolean() ? 1 : 0) : value(w.boolean() ? 1.0 : 0.0);
    }
    if (!w.is(kind::integer) && !w.is(kind::real)) return refuse();
    if (name_ == "float") return value(as_number(w));
    if (w.is(kind::integer)) return value(w.integer());
    if (v.is(kind::string) || !(std::fabs(w.real()) < 9.2e18)) return refuse();
    return value(static_cast<std::int64_t>(w.real()));
  }

  std::string name_;
  std::vector<argument> arguments_;
};

}  // namespace detail

}  // namespace avss::config
