"""What readers rely on in the manifest of a run: its entries and their types."""

from typing import Any, Literal, TypedDict

Status = Literal["running", "done", "failed", "stopped", "outdated"]


class Step(TypedDict, total=False):
    """Account of a step."""

    key: str
    status: Status
    seconds: float | None
    warnings: list[str]
    outputs: dict[str, str | None]  # relative path → SHA-256; None: not yet known
    error: str


class Report(TypedDict, total=False):
    """Account of the page that a run ends in."""

    key: str
    outputs: dict[str, str | None]
    said: list[str]  # the results in three lines, in the language of the run


class Data(TypedDict, total=False):
    """Where the micrographs come from."""

    name: str
    folder: str | None
    hash: str | None
    classes: int | None  # how many there are; None: synthetic foams, whose number is known


class Git(TypedDict, total=False):
    """State of the checkout."""

    commit: str
    dirty: bool


class Manifest(TypedDict, total=False):
    """All that ``manifest.json`` holds."""

    profile: str
    parameters: dict[str, Any]
    seed: int
    lang: Literal["en", "es"]
    data: Data
    versions: dict[str, str]
    machine: dict[str, Any]
    git: Git | None
    started: str | None
    finished: str | None
    left_out: list[dict[str, str]]
    steps: dict[str, Step]
    report: Report


#: Entries of a manifest that a finished run has, and those of a step that is done.
FINISHED = ("profile", "parameters", "seed", "lang", "data", "versions", "git", "steps")
MOST_SECONDS = 1e9
DONE = ("key", "outputs", "seconds", "warnings")


def check(manifest: Manifest) -> None:
    """Check that a manifest is whole; ValueError names the first entry that is missing, or stands where it must not."""
    for name, step in manifest.get("steps", {}).items():
        _require(step, ("status",), name)
        if step["status"] == "done":
            _require(step, DONE, name)
            if step["seconds"] is None:
                raise ValueError(f"seconds of {name} is null")
        if not 0 <= (step.get("seconds") or 0) <= MOST_SECONDS:
            raise ValueError(f"seconds of {name} is no length of time")
    if manifest.get("finished") is not None:
        _require(manifest, FINISHED, "the manifest")
        _require(manifest["data"], ("name", "folder", "hash"), "data")
    if manifest.get("report"):
        _require(manifest["report"], ("key", "outputs"), "report")


def _require(entry, names, what):
    if missing := [name for name in names if name not in entry]:
        raise ValueError(f"{what} has no {missing[0]}")
