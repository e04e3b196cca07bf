// What the emulator is given to do: done at once, or kept while a graph is captured.
#pragma once

#include <avss/core/error.hpp>
#include <avss/cuda/emulated_memory.hpp>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace avss::emulated {

// Kernels, products and copies in the order in which a thread gave them, each with its arguments as they were then.
class recording {
 public:
  // Keeps what body() submits and does none of it. Where body throws, or does what cannot be captured, nothing is kept.
  template <class Body>
  void capture(Body&& body) {
    emulated::capture& state = emulated::capture::of_thread();
    if (state.now) fail("a graph is captured within another");
    struct ended {
      emulated::capture& state;
      ~ended() {
        state = {};
        current() = nullptr;
      }
    };
    std::vector<std::function<void()>> list;
    const char* spoiled;
    {
      const ended at_last{state};
      state.now = true;
      current() = &list;
      body();
      spoiled = state.spoiled;
    }
    if (spoiled) fail("a graph cannot be captured: ", spoiled);
    list_ = std::move(list);
  }

  void replay() const {
    const device_access access;
    ++traffic::of_thread().given;
    for (const auto& work : list_) work();
  }
  std::size_t size() const { return list_.size(); }

 private:
  template <class Work>
  friend void submit(Work&& work);
  static std::vector<std::function<void()>>*& current() {
    static thread_local std::vector<std::function<void()>>* now = nullptr;
    return now;
  }
  std::vector<std::function<void()>> list_;
};

template <class Work>
void submit(Work&& work) {
  if (auto* const list = recording::current()) {
    list->emplace_back(std::forward<Work>(work));
    return;
  }
  const device_access access;
  ++traffic::of_thread().given;
  work();
}

}  // namespace avss::emulated
