"""Every figure of a run drawn and written, several chapters at a time."""

from joblib import Parallel, delayed
from PIL import Image

from nanofoam_lib.base.progress import track
from nanofoam_lib.figures import style
from nanofoam_lib.report import answer_figures, neighbour_figures, pore_figures, property_figures, run_figures

#: Chapters of a run's figures, those that take longest first, so that no worker is left with one at the end.
CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        run_figures.generated, run_figures.explanations, run_figures.scores, run_figures.schemes,
        run_figures.spaces, run_figures.examples, run_figures.learning, run_figures.samples,
        pore_figures.pores, property_figures.properties, neighbour_figures.neighbours, answer_figures.answer_figures,
    )
}  # fmt: skip
PREVIEW_WIDTH = 900  # pixels: a notebook shows what a reader takes in on a screen; the files have the rest


def draw(book: run_figures.Book, n_jobs: int = -1) -> dict[str, list[Image.Image]]:
    """Draw all figures of a run into its folder: PDF, PNG and CSV.

    Parameters
    ----------
    book : run_figures.Book
    n_jobs : int
        Processes, as in `joblib.Parallel`; the files do not depend on it.

    Returns
    -------
    dict of list of PIL.Image.Image
        By the name of the chapter, the figures as written, reduced for a screen.
    """
    work = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_draw)(name, book) for name in CHAPTERS)
    drawn = dict(zip(CHAPTERS, track(work, "figures", len(CHAPTERS)), strict=True))
    return {chapter: [_preview(book.run.figure(name)) for name in names] for chapter, names in drawn.items()}


def _draw(chapter, book):
    names = []
    for name, figure, numbers in CHAPTERS[chapter](book):
        style.save(figure, book.run.figure(name), numbers)
        names.append(name)
    return names


def _preview(stem):
    with Image.open(stem.with_name(stem.name + ".png")) as picture:
        picture = picture.convert("RGB")
    picture.thumbnail((PREVIEW_WIDTH, 10 * PREVIEW_WIDTH))
    return picture
