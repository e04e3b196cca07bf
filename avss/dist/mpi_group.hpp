// A group of workers that are processes started by mpirun. Empty where MPI is not built in (bazel build --config=mpi).
#pragma once

#if defined(AVSS_WITH_MPI)

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dist/worker_group.hpp>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <vector>

namespace avss {

// One object in a process, made before other threads compute; calls are for one thread. Where a process of the group dies,
// mpirun ends the others.
class mpi_group final : public worker_group {
 public:
  // Signals that are to wait (stop_on_signal) must be blocked by now: MPI starts threads.
  mpi_group() {
    int level = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "start");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  mpi_group(const mpi_group&) = delete;
  mpi_group& operator=(const mpi_group&) = delete;
  // Waits for the others.
  ~mpi_group() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(std::span<float> values) override { add(values, MPI_FLOAT); }
  void sum(std::span<double> values) override { add(values, MPI_DOUBLE); }
  void barrier() override { check(MPI_Barrier(MPI_COMM_WORLD), "wait for the others"); }

  // Ends all processes at once; mpirun's status is this one.
  [[noreturn]] static void end_all(int status) {
    MPI_Abort(MPI_COMM_WORLD, status);
    std::abort();
  }

  // Collective: cores for this process, those of its machine that it may use divided among the processes that may, too. 1 at
  // least.
  int share_of_cores() {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) return 1;
    std::vector<int> users(CPU_SETSIZE);
    for (int c = 0; c < CPU_SETSIZE; ++c) users[static_cast<std::size_t>(c)] = CPU_ISSET(c, &mine) ? 1 : 0;
    MPI_Comm machine;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine), "find its machine");
    check(MPI_Allreduce(MPI_IN_PLACE, users.data(), CPU_SETSIZE, MPI_INT, MPI_SUM, machine), "count cores");
    MPI_Comm_free(&machine);
    double share = 0;
    for (int c = 0; c < CPU_SETSIZE; ++c)
      if (CPU_ISSET(c, &mine)) share += 1.0 / users[static_cast<std::size_t>(c)];
    return std::max(1, static_cast<int>(share + 1e-6));
  }

 private:
  static constexpr std::size_t few = 1 << 10, block = 1 << 20;  // values

  static void check(int code, const char* what) {
    if (code != MPI_SUCCESS) fail("MPI cannot ", what, ": error ", code);
  }

  template <class T>
  void add(std::span<T> values, MPI_Datatype type) {
    if (values.size() <= few) return add_few(values, type);
    const std::size_t most = block * static_cast<std::size_t>(size_);
    for (std::size_t at = 0; at < values.size(); at += most)
      add_many(values.subspan(at, std::min(most, values.size() - at)), type);
  }

  // Everyone has all parts and sums them.
  template <class T>
  void add_few(std::span<T> values, MPI_Datatype type) {
    std::vector<T>& parts = buffer<T>(values.size() * static_cast<std::size_t>(size_));
    const int n = static_cast<int>(values.size());
    check(MPI_Allgather(values.data(), n, type, parts.data(), n, type, MPI_COMM_WORLD), "sum over the processes");
    detail::sum_ranks(parts.data(), values.size(), size_, values);
  }

  // Everyone sums one block, for all.
  template <class T>
  void add_many(std::span<T> values, MPI_Datatype type) {
    const std::size_t ranks = static_cast<std::size_t>(size_), each = (values.size() + ranks - 1) / ranks;
    std::vector<int> counts(ranks), starts(ranks), mine(ranks), places(ranks);
    const auto begin = [&](std::size_t r) { return std::min(r * each, values.size()); };
    const std::size_t own = static_cast<std::size_t>(rank_), n = begin(own + 1) - begin(own);
    for (std::size_t r = 0; r < ranks; ++r) {
      starts[r] = static_cast<int>(begin(r)), counts[r] = static_cast<int>(begin(r + 1) - begin(r));
      mine[r] = static_cast<int>(n), places[r] = static_cast<int>(r * n);
    }
    std::vector<T>& parts = buffer<T>(n * ranks);
    check(MPI_Alltoallv(values.data(), counts.data(), starts.data(), type, parts.data(), mine.data(), places.data(), type,
                        MPI_COMM_WORLD),
          "sum over the processes");
    detail::sum_ranks(parts.data(), n, size_, std::span<T>(values.data() + begin(own), n));
    check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts.data(), starts.data(), type, MPI_COMM_WORLD),
          "sum over the processes");
  }

  template <class T>
  std::vector<T>& buffer(std::size_t n) {
    std::vector<T>* b;
    if constexpr (std::is_same_v<T, float>)
      b = &floats_;
    else
      b = &doubles_;
    if (b->size() < n) b->resize(n);
    return *b;
  }

  int rank_ = 0, size_ = 1;
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace avss

#endif
