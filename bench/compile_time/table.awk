# SPDX-License-Identifier: MIT
# Reads lines of "wall user system peak_KiB source" and prints the table of run.sh: medians a source, in the
# order in which the sources came first; writes them to the file `json` where that is set.
{
    source = $5
    for (i = 6; i <= NF; i++) source = source " " $i
    if (!(source in wall)) order[++count] = source
    wall[source] = wall[source] " " $1
    processor[source] = processor[source] " " ($2 + $3)
    memory[source] = memory[source] " " $4 / 1024
}
END {
    printf "%s, %s, median of %d runs\n\n%-36s %10s %14s %10s\n", compiler, flags, runs, "source", "wall s",
           "processor s", "peak MiB"
    for (k = 1; k <= count; k++) {
        source = order[k]
        printf "%-36s %10.2f %14.2f %10.0f\n", source, median(wall[source]), median(processor[source]),
               median(memory[source])
        row = "    {\"source\": \"%s\", \"wall_s\": %.2f, \"processor_s\": %.2f, \"peak_mib\": %.0f}%s\n"
        lines = lines sprintf(row, source, median(wall[source]), median(processor[source]),
                              median(memory[source]), k < count ? "," : "")
    }
    if (!json) exit 0
    printf "{\n  \"compiler\": \"%s\",\n  \"flags\": \"%s\",\n", compiler, flags > json
    printf "  \"date\": \"%s\",\n", date > json
    printf "  \"runs\": %d,\n  \"rows\": [\n%s  ]\n}\n", runs, lines > json
}
