// What the golden files of the configuration hold.
#pragma once

#include <avss/config/value.hpp>
#include <cmath>
#include <cstdio>
#include <string>

namespace avss::config {

// A value with its types, as make_config_golden.py writes it.
inline std::string text(const value& v) {
  char number[64];
  std::string out;
  switch (v.kind()) {
    case kind::null: return "null";
    case kind::boolean: return v.boolean() ? "true" : "false";
    case kind::integer: return "int " + std::to_string(v.integer());
    case kind::real:
      std::snprintf(number, sizeof(number), "float %.17g", v.real());
      return std::isnan(v.real()) ? "float nan" : number;
    case kind::string: return "'" + v.text() + "'";
    case kind::list:
      for (const value& item : v.items()) out += (out.empty() ? "" : ", ") + text(item);
      return "[" + out + "]";
    case kind::map:
      for (const value::entry& e : v.entries()) out += (out.empty() ? "" : ", ") + e.key + ": " + text(e.item);
      return "{" + out + "}";
  }
  return "";
}

// The texts are to be read as they are, be there a ${ in them.
inline void make_literal(value& v) {
  v.set_literal();
  if (v.is(kind::list))
    for (value& item : v.items()) make_literal(item);
  if (v.is(kind::map))
    for (value::entry& e : v.entries()) make_literal(e.item);
}

}  // namespace avss::config
