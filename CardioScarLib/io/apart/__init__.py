"""Readers of foreign files in a child process, because native readers crash, hang or take all memory on damaged ones.

What is read comes back through a pipe as numbers and JSON: no pickle, and no copy of a patient's image on the disk. The child
stays for further files; a damaged file ends the child and not the program.
"""

from CardioScarLib.io.apart.door import MEBIBYTE, apart

__all__ = ["MEBIBYTE", "apart"]
