# SPDX-License-Identifier: MIT
"""Samples a second of PyTorch's DataLoader on the data of bench/loader.cpp, as lines "name,samples a second".

Fashion-MNIST's training images and images of CIFAR's size, shuffled, batches of 64, with 0, 1 and 2 workers. Plain:
bytes become normalized numbers, by tensor operations on each sample; augmented: torchvision's random crop and flip
before. A table is a TensorDataset; windows of tokens come from a mapped file, as nanoGPT has them, one by one. Nobody
reads the batches.
"""
import argparse
import gzip
import struct
import sys
import tempfile
import time

try:
    import numpy
    import torch
    from torch.utils.data import DataLoader, Dataset, TensorDataset
    from torchvision.transforms import v2
except ImportError as error:
    sys.exit(f"loader_torch.py: expected torch, torchvision and NumPy, found: {error}")


def read_idx(path):
    with gzip.open(path) as file:
        rank = struct.unpack(">HBB", file.read(4))[2]
        extents = struct.unpack(f">{rank}I", file.read(4 * rank))
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(extents)


class Images(Dataset):
    """Images in memory as bytes, each transformed as it is read."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]


class Windows(Dataset):
    """Windows of a file of uint16 tokens with the tokens behind each."""

    def __init__(self, path, positions):
        self.tokens, self.positions = numpy.memmap(path, dtype=numpy.uint16, mode="r"), positions

    def __len__(self):
        return (len(self.tokens) - 1) // self.positions

    def __getitem__(self, index):
        first = index * self.positions
        window = torch.from_numpy(self.tokens[first : first + self.positions + 1].astype(numpy.int64))
        return window[:-1], window[1:]


def normalized(image):
    return (image.to(torch.float32) / 255 - 0.286) / 0.353


def samples_a_second(data, workers, seconds):
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    for _ in loader:  # starts the workers
        break
    samples, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for inputs, _ in loader:
            samples += len(inputs)
            if time.perf_counter() - begin >= seconds:
                break
    return samples / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="directory of the four IDX files")
    parser.add_argument("--seconds", type=float, default=4.0, help="at least so long a row")
    options = parser.parse_args()

    torch.set_num_threads(1)
    augment = v2.Compose([v2.RandomCrop(28, padding=4), v2.RandomHorizontalFlip(), normalized])
    augment_cifar = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), normalized])
    fashion = read_idx(f"{options.data}/train-images-idx3-ubyte.gz").unsqueeze(1)
    labels = read_idx(f"{options.data}/train-labels-idx1-ubyte.gz").long()
    cifar = torch.randint(0, 256, (50_000, 3, 32, 32), dtype=torch.uint8)
    cifar_labels = torch.arange(50_000) % 10
    table = TensorDataset(torch.rand(100_000, 20), torch.arange(100_000) % 10)
    with tempfile.NamedTemporaryFile() as tokens:
        numpy.random.default_rng(1).integers(0, 50_257, 10_000_000, dtype=numpy.uint16).tofile(tokens)
        tokens.flush()
        for workers in (0, 1, 2):
            for name, data in (
                ("fashion_mnist/plain", Images(fashion, labels, normalized)),
                ("fashion_mnist/augmented", Images(fashion, labels, augment)),
                ("cifar/plain", Images(cifar, cifar_labels, normalized)),
                ("cifar/augmented", Images(cifar, cifar_labels, augment_cifar)),
                ("csv/plain", table),
                ("tokens/plain", Windows(tokens.name, 256)),
            ):
                rate = samples_a_second(data, workers, options.seconds)
                print(f"torch/{name}/workers:{workers},{rate:.0f}", flush=True)


if __name__ == "__main__":
    main()
