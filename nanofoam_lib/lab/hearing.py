"""Controls that can be set without their answering."""

import contextlib
from collections.abc import Iterator


class Hearing:
    """What a panel of controls listens with.

    Attributes
    ----------
    heard : bool
        Whether a change of a control is to be answered.
    """

    heard = True

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
        """Set controls without their answering."""
        self.heard = False
        try:
            yield
        finally:
            self.heard = True
