// A tool with as little of its own as can be: what make_hydra_golden.py has Hydra run.
#include <avss/config/command_line.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

int main(int argc, char** argv) {
  const char* base = std::getenv("BUILD_WORKING_DIRECTORY");
  const std::filesystem::path start = base ? std::filesystem::path(base) : std::filesystem::current_path();
  return avss::config::run_tool(argc, argv, {"sample", "prints a value.", "config", true},
                                [&](const avss::config::settings& s, const avss::config::command_line&) {
                                  (void)s.unread();  // Hydra does not tell
                                  const char* value = std::getenv("VALUE");
                                  const std::filesystem::path now = std::filesystem::current_path();
                                  std::cout << "a is " << s.get<std::string>("a") << " in "
                                            << now.lexically_relative(start).string() << ", VALUE " << (value ? value : "unset")
                                            << std::endl;
                                  if (s.get<bool>("wait", false)) {
                                    std::cout << "waiting" << std::endl;
                                    std::this_thread::sleep_for(std::chrono::seconds(60));
                                  }
                                  if (s.get<bool>("killed", false)) std::abort();
                                  if (s.get<bool>("bad", false)) avss::fail("bad");
                                  if (s.get<bool>("loud", false)) std::cerr << "part\rto the " << std::flush << "other\n";
                                  return 0;
                                });
}
