#!/usr/bin/env bash
# run.sh SNIPPET.cc...: with -DWRONG=1 each must fail to compile, printing the sentence of its first line exactly once and
# no other static assertion, and name the types of its "// names:" line; with -DWRONG=0 it must compile.
# Uses $CXX, else c++, g++ or clang++ from PATH; without a compiler the test is skipped.
set -uo pipefail

compiler=
for c in ${CXX:-} c++ g++ clang++; do
  if command -v "$c" >/dev/null; then
    compiler=$c
    break
  fi
done
if [[ -z $compiler ]]; then
  echo "skipped: no C++ compiler on PATH"
  exit 0
fi
compile() { "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -I. -I"$(dirname "$2")" -DWRONG="$1" "$2" 2>&1; }

check() {
  local file=$1 sentence names out n
  sentence=$(sed -n '1s|^// ||p' "$file")
  names=$(sed -n '2s|^// names: ||p' "$file")
  if ! out=$(compile 0 "$file"); then
    echo "$file: the right variant does not compile:"
    head -20 <<<"$out"
    return 1
  fi
  if out=$(compile 1 "$file"); then
    echo "$file: the wrong variant compiles; expected: $sentence"
    return 1
  fi
  n=$(grep -E 'error:|fatal' <<<"$out" | grep -cF -- "$sentence")
  if ((n != 1)); then
    echo "$file: printed $n times instead of once: $sentence"
    head -30 <<<"$out"
    return 1
  fi
  n=$(grep -c ' error: ' <<<"$out")
  if ((n != 1)); then
    echo "$file: $n errors instead of one:"
    grep ' error: ' <<<"$out" | cut -c1-300
    return 1
  fi
  if [[ -n $names ]] && ! grep -qF -- "$names" <<<"$out"; then
    echo "$file: the message does not name $names:"
    head -30 <<<"$out"
    return 1
  fi
}

export compiler
export -f compile check
# shellcheck disable=SC2016
printf '%s\0' "$@" | xargs -0 -P 2 -I{} bash -c 'check "$1"' _ {} || exit 1
echo "$# snippets are refused, and their twins compile ($("$compiler" --version | head -1))"
