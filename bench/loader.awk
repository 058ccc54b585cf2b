# SPDX-License-Identifier: MIT
# A table from bench/loader's CSV and the lines "torch/<case>,<samples a second>" of loader_torch.py, after median.awk.
# Processor time counts where one thread does everything, elapsed time where workers do. The loop to compare with is the
# one that converts; of a table, of which nothing is converted, the copy.

/^"/ && !/_(mean|median|stddev|cv)",/ {
    row = $0
    sub(/^"/, "", row)
    sub(/\/real_time".*/, "", row)
    split($0, fields, ",")
    per_second = fields[fields[6] != "" ? 6 : 7] # bytes or samples
    rates[row] = rates[row] " " (row ~ /workers:[1-9]/ ? per_second : per_second * fields[3] / fields[4])
}
/^torch\// { split($0, fields, ","); rates[fields[1]] = fields[2] }

function rate(row) { return row in rates ? median(rates[row]) / 1e6 : 0 }
function number(value, form) { return value > 0 ? sprintf(form, value) : "-" }
function ratio(above, below) { return number(below > 0 ? above / below : 0, "%.2f") }

END {
    form = "%-26s %7s %8s %8s %8s %9s %9s %7s %7s\n"
    printf form, "", "workers", "lockstep", "convert", "copy", "DataLoader", "lockstep/", "loop", "torch"
    rows = split("fashion_mnist/plain fashion_mnist/augmented cifar/plain cifar/augmented csv/plain tokens/plain", \
                 names, " ")
    for (r = 1; r <= rows; r++)
        for (workers = 0; workers <= 2; workers++) {
            data = names[r]
            sub(/\/.*/, "", data)
            ours = rate("lockstep/" names[r] "/workers:" workers)
            peer = rate("torch/" names[r] "/workers:" workers)
            convert = rate("raw/" data "/convert")
            copy = rate("raw/" data "/copy")
            printf form, names[r], workers, number(ours, "%.2f"), number(convert, "%.2f"), number(copy, "%.2f"), \
                   number(peer, "%.4f"), "", ratio(ours, convert > 0 ? convert : copy), \
                   number(peer > 0 ? ours / peer : 0, "%.0f")
        }
    ours = rate("lockstep/csv/parse")
    raw = rate("raw/csv/parse")
    printf "CSV parsed: %.0f MB/s, %.2f of the %.0f MB/s of std::from_chars\n", ours, ratio(ours, raw), raw
}
