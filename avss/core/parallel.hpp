// Work shared among the cores, in pieces that do not depend on their number.
#pragma once

#include <avss/core/shape.hpp>
#include <exception>
#include <utility>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <atomic>
#include <thread>
#endif

namespace avss {

namespace detail {

// Carries an exception out of a team of threads: a place for each worker, so that none waits for another.
class team_problems {
 public:
  explicit team_problems(int workers) : problems_(static_cast<std::size_t>(workers)) {}

  template <class Work>
  void guard(int worker, Work&& work) {
    try {
      work();
    } catch (...) {
      problems_[static_cast<std::size_t>(worker)] = std::current_exception();
    }
  }
  void rethrow() const {
    for (const std::exception_ptr& p : problems_)
      if (p) std::rethrow_exception(p);
  }

 private:
  std::vector<std::exception_ptr> problems_;
};

}  // namespace detail

// Threads that this process may use: its cores, or OMP_NUM_THREADS.
inline int available_threads() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  return 1;
#endif
}

namespace detail {

// One compiled copy of the body for the serial and the parallel loop: inlined into each, it could be contracted to fused
// multiply-adds in one way here and in another there, and the results would differ in their last bits.
template <class Body>
#if defined(__clang__)
[[gnu::noinline]]
#else
[[gnu::noinline, gnu::noclone]]
#endif
void run_piece(Body& body, dim_t i, int worker) {
  body(i, worker);
}

}  // namespace detail

// Calls body(i, worker) for every i in [0, n), worker in [0, threads). The pieces are handed out as workers come free, so a
// piece must depend on i alone: then the result is bit-equal for any number of threads. What a piece throws is thrown here,
// once all have ended; of several, one.
template <class Body>
void parallel_for(int threads, dim_t n, Body&& body) {
#if defined(__SANITIZE_THREAD__)
  // OpenMP's run-time is not instrumented: under the thread sanitizer plain threads do the same work.
  if (threads > 1 && n > 1) {
    std::atomic<dim_t> next{0};
    detail::team_problems problems(threads);
    auto work = [&](int worker) {
      for (dim_t i; (i = next.fetch_add(1)) < n;) problems.guard(worker, [&] { detail::run_piece(body, i, worker); });
    };
    std::vector<std::thread> pool;
    for (int w = 1; w < threads; ++w) pool.emplace_back(work, w);
    work(0);
    for (std::thread& t : pool) t.join();
    return problems.rethrow();
  }
#elif defined(_OPENMP)
  if (threads > 1 && n > 1) {
    detail::team_problems problems(threads);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (dim_t i = 0; i < n; ++i) {
      const int worker = omp_get_thread_num();
      problems.guard(worker, [&] { detail::run_piece(body, i, worker); });
    }
    return problems.rethrow();
  }
#endif
  (void)threads;
  for (dim_t i = 0; i < n; ++i) detail::run_piece(body, i, 0);
}

}  // namespace avss
