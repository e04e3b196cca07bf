// A group of workers each of which has a device of its own, linked by NCCL. Seen by nvcc only; links libnccl.
#pragma once

#include <nccl.h>

#include <avss/core/error.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/rank_sums.cuh>
#include <avss/dist/device_group.hpp>
#include <avss/dist/meeting.hpp>
#include <avss/dist/worker_group.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#if NCCL_VERSION_CODE < NCCL_VERSION(2, 14, 0)
#error "avss: NCCL 2.14 or later is needed, whose links do not block"
#endif

namespace avss {

// Sums of values on the device (device_group) and, by way of the device, of values in host memory (worker_group), made by
// rank_sums: NCCL only moves them. One object in a process or thread; all calls are for the thread that made it, which it gives
// its device: `cuda` objects are to be made, or first used, after it.
//
// Nothing here waits for ever. A member notices that another has failed by NCCL's errors, by what the meeting knows, or because
// it waits longer than `limit`; it then gives the links up, so that what is queued on the device ends, and throws, then and at
// every later call. Where NCCL cannot give up, as some versions cannot when a process of the same machine is gone, it says what
// has happened on stderr and ends the process.
class nccl_group final : public worker_group, public device_group<cuda> {
 public:
  // Collective. The meeting tells who and where this member is.
  explicit nccl_group(std::unique_ptr<meeting> with, std::chrono::seconds limit = std::chrono::minutes(10))
      : with_(std::move(with)), rank_(with_->rank()), size_(with_->size()), limit_(limit) {
    ncclUniqueId id{};
    if (rank_ == 0) check(ncclGetUniqueId(&id), "begin");
    with_->share(std::as_writable_bytes(std::span(id.internal)));
    choose_device();
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;  // so that this thread can look after the others meanwhile
    try {
      settle(ncclCommInitRankConfig(&links_, size_, id, rank_, &config), "connect the workers");
      cuda_check(cudaEventCreateWithFlags(&last_sum_, cudaEventDisableTiming), "an event on the device");
      own_.group = this;
    } catch (...) {
      release();
      throw;
    }
  }
  // Of n devices, that of the worker with so many before it on its machine: starters that show each process a device of its own
  // show it one.
  static int device_for(int local_rank, int n) { return n == 1 ? 0 : local_rank; }

  nccl_group(const nccl_group&) = delete;
  nccl_group& operator=(const nccl_group&) = delete;
  // Waits for the others, unless something is thrown, which ends them.
  ~nccl_group() override {
    if (links_ && std::uncaught_exceptions() == thrown_) {
      try {
        barrier();
        settle(ncclCommFinalize(links_), "end");
        (void)ncclCommDestroy(std::exchange(links_, nullptr));
      } catch (const std::exception& e) {
        (void)std::fprintf(stderr, "%s\n", e.what());
      }
    }
    release();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void sum(const cuda& on, std::span<float> values) override { add(on, values); }
  void sum(const cuda& on, std::span<double> values) override { add(on, values); }

  void sum(std::span<float> values) override { add_of_host(values); }
  void sum(std::span<double> values) override { add_of_host(values); }
  void barrier() override {
    double nothing = 0;
    sum(std::span<double>(&nothing, 1));
  }

  void watch(const cuda& on, bool (*ended)(const cuda&)) override {
    const char* const doing = "sum over the workers";
    patience p(*this, doing);
    expect_well();
    while (!ended(on)) p.wait();
    check_links(doing);
  }

 private:
  using clock = std::chrono::steady_clock;

  // While the host waits for the others.
  class patience {
   public:
    patience(nccl_group& g, const char* doing) : group_(g), doing_(doing) {}
    void wait() {
      const auto now = clock::now();
      // A short while for those that have just ended because all is done.
      if (now >= next_look_) {
        next_look_ = now + std::chrono::seconds(1);
        if (const std::string who = group_.with_->missing(); !who.empty() && ++looks_without_ > 1) group_.give_up(doing_, who);
        group_.check_links(doing_);
      }
      if (now - start_ > group_.limit_)
        group_.give_up(doing_, joined("the others have not taken part within ", group_.limit_.count(), " s"));
      std::this_thread::yield();
    }

   private:
    nccl_group& group_;
    const char* doing_;
    const clock::time_point start_ = clock::now();
    clock::time_point next_look_ = start_ + std::chrono::milliseconds(100);
    int looks_without_ = 0;
  };

  // What rank_sums asks for.
  struct mover {
    nccl_group& g;

    template <class T>
    void gather(const cuda& on, const T* values, std::size_t n, T* parts) {
      g.settle(ncclAllGather(values, parts, n, type<T>(), g.links_, on.stream()), "gather the workers' values");
    }
    template <class T>
    void exchange(const cuda& on, const T* values, const rank_blocks& b, T* parts) {
      const std::size_t own = b.count(g.rank_);
      together("exchange the workers' values", [&](int r) {
        const ncclResult_t sent =
            b.count(r) == 0 ? ncclSuccess : ncclSend(values + b.begin(r), b.count(r), type<T>(), r, g.links_, on.stream());
        if (own == 0 || failed(sent)) return sent;
        return ncclRecv(parts + static_cast<std::size_t>(r) * own, own, type<T>(), r, g.links_, on.stream());
      });
    }
    template <class T>
    void spread(const cuda& on, T* values, const rank_blocks& b) {
      together("spread the workers' sums", [&](int r) {
        T* const at = values + b.begin(r);
        return b.count(r) == 0 ? ncclSuccess : ncclBroadcast(at, at, b.count(r), type<T>(), r, g.links_, on.stream());
      });
    }

   private:
    template <class T>
    static ncclDataType_t type() {
      static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
      return std::is_same_v<T, float> ? ncclFloat32 : ncclFloat64;
    }
    // each(rank) for all ranks, as one step of NCCL's.
    template <class Each>
    void together(const char* doing, Each&& each) {
      g.settle(ncclGroupStart(), doing);
      ncclResult_t result = ncclSuccess;
      for (int r = 0; r < g.size_ && !failed(result); ++r) result = each(r);
      const ncclResult_t end = ncclGroupEnd();
      g.settle(failed(result) ? result : end, doing);
    }
  };

  static bool failed(ncclResult_t r) { return r != ncclSuccess && r != ncclInProgress; }
  static void check(ncclResult_t r, const char* doing) {
    if (failed(r)) fail("NCCL cannot ", doing, ": ", ncclGetErrorString(r), " (", ncclGetLastError(nullptr), ")");
  }

  void choose_device() const {
    int n = 0;
    if (cudaGetDeviceCount(&n) != cudaSuccess || n == 0) fail(cuda_problem());
    const int local = with_->local_rank(), device = device_for(local, n);
    if (device >= n)
      fail("the worker of rank ", rank_, " is number ", local + 1, " of its machine, which has ", n,
           " devices; start at most as many there");
    cuda_check(cudaSetDevice(device), "device ", device);
    if (const std::string problem = cuda_problem(); !problem.empty()) fail(problem);  // which uses the device
  }

  // Until NCCL has taken what it was asked for.
  void settle(ncclResult_t r, const char* doing) {
    patience p(*this, doing);
    while (r == ncclInProgress) {
      p.wait();
      check_asked(ncclCommGetAsyncError(links_, &r), doing);
    }
    check_asked(r, doing);
  }
  void check_asked(ncclResult_t r, const char* doing) {
    if (failed(r)) give_up(doing, joined(ncclGetErrorString(r), " (", ncclGetLastError(links_), ")"));
  }
  // What went wrong after it was asked for.
  void check_links(const char* doing) {
    ncclResult_t state = ncclSuccess;
    if (links_) check_asked(ncclCommGetAsyncError(links_, &state), doing);
    check_asked(state, doing);
  }
  void expect_well() const {
    if (!problem_.empty()) fail(problem_);
  }

  [[noreturn]] void give_up(const char* doing, const std::string& why) {
    problem_ = joined("NCCL cannot ", doing, ", rank ", rank_, " of ", size_, ": ", why);
    if (const std::string who = with_->missing(); !who.empty() && why != who) problem_ += "; " + who;
    drop_links();
    fail(problem_);
  }

  // Ends what is queued.
  void drop_links() {
    if (!links_) return;
    std::promise<void> gone;
    std::future<void> done = gone.get_future();
    std::thread([links = std::exchange(links_, nullptr), gone = std::move(gone)]() mutable {
      (void)ncclCommAbort(links);
      gone.set_value();
    }).detach();
    if (done.wait_for(std::chrono::seconds(20)) == std::future_status::ready) return;
    (void)std::fprintf(stderr, "%s\n",
                       one_line(problem_.empty() ? "NCCL cannot end what is queued on the device" : problem_).c_str());
    std::_Exit(1);
  }

  void release() {
    drop_links();
    if (last_sum_) (void)cudaEventDestroy(std::exchange(last_sum_, nullptr));
  }

  // Sums share memory, and what NCCL does must be in one order everywhere, whatever stream it is on.
  template <class T>
  void add(const cuda& on, std::span<T> values) {
    expect_well();
    if (last_stream_ && last_stream_ != on.stream())
      cuda_check(cudaStreamWaitEvent(on.stream(), last_sum_, 0), "a sum over the workers behind the last one");
    mover m{*this};
    sums_.run(on, m, rank_, size_, values);
    cuda_check(cudaEventRecord(last_sum_, on.stream()), "a sum over the workers");
    last_stream_ = on.stream();
  }

  template <class T>
  void add_of_host(std::span<T> values) {
    expect_well();
    if (values.empty()) return;
    const std::size_t bytes = values.size_bytes();
    if (staged_.size() < bytes) {
      own_.wait();
      staged_ = device_buffer<std::byte>();
      staged_ = device_buffer<std::byte>(bytes, "sums over workers");
    }
    T* const there = reinterpret_cast<T*>(staged_.data());
    detail::copy_to_device(own_, there, values.data(), bytes);
    add(own_, std::span<T>(there, values.size()));
    detail::copy_to_host(own_, values.data(), there, bytes);
  }

  std::unique_ptr<meeting> with_;
  int rank_, size_;
  std::chrono::seconds limit_;
  int thrown_ = std::uncaught_exceptions();
  std::string problem_;  // why no more sums are made
  ncclComm_t links_ = nullptr;
  cudaEvent_t last_sum_ = nullptr;
  cudaStream_t last_stream_ = nullptr;
  rank_sums sums_;
  cuda own_;
  device_buffer<std::byte> staged_;
};

}  // namespace avss
