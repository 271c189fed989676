"""The command `tally`: one file per noun, loaded only when it is used."""
