"""The commands, grouped by what they need: nothing, a model, or a board to run on."""
