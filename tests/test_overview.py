import numpy as np

from rag.overview import spread


def test_near_the_centroid_first_then_unlike_the_first() -> None:
    rows = np.array([[1, 0], [0.999, 0.0447], [0, 1]], dtype=np.float32)
    centroid = rows.mean(axis=0)  # (0.666, 0.348)
    # nearest: row 1 (0.681); then row 0 (0.666 - 0.5 * 0.999 * 0.681 = 0.326) over
    # row 2 (0.348 - 0.5 * 0.0447 * 0.681 = 0.333): unlike wins
    assert spread(rows, centroid, 2) == [1, 2]
    assert spread(rows, centroid, 9) == [1, 2, 0]
    assert spread(rows[:0], centroid, 2) == []
