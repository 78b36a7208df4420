"""Energy of one inference: by a meter, or estimated from the board file's active power."""

from __future__ import annotations

from edgekit.board import Board
from edgekit.costs import Energy, Latency

_UJ_PER_MW_US = 1e-3


def estimate(board: Board, latency: Latency) -> Energy:
    """Active power times the median latency; the relative errors of both add up.

    Without a power in the board file, or without a latency, nothing is estimated and the reason given.
    """
    if board.power is None:
        hint = "the board file has no active power (its table [power])"
        return Energy(reason=f"no instrument, and {hint}")
    if latency.median is None:
        return Energy(reason="no instrument, and no latency to multiply the board file's active power with")
    calibrated = latency.how == "measured" or latency.error is not None
    return Energy(
        per_inference_uj=board.power.active_mw * latency.median * _UJ_PER_MW_US,
        mean_mw=board.power.active_mw,
        how="estimated" if calibrated else "indicative",
        error=board.power.error + (latency.error or 0.0) if calibrated else None,
        reason=f"no instrument: active power of the board file ({board.power.source}) times latency",
    )
