// All working memory of a network: one block, taken from both ends.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace avss {

// The front holds what the backward pass needs and grows until reset(), but for parts that are made anew on the way back
// (see context::kept_frame); the back is a stack of scratch memory that goes with the frame (see context::frame) in which it
// was taken. An arena without memory measures: it hands out null
// pointers and records what would have been needed, so the sizing pass is the very code that runs later.
class arena {
 public:
  static constexpr std::size_t alignment = 64;

  arena() = default;  // measures
  explicit arena(std::size_t bytes) : capacity_(round_up(std::max<std::size_t>(bytes, 1))) {
    const std::size_t page = capacity_ >= huge_page ? huge_page : alignment;
    base_ = static_cast<std::byte*>(std::aligned_alloc(page, (capacity_ + page - 1) / page * page));
    if (!base_)
      throw out_of_memory(
          joined("out of memory: the network needs ", capacity_,
                 " bytes of working memory; lower inferencer.window, or dataloader.batch_size where a network is trained"));
#ifdef MADV_HUGEPAGE
    // Fewer page faults on first use; a refusal only costs time.
    if (page == huge_page) (void)madvise(base_, capacity_, MADV_HUGEPAGE);
#endif
  }
  // Memory from elsewhere, a device's: `release` gives it back. The base is aligned as above, the size a multiple of that.
  arena(void* base, std::size_t bytes, void (*release)(void*))
      : base_(static_cast<std::byte*>(base)), release_(release), capacity_(bytes) {}
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  arena(arena&& o) noexcept { *this = std::move(o); }
  arena& operator=(arena&& o) noexcept {
    std::swap(base_, o.base_);
    std::swap(release_, o.release_);
    std::swap(capacity_, o.capacity_);
    std::swap(front_, o.front_);
    std::swap(back_, o.back_);
    std::swap(peak_, o.peak_);
    return *this;
  }
  ~arena() {
    if (base_) release_(base_);
  }

  bool measures() const { return !base_; }
  const void* base() const { return base_; }
  std::size_t capacity() const { return capacity_; }
  // The most bytes that were in use at once.
  std::size_t peak() const { return peak_; }

  void* take_front(std::size_t bytes) {
    const std::size_t at = front_;
    front_ += round_up(bytes);
    note();
    return base_ ? base_ + at : nullptr;
  }
  void* take_back(std::size_t bytes) {
    back_ += round_up(bytes);
    note();
    return base_ ? base_ + (capacity_ - back_) : nullptr;
  }

  std::size_t back_mark() const { return back_; }
  void release_back(std::size_t mark) { back_ = mark; }
  std::size_t front_mark() const { return front_; }
  void release_front(std::size_t mark) { front_ = mark; }
  // All is free but the first `front` bytes.
  void reset(std::size_t front = 0) { front_ = front, back_ = 0; }

 private:
  static constexpr std::size_t huge_page = std::size_t{2} << 20;

  static constexpr std::size_t round_up(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }
  void note() {
    peak_ = std::max(peak_, front_ + back_);
    if (base_ && front_ + back_ > capacity_)
      fail("the working memory was planned for ", capacity_, " bytes and ", front_ + back_,
           " are asked for: plan for the largest shape");
  }

  std::byte* base_ = nullptr;
  void (*release_)(void*) = std::free;
  std::size_t capacity_ = 0, front_ = 0, back_ = 0, peak_ = 0;
};

}  // namespace avss
