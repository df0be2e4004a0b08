"""How numbers and bytes are written."""


def grouped(value: int) -> str:
    """Digits in groups of three.

    >>> grouped(138357544)
    '138,357,544'
    """
    return f"{value:,}"


def scaled(value: float) -> str:
    """A number with a decimal unit, two decimals.

    >>> scaled(15470264320)
    '15.47 G'
    >>> scaled(999)
    '999'
    """
    if value < 1000:
        return f"{value:g}"
    for unit in ("k", "M", "G", "T", "P"):
        value /= 1000
        if value < 999.995:
            break
    return f"{value:.2f} {unit}" if value < 1000 else f"{value:.3e} {unit}"


def megabytes(count: int) -> str:
    """Bytes with a decimal unit.

    >>> megabytes(12845056)
    '12.85 MB'
    >>> megabytes(0)
    '0 B'
    """
    value = float(count)
    if value < 1000:
        return f"{count} B"
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.995:
            break
    return f"{value:.2f} {unit}"


def mebibytes(count: int) -> str:
    """Bytes with a binary unit.

    >>> mebibytes(60950432)
    '58.13 MiB'
    """
    value = float(count)
    if value < 1024:
        return f"{count} B"
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        value /= 1024
        if value < 1023.995:
            break
    return f"{value:.2f} {unit}"


def both_bytes(count: int) -> str:
    """Bytes in decimal and binary units, as totals show them.

    >>> both_bytes(60950432)
    '60.95 MB (58.13 MiB)'
    """
    return megabytes(count) if count < 1000 else f"{megabytes(count)} ({mebibytes(count)})"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(2, "error")
    '2 errors'
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
