// A meeting of processes, on one machine or several, by files in a folder that all of them see.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dist/held_file.hpp>
#include <avss/dist/meeting.hpp>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace avss {

// Every member makes a file PATH.RANK, which it holds locked while it lives; when all are there, the first one makes PATH, with
// its data and with the marks of all members' files, drawn anew for each run. Who has read it makes PATH.RANK.told, and goes on
// when all have. So a file that an earlier run has left is known: nobody holds it, or it has other marks. Files are written
// beside and renamed; those of a member that ends in order go.
//
// The object lives as long as the group: by its file the others see that the process does (missing()). The folder's file system
// must have locks that all machines of the group see.
class file_meeting final : public meeting {
 public:
  file_meeting(std::string path, int rank, int size, std::chrono::milliseconds limit = std::chrono::minutes(5))
      : path_(std::move(path)), rank_(rank), size_(size), limit_(limit) {
    if (size < 1 || rank < 0 || rank >= size)
      fail("a worker of a group has a rank from 0 to the group's size - 1, not rank ", rank, " of ", size);
    self_ = {hex(std::random_device{}()) + hex(std::random_device{}()), static_cast<long>(::getpid()), detail::this_machine()};
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }

  // Throws where the others have not come when the limit is over, or where one has come and ended.
  void share(std::span<std::byte> data) override {
    const auto end = clock::now() + limit_;
    claim();
    others_ = std::vector<seen>(static_cast<std::size_t>(size_));
    wait(end, [&] { return look(data); });
    told_ = detail::held_file(name_of(rank_) + ".told", told_by(self_), self_.mark);
    wait(end, [&] { return untold(); });
    local_rank_ = 0;
    for (int r = 0; r < rank_; ++r) local_rank_ += other(r).who.machine == self_.machine ? 1 : 0;
  }

  std::string missing() override {
    for (int r = 0; r < static_cast<int>(others_.size()); ++r)
      if (r != rank_ && (!other(r).file.found() || other(r).file.ended()))
        return joined("the worker of rank ", r, " of ", size_, " (", described(other(r).who), ") has ended");
    return {};
  }

 private:
  struct person {
    std::string mark;
    long process = 0;
    std::string machine;
  };
  using clock = std::chrono::steady_clock;
  struct seen {
    person who;
    detail::watched_file file;
    std::optional<clock::time_point> lost;
  };

  static std::string hex(std::uint64_t n) {
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; n >>= 4) text[i] = "0123456789abcdef"[n & 15];
    return text;
  }
  static std::string described(const person& p) {
    return joined("process ", p.process, " on ", p.machine.substr(0, p.machine.find('/')));
  }
  std::string name_of(int rank) const { return joined(path_, ".", rank); }
  seen& other(int rank) { return others_[static_cast<std::size_t>(rank)]; }

  // A file's text is words and, in the end, a sum of all that is before.
  static std::string sealed(std::string text) {
    const std::string sum = hex(detail::hash_of(text));
    return text + "sum " + sum + "\n";
  }
  // The words before the sum; nothing where the text is not whole.
  static std::optional<std::vector<std::string>> opened(std::string_view text) {
    constexpr std::size_t tail = 4 + 16 + 1;
    if (text.size() < tail || sealed(std::string(text.substr(0, text.size() - tail))) != text) return std::nullopt;
    std::vector<std::string> words;
    text.remove_suffix(tail);
    for (std::size_t at = 0; (at = text.find_first_not_of(" \n", at)) != text.npos;) {
      const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
      words.emplace_back(text.substr(at, end - at));
      at = end;
    }
    return words;
  }

  static std::string written(const person& p) { return joined(p.mark, " ", p.process, " ", p.machine, "\n"); }
  static person read(const std::vector<std::string>& words, std::size_t at) {
    person p{words[at], 0, words[at + 2]};
    std::from_chars(words[at + 1].data(), words[at + 1].data() + words[at + 1].size(), p.process);
    return p;
  }

  static constexpr std::string_view one = "avss-worker", all = "avss-workers";  // the first words of the files

  // Until look() says nothing.
  template <class Look>
  void wait(clock::time_point end, Look&& look) const {
    for (;;) {
      const std::string problem = look();
      if (problem.empty()) return;
      if (!own_.in_place()) fail(name_of(rank_), ": another process has come with rank ", rank_, "; each needs one of its own");
      if (clock::now() > end)
        fail("the workers of ", path_, " have not met within ", static_cast<double>(limit_.count()) / 1000, " s: ", problem,
             "; start all ", size_, " with the same file");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  static std::string told_by(const person& p) { return sealed(p.mark + "\n"); }
  std::string own_text() const { return sealed(joined(one, " ", rank_, " of ", size_, "\n", written(self_))); }

  void claim() {
    seen before;
    if (const std::string problem = find(rank_, before); problem.empty())
      fail(name_of(rank_), ": there is a worker of rank ", rank_, " already (", described(before.who),
           "); each needs a rank, and each run a file, of its own");
    own_ = detail::held_file(name_of(rank_), own_text(), self_.mark);
  }

  // The file of a member that lives, or why there is none; of a group of another size it throws.
  std::string find(int rank, seen& to) const {
    const std::string name = name_of(rank);
    seen s{{}, detail::watched_file(name), {}};
    if (!s.file.found()) return joined("there is no ", name);
    const auto words = opened(s.file.text());
    const bool lives = !s.file.ended();
    if (!words || words->size() != 7 || (*words)[0] != one) return joined(name, " is not a worker's file, or not a whole one");
    s.who = read(*words, 4);
    if (!lives) return joined(name, " was left by a worker that has ended (", described(s.who), ")");
    if ((*words)[1] != std::to_string(rank) || (*words)[3] != std::to_string(size_))
      fail(name, ": its worker (", described(s.who), ") is of rank ", (*words)[1], " of ", (*words)[3], ", not ", rank, " of ",
           size_, "; start all with the same file and size");
    to = std::move(s);
    return {};
  }

  // Whether all are there and the data are shared: nothing, or what is not yet.
  std::string look(std::span<std::byte> data) {
    for (int r = 0; r < size_; ++r) {
      seen& o = other(r);
      if (r == rank_ || (o.file.found() && !o.file.ended())) continue;
      seen now;
      const std::string problem = find(r, now);
      if (problem.empty()) {
        o = std::move(now);
        continue;
      }
      if (o.file.found()) expect_another(r);
      return problem;
    }
    other(rank_).who = self_;
    std::string text = joined(all, " ", size_, "\n");
    for (const seen& s : others_) text += written(s.who);
    if (rank_ != 0) return take(text, data);
    text += "data ";
    for (std::byte b : data) text += hex(std::to_integer<std::uint64_t>(b)).substr(14);
    shared_ = detail::held_file(path_, sealed(text + "\n"), self_.mark);
    return {};
  }

  // Of a member that was there and is not any more: what an earlier run's does when the next one begins, for a short while.
  void expect_another(int rank) {
    seen& o = other(rank);
    if (!o.lost) o.lost = clock::now();
    if (clock::now() - *o.lost > limit_ / 30)
      fail(path_, ": the worker of rank ", rank, " of ", size_, " (", described(o.who), ") has ended before all had met");
  }

  // Whether everyone has the data, and will notice the end of the others, or has ended: nothing, or who has not. A member that
  // ends now is one for missing(): it may have seen that all the others are there, and be done.
  std::string untold() {
    for (int r = 0; r < size_; ++r) {
      const std::string name = name_of(r) + ".told";
      const detail::watched_file file(name);
      if ((file.found() && file.text() == told_by(other(r).who)) || (r != rank_ && other(r).file.ended())) continue;
      return joined("there is no ", name, ", or it is of an earlier run");
    }
    return {};
  }

  // The data of PATH, where it is of these members.
  std::string take(const std::string& members, std::span<std::byte> data) const {
    const detail::watched_file file(path_);
    if (!file.found()) return joined("there is no ", path_, " of the worker of rank 0");
    const std::string text = file.text();
    const auto words = opened(text);
    if (!words || words->size() < 2 || (*words)[0] != all)
      return joined(path_, " is not a file of workers, or not a whole one");
    if (!text.starts_with(members)) return joined(path_, " is of an earlier run");
    const std::string& digits = words->back();
    if (digits.size() != 2 * data.size())
      fail(path_, ": the worker of rank 0 tells ", digits.size() / 2, " bytes, ", data.size(),
           " are expected; start the same program everywhere");
    for (std::size_t i = 0; i < data.size(); ++i) {
      unsigned value = 0;
      std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16);
      data[i] = static_cast<std::byte>(value);
    }
    return {};
  }

  std::string path_;
  int rank_, size_;
  std::chrono::milliseconds limit_;
  person self_;
  detail::held_file own_, shared_, told_;
  std::vector<seen> others_;
  int local_rank_ = 0;
};

}  // namespace avss
