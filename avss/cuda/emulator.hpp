// A device on the host: runs the kernels of avss/cuda thread by thread, so that they are tested, under the sanitizers too,
// where there is no device.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "avss: the emulator of the device switches stacks of x86-64 only"
#endif

namespace avss::emulated {

// Saves the registers that a function must keep on this stack, goes on where `to` stopped.
[[gnu::naked, gnu::noinline]] inline void switch_stack([[maybe_unused]] void** from, [[maybe_unused]] void* to) {
  asm volatile(
      "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}

// The threads of one block, each on a stack of its own. A thread runs until it waits; which one runs next changes from turn to
// turn, so that a kernel that lacks a barrier gives wrong numbers. A barrier that not all threads reach is an error.
class team {
 public:
  using body = void (*)(const void* kernel, team&, int index);
  static constexpr int warp = 32;

  // Runs body(kernel, *this, i) for every i in [0, threads), threads a multiple of a warp.
  void run(const char* name, int threads, body call, const void* kernel) {
    grow(threads);
    n_ = threads;
    call_ = call;
    kernel_ = kernel;
    for (int i = 0; i < n_; ++i) fibers_[static_cast<std::size_t>(i)]->now = state::ready;
    for (;;) {
      turn();
      if (all(0, n_, state::done)) return;
      if (!release()) {
        fibers_.clear();
        counters_.clear();
        fail("kernel ", name, ": some threads of a block wait at a barrier that the others do not reach");
      }
    }
  }

  void wait_for_block() { wait(state::at_block); }

  // Whether this block is the last of n that came with counter i of this launch.
  bool last_of(int index, dim_t i, dim_t n) {
    wait_for_block();
    if (index == 0) {
      if (static_cast<dim_t>(counters_.size()) <= i) counters_.resize(static_cast<std::size_t>(i) + 1);
      dim_t& count = counters_[static_cast<std::size_t>(i)];
      last_ = ++count == n;
      if (last_) count = 0;
    }
    wait_for_block();
    return last_;
  }
  // A launch has ended: no block is missing from a group that others came for.
  void check_counters(const char* name) {
    if (std::any_of(counters_.begin(), counters_.end(), [](dim_t c) { return c != 0; })) {
      counters_.clear();
      fail("kernel ", name, ": some blocks of a group were not counted");
    }
  }

  // Gives 8 bytes of this thread to its warp and returns where those of all 32 lie until the next exchange but one.
  const std::uint64_t* exchange(int index, std::uint64_t bits) {
    fiber& f = *fibers_[static_cast<std::size_t>(index)];
    f.parity = !f.parity;
    std::vector<std::uint64_t>& slots = slots_[f.parity];
    slots[static_cast<std::size_t>(index)] = bits;
    wait(state::at_warp);
    return slots.data() + index / warp * warp;
  }

 private:
  enum class state { ready, at_warp, at_block, done };
  struct fiber {
    static constexpr std::size_t stack_bytes = std::size_t{64} << 10;
    std::unique_ptr<std::byte[]> stack{new std::byte[stack_bytes]};
    void* top = nullptr;   // where it stopped
    void* fake = nullptr;  // the address sanitizer's
    state now = state::done;
    bool parity = false;
  };

  void grow(int threads) {
    while (static_cast<int>(fibers_.size()) < threads) {
      auto f = std::make_unique<fiber>();
      // As if switch_stack had been called there: six registers, the address to go on at, one to keep the stack aligned.
      auto end = reinterpret_cast<std::uintptr_t>(f->stack.get() + fiber::stack_bytes) / 16 * 16;
      void** const frame = reinterpret_cast<void**>(end) - 8;
      std::fill_n(frame, 8, nullptr);
      frame[6] = reinterpret_cast<void*>(&team::enter);
      f->top = frame;
      fibers_.push_back(std::move(f));
    }
    for (auto& s : slots_) s.resize(std::max(s.size(), static_cast<std::size_t>(threads)));
  }

  // Every thread that can goes on, upwards or downwards in turn.
  void turn() {
    upwards_ = !upwards_;
    for (int k = 0; k < n_; ++k) {
      index_ = upwards_ ? k : n_ - 1 - k;
      fiber& f = *fibers_[static_cast<std::size_t>(index_)];
      if (f.now != state::ready) continue;
      running() = this;
      start_switch(&main_fake_, f.stack.get(), fiber::stack_bytes);
      switch_stack(&main_top_, f.top);
      finish_switch(main_fake_);
    }
  }

  bool all(int first, int last, state s) const {
    return std::all_of(fibers_.begin() + first, fibers_.begin() + last, [&](const auto& f) { return f->now == s; });
  }
  bool release() {
    const auto set_ready = [&](int first, int last) {
      for (int i = first; i < last; ++i) fibers_[static_cast<std::size_t>(i)]->now = state::ready;
    };
    bool some = all(0, n_, state::at_block);
    if (some) set_ready(0, n_);
    for (int w = 0; w < n_; w += warp)
      if (all(w, w + warp, state::at_warp)) {
        set_ready(w, w + warp);
        some = true;
      }
    return some;
  }

  // On the stack of a thread:
  void wait(state s) {
    fiber& f = *fibers_[static_cast<std::size_t>(index_)];
    f.now = s;
    start_switch(&f.fake, main_stack_, main_bytes_);
    switch_stack(&f.top, main_top_);
    finish_switch(f.fake, &main_stack_, &main_bytes_);
  }
  static void enter() {
    team& self = *running();
    self.finish_switch(nullptr, &self.main_stack_, &self.main_bytes_);
    for (;;) {
      self.call_(self.kernel_, self, self.index_);
      self.wait(state::done);
    }
  }
  static team*& running() {
    static thread_local team* now = nullptr;
    return now;
  }

#if defined(__SANITIZE_ADDRESS__)
  static void start_switch(void** fake, const void* stack, std::size_t n) { __sanitizer_start_switch_fiber(fake, stack, n); }
  static void finish_switch(void* fake, const void** stack = nullptr, std::size_t* n = nullptr) {
    __sanitizer_finish_switch_fiber(fake, stack, n);
  }
#else
  static void start_switch(void**, const void*, std::size_t) {}
  static void finish_switch(void*, const void** = nullptr, std::size_t* = nullptr) {}
#endif

  std::vector<std::unique_ptr<fiber>> fibers_;
  std::array<std::vector<std::uint64_t>, 2> slots_;
  int n_ = 0, index_ = 0;
  bool upwards_ = false, last_ = false;
  std::vector<dim_t> counters_;
  body call_ = nullptr;
  const void* kernel_ = nullptr;
  void* main_top_ = nullptr;
  void* main_fake_ = nullptr;
  const void* main_stack_ = nullptr;
  std::size_t main_bytes_ = 0;
};

// What a kernel knows of the thread that runs it; the same members as on a device, see simt.cuh.
class thread {
 public:
  thread(int index, int count, dim_t block, dim_t blocks, std::byte* shared, team* with)
      : index_(index), count_(count), block_(block), blocks_(blocks), shared_(shared), team_(with) {}

  int index() const { return index_; }
  int count() const { return count_; }
  dim_t block() const { return block_; }
  dim_t blocks() const { return blocks_; }
  template <class T>
  T* shared() const {
    return reinterpret_cast<T*>(shared_);
  }
  void sync() const { team_->wait_for_block(); }
  bool last_of(unsigned*, dim_t i, dim_t n) const { return team_->last_of(index_, i, n); }
  // In the order in which a device's butterfly of shuffles adds.
  double warp_sum(double v) const {
    std::array<double, team::warp> all = of_warp(v);
    for (int step = team::warp / 2; step > 0; step /= 2)
      for (int i = 0; i < step; ++i) all[static_cast<std::size_t>(i)] += all[static_cast<std::size_t>(i + step)];
    return all[0];
  }
  double warp_max(double v) const {
    const std::array<double, team::warp> all = of_warp(v);
    return *std::max_element(all.begin(), all.end());
  }

 private:
  std::array<double, team::warp> of_warp(double v) const {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof v);
    std::array<double, team::warp> all;
    std::memcpy(all.data(), team_->exchange(index_, bits), sizeof all);
    return all;
  }

  int index_, count_;
  dim_t block_, blocks_;
  std::byte* shared_;
  team* team_;
};

// What a block may have on every device that kernels are compiled for (compute capability 8.6 has the least).
inline constexpr std::size_t most_shared = std::size_t{99} << 10;

// Runs all blocks of a kernel, and the threads of those that do not cooperate, from the first to the last and the other way in
// turn. Shared memory is NaN before.
template <class K>
void run(const char* name, const K& kernel, dim_t blocks, std::size_t shared_bytes) {
  static_assert(K::threads % team::warp == 0 && K::threads <= 1024, "avss: a block has whole warps, and at most 1024 threads");
  if (shared_bytes > most_shared)
    fail("kernel ", name, ": ", shared_bytes, " bytes of shared memory for a block, a device has ", most_shared);
  static thread_local team threads;
  static thread_local bool upwards = false;
  struct job {
    const K& kernel;
    dim_t block, blocks;
    std::byte* shared;
  };
  const std::unique_ptr<std::byte[]> shared(new std::byte[shared_bytes]);
  upwards = !upwards;
  for (dim_t k = 0; k < blocks; ++k) {
    std::fill_n(shared.get(), shared_bytes, std::byte{0xFF});
    const job now{kernel, upwards ? k : blocks - 1 - k, blocks, shared.get()};
    if constexpr (K::cooperates) {
      threads.run(
          name, K::threads,
          [](const void* j, team& with, int index) {
            const job& at = *static_cast<const job*>(j);
            at.kernel(thread(index, K::threads, at.block, at.blocks, at.shared, &with));
          },
          &now);
    } else {
      for (int i = 0; i < K::threads; ++i)
        kernel(thread(upwards ? i : K::threads - 1 - i, K::threads, now.block, blocks, now.shared, nullptr));
    }
  }
  threads.check_counters(name);
}

}  // namespace avss::emulated
