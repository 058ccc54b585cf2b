# SPDX-License-Identifier: MIT
# The median of the numbers in a string.
function median(text,   values, count, i, j, x) {
    count = split(text, values, " ")
    for (i = 2; i <= count; i++) {
        x = values[i] + 0
        for (j = i - 1; j >= 1 && values[j] + 0 > x; j--) values[j + 1] = values[j]
        values[j + 1] = x
    }
    if (count % 2) return values[(count + 1) / 2] + 0
    return (values[count / 2] + values[count / 2 + 1]) / 2
}
