# SPDX-License-Identifier: MIT
"""What the peers of bench/gpu.sh are asked for, and how they measure and print."""

import argparse
import sys
import time

# Name and samples of a batch, as bench/models.hpp and bench/gpu have them. bf16: values and weights are rounded to it for
# products and convolutions, parameters are not.
CASES = {
    "tiny/batch:32": 32,
    "small/batch:64": 64,
    "big/batch:64": 64,
    "big/batch:1024": 1024,
    "lenet/batch:64": 64,
    "resnet18_bf16/batch:256": 256,
    "gpt2_bf16/batch:8": 8,
}

LEARNING_RATE = 0.01
MOMENTUM = 0.9

# Of GPT-2 small. --small is for tests of this script, where there is no GPU.
GPT = dict(classes=50257, positions=1024, features=768, heads=12, depth=12)
SMALL_GPT = dict(classes=97, positions=16, features=32, heads=4, depth=2)


def positive(convert):
    def parse(text):
        value = convert(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"expected more than 0, found '{text}'")
        return value

    parse.__name__ = convert.__name__
    return parse


def parse(description, modes, devices, modes_of_gpus=()):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--device", choices=devices, default=devices[0])
    parser.add_argument("--tf32", action="store_true", help="products and convolutions of floats in TF32")
    parser.add_argument("--case", action="append", choices=CASES, help="one of them alone; may be given again")
    parser.add_argument("--seconds", type=positive(float), default=1.0, help="at least so long for each case")
    parser.add_argument("--small", action="store_true", help="batches of 2 samples and a small GPT, to test this script")
    options = parser.parse_args()
    if options.mode in modes_of_gpus and options.device == "cpu":
        parser.error(f"--mode {options.mode}: expected --device cuda, found cpu")
    options.cases = {name: 2 if options.small else CASES[name] for name in options.case or CASES}
    options.gpt = SMALL_GPT if options.small else GPT
    return options


def model_of(name):
    """A case's model, and whether it is in bf16."""
    model = name.split("/")[0]
    return model.removesuffix("_bf16"), model.endswith("_bf16")


def report(name, step, wait, options):
    """Prints the time of a step: of many, one after the other, waited for once in the end."""
    first = float(step())
    for _ in range(10):
        loss = float(step())
    if not loss < first:
        raise ValueError(f"expected a loss that falls, found {loss} after {first}")
    count = 1
    while True:
        wait()
        begin = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        seconds = time.perf_counter() - begin
        if seconds >= options.seconds:
            break
        # As many as the last round says, and some more; but no round of its own for a few.
        count = max(2 * count, int(1.2 * count * options.seconds / max(seconds, 1e-6)))
    print(f"{name},{1e6 * seconds / count:.1f}", flush=True)


def measure_all(measure, options):
    """What fails in one case is said, and does not keep the others from being measured."""
    failed = False
    for name, batch in options.cases.items():
        try:
            measure(name, batch)
        except Exception as problem:
            print(f"{name}: {type(problem).__name__}: {problem}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)
