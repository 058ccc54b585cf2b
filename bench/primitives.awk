# SPDX-License-Identifier: MIT
# Two tables from Google Benchmark's CSV, after median.awk: pairs of rows raw/<case> and lockstep/<case>, and fused
# chains beside the copy and the triad.

# The next field of a line of CSV, which may be in quotation marks; the rest stays in `rest`.
function field(   value) {
    if (rest ~ /^"/) {
        match(rest, /^"[^"]*"/)
        value = substr(rest, 2, RLENGTH - 2)
    } else {
        match(rest, /^[^,]*/)
        value = substr(rest, 1, RLENGTH)
    }
    rest = substr(rest, RLENGTH + 2)
    return value
}
function time_of(row) { return row in times ? median(times[row]) : 0 }
function ratio(above, below) { return above > 0 && below > 0 ? sprintf("%.2f", above / below) : "-" }

!/^"/ || /_(mean|median|stddev|cv)",/ { next }
{
    rest = $0
    row = field()
    field() # iterations
    field() # elapsed time, which others on the machine lengthen
    processor = field()
    field() # unit
    rate = field()
    if (/,true,/) { failed[row] = 1; next }
    if (!(row in times)) rows[++count] = row
    times[row] = times[row] " " processor
    rates[row] = rates[row] " " rate
}

END {
    # By name: repetitions come in random order.
    for (i = 2; i <= count; i++) {
        row = rows[i]
        for (j = i - 1; j >= 1 && rows[j] > row; j--) rows[j + 1] = rows[j]
        rows[j + 1] = row
    }
    printf "\n%-78s %10s %10s %6s\n", "case (ratio above 1: lockstep is faster)", "raw us", "ours us", "ratio"
    for (i = 1; i <= count; i++) {
        name = rows[i]
        if (!sub(/^raw\//, "", name)) continue
        raw = time_of("raw/" name)
        ours = time_of("lockstep/" name)
        printf "%-78s %10.2f %10.2f %6s\n", name, raw, ours, ratio(raw, ours)
    }
    for (row in failed) print row ": no times, results differ"

    copy = median(rates["copy/memcpy"])
    triad = median(rates["triad"])
    printf "\n%-40s %8s %8s %8s\n", "beyond the caches", "GB/s", "of copy", "of triad"
    for (i = 1; i <= count; i++) {
        if (rows[i] !~ /^(copy|triad|fused)/) continue
        rate = median(rates[rows[i]])
        printf "%-40s %8.1f %8s %8s\n", rows[i], rate / 1e9, ratio(rate, copy), ratio(rate, triad)
    }
}
