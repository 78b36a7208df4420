"""Instruments that read amperes, one file each; ``open_meter`` in ``registry`` makes them by name."""
