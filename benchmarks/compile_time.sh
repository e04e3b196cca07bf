#!/usr/bin/env bash
# Seconds of compilation, one line each: what an include costs by itself, and what whole programs cost.
#
#   benchmarks/compile_time.sh [REPEATS]     best of REPEATS (default 3) user + system seconds
#
# CXX and CXXFLAGS (default -O2) choose the compiler. Compares with an empty program, measured in the same run.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
repeats=${1:-3}
compiler=${CXX:-g++}
read -ra flags <<<"${CXXFLAGS:--O2}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure NAME [FLAG...] < program
measure() {
  local name=$1 best='' s
  shift
  cat >"$work/unit.cc"
  for ((i = 0; i < repeats; ++i)); do
    s=$( { TIMEFORMAT='%U %S'; time "$compiler" -std=c++20 -I. "$@" -c "$work/unit.cc" -o "$work/unit.o"; } 2>&1 ) || {
      echo "compile_time: $name does not compile: $s" >&2
      exit 1
    }
    s=$(awk 'END { printf "%.2f", $1 + $2 }' <<<"$s")
    if [[ -z $best ]] || awk -v a="$s" -v b="$best" 'BEGIN { exit !(a < b) }'; then best=$s; fi
  done
  printf '%-58s %6.2f s\n' "$name" "$best"
}

unit() {  # unit BACKEND_TYPE HEADERS... : a program that runs Conv-TasNet forward and backward
  local backend=$1
  shift
  echo '#include <avss/model/convtasnet.hpp>'
  printf '#include <avss/%s>\n' "$@"
  cat <<EOF
using net = avss::ConvTasNet<avss::convtasnet_config{.padding = avss::edge_padding::both_ends}>;
using backend = $backend;
using T = backend::value_type;
template <class B>
void step(avss::context<B>& ctx, const net& n, T* x, T* y) {
  net::saved<T> s;
  const avss::view<net::mixture_shape, T> in{x, net::mixture_shape(1, 32000)};
  const avss::view<net::estimate_shape, T> out{y, net::estimate_shape(1, 32000)};
  n.forward(ctx, in, out, s);
  n.backward(ctx, avss::view<net::estimate_shape, const T>(out), in, s);
}
void train(const net& n, std::span<T> values, std::span<T> gradients, T* x, T* y) {
  avss::arena sizes;
  avss::context<avss::measure<backend>> plan({}, sizes, avss::pass::train);
  step(plan, n, nullptr, nullptr);
  avss::arena memory(sizes.peak());
  avss::context<backend> ctx({}, memory, avss::pass::train, values, gradients);
  step(ctx, n, x, y);
}
EOF
}

rtfs_unit() {  # a program that trains RTFS-Net-4
  cat <<'EOF'
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
using engine = avss::av_engine<avss::RtfsNet<avss::presets::rtfsnet_4>, avss::reference<float>>;
void train(engine& e, std::span<float> x, std::span<float> v, std::span<float> y) {
  e.train_step({1, 32000, 1, 50}, x, v, y, {}, [](auto&, auto, auto, auto, auto) { return 0.0; });
}
EOF
}

layers() {  # layers N: N distinct layers in named groups of eight, forward and backward
  cat <<'EOF'
#include <avss/layer/act_norm.hpp>
#include <avss/layer/depthwise.hpp>
#include <avss/layer/pointwise.hpp>
#include <avss/layer/residual.hpp>
#include <avss/layer/sequential.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/pointwise.hpp>
using namespace avss;
EOF
  local groups=() i
  for ((i = 0; i < $1 / 8; ++i)); do
    local c=$((17 + i))
    cat <<EOF
struct group$i : residual<sequential<pointwise<pointwise_spec{16, $c}>, prelu, channel_norm<channel_norm_spec{$c}>,
                                     depthwise<depthwise_spec{$c, 3}>, prelu, channel_norm<channel_norm_spec{$c}>,
                                     pointwise<pointwise_spec{$c, 16}>, prelu>> {};
EOF
    groups+=("group$i")
  done
  local list
  list=$(IFS=,; echo "${groups[*]}")
  cat <<EOF
struct net : sequential<$list> {};
using X = shape<dyn, 16, dyn>;
template <class B>
void step(context<B>& ctx, const net& n, view<X, float> x, view<X, float> y) {
  net::saved<X, float> s;
  n.forward(ctx, x, y, s);
  n.backward(ctx, view<X, const float>(y), x, s);
}
template void step(context<reference<float>>&, const net&, view<X, float>, view<X, float>);
template void step(context<measure<reference<float>>>&, const net&, view<X, float>, view<X, float>);
EOF
}

echo "$("$compiler" --version | head -1), ${flags[*]}, best of $repeats"
measure 'empty program' "${flags[@]}" <<<'int main() {}'
for header in core/context.hpp layer/sequential.hpp model/convtasnet.hpp model/engine.hpp model/rtfsnet.hpp; do
  measure "#include <avss/$header>" "${flags[@]}" <<<"#include <avss/$header>"
done
measure '#include <avss/convtasnet.hpp>, the public entry' "${flags[@]}" -march=native -fopenmp <<<'#include <avss/convtasnet.hpp>'
unit 'avss::reference<double>' reference/{depthwise,filterbank,pointwise}.hpp |
  measure 'Conv-TasNet, plan + forward + backward, reference' "${flags[@]}"
unit 'avss::cpu' cpu/{depthwise,filterbank,pointwise}.hpp |
  measure 'Conv-TasNet, plan + forward + backward, cpu' "${flags[@]}" -march=native -fopenmp
rtfs_unit | measure 'RTFS-Net-4, plan + forward + backward, reference' "${flags[@]}"
layers 40 | measure '40 distinct layers in groups, plan + both ways, reference' "${flags[@]}"
