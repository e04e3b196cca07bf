// The workers that train one network together, as a device's backend sees them.
#pragma once

#include <avss/core/shape.hpp>
#include <span>

namespace avss {

// What worker_group is for values in host memory, for those in the memory that B's operations work on: every member calls the
// same functions in the same order, with spans of one size; sums are made in double in the order of the ranks, so that they
// are bit-equal on all members and in every run of as many.
template <class B>
class device_group {
 public:
  virtual ~device_group() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Each value becomes the sum of all members' values at its place, behind what `on` was given before and ahead of what it is
  // given then. Returns when it is queued, or when it is done.
  virtual void sum(const B& on, std::span<float> values) = 0;
  virtual void sum(const B& on, std::span<double> values) = 0;

  // Before the host waits for `on` without a limit: a group whose sums would not end where a member has died returns when
  // ended(on), and throws where one has. Of the others the sums themselves throw.
  virtual void watch(const B& /*on*/, bool (* /*ended*/)(const B&)) {}
};

// Of a backend whose operations may see only a part of the batch.
template <class B>
struct shares_batch {
  // The place of `draws` random draws of this worker's items among those of the whole batch.
  dim_t first_draw(dim_t draws) const { return group ? group->rank() * draws : 0; }
  dim_t workers() const { return group ? group->size() : 1; }

  // Those that share a batch, each with as many items, in the order of their ranks; null: the batch is this one's alone. Set
  // before memory is planned.
  device_group<B>* group = nullptr;
};

}  // namespace avss
