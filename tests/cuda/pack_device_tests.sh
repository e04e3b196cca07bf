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
flags=(--config=cuda --config=portable "--//:cuda_archs=$(IFS=,; echo "${archs[*]}")")
tests=(device_test device_network_test device_graph_test device_sweep_test device_map_sweep_test device_image_sweep_test
  device_train_test device_convtasnet_training_test device_rtfsnet_training_test)
if [[ -e ${CUDA_HOME:-${CUDA_PATH:-/usr/local/cuda}}/include/nccl.h ]]; then tests+=(nccl_group_test); fi
./bazelw build "${flags[@]}" "${tests[@]/#///tests/cuda:}" //benchmarks/cuda:device_benchmark
bin=$(./bazelw info "${flags[@]}" bazel-bin 2>/dev/null)
part=$(mktemp -d "$(dirname "$out")/.pack.XXXXXX")
trap 'rm -rf "$part"' EXIT
for path in "${tests[@]/#/tests/cuda/}" benchmarks/cuda/device_benchmark; do
  t=${path##*/}
  install -m 755 "$bin/$path" "$part/$t"
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
# The peer of the benchmarks, where its modules look for one another.
for f in benchmarks/{against,compare_pytorch,compare_rtfsnet}.py benchmarks/cuda/{compare,device_sru,peer}.py \
  tests/golden/make_rtfsnet_golden.py; do
  install -D -m 644 "$f" "$part/$f"
done
echo "${tests[*]}" >"$part/tests.txt"
cat >"$part/run.sh" <<'RUN'
#!/usr/bin/env bash
# bash run.sh [LOGS]: runs the tests beside this file on the machine's CUDA device, under compute-sanitizer's memcheck and
# racecheck too where it is; then the benchmarks, PyTorch's share where python3 ($PYTHON) has it. Ends with both tables, which
# LOGS/tables.md keeps. The status is not zero where something failed or was skipped.
# PARTS: those of "tests sanitizers benchmarks peer" that are wanted, all by default; FILTER: what a benchmark's case has in its
# name (train/rtfsnet_4); MODES: the peer's, eager,compiled; PRECISION: of both, float32 or tf32.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
logs=${1:-$here/logs}
parts=" ${PARTS:-tests sanitizers benchmarks peer} "
read -ra tests <"$here/tests.txt"
mkdir -p "$logs"
rm -f "$logs"/*.jsonl  # of an earlier run
wants() { [[ $parts == *" $1 "* ]]; }
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
  if ((status == 77)); then
    word=skipped
    worst=1
  elif ((status)); then
    word="FAILED with status $status"
    worst=1
  elif grep -q '\[  SKIPPED \]' "$logs/$name.log"; then
    word=skipped
    worst=1
  fi
  table+=$(printf '%-40s %-24s %4d s' "$name" "$word" $((SECONDS - start)))$'\n'
}
if wants tests; then
  for t in "${tests[@]}"; do
    if [[ $t == nccl_* && -z $nccl ]]; then
      table+=$(printf '%-40s %s' "$t" "not run: there is no NCCL")$'\n'
    else
      check "$t" "$here/$t"
    fi
  done
fi
if wants sanitizers && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    for t in "${tests[@]}"; do
      [[ $t == nccl_* ]] || check "$t-$tool" timeout 240 compute-sanitizer --tool "$tool" --error-exitcode 9 "$here/$t"
    done
  done
fi
# Ours and PyTorch's one after another; what has no device or no PyTorch says so, and there is a table of the rest.
if wants benchmarks; then
  check device_benchmark "$here/device_benchmark" --filter="${FILTER:-}" --precision="${PRECISION:-float32}" --json="$logs/ours.jsonl"
fi
if wants peer; then
  check peer "${PYTHON:-python3}" "$here/benchmarks/cuda/peer.py" --filter "${FILTER:-}" --modes "${MODES:-eager,compiled}" \
    --precision "${PRECISION:-float32}" \
    --json "$logs/peer.jsonl"
fi
{
  printf '%s' "$table"
  for f in device_benchmark peer; do
    grep -hs '^skipped: ' "$logs/$f.log"
  done
  measured=()
  for f in ours peer; do [[ -s $logs/$f.jsonl ]] && measured+=("$logs/$f.jsonl"); done
  ((${#measured[@]})) && echo && "${PYTHON:-python3}" "$here/benchmarks/cuda/compare.py" "${measured[@]}"
} | tee "$logs/tables.md"
exit "$worst"
RUN
chmod 755 "$part/run.sh" "$part"
mv -T "$part" "$out"
trap - EXIT
du -sh "$out"
if (($(du -sm "$out" | cut -f1) >= 64)); then
  echo "pack_device_tests: $out has more than 64 MiB" >&2
  exit 1
fi
