"""Getting an image onto a board: one module per way, chosen in ``choose``, carried out in ``run``."""
