"""Writes digits.npz, the data of the example mlp_digits: `pip install scikit-learn && python digits.py`

1797 handwritten digits of 8×8 pixels with values 0 to 16, in random order, of which the last 360 are for testing.
They come from scikit-learn, which has them from the UCI Machine Learning Repository: E. Alpaydin and C. Kaynak,
"Optical Recognition of Handwritten Digits", 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0).
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TEST = 360

digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
images = digits.images[order].astype(np.uint8)
labels = digits.target[order].astype(np.uint8)
np.savez_compressed(
    Path(__file__).with_name("digits.npz"),
    train_images=images[:-TEST],
    train_labels=labels[:-TEST],
    test_images=images[-TEST:],
    test_labels=labels[-TEST:],
)
