// The configuration of a run itself, the section "hydra": its groups and their options, under the names of Hydra's own.
#pragma once

#include <array>

namespace avss::config {

struct built_in_file {
  const char *path, *text;
};

inline constexpr std::array hydra_files{
    built_in_file{"hydra/config", R"(
defaults:
- output: default
- launcher: basic
- sweeper: basic
- help: default
- hydra_logging: default
- job_logging: default
- callbacks: null
- env: default
- _self_
mode: null
searchpath: []
output_subdir: .hydra
overrides:
  hydra: []
  task: []
job:
  name: ???
  chdir: null
  override_dirname: ???
  id: ???
  num: ???
  config_name: ???
  env_set: {}
  config:
    override_dirname:
      kv_sep: '='
      item_sep: ','
      exclude_keys: []
runtime:
  version: ???
  cwd: ???
  config_sources: ???
  output_dir: ???
  choices: {}
verbose: false
)"},
    built_in_file{"hydra/output/default", R"(# @package hydra
run:
  dir: outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}
sweep:
  dir: multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}
  subdir: ${hydra.job.num}
)"},
    built_in_file{"hydra/launcher/basic", "_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher\n"},
    built_in_file{"hydra/sweeper/basic", R"(_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper
max_batch_size: null
params: null
)"},
    built_in_file{"hydra/help/default", "app_name: ${hydra.job.name}\n"},
    built_in_file{"hydra/env/default", ""},
    built_in_file{"hydra/hydra_logging/default", "root:\n  level: INFO\nhandlers: [console]\n"},
    built_in_file{"hydra/hydra_logging/disabled", "root: null\nhandlers: []\n"},
    built_in_file{"hydra/hydra_logging/none", "root: null\nhandlers: []\n"},
    built_in_file{"hydra/job_logging/default", R"(root:
  level: INFO
handlers:
  file:
    filename: ${hydra.runtime.output_dir}/${hydra.job.name}.log
)"},
    built_in_file{"hydra/job_logging/stdout", "root:\n  level: INFO\nhandlers: {}\n"},
    built_in_file{"hydra/job_logging/disabled", "root: null\nhandlers: {}\n"},
    built_in_file{"hydra/job_logging/none", "root: null\nhandlers: {}\n"},
};

}  // namespace avss::config
