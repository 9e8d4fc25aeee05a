"""A lossless clean-up by ``scour`` (https://github.com/scour-project/scour), kept only where nothing changes."""

from __future__ import annotations

from argparse import Namespace

from rlcore.errors import RenderError
from rlcore.vectorizing.measuring import Canvas

_OPTIONS = Namespace(
    digits=15,  # significant ones: no number is rounded
    cdigits=15,
    strip_xml_prolog=True,
    strip_comments=True,
    remove_metadata=True,
    enable_viewboxing=False,
    newlines=False,
    indent_type="none",
)


def optimized(svg: bytes, ssim: float, canvas: Canvas) -> bytes:
    """The SVG cleaned up, where that is smaller and has the same SSIM to the last digit; else as it is."""
    from scour import scour  # whoever does not ask for it need not wait for it

    options = scour.sanitizeOptions(_OPTIONS)
    cleaned: bytes = scour.scourString(svg.decode(), options).strip().encode()
    try:
        same = canvas.ssim(cleaned) == ssim
    except RenderError:
        same = False
    return cleaned if same and len(cleaned) < len(svg) else svg
