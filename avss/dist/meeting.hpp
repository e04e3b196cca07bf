// How the members of a group find each other, and which of them share a machine.
#pragma once

#include <unistd.h>

#include <array>
#include <avss/core/error.hpp>
#include <avss/dist/worker_group.hpp>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// What a library of communication needs before it can connect the members: something that the first tells the others.
class meeting {
 public:
  virtual ~meeting() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Collective, once: the first member's data become everyone's; they must be of one size.
  virtual void share(std::span<std::byte> data) = 0;
  // After share: the number of members of lower ranks on this machine.
  virtual int local_rank() const = 0;

  // After share: who has ended, in words, or nothing. For a member that waits for the others, now and then; what ends all of
  // the members with one need not say it.
  virtual std::string missing() { return {}; }
};

namespace detail {

inline std::uint64_t hash_of(std::string_view text) {  // FNV-1a
  std::uint64_t h = 14695981039346656037u;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

// The same for all processes of a machine, or of a container; a word without blanks.
inline std::string this_machine() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) fail("the name of this machine cannot be read");
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::string all = joined(name.data(), "/", boot);
  for (char& c : all)
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  return all;
}

}  // namespace detail

// Over a group that is there already, as of MPI or of threads; it must live as long.
class group_meeting final : public meeting {
 public:
  explicit group_meeting(worker_group& group, std::string machine = detail::this_machine())
      : group_(group), machine_(std::move(machine)) {}

  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  int local_rank() const override { return local_rank_; }

  void share(std::span<std::byte> data) override {
    std::vector<double> values(data.size());
    for (std::size_t i = 0; group_.first() && i < data.size(); ++i) values[i] = std::to_integer<int>(data[i]);
    group_.sum(values);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(values[i]);

    std::vector<double> machines(static_cast<std::size_t>(size()));
    const auto own = static_cast<std::size_t>(rank());
    machines[own] = static_cast<double>(detail::hash_of(machine_) >> 11);  // 53 bits, which a double holds
    group_.sum(machines);
    local_rank_ = 0;
    for (std::size_t r = 0; r < own; ++r) local_rank_ += machines[r] == machines[own] ? 1 : 0;
  }

 private:
  worker_group& group_;
  std::string machine_;
  int local_rank_ = 0;
};

}  // namespace avss
