"""The op catalogue: one file per op, listed once."""
