# SPDX-License-Identifier: MIT
# Reads Google Benchmark's CSV, one file ROUND.PROGRAM.csv a round and program, and prints the table of
# compare.sh; writes everything to the file `json` where that is set. Times are medians over the rounds.

function fail(message) {
    print "bench/table.awk: " FILENAME ": " message > "/dev/stderr"
    failed = 1
    exit 1
}

function number(x, format) { return x > 0 ? sprintf(format, x) : "-" }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.2f", a / b) : "-" }
function percent(a, b) { return a > 0 && b > 0 ? sprintf("%.0f %%", 100 * a / b) : "-" }
function json_number(x) { return x > 0 ? sprintf("%.6g", x) : "null" }
function json_text(x) { gsub(/[\\"]/, "\\\\&", x); return "\"" x "\"" }

# Of the rows of one program and case, keep the fastest.
function offer(program, model, row, time) {
    if (!((program, model) in best) || time < best[program, model]) {
        best[program, model] = time
        best_row[program, model] = row
    }
}

BEGIN { FS = "," }

FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    split(file, part, ".")
    program = part[2]
    if ($1 != "name" || $3 != "real_time" || $5 != "time_unit" || $6 != "bytes_per_second" ||
        $7 != "items_per_second" || $9 != "error_occurred")
        fail("expected Google Benchmark's CSV, found '" $0 "'")
    next
}

{
    row = $1
    gsub(/"/, "", row)
    if ($9 == "true") fail(row ": " $10)
    sub(/\/real_time/, "", row)
    key = program " " row
    if (!(key in times)) {
        order[++keys] = key
        programs[key] = program
        rows[key] = row
    }
    if ($5 != "ns" && $5 != "us") fail(row ": expected times in ns or us, found '" $5 "'")
    times[key] = times[key] " " ($5 == "ns" ? $3 / 1000 : $3)
    rates[key] = rates[key] " " ($7 != "" ? $7 : $6) / 1e9
}

END {
    if (failed) exit 1
    if (!keys) {
        print "bench/table.awk: nothing was measured" > "/dev/stderr"
        exit 1
    }
    for (k = 1; k <= keys; k++) {
        key = order[k]
        row = rows[key]
        time[key] = median(times[key])
        rate[key] = median(rates[key])
        if (row !~ /^train_step\//) {
            limit[row] = rate[key]
            continue
        }
        split(row, part, "/")
        model = part[2] "/" part[3]
        if (!(model in flops)) {
            models[++count] = model
            flops[model] = rate[key] * time[key] * 1000
        }
        if (programs[key] == "lockstep") ours[model, row ~ /replicas:2/ ? 2 : 1] = time[key]
        else offer(programs[key] ~ /^libtorch/ ? "libtorch" : "raw", model, key, time[key])
    }

    peak = limit["fma_peak/threads:2"]
    printf "%s, %d cores, commit %s, %s, median of %d rounds\n", machine, cores, commit, date, rounds
    printf "multiply-add peak: %s GFLOP/s on one core, %s on two at once; copy (GB/s read and written): ",
           number(limit["fma_peak/threads:1"], "%.0f"), number(peak, "%.0f")
    printf "L2 %s, two %s; memory %s, two %s\n\n",
           number(limit["copy/bytes:262144/threads:1"], "%.0f"),
           number(limit["copy/bytes:262144/threads:2"], "%.0f"),
           number(limit["copy/bytes:268435456/threads:1"], "%.0f"),
           number(limit["copy/bytes:268435456/threads:2"], "%.0f")
    print "Microseconds a step; lockstep on 1 and 2 replicas, the others at their best. Ratios above 1:"
    print "lockstep (2 replicas) is faster. Of peak: of two cores' multiply-adds.\n"
    line = "%-16s %10s %10s %10s %10s %10s %10s %9s %8s %8s\n"
    printf line, "case", "lockstep 1", "lockstep 2", "raw", "libtorch", "raw/ours", "torch/ours", "GFLOP/s",
           "of peak", "raw's"
    for (m = 1; m <= count; m++) {
        model = models[m]
        two = ours[model, 2]
        raw = best["raw", model]
        torch = best["libtorch", model]
        speed = two > 0 ? flops[model] / two / 1000 : 0
        raw_speed = raw > 0 ? flops[model] / raw / 1000 : 0
        printf line, model, number(ours[model, 1], "%.1f"), number(two, "%.1f"), number(raw, "%.1f"),
               number(torch, "%.1f"), ratio(raw, two), ratio(torch, two), number(speed, "%.1f"),
               percent(speed, peak), percent(raw_speed, peak)
        table = table (m > 1 ? ",\n" : "") "    {\"case\": " json_text(model) \
                ", \"lockstep_1_us\": " json_number(ours[model, 1]) ", \"lockstep_2_us\": " json_number(two) \
                ", \"raw_us\": " json_number(raw) ", \"libtorch_us\": " json_number(torch) \
                ", \"gflop_per_step\": " json_number(flops[model] / 1e9) \
                ", \"lockstep_gflops\": " json_number(speed) ", \"raw_gflops\": " json_number(raw_speed) "}"
    }
    print "\nThe best settings:"
    for (m = 1; m <= count; m++)
        for (p = 1; p <= 2; p++) {
            name = p == 1 ? "raw" : "libtorch"
            if ((name, models[m]) in best) print "  " best_row[name, models[m]]
        }
    if (!json) exit 0

    print "{\n  \"machine\": " json_text(machine) ",\n  \"cores\": " cores \
          ",\n  \"commit\": " json_text(commit) ",\n  \"date\": " json_text(date) ",\n  \"rounds\": " rounds \
          ",\n  \"table\": [\n" table "\n  ],\n" \
          "  \"rows\": [" > json
    for (k = 1; k <= keys; k++) {
        key = order[k]
        all = times[key]
        sub(/^ /, "", all)
        gsub(/ /, ", ", all)
        unit = rows[key] ~ /^copy/ ? "gigabytes_per_second" : "gflops"
        printf "    {\"program\": %s, \"row\": %s, \"median_us\": %s, \"%s\": %s, \"rounds_us\": [%s]}%s\n",
               json_text(programs[key]), json_text(rows[key]), json_number(time[key]), unit,
               json_number(rate[key]), all, k < keys ? "," : "" > json
    }
    print "  ]\n}" > json
    if (close(json) != 0) exit 1
}
