#!/usr/bin/env bash
# carried_test.sh PROGRAM...: whether programs run on another machine: beside what every machine has they may need cuBLAS, and NCCL
# for its own test. Status 1 and a line for each that needs more.
set -euo pipefail
status=0
for path; do
  name=${path##*/}
  also=
  [[ $name == nccl_* ]] && also='libnccl|'
  others=$(readelf -d "$path" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -vE "^(${also}libcublasLt|libstdc\+\+|libm|libgomp|libgcc_s|libc|librt|libpthread|libdl|ld-linux-x86-64)\.so" || true)
  if [[ -n $others ]]; then
    echo "$name needs ${others//$'\n'/, }, which another machine lacks"
    status=1
  fi
done
exit "$status"
