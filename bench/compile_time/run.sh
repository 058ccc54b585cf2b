#!/bin/sh
# SPDX-License-Identifier: MIT
# How long the compiler takes, and how much memory: wall and processor seconds and the peak, medians of
# some runs.
set -eu

usage() {
    cat <<'END'
usage: bench/compile_time/run.sh [--runs N] [--compiler NAME] [--flags "FLAGS"] [--json FILE] [SOURCE...]
  --runs N          compilations of each source (default 3)
  --compiler NAME   default g++
  --flags "FLAGS"   default "-std=c++20 -O2"
  --json FILE       write what was measured
  SOURCE            a file, or "FILE -DNAME=VALUE" with flags of its own; without any, the examples, a
                    ResNet-34, and chains of 8, 16, 32 and 64 residual blocks, one after another and repeated
END
}
fail() { echo "bench/compile_time/run.sh: $*" >&2; exit 2; }

root=$(cd "$(dirname "$0")/../.." && pwd)
runs=3 compiler=g++ flags="-std=c++20 -O2" json=''
while [ $# -gt 0 ]; do
    case $1 in
        --runs|--compiler|--flags|--json) [ $# -ge 2 ] || fail "$1 wants a value" ;;
    esac
    case $1 in
        --runs) runs=$2; shift 2 ;;
        --compiler) compiler=$2; shift 2 ;;
        --flags) flags=$2; shift 2 ;;
        --json) json=$2; shift 2 ;;
        --help|-h) usage; exit 0 ;;
        -*) usage >&2; fail "unknown argument '$1'" ;;
        *) break ;;
    esac
done
case $runs in ''|*[!0-9]*|0) fail "--runs: expected a number of at least 1, found '$runs'" ;; esac
command -v "$compiler" > /dev/null || fail "--compiler: no '$compiler' here"
[ -x /usr/bin/time ] || "$root/cmake/install_packages.sh" time
[ -z "$json" ] || { true > "$json.part"; } 2> /dev/null || fail "--json: cannot write '$json'"

if [ $# -eq 0 ]; then
    blocks=$root/bench/compile_time/residual_blocks.cpp
    set -- "$root/examples/first.cpp" "$root/examples/fashion_mnist.cpp" "$root/examples/gpt.cpp" \
           "$root/bench/compile_time/resnet34.cpp"
    for count in 8 16 32 64; do
        set -- "$@" "$blocks -DBLOCKS=$count" "$blocks -DBLOCKS=$count -DREPEAT"
    done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"; [ -z "$json" ] || rm -f "$json.part"' EXIT
trap 'exit 130' INT TERM

# In turn, so that what disturbs the machine for a while disturbs all.
run=1
while [ "$run" -le "$runs" ]; do
    for source in "$@"; do
        # The flags of a source are split into words; its path may hold blanks only without any.
        file=${source%% -*}
        own=${source#"$file"}
        [ -f "$file" ] || fail "no file '$file'"
        # shellcheck disable=SC2086
        if ! /usr/bin/time -q -a -o "$work/times" -f "%e %U %S %M $(basename "$file")$own" \
                "$compiler" $flags $own -I"$root/include" -c "$file" -o "$work/object" 2> "$work/messages"; then
            cat "$work/messages" >&2
            echo "bench/compile_time/run.sh: $source does not compile" >&2
            exit 1
        fi
    done
    run=$((run + 1))
done

awk -f "$root/bench/median.awk" -f "$root/bench/compile_time/table.awk" -v runs="$runs" \
    -v compiler="$("$compiler" --version | head -n 1)" -v flags="$flags" \
    -v date="$(date -u +%Y-%m-%dT%H:%M:%SZ)" -v json="${json:+$json.part}" "$work/times"
[ -z "$json" ] || mv "$json.part" "$json"
