# SPDX-License-Identifier: MIT
# A table from bench/loader's CSV and the lines "torch/<case>,<samples a second>" of loader_torch.py, after median.awk.
# Processor time counts where one thread does everything, elapsed time where workers do.

/^"/ && !/_(mean|median|stddev|cv)",/ {
    row = $0
    sub(/^"/, "", row)
    sub(/\/real_time".*/, "", row)
    split($0, fields, ",")
    samples = fields[7] * fields[3]
    rates[row] = rates[row] " " (row ~ /workers:[1-9]/ ? fields[7] : samples / fields[4])
}
/^torch\// { split($0, fields, ","); rates[fields[1]] = fields[2] }

function rate(row) { return row in rates ? median(rates[row]) / 1e6 : 0 }
function number(value, form) { return value > 0 ? sprintf(form, value) : "-" }
function ratio(above, below) { return number(below > 0 ? above / below : 0, "%.2f") }

END {
    form = "%-26s %7s %8s %8s %8s %9s %9s %7s %7s\n"
    printf form, "", "workers", "lockstep", "convert", "copy", "DataLoader", "lockstep/", "convert", "torch"
    split("fashion_mnist cifar", data, " ")
    split("plain augmented", kinds, " ")
    for (d = 1; d <= 2; d++)
        for (k = 1; k <= 2; k++)
            for (workers = 0; workers <= 2; workers++) {
                what = data[d] "/" kinds[k]
                ours = rate("lockstep/" what "/workers:" workers)
                peer = rate("torch/" what "/workers:" workers)
                convert = rate("raw/" data[d] "/convert")
                printf form, what, workers, number(ours, "%.2f"), number(convert, "%.2f"), \
                       number(rate("raw/" data[d] "/copy"), "%.2f"), number(peer, "%.4f"), "", ratio(ours, convert), \
                       number(peer > 0 ? ours / peer : 0, "%.0f")
            }
}
