"""Files of microscopes, through readers that an extra installs."""

READERS = []
