"""Boards that people name, and how much memory for data and how much flash each has.

A row says where its numbers are from, and there is none without; docs/memory.md shows this table
and says what of each is left out.
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
    memory: int
    """Bytes of all memory for data together: what the banks add up to."""
    flash: int
    """Bytes of flash that a program and its weights can be in, behind a bootloader that ships."""
    source: str
    """What says both: a file of the maker's repository or of the board's package, or a section."""

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
        "Arduino Nano 33 BLE Sense", "nRF52840", (Bank("ram", 256 * KIB),), 256 * KIB, 960 * KIB,
        "arduino/ArduinoCore-mbed, boards.txt, nano33ble.upload.maximum_data_size and maximum_size",
    ),
    "esp32": Board(
        "ESP32 (ESP32-WROOM-32E-N4)", "ESP32",
        (Bank("static", 160 * KIB), Bank("heap", 160 * KIB)), 320 * KIB, 4 * MIB,
        "ESP-IDF Programming Guide, Memory Types, DRAM; ESP32-WROOM-32E datasheet 1.6, 1.1",
    ),
    "esp32-s3": Board(
        "ESP32-S3 (ESP32-S3-WROOM-1-N4)", "ESP32-S3", (Bank("dram", 0x53700),), 0x53700, 4 * MIB,
        "espressif/esp-idf, components/esp_system/ld/esp32s3/memory.ld.in, dram0_0_seg; "
        "zephyrproject-rtos/zephyr, dts/xtensa/espressif/esp32s3/esp32s3_wroom_n4.dtsi",
    ),
    "stm32f4-discovery": Board(
        "STM32F4 Discovery (STM32F407G-DISC1)", "STM32F407VG",
        (Bank("ccm", 64 * KIB), Bank("sram", 128 * KIB)), 192 * KIB, MIB,
        "ST RM0090, 2.3; stm32duino/Arduino_Core_STM32, boards.txt, DISCO_F407VG, and "
        "variants/STM32F4xx/F407V(E-G)T_F417V(E-G)T/ldscript.ld",
    ),
    "nucleo-f401re": Board(
        "Nucleo F401RE", "STM32F401RE", (Bank("sram", 96 * KIB),), 96 * KIB, 512 * KIB,
        "stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_F401RE",
    ),
    "nucleo-f411re": Board(
        "Nucleo F411RE", "STM32F411RE", (Bank("sram", 128 * KIB),), 128 * KIB, 512 * KIB,
        "stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_F411RE",
    ),
    "nucleo-f446re": Board(
        "Nucleo F446RE", "STM32F446RE", (Bank("sram", 128 * KIB),), 128 * KIB, 512 * KIB,
        "stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_F446RE",
    ),
    "stm32f7-discovery": Board(
        "STM32F7 Discovery (STM32F746G-DISCO)", "STM32F746NG", _F746, 320 * KIB, MIB,
        "ST RM0385, 2.3; stm32duino/Arduino_Core_STM32, boards.txt, DISCO_F746NG",
    ),
    "nucleo-f746zg": Board(
        "Nucleo F746ZG", "STM32F746ZG", _F746, 320 * KIB, MIB,
        "ST RM0385, 2.3; stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_F746ZG",
    ),
    "nucleo-f767zi": Board(
        "Nucleo F767ZI", "STM32F767ZI", (Bank("sram", 512 * KIB),), 512 * KIB, 2 * MIB,
        "ST RM0410, 2.3; stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_F767ZI",
    ),
    "stm32h7-discovery": Board(
        "STM32H7 Discovery (STM32H747I-DISCO)", "STM32H747XI", _H743, 992 * KIB, 2 * MIB,
        "stm32duino/Arduino_Core_STM32, boards.txt, STM32H747I_DISCO, and variants/STM32H7xx/"
        "H742X(G-I)H_H743X(G-I)H_H745X(G-I)H_H747X(G-I)H_H750XBH_H753XIH_H755XIH_H757XIH/"
        "ldscript.ld",
    ),
    "nucleo-h743zi": Board(
        "Nucleo H743ZI", "STM32H743ZI", _H743, 992 * KIB, 2 * MIB,
        "zephyrproject-rtos/zephyr, dts/arm/st/h7/stm32h743.dtsi and stm32h743Xi.dtsi; "
        "stm32duino/Arduino_Core_STM32, boards.txt, NUCLEO_H743ZI",
    ),
    "rp2040": Board(
        "Raspberry Pi Pico", "RP2040",
        (Bank("sram", 256 * KIB), Bank("scratch", 8 * KIB)), 264 * KIB, 2 * MIB,
        "raspberrypi/pico-sdk, src/rp2_common/pico_crt0/rp2040/memmap_default.ld and "
        "src/boards/include/boards/pico.h",
    ),
    "rp2350": Board(
        "Raspberry Pi Pico 2", "RP2350",
        (Bank("sram", 512 * KIB), Bank("scratch", 8 * KIB)), 520 * KIB, 4 * MIB,
        "raspberrypi/pico-sdk, src/rp2_common/pico_crt0/rp2350/memmap_default.ld and "
        "src/boards/include/boards/pico2.h",
    ),
    "openmv-h7": Board(
        "OpenMV Cam H7", "STM32H743VI", _H743, 992 * KIB, 1664 * KIB,
        "openmv/openmv, boards/OPENMV4/board_config.h, OMV_DTCM_LENGTH to OMV_FLASH_TXT_LENGTH",
    ),
    "portenta-h7": Board(
        "Arduino Portenta H7", "STM32H747XI", (*_H743, Bank("sdram", 8 * MIB)),
        992 * KIB + 8 * MIB, 1792 * KIB,
        "arduino/ArduinoCore-mbed, variants/PORTENTA_H7_M7/linker_script.ld and "
        "libraries/Portenta_SDRAM/src/SDRAM.h",
    ),
    "coral-micro": Board(
        "Coral Dev Board Micro", "i.MX RT1176",
        (Bank("dtcm", 224 * KIB), Bank("sdram", 48 * MIB)), 224 * KIB + 48 * MIB, 64 * MIB,
        "google-coral/coralmicro, libs/nxp/rt1176-sdk/MIMXRT1176xxxxx_cm7_ram.ld, m_data, m_heap "
        "and m_sdram, and libs/base/filesystem.cc",
    ),
    "max78000": Board(
        "MAX78000FTHR", "MAX78000", (Bank("sram", 128 * KIB),), 128 * KIB, 512 * KIB,
        "analogdevicesinc/msdk, Libraries/CMSIS/Device/Maxim/MAX78000/Source/GCC/max78000.ld",
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
