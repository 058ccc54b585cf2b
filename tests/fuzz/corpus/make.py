#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Usage: make.py
#
# Writes the files of this directory that another program has to make, to see that they are read as it means them:
# arrays of NumPy's and images of Pillow's. Both are needed only here.
import os
import zipfile

import numpy as np
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
for folder in "npy", "npz", "png", "jpeg":
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
Image.fromarray(rgb).save("png/rgb.png")
Image.fromarray(rgb).quantize(16, dither=Image.Dither.NONE).save("png/palette.png")
Image.fromarray(np.concatenate([rgb, alpha], axis=-1)).save("png/rgba.png")
Image.fromarray(grey).save("png/grey.png")
Image.fromarray(np.concatenate([grey[..., None], alpha], axis=-1)).save("png/grey_alpha.png")
Image.fromarray(grey.astype("<u2") * 257).save("png/grey16.png")
# The same at 4 times the size, as JPEG has blocks of 8 by 8: 16 wide, 12 high.
larger = np.kron(rgb, np.ones((4, 4, 1), "u1"))
Image.fromarray(larger).save("jpeg/rgb.jpg", quality=95, subsampling=0)
Image.fromarray(larger).save("jpeg/progressive.jpg", quality=95, subsampling=0, progressive=True)
Image.fromarray(np.kron(grey, np.ones((4, 4), "u1"))).save("jpeg/grey.jpg", quality=95)
Image.fromarray(larger).convert("CMYK").save("jpeg/cmyk.jpg", quality=95)

# A packed directory of images, as another system's tools leave it too.
os.makedirs("zip", exist_ok=True)
with zipfile.ZipFile("zip/images.zip", "w") as archive:
    for name, source in (("b/1.png", "png/rgb.png"), ("a/x/2.PNG", "png/grey.png"), ("__MACOSX/b/._1.png", "npy/u1.npy"),
                         ("b/notes.txt", "npy/u1.npy")):
        with open(source, "rb") as file:
            archive.writestr(zipfile.ZipInfo(name), file.read(),
                             zipfile.ZIP_DEFLATED if name.endswith("txt") else zipfile.ZIP_STORED)
