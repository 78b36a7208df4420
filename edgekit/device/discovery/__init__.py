"""Finding what is plugged in: boards by their serial ports, volumes and debug probes, and meters."""
