"""The programs that decode what strangers sent. They run in a process of their own and import nothing of the platform.

Reading order: main (the process that forks one child per file), jail (what the kernel takes away from it), images,
videos, wire (how the child answers). The other end is `media.sandbox`.
"""
