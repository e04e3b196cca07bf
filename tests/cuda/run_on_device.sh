#!/usr/bin/env bash
# bash run.sh [LOGS]: in a folder of pack_device_tests.sh's, runs the tests beside this file on the machine's CUDA device, then under
# compute-sanitizer where it is; then the benchmarks, PyTorch's share where python3 ($PYTHON) has it. Every line is printed when
# it is known. LOGS gets four files: tables.md, ours.jsonl, peer.jsonl, and logs.tar.gz of all that the programs said. Several
# calls with the same LOGS add to one table of times. The status is not zero where something failed, was skipped or found no time.
# PARTS: those of "tests sanitizers benchmarks peer" that are wanted, all by default; another word: the table of LOGS alone
# TESTS: the tests' names; TOOLS: the sanitizer's tools, "memcheck racecheck initcheck"
# LIMIT: seconds that one program may take, 240, all cases of a benchmark 560; BUDGET: seconds for the whole call, after which
#   nothing more begins, without end by default
# FILTER: what a benchmark's case has in its name (train/rtfsnet_4); MODES: the peer's, eager,compiled; PRECISION: of both,
#   float32 or tf32; SECONDS_EACH: for each time, 2; AHEAD: cases that torch.compile prepares at once before any is timed, 6
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
logs=${1:-$here/logs}
parts=" ${PARTS:-tests sanitizers benchmarks peer} "
read -ra tests <"$here/tests.txt"
[[ ${TESTS:-} ]] && read -ra tests <<<"$TESTS"
read -ra tools <<<"${TOOLS:-memcheck racecheck initcheck}"
limit=${LIMIT:-240}
mkdir -p "$logs" && said=$(mktemp -d) || exit 1
trap 'rm -rf "$said"' EXIT
[[ -e $logs/logs.tar.gz ]] && tar -xzf "$logs/logs.tar.gz" -C "$said"  # of earlier calls
wants() { [[ $parts == *" $1 "* ]]; }
say() { printf '%s\n' "$*" | tee -a "$logs/tables.md"; }
export PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"
# The folder of a library: what the system knows, or where it is found.
folder_of() {
  local path
  path=$(ldconfig -p 2>/dev/null | sed -n "s/.*$1 .*=> //p" | head -1)
  [[ $path ]] || path=$(find "${CUDA_HOME:-/usr/local/cuda}" /usr/local /opt /usr/lib -name "$1" 2>/dev/null | head -1)
  [[ $path ]] && dirname "$path"
}
cublas=$(folder_of libcublasLt.so.13)
nccl=$(folder_of libnccl.so.2)
# For our own programs: PyTorch brings its libraries along.
libraries=$cublas${nccl:+:$nccl}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
say "## $(date -u '+%Y-%m-%d %H:%M') UTC, $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -1)"
worst=0
check() {  # name, command...
  local name=$1 log=$said/$1.log start=$SECONDS word=passed status=0 most=$limit
  shift
  if [[ ${BUDGET:-} ]] && ((BUDGET - SECONDS < most)); then most=$((BUDGET - SECONDS)); fi
  if ((most < 5 && most < limit)); then
    worst=1
    say "$(printf '%-46s %s' "$name" "not run: no time is left of $BUDGET s")"
    return
  fi
  timeout -k 5 "$most" "$@" >"$log" 2>&1 || status=$?
  if ((status == 124 || status == 137)); then
    word="not ended in $most s"
  elif ((status == 77)) || { ((status == 0)) && grep -q '\[  SKIPPED \]' "$log"; }; then
    word=skipped
  elif ((status)); then
    word="FAILED with status $status"
  fi
  [[ $word == passed ]] || worst=1
  say "$(printf '%-46s %-24s %4d s' "$name" "$word" $((SECONDS - start)))"
  if [[ $word != passed ]]; then
    {
      grep -hE '^skipped: |FAILED|Failure|rror|what\(\)|no CUDA|Invalid|Uninitialized|hazard|not measured' "$log" | head -6
      [[ $word != not* ]] || { echo "at its end:" && tail -n 2 "$log"; }  # the test that hangs
    } | cut -c1-300 | sed 's/^/    /' | tee -a "$logs/tables.md"
  fi
  # Now, for a call that is killed keeps nothing at its end.
  tar -czf "$logs/.logs" -C "$said" . && mv "$logs/.logs" "$logs/logs.tar.gz"
}
ours() { check "$1" env LD_LIBRARY_PATH="$libraries" "${@:2}"; }
if wants tests; then
  for t in "${tests[@]}"; do
    if [[ $t == nccl_* && -z $nccl ]]; then
      say "$(printf '%-46s %s' "$t" "not run: there is no NCCL")"
    else
      ours "$t" env -C "$here" "./$t"
    fi
  done
fi
if wants sanitizers; then
  if command -v compute-sanitizer >/dev/null; then
    # Hundreds of steps say nothing more there than a few.
    for tool in "${tools[@]}"; do
      for t in "${tests[@]}"; do
        [[ $t == nccl_* ]] || ours "$t-$tool" env -C "$here" GTEST_FILTER='-*two_hundred*:*thousand*' \
          compute-sanitizer --tool "$tool" --error-exitcode 9 "./$t"
      done
    done
  else
    say "compute-sanitizer: not found, nothing was run under it"
  fi
fi
# Ours and PyTorch's one after another; what has no device or no PyTorch says so, and there is a table of the rest. Lines of
# earlier calls stay; of a case that is measured again the last counts.
limit=${LIMIT:-560}
part=${FILTER:-all}
part=${part//\//_}-${PRECISION:-float32}
chosen=("--filter=${FILTER:-}" "--precision=${PRECISION:-float32}" "--seconds=${SECONDS_EACH:-2}")
if wants benchmarks; then
  ours "device_benchmark-$part" "$here/device_benchmark" "${chosen[@]}" --json="$logs/ours.jsonl"
fi
if wants peer; then
  check "peer-$part" "${PYTHON:-python3}" "$here/benchmarks/cuda/peer.py" "${chosen[@]}" --modes="${MODES:-eager,compiled}" \
    --limit="${LIMIT:-400}" --ahead="${AHEAD:-6}" --json="$logs/peer.jsonl"
fi
shopt -s nullglob
measured=("$logs"/*.jsonl)
if ((${#measured[@]})); then
  say ""
  "${PYTHON:-python3}" "$here/benchmarks/cuda/compare.py" "${measured[@]}" | tee -a "$logs/tables.md"
fi
exit "$worst"
