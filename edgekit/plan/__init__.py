"""Planning: a kernel per node, packed constants, an order of row bands and byte offsets in the arena."""
