"""What is known of a logo before any trace, as numbers: its features and what plain VTracer makes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcore.episode import Subject
from rlcore.features import FEATURE_COUNT
from rlcore.gain import QUALITY_ERROR_FLOOR, bytes_ratio, ssim_improvement

SUBJECT_SIZE = FEATURE_COUNT + 5


def subject_entries(subject: Subject) -> NDArray[np.float32]:
    """What is known of the logo before any trace: float32 of shape ``(SUBJECT_SIZE,)``."""
    height, width = subject.logo.rgba.shape[:2]
    cleaned = subject.cleaned
    plain = (
        np.log2(max(1 - subject.plain.quality, QUALITY_ERROR_FLOOR)),
        np.log2(subject.plain.size_bytes / (height * width)),
        np.clip(ssim_improvement(cleaned.quality, subject.plain), -1, 1),
        np.log2(bytes_ratio(cleaned.size_bytes, subject.plain)),
        float(subject.logo.has_alpha),
    )
    return np.concatenate([subject.features.as_vector(), np.array(plain, dtype=np.float32)])
