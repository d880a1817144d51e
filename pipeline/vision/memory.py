"""Memory between the phases of a training."""

import ctypes
import gc
import platform


def give_back() -> None:
    """Give memory that is no longer needed back to the system.

    Nets and their optimizers refer to themselves, so only the collector frees them; glibc
    keeps what is freed, and what the next phase takes would come on top.

    Source:
        malloc_trim(3).
    """
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
