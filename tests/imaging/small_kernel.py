"""A kernel that numba compiles and keeps, as pymatting's are."""

from numba import njit


@njit("i8(i8)", cache=True)
def doubled(number: int) -> int:
    """Returns twice a number."""
    return 2 * number
