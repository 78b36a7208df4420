"""Kernels counted on emulated cores: every kernel over the layers it can run, and the cost tables made from that."""
