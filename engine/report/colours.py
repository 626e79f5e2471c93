"""Colours of a heatmap: cividis, which rises evenly in lightness and looks nearly the same to people who confuse red and green.

Source: Nunez, Anderton and Renslow, "Optimizing colormaps with consideration for color vision deficiency to enable accurate interpretation of scientific data", PLOS ONE 13(7), 2018.
"""

from __future__ import annotations

__all__ = ["STOPS", "colour_of", "contrast", "ink_on"]

STOPS = (
    "#00224e",
    "#083370",
    "#35456c",
    "#4f576c",
    "#666970",
    "#7d7c78",
    "#948e77",
    "#aea371",
    "#c8b866",
    "#e5cf52",
    "#fee838",
)
"""Eleven points of the scale, from the lowest to the highest; between them it is straight."""


def colour_of(share: float) -> str:
    """Give the colour of a value by its share of the way from the lowest to the highest, 0 to 1."""
    at = min(max(share, 0.0), 1.0) * (len(STOPS) - 1)
    i = min(int(at), len(STOPS) - 2)
    mixed = (round(a + (b - a) * (at - i)) for a, b in zip(_rgb(STOPS[i]), _rgb(STOPS[i + 1]), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def ink_on(colour: str) -> str:
    """Choose black or white text, whichever has more contrast: at least 4.5 on any colour."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Give the relative luminance of WCAG 2.2."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (p / 255 for p in _rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
