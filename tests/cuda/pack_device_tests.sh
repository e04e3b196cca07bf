#!/usr/bin/env bash
# bash tests/cuda/pack_device_tests.sh OUT [ARCH...]: the tests of a CUDA device as programs that run elsewhere, without Bazel,
# oneDNN or a network: OUT/run.sh runs them all on a machine with a device and prints a table. ARCH: as --//:cuda_archs, 90 by
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
flags=(--config=cuda --config=portable "--//:cuda_archs=$(IFS=,; echo "${archs[*]}")")
tests=(device_test device_network_test device_graph_test device_sweep_test device_map_sweep_test device_image_sweep_test
  device_train_test)
if [[ -e ${CUDA_HOME:-${CUDA_PATH:-/usr/local/cuda}}/include/nccl.h ]]; then tests+=(nccl_group_test); fi
./bazelw build "${flags[@]}" "${tests[@]/#///tests/cuda:}"
bin=$(./bazelw info "${flags[@]}" bazel-bin 2>/dev/null)
part=$(mktemp -d "$(dirname "$out")/.pack.XXXXXX")
trap 'rm -rf "$part"' EXIT
for t in "${tests[@]}"; do
  install -m 755 "$bin/tests/cuda/$t" "$part/$t"
  also=
  [[ $t == nccl_* ]] && also='libnccl|'
  # What every machine has, cuBLAS, and NCCL for its own test; anything else would be missing there.
  others=$(readelf -d "$part/$t" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -vE "^(${also}libcublasLt|libstdc\+\+|libm|libgomp|libgcc_s|libc|librt|libpthread|libdl|ld-linux-x86-64)\.so" || true)
  if [[ -n $others ]]; then
    echo "pack_device_tests: $t needs $others, which another machine lacks" >&2
    exit 1
  fi
done
cat >"$part/run.sh" <<'RUN'
#!/usr/bin/env bash
# bash run.sh [LOGS]: runs the tests beside this file on the machine's CUDA device, under compute-sanitizer's memcheck and
# racecheck too where it is, and ends with a table; the status is not zero where one failed or was skipped.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
logs=${1:-$here/logs}
mkdir -p "$logs"
export PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"
cublas=$(ldconfig -p 2>/dev/null | sed -n 's/.*libcublasLt\.so\.13 .*=> //p' | head -1)
[[ $cublas ]] || cublas=$(find "${CUDA_HOME:-/usr/local/cuda}" /usr/local /opt /usr/lib -name libcublasLt.so.13 2>/dev/null | head -1)
[[ $cublas ]] && export LD_LIBRARY_PATH="$(dirname "$cublas")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
nccl=$(ldconfig -p 2>/dev/null | sed -n 's/.*libnccl\.so\.2 .*=> //p' | head -1)
[[ $nccl ]] || nccl=$(find "${CUDA_HOME:-/usr/local/cuda}" /usr/local /opt /usr/lib -name libnccl.so.2 2>/dev/null | head -1)
[[ $nccl ]] && export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(dirname "$nccl")"
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
worst=0
table=
check() {  # name, command...
  local name=$1 start=$SECONDS word=passed status=0
  shift
  "$@" >"$logs/$name.log" 2>&1 || status=$?
  if ((status)); then
    word="FAILED with status $status"
    worst=1
  elif grep -q '\[  SKIPPED \]' "$logs/$name.log"; then
    word=skipped
    worst=1
  fi
  table+=$(printf '%-40s %-24s %4d s' "$name" "$word" $((SECONDS - start)))$'\n'
}
tests=("$here"/device_*test)
for t in "${tests[@]}"; do check "$(basename "$t")" "$t"; done
if [[ $nccl && -x $here/nccl_group_test ]]; then
  check nccl_group_test "$here/nccl_group_test"
else
  table+=$(printf '%-40s %s' nccl_group_test "not run: there is no NCCL")$'\n'
fi
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    for t in "${tests[@]}"; do
      check "$(basename "$t")-$tool" timeout 240 compute-sanitizer --tool "$tool" --error-exitcode 9 "$t"
    done
  done
fi
printf '%s' "$table"
exit "$worst"
RUN
chmod 755 "$part/run.sh" "$part"
mv -T "$part" "$out"
trap - EXIT
du -sh "$out"
