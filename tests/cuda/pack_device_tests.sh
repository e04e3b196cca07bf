#!/usr/bin/env bash
# bash tests/cuda/pack_device_tests.sh OUT [ARCH...]: tests and benchmarks of a CUDA device as programs that run elsewhere, without
# Bazel, oneDNN or a network: OUT/run.sh runs them all on a machine with a device and prints tables. ARCH: as --//:cuda_archs, 90 by
# default. They need an x86-64-v3 processor and cuBLAS 13, which run.sh looks for.
set -euo pipefail
if (($# < 1)); then
  echo "usage: bash tests/cuda/pack_device_tests.sh OUT [ARCH...]" >&2
  exit 2
fi
out=$(realpath -m -- "$1")
shift
archs=("$@")
((${#archs[@]})) || archs=(90)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [[ -e $out ]]; then
  echo "pack_device_tests: $out is there already; choose a new folder" >&2
  exit 1
fi
mkdir -p -- "$(dirname "$out")"
flags=(--config=cuda --config=portable "--//:cuda_archs=$(IFS=,; echo "${archs[*]}")")
tests=(device_test device_golden_test device_network_test device_graph_test device_sweep_test device_map_sweep_test device_image_sweep_test
  device_train_test device_convtasnet_training_test device_rtfsnet_training_test)
if [[ -e ${CUDA_HOME:-${CUDA_PATH:-/usr/local/cuda}}/include/nccl.h ]]; then tests+=(nccl_group_test); fi
./bazelw build "${flags[@]}" "${tests[@]/#///tests/cuda:}" //benchmarks/cuda:device_benchmark
bin=$(./bazelw info "${flags[@]}" bazel-bin 2>/dev/null)
part=$(mktemp -d "$(dirname "$out")/.pack.XXXXXX")
trap 'rm -rf "$part"' EXIT
for path in "${tests[@]/#/tests/cuda/}" benchmarks/cuda/device_benchmark; do
  install -m 755 "$bin/$path" "$part/${path##*/}"
done
bash tests/cuda/carried_test.sh "$part"/*
# What an independent implementation made of the networks.
for f in tests/golden/{convtasnet,rtfsnet,lip_encoder,lip_training}.{txt,bin}; do
  install -D -m 644 "$f" "$part/$f"
done
# The peer of the benchmarks, where its modules look for one another.
for f in benchmarks/{against,compare_pytorch,compare_rtfsnet}.py benchmarks/cuda/{compare,device_sru,peer}.py \
  tests/golden/make_rtfsnet_golden.py; do
  install -D -m 644 "$f" "$part/$f"
done
echo "${tests[*]}" >"$part/tests.txt"
install -m 755 tests/cuda/run_on_device.sh "$part/run.sh"
chmod 755 "$part"
if (($(du -sm "$part" | cut -f1) >= 64)); then
  echo "pack_device_tests: $out would have more than 64 MiB; name fewer architectures" >&2
  exit 1
fi
mv -T "$part" "$out"
trap - EXIT
du -sh "$out"
