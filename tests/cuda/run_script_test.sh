#!/usr/bin/env bash
# run_script_test.sh RUN_ON_DEVICE: that script with programs that pass, hang, fail and skip. Python is not needed: a shell script
# stands for it.
# shellcheck disable=SC2016  # programs are written, not run
set -uo pipefail
script=$(realpath -- "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
cp -- "$script" run.sh
program() { printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1" && chmod +x "$1"; }
program good_test 'echo "[  PASSED  ] 1 test."'
program hanging_test 'echo "[ RUN      ] graphs.replayed"; exec sleep 60'
program bad_test 'echo "a.cu:3: Failure"; echo "[  FAILED  ] a.b (1 ms)"; exit 1'
program skipping_test 'echo "[  SKIPPED ] a.b"'
program absent_test 'echo "skipped: there is no device"; exit 77'
program device_benchmark 'for a; do [[ $a == --json=* ]] && echo "ours $SAYS" >>"${a#*=}"; done'
# peer.py adds a line, compare.py prints all lines.
program python 'case $1 in */compare.py) cat "${@:2}" ;; *) for a; do [[ $a == --json=* ]] && echo "peer $SAYS" >>"${a#*=}"; done ;; esac'
echo "good_test hanging_test bad_test skipping_test absent_test" >tests.txt
export PYTHON=$dir/python CUDA_HOME=$dir TMPDIR=$dir
wrong=0
expect() {  # file, extended regular expression
  grep -qE -- "$2" "$1" && return
  echo "expected a line with \"$2\" in:" && sed 's/^/  /' "$1"
  wrong=1
}

PARTS=tests LIMIT=1 bash run.sh logs >said && wrong=1 && echo "expected a status that is not zero"
expect said '^good_test +passed'
expect said '^hanging_test +not ended in 1 s'
expect said '^ +\[ RUN      \] graphs.replayed'
expect said '^bad_test +FAILED with status 1'
expect said '^ +a.cu:3: Failure'
expect said '^skipping_test +skipped'
expect said '^ +skipped: there is no device'
tar -xzOf logs/logs.tar.gz ./bad_test.log >bad.log && expect bad.log Failure

# In parts that add up.
for call in "benchmarks /1 first" "benchmarks infer second" "peer /4 third"; do
  read -r PARTS FILTER SAYS <<<"$call"
  PARTS=$PARTS FILTER=$FILTER SAYS=$SAYS bash run.sh logs >said || { wrong=1 && echo "failed: $call" && cat said; }
done
for line in 'ours first' 'ours second' 'peer third'; do expect said "^$line"; done
there=(logs/*)
[[ ${there[*]} == "logs/logs.tar.gz logs/ours.jsonl logs/peer.jsonl logs/tables.md" ]] || { wrong=1 && echo "there is: ${there[*]}"; }
tar -tzf logs/logs.tar.gz >kept
for log in bad_test device_benchmark-_1-float32 device_benchmark-infer-float32 peer-_4-float32; do expect kept "$log.log"; done

# What a budget has no time for is told; a call that is killed leaves what ended before.
PARTS=tests TESTS="hanging_test good_test" LIMIT=30 BUDGET=6 bash run.sh budget >said
expect said '^hanging_test +not ended in [56] s'
expect said '^good_test +not run: no time is left of 6 s'
PARTS=tests TESTS="good_test hanging_test" LIMIT=5 bash run.sh killed >said &
call=$!
for ((i = 0; i < 300; ++i)); do
  [[ -e killed/logs.tar.gz ]] && break
  sleep 0.1
done
kill -KILL "$call" && wait "$call" 2>/dev/null
expect said '^good_test +passed'
tar -xzOf killed/logs.tar.gz ./good_test.log >good.log && expect good.log PASSED
exit "$wrong"
