"""Whether a figure can be read: no text runs over another or off the page, and none is too small."""

import itertools

from matplotlib.text import Text

SMALLEST = 6  # points, as printed


def visible(figure):
    """Everything that is written; ticks of axes that are switched off, or out of view, are not drawn."""
    figure.draw_without_rendering()
    ticks, hidden = [], set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            own = axis.get_children()
            hidden |= {text for part in own for text in part.findobj(Text)}
            if axes.axison:
                low, high = sorted(axis.get_view_interval())
                drawn = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                labels = [label for tick in drawn for label in (tick.label1, tick.label2)]
                ticks += [axis.label, axis.offsetText, *labels]
    found = [text for text in figure.findobj(Text) if text not in hidden] + ticks
    return list(dict.fromkeys(text for text in found if text.get_visible() and text.get_text().strip()))


def visible_texts(figure):
    """Text and box of each of `visible`."""
    return [(text.get_text(), text.get_window_extent()) for text in visible(figure)]


def assert_readable(figure):
    """Fail if a text overlaps another, leaves the page or is smaller than `SMALLEST`, and say which."""
    small = {text.get_text(): text.get_fontsize() for text in visible(figure) if text.get_fontsize() < SMALLEST}
    assert not small, small
    boxes = visible_texts(figure)
    clashes = [(a, b) for (a, first), (b, second) in itertools.combinations(boxes, 2) if first.overlaps(second)]
    assert not clashes, clashes
    page = figure.bbox
    outside = [
        text for text, box in boxes
        if box.x0 < page.x0 - 1 or box.y0 < page.y0 - 1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]  # fmt: skip
    assert not outside, outside
