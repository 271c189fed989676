"""Scenes of the two-button family, each as a row of pages."""

from __future__ import annotations

from dataclasses import replace

from tallystick.device.os.display.layout import Layout
from tallystick.device.os.display.nano import Carousel, Line, Page
from tallystick.device.os.display.pagination import chunks
from tallystick.device.os.display.text import clean, clip, clip_lines, name, wrap_lines, wrap_words
from tallystick.wire.panel import Role, Style
from tallystick.wire.screen import (
    Answer,
    Choice,
    Decided,
    Dismissed,
    Menu,
    Notice,
    Progress,
    Review,
    Selected,
    Tone,
    WordList,
)

_TONE_ICONS = {Tone.INFO: "", Tone.SUCCESS: "check", Tone.WARNING: "warning", Tone.FAILURE: "cross"}


def _label_page(text: str, *, layout: Layout, role: Role, answer: Answer, icon: str = "") -> Page:
    label = name(text)
    lines = clip_lines(wrap_words(clean(text), layout.columns), rows=layout.rows, columns=layout.columns)
    return Page(lines=tuple(Line(line, Style.BOLD) for line in lines), icon=icon, role=role, label=label, answer=answer)


def _text_pages(texts: tuple[str, ...], *, layout: Layout, rows: int, icon: str = "") -> list[Page]:
    """Return pages of `rows` lines; the picture is on the first."""
    lines = wrap_lines(texts, layout.columns)
    return [
        Page(lines=tuple(map(Line, lines[at : at + rows])), icon="" if at else icon)
        for at in range(0, len(lines), rows)
    ]


def review_view(scene: Review, layout: Layout) -> Carousel:
    """Return the intro, a page for each chunk of an item, then yes, then no."""
    intro = _text_pages(scene.intro, layout=layout, rows=layout.rows)
    parts = chunks(scene.items, layout)
    yes = _label_page(scene.approve, layout=layout, role=Role.APPROVE, answer=Decided(approved=True), icon="check")
    no = _label_page(scene.reject, layout=layout, role=Role.REJECT, answer=Decided(approved=False), icon="cross")
    last = [yes, no]
    first_item, first_last = len(intro), len(intro) + len(parts)

    def page(index: int) -> Page:
        if index < first_item:
            return intro[index]
        if index >= first_last:
            return last[index - first_last]
        part = parts[index - first_item]
        title = [Line(line, Style.BOLD) for line in part.title]
        return Page(lines=(*title, *(Line(line) for line in part.value_lines(layout.columns))))

    return Carousel(layout=layout, count=first_last + len(last), page=page)


def menu_view(scene: Menu, layout: Layout) -> Carousel:
    """Return one page an entry, going round; the first also says what is running."""

    def page(index: int) -> Page:
        if not scene.entries:
            return Page(lines=_menu_title(scene, layout), icon=name(scene.icon))
        entry = scene.entries[index]
        label, value = clean(entry.label), clean(entry.value)
        head = _menu_title(scene, layout) if index == 0 and scene.title != entry.label else ()
        rows = max(layout.rows - len(head) - bool(value), 1)
        lines = clip_lines(wrap_words(label, layout.columns), rows=rows, columns=layout.columns)
        body = [Line(line, Style.REGULAR if head else Style.BOLD) for line in lines]
        if value:
            body.append(Line(clip(value, layout.columns)))
        shown = (*head, *body)[: layout.rows]
        icon = name(scene.icon) if index == 0 else ""
        return Page(
            lines=shown,
            icon=icon,
            picture=entry.picture,
            role=Role.SELECT,
            label=name(label),
            answer=Selected(index),
        )

    count = max(len(scene.entries), 1)
    return Carousel(layout=layout, count=count, page=page, around=True, start=min(max(scene.start, 0), count - 1))


def _menu_title(scene: Menu, layout: Layout) -> tuple[Line, ...]:
    return (Line(clip(clean(scene.title), layout.columns), Style.BOLD),) if scene.title else ()


def choice_view(scene: Choice, layout: Layout) -> Carousel:
    """Return the question, then one page an option."""
    pages = _text_pages(scene.lines, layout=layout, rows=layout.rows, icon=name(scene.icon))
    for index, option in enumerate(scene.options):
        pages.append(_label_page(option, layout=layout, role=Role.SELECT, answer=Selected(index)))
    return Carousel(layout=layout, count=len(pages), page=pages.__getitem__)


def notice_view(scene: Notice, layout: Layout) -> Carousel:
    """Return the text, and on its last page the label of what dismisses it."""
    pages = _text_pages(scene.lines, layout=layout, rows=layout.rows - 1, icon=_TONE_ICONS[scene.tone])
    last = pages.pop() if pages else Page(lines=())
    label = name(scene.button)
    lines = (*last.lines, Line(clip(label, layout.columns), Style.BOLD))
    pages.append(replace(last, lines=lines, role=Role.DISMISS, label=label, answer=Dismissed(), leave=True))
    return Carousel(layout=layout, count=len(pages), page=pages.__getitem__)


def progress_view(scene: Progress, layout: Layout) -> Carousel:
    """Return the text above a bar; without a percentage there is no bar."""
    lines = clip_lines(wrap_lines((scene.text,), layout.columns), rows=layout.rows - 1, columns=layout.columns)
    bar = None if scene.percent is None else min(max(scene.percent, 0), 100)
    page = Page(lines=tuple(map(Line, lines)), bar=bar)
    return Carousel(layout=layout, count=1, page=lambda _: page)


def word_list_view(scene: WordList, layout: Layout) -> Carousel:
    """Return the title, one word a page, and a closing page."""
    intro = _text_pages((scene.title,), layout=layout, rows=layout.rows) if scene.title else []
    closing = _label_page("Done", layout=layout, role=Role.DISMISS, answer=Dismissed(), icon="check")

    def page(index: int) -> Page:
        if index < len(intro):
            return intro[index]
        number = index - len(intro)
        if number == len(scene.words):
            return closing
        word = clip(clean(scene.words[number]), layout.columns)
        return Page(lines=(Line(f"Word #{number + 1}", Style.BOLD), Line(word)))

    return Carousel(layout=layout, count=len(intro) + len(scene.words) + 1, page=page)
