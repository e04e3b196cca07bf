// Trains a separation network:
//   bazel run //tools:train -- -cn=train_convtasnet model=convtasnet_small writer.run_name=first
//   bazel run //tools:train -- -cn=train_rtfsnet model=rtfsnet_small datasets.train.dataset_path=DIR writer.run_name=second
#include <unistd.h>

#include <algorithm>
#include <avss/config/command_line.hpp>
#include <avss/config/emit.hpp>
#include <avss/config/value.hpp>
#include <avss/core/error.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/train/run_folder.hpp>
#include <avss/train/trainer.hpp>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/loop_encoder.hpp"
#include "tools/missing_embeddings.hpp"
#include "tools/models/device.hpp"
#include "tools/models/select.hpp"
#include "tools/models/trainables.hpp"
#include "tools/objective_config.hpp"
#include "tools/section.hpp"
#include "tools/stop_on_signal.hpp"
#include "tools/targets.hpp"
#include "tools/tool_main.hpp"
#include "tools/tracking.hpp"
#include "tools/train_config.hpp"
#include "tools/train_data.hpp"
#include "tools/workers.hpp"

namespace {

using avss::config::settings;

std::int64_t at_least(const settings& s, const char* key, std::int64_t least, std::int64_t fallback,
                      std::int64_t most = 1'000'000'000) {
  const std::int64_t v = s.get<std::int64_t>(key, fallback);
  if (v < least || (v > most && v != fallback))
    avss::fail(key, ": expected an integer from ", least, " to ", most, ", found ", v);
  return v;
}

// Bytes of working memory, which must be there: on the device, or in this machine.
std::size_t needed_bytes(const avss::trainable& net, bool device, avss::dim_t items, avss::dim_t length) {
  constexpr avss::dim_t most_items = 1 << 20;
  const double there = device ? static_cast<double>(avss::tools::installed_device()->memory_bytes())
                              : static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (items <= most_items) {
    const std::size_t needed = net.planned_bytes(items, length);
    if (static_cast<double>(needed) <= there) return needed;
  }
  avss::fail("dataloader.batch_size: batches of ", items, " items of ", length, " samples need more memory than this ",
             device ? "device" : "machine", "'s ", static_cast<std::int64_t>(there) >> 20,
             " MiB; choose a smaller one, or shorter items");
}

avss::trainer_options read_options(const settings& s) {
  avss::trainer_options o;
  const std::string name = s.get<std::string>("writer.run_name");
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    avss::fail("writer.run_name: expected a folder's name, found '", name, "'");
  o.folder = std::filesystem::path(avss::config::user_path(s.get<std::string>("trainer.save_dir"))) / name;
  o.resume_from = s.get<std::string>("trainer.resume_from", "");
  o.n_epochs = at_least(s, "trainer.n_epochs", 1, 1);
  o.epoch_len = at_least(s, "trainer.epoch_len", 1, std::numeric_limits<std::int64_t>::max());
  if (o.epoch_len == std::numeric_limits<std::int64_t>::max()) o.epoch_len = 0;  // null: the items once
  if (s.has("dataloader._target_"))
    avss::tools::target_word("dataloader._target_", s.get<std::string>("dataloader._target_"), {"DataLoader"});
  o.batch_size = at_least(s, "dataloader.batch_size", 1, 1);
  o.accumulate = at_least(s, "trainer.accumulate", 1, 1);
  o.max_grad_norm = s.get<double>("trainer.max_grad_norm", o.max_grad_norm);
  if (!(o.max_grad_norm > 0)) avss::fail("trainer.max_grad_norm: expected a number above 0 or null, found ", o.max_grad_norm);
  o.log_step = at_least(s, "trainer.log_step", 1, o.log_step);
  o.save_period = at_least(s, "trainer.save_period", 0, 0);
  o.save_steps = at_least(s, "trainer.save_steps", 0, 0);
  o.early_stop = at_least(s, "trainer.early_stop", 0, 0);
  o.monitor = s.get<std::string>("trainer.monitor");
  o.skip_oom = s.get<bool>("trainer.skip_oom", o.skip_oom);
  o.max_bad_steps = at_least(s, "trainer.max_bad_steps", 1, o.max_bad_steps);
  o.seed = at_least(s, "trainer.seed", 0, o.seed);
  o.terminal = ::isatty(STDOUT_FILENO) != 0;
  o.config = avss::tools::plain(s.resolved());
  return o;
}

// What config.yaml says: how the run goes, not where it was taken up.
std::string config_text(const settings& s) {
  avss::config::value root = s.root();
  if (avss::config::value* from = root.find("trainer.resume_from")) *from = avss::config::value();
  return avss::config::to_yaml(root);
}

// body() in the first process and then in the others, which find made what it makes. A status other than 0 ends all.
template <class Body>
int in_turn(avss::worker_group* group, Body&& body) {
  if (!group) return body();
  int status = group->first() ? body() : 0;
  if (group->any(status != 0)) return status != 0 ? status : 1;
  if (!group->first()) status = body();
  if (group->any(status != 0)) return status != 0 ? status : 1;  // none goes on alone
  return 0;
}

int train(const settings& s, const avss::config::command_line& c, avss::worker_group* group) {
  const bool first = !group || group->first();
  std::ostream nowhere(nullptr), &out = first ? std::cout : nowhere, &err = first ? std::cerr : nowhere;
  avss::tools::expect_section(s, "trainer", "train_convtasnet or train_rtfsnet");
  avss::trainer_options o = read_options(s);
  o.group = group;
  const avss::dim_t share = avss::share_of(o.batch_size, group);
  avss::tools::compute on = avss::tools::read_compute(s, "trainer.device", c.threads);
  if (first && s.get<bool>("trainer.override", false) && o.resume_from.empty() && avss::holds_run(o.folder))
    avss::fail(
        o.folder.string(),
        ": a run is there already, and trainer.override=true deletes nothing here; choose another "
        "writer.run_name=NAME, continue it with trainer.resume_from=checkpoint-last.pth, or move the folder away yourself");

  const avss::tools::start_record start = avss::tools::this_start();
  const std::unique_ptr<avss::tracker> follower =
      first ? avss::tools::make_tracker(s, o, start, config_text(s), std::cerr) : nullptr;

  const avss::tools::model_entry& entry = avss::tools::select_model(s);
  avss::separation_training t = avss::tools::read_training(s);
  t.seed = static_cast<std::uint64_t>(o.seed);
  t.threads = c.threads;
  t.group = group;
  t.faces = at_least(s, "model.num_speakers", 1, 1, 32);
  t.dropout = s.get<bool>("trainer.dropout", true);
  t.recompute = s.get<bool>("trainer.recompute", false);
  t.frozen = {s.get<std::vector<std::string>>("trainer.freeze", {}), s.get<std::vector<std::string>>("trainer.train_only", {})};
  t.ema_decay = s.get<double>("trainer.ema_decay", 0);
  if (!(t.ema_decay >= 0 && t.ema_decay < 1))
    avss::fail("trainer.ema_decay: expected a number from 0, for none, to below 1, found ", t.ema_decay);
  const bool meant = avss::tools::on_device(on, entry, true);
  bool device = meant;
  std::unique_ptr<avss::worker_group> linked;
  if (group && group->size() > 1) {
    if (device && !avss::tools::installed_join() && on.device == avss::tools::device_choice::cuda)
      avss::fail(
          "trainer.device=cuda: several processes need a build with --config=cuda --config=mpi to train on devices; or take ",
          "trainer.device=cpu");
    device = !group->any(!device || !avss::tools::installed_join());  // all or none
    if (device) {
      linked = avss::tools::installed_join()(*group);
      if (!linked && on.device == avss::tools::device_choice::cuda)
        avss::fail("trainer.device=cuda: ", group->size(),
                   " processes have no device each; start as many as there are devices, or take trainer.device=cpu");
      device = linked != nullptr;
      if (device) t.group = o.group = linked.get();
    }
  }
  if (meant && !device) on.device = avss::tools::device_choice::cpu;
  const std::unique_ptr<avss::trainable> net =
      device ? avss::tools::make_device_trainable(entry, t, avss::tools::read_objective(s), on.precision)
             : avss::tools::make_trainable(entry, t);
  const avss::trainable_info& info = net->info();
  const std::string weights = avss::config::user_path(s.get<std::string>("trainer.from_pretrained", ""));
  if (!weights.empty()) {
    if (!o.resume_from.empty()) avss::fail("give either trainer.resume_from or trainer.from_pretrained, not both");
    net->load_weights(avss::read_weights_file(weights), weights);
  }

  const int workers = static_cast<int>(at_least(s, "dataloader.num_workers", 0, 1, 1000));
  std::optional<avss::mouth_encoder> encoder;
  if (info.video_channels > 0) {
    if (first) avss::check_run_folder(o.folder, o.resume_from);  // before what may take hours
    const std::vector<avss::tools::seen_mixtures> seen = avss::tools::list_seen_mixtures(s);
    encoder = avss::tools::make_loop_encoder(s, seen, info.video_channels, std::max(workers, 1), out, err);
    const int status = encoder ? 0 : in_turn(group, [&] {
      return avss::tools::make_missing_embeddings(s, seen, info.video_channels, c.threads, out, err);
    });
    if (status != 0) return status;
  }
  const avss::tools::train_sources sources = avss::tools::make_train_sources(
      s, {info.sample_rate, info.sources, info.video_channels}, t.seed, avss::tools::threads_of(c), encoder);
  const avss::dim_t length = sources.train.items->length();
  const int prefetch = static_cast<int>(at_least(s, "dataloader.prefetch_factor", 1, 2, 1000));
  const int shares = group ? group->size() : 1;
  avss::training_data data{
      avss::prefetched_batches(*sources.train.items, 0, workers, prefetch, shares), sources.epoch_items, {}};
  std::vector<std::string> parts;
  for (const avss::tools::item_part& p : sources.others) {
    const std::int64_t items = p.items->count();
    data.parts.push_back({p.name, avss::prefetched_batches(*p.items, items, workers, prefetch, shares), items});
    parts.push_back(p.name);
  }

  const bool higher = avss::monitor(o.monitor, parts, info.metrics).higher_is_better();
  avss::rate_schedule schedule = avss::tools::read_schedule(
      s, avss::steps_per_epoch(o.epoch_len, sources.epoch_items, o.batch_size * o.accumulate), higher);
  const std::size_t mebibytes = (needed_bytes(*net, device, share, length) >> 20) + 1;
  out << info.name << ": " << info.parameters << " parameters, " << info.sources
      << (info.video_channels > 0 ? " of the faces of a mixture, " : " sources, ") << info.sample_rate << " Hz; batches of "
      << o.batch_size << " x " << static_cast<double>(length) / info.sample_rate << " s need " << mebibytes << " MiB"
      << (group ? avss::joined(" in each of ", shares, " processes") : "") << "; on "
      << avss::tools::place_name(on, entry, true) << "; run folder " << avss::one_line(o.folder.string()) << '\n'
      << sources.about << std::endl;

  const std::filesystem::path folder = o.folder;
  const avss::tools::stop_on_signal signals;
  avss::trainer run(
      *net, std::move(schedule), std::move(data), std::move(o), out, err,
      [] { return avss::tools::stop_on_signal::requested(); }, follower.get());
  run.open();
  if (first) {
    avss::tools::record_start(s, folder, run.step(), start);
    avss::write_config(folder, config_text(s), run.step());
  }
  if (first) avss::config::warn_unread(s, "train", std::cerr);  // not after hours
  return run.run();
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"train", "trains a network that separates speakers.", "train_convtasnet", true},
                                [](const settings& s, const avss::config::command_line& all) {
                                  return avss::tools::with_workers("train", all, [&](avss::worker_group* group, const auto& c) {
                                    return train(s, c, group);
                                  });
                                });
}
