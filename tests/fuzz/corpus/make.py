#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Usage: make.py
#
# Writes the files of this directory, from which fuzzers start and of which tests know the content. Arrays are NumPy's
# and images Pillow's, to see that they are read as others mean them. Both are needed only here.
import gzip
import os
import struct
import zipfile

import numpy as np
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
for folder in "cifar", "csv", "idx", "image", "npy", "npz", "tokens":
    os.makedirs(folder, exist_ok=True)

np.save("npy/f4.npy", np.arange(12, dtype="<f4").reshape(3, 2, 2) / 4)
np.save("npy/f8.npy", np.array([[0.1, -2.5], [3e10, 4]], dtype="<f8"))
np.save("npy/u1.npy", np.arange(6, dtype="u1").reshape(2, 3))
np.save("npy/i8.npy", np.array([3, 1, 2], dtype="<i8"))
np.save("npy/bool.npy", np.array([[True, False]]))
np.save("npy/none.npy", np.zeros((0, 4), dtype="<f4"))
with open("npy/v2.npy", "wb") as file:
    np.lib.format.write_array(file, np.arange(2, dtype="<u2"), version=(2, 0))
# What is refused.
np.save("npy/fortran.npy", np.asfortranarray(np.arange(4.0).reshape(2, 2)))
np.save("npy/big.npy", np.arange(3, dtype=">i4"))
np.save("npy/scalar.npy", np.float64(3))
np.save("npy/records.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))

np.savez("npz/stored.npz", x=np.arange(6, dtype="<f4").reshape(2, 3), y=np.array([1, 0]))
np.savez_compressed("npz/deflated.npz", x=np.zeros((40, 50), "u1") + np.arange(50, dtype="u1"),
                    y=np.arange(40, dtype="<i4"))

# 4 pixels wide and 3 high: red is 50 times the column, green 60 times the row, blue 200 less red.
row, column = np.mgrid[0:3, 0:4]
rgb = np.stack([50 * column, 60 * row, 200 - 50 * column], axis=-1).astype("u1")
grey = (50 * column + 10 * row).astype("u1")
alpha = np.full((3, 4, 1), 7, "u1")
Image.fromarray(rgb).save("image/rgb.png")
Image.fromarray(rgb).quantize(16, dither=Image.Dither.NONE).save("image/palette.png")
Image.fromarray(np.concatenate([rgb, alpha], axis=-1)).save("image/rgba.png")
Image.fromarray(grey).save("image/grey.png")
Image.fromarray(np.concatenate([grey[..., None], alpha], axis=-1)).save("image/grey_alpha.png")
Image.fromarray(grey.astype("<u2") * 257).save("image/grey16.png")
# The same at 4 times the size, as JPEG has blocks of 8 by 8: 16 wide, 12 high.
larger = np.kron(rgb, np.ones((4, 4, 1), "u1"))
Image.fromarray(larger).save("image/rgb.jpg", quality=95, subsampling=0)
Image.fromarray(larger).save("image/progressive.jpg", quality=95, subsampling=0, progressive=True)
Image.fromarray(np.kron(grey, np.ones((4, 4), "u1"))).save("image/grey.jpg", quality=95)
Image.fromarray(larger).convert("CMYK").save("image/cmyk.jpg", quality=95)

# A packed directory of images, as another system's tools leave it too.
with zipfile.ZipFile("npz/images.zip", "w") as archive:
    for name, source in (("b/1.png", "image/rgb.png"), ("a/x/2.PNG", "image/grey.png"), ("__MACOSX/b/._1.png", "npy/u1.npy"),
                         ("b/notes.txt", "npy/u1.npy")):
        with open(source, "rb") as file:
            archive.writestr(zipfile.ZipInfo(name), file.read(),
                             zipfile.ZIP_DEFLATED if name.endswith("txt") else zipfile.ZIP_STORED)

idx = struct.pack(">HBBIII", 0, 8, 3, 2, 2, 3) + bytes(range(12))
texts = {"rows.csv": b"0,1.5,-2e3\n1,+4, 7 \n", "header.csv": b"kind,x,y\r\na,1,2\r\nb,3,4\r\n",
         "quoted.csv": b'"0","1","2"\n"1","say ""one""","2\n"\n\n2,,nan\n'}
files = {"idx/bytes.idx": idx, "idx/bytes.idx.gz": gzip.compress(idx, mtime=0),
         "tokens/bytes": bytes(range(1, 31)), "tokens/uint16": struct.pack("<31H", *range(0, 31 * 30, 30)),
         "cifar/record": bytes([9]) + bytes(3072), **{"csv/" + name: text for name, text in texts.items()}}
for name, content in files.items():
    with open(name, "wb") as file:
        file.write(content)
