"""Boards that people name, and how much memory for data and how much flash each has.

A row says where its numbers are from, and there is none without; docs/memory.md shows this table.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from convcalc.diagnostics import ArgumentError, closest

KIB = 2**10
MIB = 2**20


class Bank(NamedTuple):
    """A stretch of memory for data without a gap."""

    name: str
    """What it is called: `dtcm`."""
    bytes: int
    """How many bytes it has."""


class Board(NamedTuple):
    """A board with its chip's memory."""

    title: str
    """What its maker calls it."""
    chip: str
    """The microcontroller on it."""
    banks: tuple[Bank, ...]
    """Stretches of memory for data, the fastest first; what only holds code is left out."""
    flash: int
    """Bytes of flash that a program and its weights can be in."""
    source: str
    """The documents that both are in."""

    @property
    def largest(self) -> Bank:
        """The bank that an arena in one piece has most room in."""
        return max(self.banks, key=lambda bank: bank.bytes)


_F746 = (Bank("sram", 320 * KIB),)
_H743 = (
    Bank("dtcm", 128 * KIB),
    Bank("axi", 512 * KIB),
    Bank("sram123", 288 * KIB),
    Bank("sram4", 64 * KIB),
)

BOARDS: Mapping[str, Board] = MappingProxyType({
    "nano33ble-sense": Board(
        "Arduino Nano 33 BLE Sense", "nRF52840", (Bank("ram", 256 * KIB),), MIB,
        "Arduino Nano 33 BLE Sense datasheet (ABX00031); Nordic nRF52840 Product Specification",
    ),
    "esp32": Board(
        "ESP32 (ESP32-WROOM-32E-N4)", "ESP32",
        (Bank("static", 160 * KIB), Bank("heap", 160 * KIB)), 4 * MIB,
        "ESP-IDF Programming Guide, Memory Types, DRAM; ESP32-WROOM-32E datasheet",
    ),
    "esp32-s3": Board(
        "ESP32-S3 (ESP32-S3-WROOM-1-N4)", "ESP32-S3", (Bank("sram", 480 * KIB),), 4 * MIB,
        "ESP32-S3 Technical Reference Manual, System and Memory, SRAM 1 and 2; ESP32-S3-WROOM-1 "
        "datasheet",
    ),
    "stm32f4-discovery": Board(
        "STM32F4 Discovery (STM32F407G-DISC1)", "STM32F407VG",
        (Bank("ccm", 64 * KIB), Bank("sram", 128 * KIB)), MIB,
        "ST UM1472; STM32F405xx/407xx datasheet DS8626; RM0090, 2.3",
    ),
    "nucleo-f401re": Board(
        "Nucleo F401RE", "STM32F401RE", (Bank("sram", 96 * KIB),), 512 * KIB,
        "ST UM1724; STM32F401xD/xE datasheet DS10086",
    ),
    "nucleo-f411re": Board(
        "Nucleo F411RE", "STM32F411RE", (Bank("sram", 128 * KIB),), 512 * KIB,
        "ST UM1724; STM32F411xC/xE datasheet DS10314",
    ),
    "nucleo-f446re": Board(
        "Nucleo F446RE", "STM32F446RE", (Bank("sram", 128 * KIB),), 512 * KIB,
        "ST UM1724; STM32F446xC/E datasheet DS10693",
    ),
    "stm32f7-discovery": Board(
        "STM32F7 Discovery (STM32F746G-DISCO)", "STM32F746NG", _F746, MIB,
        "ST UM1907; STM32F745xx/746xx datasheet DS10916; RM0385, 2.3",
    ),
    "nucleo-f746zg": Board(
        "Nucleo F746ZG", "STM32F746ZG", _F746, MIB,
        "ST UM1974; STM32F745xx/746xx datasheet DS10916; RM0385, 2.3",
    ),
    "nucleo-f767zi": Board(
        "Nucleo F767ZI", "STM32F767ZI", (Bank("sram", 512 * KIB),), 2 * MIB,
        "ST UM1974; STM32F765xx/767xx datasheet DS11532; RM0410, 2.3",
    ),
    "stm32h7-discovery": Board(
        "STM32H7 Discovery (STM32H747I-DISCO)", "STM32H747XI", _H743, 2 * MIB,
        "ST UM2411; STM32H747xI/G datasheet DS12930",
    ),
    "nucleo-h743zi": Board(
        "Nucleo H743ZI", "STM32H743ZI", _H743, 2 * MIB,
        "ST UM2407; STM32H742xI/G STM32H743xI/G datasheet DS12110",
    ),
    "rp2040": Board(
        "Raspberry Pi Pico", "RP2040", (Bank("sram", 264 * KIB),), 2 * MIB,
        "RP2040 datasheet; Raspberry Pi Pico datasheet",
    ),
    "rp2350": Board(
        "Raspberry Pi Pico 2", "RP2350", (Bank("sram", 520 * KIB),), 4 * MIB,
        "RP2350 datasheet; Raspberry Pi Pico 2 datasheet",
    ),
    "openmv-h7": Board(
        "OpenMV Cam H7", "STM32H743VI", _H743, 2 * MIB,
        "OpenMV Cam H7 product page; STM32H742xI/G STM32H743xI/G datasheet DS12110",
    ),
    "portenta-h7": Board(
        "Arduino Portenta H7", "STM32H747XI", (*_H743, Bank("sdram", 8 * MIB)), 2 * MIB,
        "Arduino Portenta H7 datasheet (ABX00042); STM32H747xI/G datasheet DS12930",
    ),
    "coral-micro": Board(
        "Coral Dev Board Micro", "i.MX RT1176", (Bank("sdram", 64 * MIB),), 128 * MIB,
        "Coral Dev Board Micro datasheet",
    ),
    "max78000": Board(
        "MAX78000FTHR", "MAX78000", (Bank("sram", 128 * KIB),), 512 * KIB,
        "MAX78000 datasheet; MAX78000FTHR datasheet (the accelerator's own memory left out)",
    ),
})  # fmt: skip
"""Name of `--board` → the board."""


def read_board(name: str) -> str:
    """The name in `BOARDS` that one in any spelling is; raises `ValueError` for none of them.

    >>> read_board("RP2040"), read_board("Nano 33 BLE Sense"), read_board("NUCLEO-F446RE")
    ('rp2040', 'nano33ble-sense', 'nucleo-f446re')
    """
    spellings = _spellings()
    known = spellings.get(_bare(name))
    if known is None:
        near = closest(_bare(name), [*spellings])
        advice = f"did you mean {spellings[near]}?" if near else f"it is one of {', '.join(BOARDS)}"
        message = f"{name!r} is no board that is known here: {advice}"
        raise ArgumentError(message)
    return known


def _bare(name: str) -> str:
    """Letters and digits alone, in small."""
    return "".join(each for each in name.lower() if each.isalnum())


def _spellings() -> dict[str, str]:
    """What each board may be called: its name, and its title with what stands in brackets or not.

    A chip is no board: several boards have the same.
    """
    spellings: dict[str, str] = {}
    for name, board in BOARDS.items():
        title, _, inside = board.title.partition(" (")
        for each in (name, title, title.removeprefix("Arduino "), inside):
            spellings.setdefault(_bare(each), name)
    spellings.pop("", None)
    return spellings
