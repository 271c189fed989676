"""A frame as lines of styled text: what stands side by side on the screen stands side by side in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style as RichStyle
from rich.text import Text as Line

from tallystick.ui.matrix import matrix_rows
from tallystick.wire.panel import Align, Box, Caption, Code, Element, Frame, Icon, Style, Text

_ICONS = {
    "left": "‹", "right": "›", "up": "↑", "down": "↓", "check": "✓", "cross": "✗", "warning": "⚠", "lock": "🔒",
    "info": "i", "settings": "⚙", "backspace": "⌫",
}  # fmt: skip
_STYLES = {
    Style.REGULAR: RichStyle(),
    Style.BOLD: RichStyle(bold=True),
    Style.LARGE: RichStyle(bold=True),
    Style.SMALL: RichStyle(dim=True),
}
#: columns that a screen takes in the terminal, without its frame
COLUMNS = 44
_HALVES = {("0", "0"): " ", ("1", "0"): "▀", ("0", "1"): "▄", ("1", "1"): "█"}


def screen_lines(frame: Frame, *, columns: int = COLUMNS) -> list[Line]:
    """Return the lines of a frame, each `columns` wide; a screen that is not lit has none."""
    if not frame.lit:
        return []
    lines: list[Line] = []
    for row in _rows(frame):
        if len(row) == 1 and isinstance(row[0], Code):
            lines += _code_lines(row[0], columns)
        else:
            lines.append(_line(row, frame=frame, columns=columns))
    return lines


def _rows(frame: Frame) -> list[list[Element]]:
    """Group what is drawn by height on the screen: elements whose middles are near share a row."""
    shown = [element for element in frame.drawing.elements if _word(element) or isinstance(element, Code)]
    rows: list[list[Element]] = []
    for element in sorted(shown, key=lambda element: (element.y + element.h / 2, element.x)):
        last = rows[-1][-1] if rows else None
        if last is None or (element.y + element.h / 2) - (last.y + last.h / 2) > min(element.h, last.h) / 2:
            rows.append([])
        rows[-1].append(element)
    return [sorted(row, key=lambda element: element.x) for row in rows]


def _word(element: Element) -> str:
    match element:
        case Text() | Caption():
            return element.text
        case Icon():
            return _ICONS.get(element.name, f"[{element.name}]")
        case Box() if element.filled:
            return "█" * max(element.filled * 20 // 100, 1)
    return ""


def _line(row: Sequence[Element], *, frame: Frame, columns: int) -> Line:
    line = Line(no_wrap=True, overflow="crop")
    for element in row:
        word = _word(element)
        left, room = element.x * columns // frame.width, max(element.w * columns // frame.width, 1)
        is_left = isinstance(element, Text) and element.align is Align.LEFT
        at = left if is_left else left + max(room - len(word), 0) // 2
        line.append(" " * max(min(at, columns - len(word)) - len(line.plain), 1 if line.plain else 0))
        style = _STYLES[element.style] if isinstance(element, Text) else RichStyle()
        if isinstance(element, Text) and element.inverted:
            style += RichStyle(reverse=True)
        line.append(word, style)
    line.pad_right(max(columns - len(line.plain), 0))
    return line


def _code_lines(code: Code, columns: int) -> list[Line]:
    rows = list(matrix_rows(code.text))
    if not rows or len(rows) > columns:
        return [Line(code.text)]
    if len(rows) % 2:
        rows.append("0" * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [Line("".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))) for upper, lower in pairs]
