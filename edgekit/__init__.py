"""edgekit: neural networks on microcontrollers and edge boards."""
