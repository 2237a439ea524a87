"""The rungs of the ladder, over HTTP."""
