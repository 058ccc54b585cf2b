# SPDX-License-Identifier: MIT
# Reads lockstep.csv, of Google Benchmark, and lines "name,microseconds" of peers, one file <peer>.csv each, and prints
# the table of gpu.sh.

function number(x, format) { return x > 0 ? sprintf(format, x) : "-" }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.2f", a / b) : "-" }

# The columns of a table's line.
function cell(text, width) { return sprintf("%" width "s", text) }

FNR == 1 {
    program = FILENAME
    sub(/.*\//, "", program)
    sub(/\.csv$/, "", program)
    reads_rows = 0
    if (program != "lockstep") peers[++peer_count] = program
}

program != "lockstep" {
    if (split($0, part, ",") != 2 || part[2] <= 0) {
        problems[++problem_count] = program ": expected name,microseconds, found '" $0 "'"
        next
    }
    if (!(part[1] in ours)) models[++count] = part[1]
    ours[part[1]] += 0
    theirs[part[1], program] = part[2]
    if (!(part[1] in best) || part[2] < best[part[1]]) best[part[1]] = part[2]
    next
}

# Google Benchmark's name may have commas, but ours have none.
!reads_rows {
    reads_rows = /^name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,/
    next
}
{
    split($0, part, ",")
    row = part[1]
    gsub(/"/, "", row)
    sub(/\/iterations:.*/, "", row)
    if (part[9] == "true") {
        problems[++problem_count] = row ": " part[10]
        next
    }
    if (row ~ /^limit\//) {
        limit[row] = part[row == "limit/copy" ? 6 : 7]
        next
    }
    sub(/^step\//, "", row)
    if (!(row in ours)) models[++count] = row
    ours[row] = part[3]
    flops[row] = part[7] * part[3] / 1e6
    bytes[row] = part[6] * part[3] / 1e6
}

END {
    if (!count && !problem_count) {
        print "bench/gpu.awk: nothing was measured" > "/dev/stderr"
        exit 1
    }
    of_floats = tf32 ? limit["limit/matmul_tf32"] : limit["limit/matmul"]
    printf "%s, commit %s, %s; in %s, but for those whose name says bf16\n", device, commit, date, tf32 ? "TF32" : "float"
    printf "matmul by cuBLAS: %s TFLOP/s in float, %s in TF32, %s in bf16; copy: %s GB/s read and written\n\n",
           number(limit["limit/matmul"] / 1e12, "%.1f"), number(limit["limit/matmul_tf32"] / 1e12, "%.1f"),
           number(limit["limit/matmul_bf16"] / 1e12, "%.1f"), number(limit["limit/copy"] / 1e9, "%.0f")
    print "Microseconds a step. floor: what the step's arithmetic takes at the rate of matmul, or its bytes at that of"
    print "copy, whichever is more. peer/ours above 1: lockstep is faster than the best peer.\n"
    line = sprintf("%-24s", "case") cell("lockstep", 12)
    for (p = 1; p <= peer_count; p++) {
        width[p] = length(peers[p]) + 2
        if (width[p] < 12) width[p] = 12
        line = line cell(peers[p], width[p])
    }
    print line cell("peer/ours", 11) cell("floor", 11) cell("ours/floor", 12)
    for (m = 1; m <= count; m++) {
        model = models[m]
        line = sprintf("%-24s", model) cell(number(ours[model], "%.1f"), 12)
        for (p = 1; p <= peer_count; p++) line = line cell(number(theirs[model, peers[p]], "%.1f"), width[p])
        floor = 0
        matmul = model ~ /_bf16\// ? limit["limit/matmul_bf16"] : of_floats
        if (matmul > 0 && limit["limit/copy"] > 0) {
            floor = 1e6 * flops[model] / matmul
            other = 1e6 * bytes[model] / limit["limit/copy"]
            if (other > floor) floor = other
        }
        print line cell(ratio(best[model], ours[model]), 11) cell(number(floor, "%.2f"), 11) cell(ratio(ours[model], floor), 12)
    }
    for (p = 1; p <= problem_count; p++) print "failed: " problems[p]
    exit problem_count > 0
}
