// One line says what is wrong, where, what was expected and how to mend it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace avss {

// What every function of this library throws for bad input. what() is one line, without a final newline; tools print
// it after their own name and exit with a status other than zero.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws error with the parts written one after another: fail(path, ": not a wav file: ", reason).
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream line;
  (line << ... << parts);
  throw error(line.str());
}

}  // namespace avss
