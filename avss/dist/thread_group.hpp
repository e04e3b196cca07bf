// A group of workers that are threads of one process: for tests, and as the plain definition of what a group does.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dist/worker_group.hpp>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace avss {

// Runs body(group) on `size` threads, each with its own member of one group, and returns when all have ended. What a body
// throws ends the others at their next call of the group, and is thrown here.
class thread_group {
 public:
  template <class Body>
  static void run(int size, Body&& body) {
    meeting m(size);
    {
      std::vector<std::jthread> threads;
      for (int r = 0; r < size; ++r)
        threads.emplace_back([&m, &body, r] {
          member self(m, r);
          try {
            body(static_cast<worker_group&>(self));
          } catch (...) {
            m.give_up(std::current_exception());
          }
        });
    }
    if (m.problem) std::rethrow_exception(m.problem);
  }

 private:
  struct meeting {
    explicit meeting(int n) : size(n) {}

    // All have come.
    void meet() {
      std::unique_lock lock(mutex);
      check();
      if (++here == size) {
        here = 0, ++times;
        changed.notify_all();
        return;
      }
      const std::size_t now = times;
      changed.wait(lock, [&] { return times != now || problem; });
      if (times == now) check();
    }
    void give_up(std::exception_ptr p) {
      const std::lock_guard lock(mutex);
      if (!problem) problem = std::move(p);
      changed.notify_all();
    }
    void check() const {
      if (problem) fail("another worker of the group has failed");
    }

    const int size;
    std::mutex mutex;
    std::condition_variable changed;
    int here = 0;
    std::size_t times = 0;
    std::exception_ptr problem;  // the first
    std::vector<float> floats;
    std::vector<double> doubles;
  };

  class member final : public worker_group {
   public:
    member(meeting& m, int rank) : m_(m), rank_(rank) {}

    int rank() const override { return rank_; }
    int size() const override { return m_.size; }
    void sum(std::span<float> values) override { add(values, m_.floats); }
    void sum(std::span<double> values) override { add(values, m_.doubles); }
    void barrier() override { m_.meet(); }

   private:
    template <class T>
    void add(std::span<T> values, std::vector<T>& parts) {
      if (rank_ == 0) parts.resize(values.size() * static_cast<std::size_t>(m_.size));
      m_.meet();
      if (parts.size() != values.size() * static_cast<std::size_t>(m_.size))
        fail("the workers of a group sum different numbers of values");
      std::copy(values.begin(), values.end(), parts.begin() + static_cast<std::ptrdiff_t>(values.size()) * rank_);
      m_.meet();
      detail::sum_ranks(parts.data(), values.size(), m_.size, values);
      m_.meet();  // nobody reads the parts any more
    }

    meeting& m_;
    int rank_;
  };
};

}  // namespace avss
