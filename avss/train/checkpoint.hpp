// A training run on disk: one PyTorch file that torch.load reads, with all that is needed to go on as if nothing had
// happened.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/tensor.hpp>
#include <avss/train/state_fields.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

// The keys of the top dict are the members' names; weights are under state_dict, so that whoever reads the file takes those
// that are to be used, and trained_weights, where there are any, under trained_state_dict.
struct checkpoint {
  std::string arch;
  std::int64_t epoch = 0;  // epochs completed
  std::int64_t step = 0;
  tensor_dict weights;
  tensor_dict trained_weights;  // where `weights` are averaged; otherwise empty
  checkpoint_value optimizer, lr_scheduler;
  double monitor_best = 0;
  checkpoint_value config;  // the run's configuration, a plain dict
  checkpoint_value avss;    // counters: seed, next item, ...
};

inline constexpr const char* last_checkpoint = "checkpoint-last.pth";
inline constexpr const char* previous_checkpoint = "checkpoint-previous.pth";
inline constexpr const char* best_checkpoint = "model_best.pth";

// Written beside, synced, renamed. Throws error.
inline void write_checkpoint(const std::filesystem::path& path, checkpoint c) {
  std::vector<checkpoint_value::field> fields{{"arch", c.arch},
                                              {"epoch", c.epoch},
                                              {"step", c.step},
                                              {"state_dict", checkpoint_value::state_dict(std::move(c.weights))},
                                              {"optimizer", c.optimizer},
                                              {"lr_scheduler", c.lr_scheduler},
                                              {"monitor_best", c.monitor_best},
                                              {"config", c.config},
                                              {"avss", c.avss}};
  if (!c.trained_weights.entries.empty())
    fields.emplace_back("trained_state_dict", checkpoint_value::state_dict(std::move(c.trained_weights)));
  write_pytorch(path.string(), checkpoint_value::dict(std::move(fields)));
}

// Strict: throws error for a damaged file, and for one of another program.
inline checkpoint read_checkpoint(const std::filesystem::path& path) {
  const pytorch_file file(path.string());
  const state_reader top(file.root(), path.string(), "the top dict");
  checkpoint c{.arch = top.text("arch"),
               .epoch = top.integer("epoch"),
               .step = top.integer("step"),
               .weights = weights_of(file),
               .trained_weights = {},
               .optimizer = top.at("optimizer"),
               .lr_scheduler = top.at("lr_scheduler"),
               .monitor_best = top.number("monitor_best"),
               .config = top.at("config"),
               .avss = top.at("avss")};
  if (const checkpoint_value* trained = file.find("trained_state_dict"))
    c.trained_weights = weights_of(*trained, file.origin(), file.size());
  (void)state_reader(c.avss, path.string(), "avss").integer("version");
  return c;
}

namespace detail {

// `to` becomes another name of the file `from`, a copy where the file system has no links; a former `to` is replaced.
inline void sync_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const bool failed = ::fsync(fd) != 0;
  const int why = errno;
  ::close(fd);
  if (failed) fail_to_write(path.string(), "writing", why);
}

inline void link_over(const std::filesystem::path& from, const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  const fs::path beside = to.string() + ".tmp";
  std::error_code code, ignored;
  fs::remove(beside, ignored);
  fs::create_hard_link(from, beside, code);
  if (code && fs::copy_file(from, beside, code)) sync_file(beside);
  if (!code) fs::rename(beside, to, code);
  fs::remove(beside, ignored);  // also where both are one file already: rename leaves both names then
  if (code) fail(to.string(), ": cannot be written: ", code.message(), "; check the disk and the path");
}

inline void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);  // some file systems refuse, which is no error
  ::close(fd);
}

}  // namespace detail

// The new checkpoint becomes checkpoint-last.pth and the former one checkpoint-previous.pth; `also` are further names of the
// new one. At every moment there is a whole checkpoint-last.pth once there was one. Throws error; then the last is the
// former one.
inline void store_checkpoint(const std::filesystem::path& folder, checkpoint c, const std::vector<std::string>& also = {}) {
  namespace fs = std::filesystem;
  const fs::path fresh = folder / "checkpoint-new.pth", last = folder / last_checkpoint;
  write_checkpoint(fresh, std::move(c));
  for (const std::string& name : also) detail::link_over(fresh, folder / name);
  std::error_code code;
  if (fs::exists(last, code)) detail::link_over(last, folder / previous_checkpoint);
  fs::rename(fresh, last, code);
  if (code) fail(last.string(), ": cannot be written: ", code.message(), "; check the disk and the path");
  detail::sync_folder(folder);
}

namespace detail {

// "; trainer.resume_from= may also be model_best.pth, ..." or nothing.
inline std::string other_checkpoints(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (std::filesystem::directory_iterator e(folder, code), end; !code && e != end; e.increment(code)) {
    const std::string name = e->path().filename().string();
    if (name == best_checkpoint || (name.starts_with("checkpoint-epoch") && name.ends_with(".pth"))) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  return all.empty() ? "; begin anew with another writer.run_name" : "; trainer.resume_from may also be one of: " + all;
}

}  // namespace detail

// Reads folder/name. If checkpoint-last.pth is damaged or gone, warns with one line, reads
// checkpoint-previous.pth and renames the damaged file to checkpoint-damaged.pth.
inline checkpoint resume_checkpoint(const std::filesystem::path& folder, const std::string& name,
                                    const std::function<void(const std::string&)>& warn, std::filesystem::path& taken) {
  taken = folder / name;
  if (name != last_checkpoint) return read_checkpoint(taken);
  try {
    return read_checkpoint(taken);
  } catch (const error& e) {
    const std::filesystem::path former = folder / previous_checkpoint;
    std::error_code ignored;
    if (!std::filesystem::exists(former, ignored)) throw;
    checkpoint c;
    try {
      c = read_checkpoint(former);
    } catch (const error& second) {
      fail("neither ", last_checkpoint, " nor the one before it can be read: ", e.what(), "; ", second.what(),
           detail::other_checkpoints(folder));
    }
    warn(std::string(e.what()) + "; going on from " + former.string() + ", step " + std::to_string(c.step));
    // Aside, or the next save would put it in the place of the good one.
    std::filesystem::rename(taken, folder / "checkpoint-damaged.pth", ignored);
    taken = former;
    return c;
  }
}

}  // namespace avss
