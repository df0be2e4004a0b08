"""What GPUs are called, and how much memory PyTorch finds on each: less than is on the data sheet.

The driver, error correction and page tables take a share before any process starts; what is left
is `torch.cuda.get_device_properties(0).total_memory`. It differs by driver and system, and the
smallest published total counts. docs/memory.md shows this table.
"""

import re
from functools import lru_cache
from typing import NamedTuple

GIB = 2**30
SHARE = 96
"""Per cent of the nominal memory that a card has of which no total was found published."""


class Gpu(NamedTuple):
    """One card, in one size of its memory."""

    nominal: int
    """GiB on its data sheet; of cards with GDDR that ship with error correction on, a sixteenth
    less."""
    printed: tuple[str, ...]
    """Its names as `nvidia-smi` prints them; several sizes of a card may share one."""
    least: str = ""
    """The smallest total that was published, in GiB; "" where none was found."""
    most: str = ""
    """The largest total that was published, in GiB; "" where none was found."""
    source: str = ""
    """Where the smallest was published, a thread on GitHub: `owner/name#number`."""

    @property
    def reported(self) -> bool:
        """Whether a total was published; where not, it is a share of the nominal memory."""
        return bool(self.least)

    @property
    def bytes(self) -> int:
        """What PyTorch finds on it."""
        if not self.least:
            return self.nominal * GIB * SHARE // 100
        whole, _, hundredths = self.least.partition(".")
        return int(whole + hundredths.ljust(2, "0")) * GIB // 100

    @property
    def url(self) -> str:
        """The address of the source."""
        repository, _, number = self.source.partition("#")
        return f"https://github.com/{repository}/issues/{number}" if number else ""


GPUS = {
    # GeForce
    "gtx1060": Gpu(6, ("NVIDIA GeForce GTX 1060", "NVIDIA GeForce GTX 1060 6GB")),
    "gtx1070": Gpu(8, ("NVIDIA GeForce GTX 1070",)),
    "gtx1080": Gpu(8, ("NVIDIA GeForce GTX 1080",)),
    "gtx1080ti": Gpu(
        11, ("NVIDIA GeForce GTX 1080 Ti",), "10.92", "10.92", "Rubics-Xuan/TransBTS#45"
    ),
    "gtx1650": Gpu(4, ("NVIDIA GeForce GTX 1650", "NVIDIA GeForce GTX 1650 with Max-Q Design")),
    "gtx1660ti": Gpu(
        6,
        ("NVIDIA GeForce GTX 1660 Ti", "NVIDIA GeForce GTX 1660 Ti with Max-Q Design"),
        "5.81",
        "5.81",
        "zhou13/lcnn#23",
    ),
    "rtx2050-laptop": Gpu(4, ("NVIDIA GeForce RTX 2050", "NVIDIA GeForce RTX 2050 Laptop GPU")),
    "rtx2060": Gpu(
        6,
        ("NVIDIA GeForce RTX 2060", "NVIDIA GeForce RTX 2060 with Max-Q Design"),
        "5.79",
        "6.00",
        "facebookresearch/meshrcnn#92",
    ),
    "rtx2060-12gb": Gpu(12, ("NVIDIA GeForce RTX 2060",)),
    "rtx2060super": Gpu(8, ("NVIDIA GeForce RTX 2060 SUPER",)),
    "rtx2070": Gpu(
        8,
        ("NVIDIA GeForce RTX 2070", "NVIDIA GeForce RTX 2070 with Max-Q Design"),
        "7.78",
        "8.00",
        "tloen/alpaca-lora#442",
    ),
    "rtx2070super": Gpu(
        8,
        ("NVIDIA GeForce RTX 2070 SUPER", "NVIDIA GeForce RTX 2070 Super with Max-Q Design"),
        "7.79",
        "8.00",
        "xw-hu/Mask-ShadowGAN#14",
    ),
    "rtx2080": Gpu(8, ("NVIDIA GeForce RTX 2080", "NVIDIA GeForce RTX 2080 with Max-Q Design")),
    "rtx2080super": Gpu(
        8, ("NVIDIA GeForce RTX 2080 SUPER", "NVIDIA GeForce RTX 2080 Super with Max-Q Design")
    ),
    "rtx2080ti": Gpu(11, ("NVIDIA GeForce RTX 2080 Ti",), "10.56", "10.76", "grgalex/nvshare#26"),
    "rtx3050": Gpu(8, ("NVIDIA GeForce RTX 3050",)),
    "rtx3050-6gb": Gpu(6, ("NVIDIA GeForce RTX 3050",)),
    "rtx3050-laptop": Gpu(4, ("NVIDIA GeForce RTX 3050 Laptop GPU",)),
    "rtx3050-laptop-6gb": Gpu(
        6, ("NVIDIA GeForce RTX 3050 Laptop GPU", "NVIDIA GeForce RTX 3050 6GB Laptop GPU")
    ),
    "rtx3050ti-laptop": Gpu(4, ("NVIDIA GeForce RTX 3050 Ti Laptop GPU",)),
    "rtx3060": Gpu(
        12, ("NVIDIA GeForce RTX 3060",), "11.75", "12.00", "Kunhao-Liu/StyleGaussian#12"
    ),
    "rtx3060-8gb": Gpu(8, ("NVIDIA GeForce RTX 3060",)),
    "rtx3060-laptop": Gpu(6, ("NVIDIA GeForce RTX 3060 Laptop GPU",)),
    "rtx3060ti": Gpu(8, ("NVIDIA GeForce RTX 3060 Ti",)),
    "rtx3070": Gpu(8, ("NVIDIA GeForce RTX 3070",), "7.76", "7.78", "sshan-zhao/GASDA#19"),
    "rtx3070-laptop": Gpu(8, ("NVIDIA GeForce RTX 3070 Laptop GPU",)),
    "rtx3070ti": Gpu(8, ("NVIDIA GeForce RTX 3070 Ti",)),
    "rtx3070ti-laptop": Gpu(8, ("NVIDIA GeForce RTX 3070 Ti Laptop GPU",)),
    "rtx3080": Gpu(10, ("NVIDIA GeForce RTX 3080",), "9.78", "10.00", "zai-org/CogVideo#34"),
    "rtx3080-12gb": Gpu(12, ("NVIDIA GeForce RTX 3080",)),
    "rtx3080-laptop": Gpu(8, ("NVIDIA GeForce RTX 3080 Laptop GPU",)),
    "rtx3080-laptop-16gb": Gpu(16, ("NVIDIA GeForce RTX 3080 Laptop GPU",)),
    "rtx3080ti": Gpu(12, ("NVIDIA GeForce RTX 3080 Ti",)),
    "rtx3080ti-laptop": Gpu(16, ("NVIDIA GeForce RTX 3080 Ti Laptop GPU",)),
    "rtx3090": Gpu(24, ("NVIDIA GeForce RTX 3090",), "23.56", "23.70", "noonghunna/club-3090#58"),
    "rtx3090ti": Gpu(24, ("NVIDIA GeForce RTX 3090 Ti",)),
    "rtx4050-laptop": Gpu(6, ("NVIDIA GeForce RTX 4050 Laptop GPU",)),
    "rtx4060": Gpu(8, ("NVIDIA GeForce RTX 4060",), "7.72", "7.72", "longxiang-ai/TSGS#6"),
    "rtx4060-laptop": Gpu(8, ("NVIDIA GeForce RTX 4060 Laptop GPU",)),
    "rtx4060ti": Gpu(8, ("NVIDIA GeForce RTX 4060 Ti",)),
    "rtx4060ti-16gb": Gpu(16, ("NVIDIA GeForce RTX 4060 Ti",)),
    "rtx4070": Gpu(12, ("NVIDIA GeForce RTX 4070",)),
    "rtx4070-laptop": Gpu(8, ("NVIDIA GeForce RTX 4070 Laptop GPU",)),
    "rtx4070super": Gpu(12, ("NVIDIA GeForce RTX 4070 SUPER",)),
    "rtx4070ti": Gpu(12, ("NVIDIA GeForce RTX 4070 Ti",), "11.73", "11.73", "OpenLMLab/LOMO#17"),
    "rtx4070tisuper": Gpu(16, ("NVIDIA GeForce RTX 4070 Ti SUPER",)),
    "rtx4080": Gpu(16, ("NVIDIA GeForce RTX 4080",)),
    "rtx4080-laptop": Gpu(12, ("NVIDIA GeForce RTX 4080 Laptop GPU",)),
    "rtx4080super": Gpu(16, ("NVIDIA GeForce RTX 4080 SUPER",)),
    "rtx4090": Gpu(24, ("NVIDIA GeForce RTX 4090",), "23.49", "23.99", "Sautenich/UAV-VLA#7"),
    "rtx4090d": Gpu(24, ("NVIDIA GeForce RTX 4090 D",)),
    "rtx4090-laptop": Gpu(16, ("NVIDIA GeForce RTX 4090 Laptop GPU",)),
    "rtx5050": Gpu(8, ("NVIDIA GeForce RTX 5050",)),
    "rtx5050-laptop": Gpu(8, ("NVIDIA GeForce RTX 5050 Laptop GPU",)),
    "rtx5060": Gpu(8, ("NVIDIA GeForce RTX 5060",)),
    "rtx5060-laptop": Gpu(8, ("NVIDIA GeForce RTX 5060 Laptop GPU",)),
    "rtx5060ti": Gpu(8, ("NVIDIA GeForce RTX 5060 Ti",)),
    "rtx5060ti-16gb": Gpu(
        16, ("NVIDIA GeForce RTX 5060 Ti",), "15.44", "15.48", "Luce-Org/lucebox#407"
    ),
    "rtx5070": Gpu(12, ("NVIDIA GeForce RTX 5070",)),
    "rtx5070-laptop": Gpu(8, ("NVIDIA GeForce RTX 5070 Laptop GPU",)),
    "rtx5070ti": Gpu(16, ("NVIDIA GeForce RTX 5070 Ti",)),
    "rtx5070ti-laptop": Gpu(12, ("NVIDIA GeForce RTX 5070 Ti Laptop GPU",)),
    "rtx5080": Gpu(16, ("NVIDIA GeForce RTX 5080",)),
    "rtx5080-laptop": Gpu(16, ("NVIDIA GeForce RTX 5080 Laptop GPU",)),
    "rtx5090": Gpu(32, ("NVIDIA GeForce RTX 5090",), "31.37", "31.84", "Wan-Video/Wan2.1#465"),
    "rtx5090d": Gpu(32, ("NVIDIA GeForce RTX 5090 D",)),
    "rtx5090-laptop": Gpu(24, ("NVIDIA GeForce RTX 5090 Laptop GPU",)),
    # Titan
    "gtxtitanx": Gpu(
        12,
        ("NVIDIA GeForce GTX TITAN X",),
        "11.91",
        "11.91",
        "gpgpu-sim/gpgpu-sim_distribution#169",
    ),
    "titanx": Gpu(
        12,
        ("NVIDIA TITAN X (Pascal)",),
        "11.91",
        "11.91",
        "microsoft/Bringing-Old-Photos-Back-to-Life#87",
    ),
    "titanxp": Gpu(12, ("NVIDIA TITAN Xp", "NVIDIA TITAN Xp COLLECTORS EDITION")),
    "titanv": Gpu(12, ("NVIDIA TITAN V",)),
    "titanrtx": Gpu(24, ("NVIDIA TITAN RTX",)),
    # Workstations
    "quadrortx4000": Gpu(8, ("Quadro RTX 4000",)),
    "quadrortx5000": Gpu(16, ("Quadro RTX 5000",)),
    "quadrortx6000": Gpu(24, ("Quadro RTX 6000",)),
    "quadrortx8000": Gpu(
        48, ("Quadro RTX 8000",), "47.46", "47.46", "Victarry/stable-dreambooth#8"
    ),
    "rtxa1000": Gpu(8, ("NVIDIA RTX A1000",)),
    "rtxa1000-laptop": Gpu(4, ("NVIDIA RTX A1000 Laptop GPU",)),
    "rtxa1000-laptop-6gb": Gpu(6, ("NVIDIA RTX A1000 6GB Laptop GPU",)),
    "rtxa2000": Gpu(6, ("NVIDIA RTX A2000",)),
    "rtxa2000-12gb": Gpu(12, ("NVIDIA RTX A2000 12GB",)),
    "rtxa2000-laptop": Gpu(4, ("NVIDIA RTX A2000 Laptop GPU",)),
    "rtxa2000-laptop-8gb": Gpu(8, ("NVIDIA RTX A2000 8GB Laptop GPU",)),
    "rtxa3000-laptop": Gpu(6, ("NVIDIA RTX A3000 Laptop GPU",)),
    "rtxa3000-laptop-12gb": Gpu(12, ("NVIDIA RTX A3000 12GB Laptop GPU",)),
    "rtxa4000": Gpu(16, ("NVIDIA RTX A4000",), "15.61", "15.61", "DengKaiCQ/VGGT-Long#6"),
    "rtxa4000-laptop": Gpu(8, ("NVIDIA RTX A4000 Laptop GPU",)),
    "rtxa4500": Gpu(20, ("NVIDIA RTX A4500",)),
    "rtxa4500-laptop": Gpu(16, ("NVIDIA RTX A4500 Laptop GPU",)),
    "rtxa5000": Gpu(
        24, ("NVIDIA RTX A5000",), "23.67", "23.67", "Magicboomliu/Accelerator-Simple-Template#7"
    ),
    "rtxa5000-laptop": Gpu(16, ("NVIDIA RTX A5000 Laptop GPU",)),
    "rtxa5500": Gpu(24, ("NVIDIA RTX A5500",)),
    "rtxa5500-laptop": Gpu(16, ("NVIDIA RTX A5500 Laptop GPU",)),
    "rtxa6000": Gpu(48, ("NVIDIA RTX A6000",), "47.54", "47.54", "google-research/semivl#18"),
    "rtx2000ada": Gpu(16, ("NVIDIA RTX 2000 Ada Generation",)),
    "rtx2000ada-laptop": Gpu(8, ("NVIDIA RTX 2000 Ada Generation Laptop GPU",)),
    "rtx3000ada-laptop": Gpu(8, ("NVIDIA RTX 3000 Ada Generation Laptop GPU",)),
    "rtx3500ada-laptop": Gpu(12, ("NVIDIA RTX 3500 Ada Generation Laptop GPU",)),
    "rtx4000ada": Gpu(20, ("NVIDIA RTX 4000 Ada Generation", "NVIDIA RTX 4000 SFF Ada Generation")),
    "rtx4000ada-laptop": Gpu(12, ("NVIDIA RTX 4000 Ada Generation Laptop GPU",)),
    "rtx4500ada": Gpu(24, ("NVIDIA RTX 4500 Ada Generation",)),
    "rtx5000ada": Gpu(32, ("NVIDIA RTX 5000 Ada Generation",)),
    "rtx5000ada-laptop": Gpu(16, ("NVIDIA RTX 5000 Ada Generation Laptop GPU",)),
    "rtx6000ada": Gpu(
        48, ("NVIDIA RTX 6000 Ada Generation",), "44.43", "44.43", "DINGYANB/MTVCrafter#21"
    ),
    "rtxpro4000": Gpu(24, ("NVIDIA RTX PRO 4000 Blackwell",)),
    "rtxpro4500": Gpu(32, ("NVIDIA RTX PRO 4500 Blackwell",)),
    "rtxpro5000": Gpu(48, ("NVIDIA RTX PRO 5000 Blackwell",)),
    "rtxpro6000": Gpu(
        96,
        (
            "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
            "NVIDIA RTX PRO 6000 Blackwell Server Edition",
            "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
        ),
        "94.97",
        "94.97",
        "antirez/ds4#431",
    ),
    # Data centres
    "k80": Gpu(12, ("Tesla K80",), "11.17", "11.17", "YuvalNirkin/fsgan#20"),
    "p100": Gpu(16, ("Tesla P100-PCIE-16GB", "Tesla P100-SXM2-16GB")),
    "p100-12gb": Gpu(12, ("Tesla P100-PCIE-12GB",)),
    "v100": Gpu(
        16,
        (
            "Tesla V100-SXM2-16GB",
            "Tesla V100-PCIE-16GB",
            "Tesla V100-FHHL-16GB",
            "Tesla V100-DGXS-16GB",
        ),
        "15.77",
        "15.78",
        "kchengiva/Shift-GCN#34",
    ),
    "v100-32gb": Gpu(
        32,
        (
            "Tesla V100-SXM2-32GB",
            "Tesla V100-SXM3-32GB",
            "Tesla V100-PCIE-32GB",
            "Tesla V100S-PCIE-32GB",
            "Tesla V100-DGXS-32GB",
        ),
        "31.74",
        "31.74",
        "liucongg/ChatGLM-Finetuning#73",
    ),
    "t4": Gpu(16, ("Tesla T4",), "14.56", "15.83", "Zheng-Chong/CatVTON#133"),
    "a2": Gpu(15, ("NVIDIA A2",)),
    "a10": Gpu(24, ("NVIDIA A10",), "21.99", "23.70", "zai-org/CogVLM#236"),
    "a10g": Gpu(
        24, ("NVIDIA A10G",), "22.49", "22.49", "AUTOMATIC1111/stable-diffusion-webui#1259"
    ),
    "a16": Gpu(15, ("NVIDIA A16",)),
    "a30": Gpu(24, ("NVIDIA A30",), "23.53", "23.53", "google/RB-Modulation#5"),
    "a40": Gpu(45, ("NVIDIA A40",)),
    "a100-40gb": Gpu(
        40,
        ("NVIDIA A100-SXM4-40GB", "NVIDIA A100-PCIE-40GB"),
        "39.40",
        "39.50",
        "TianheWu/CoSeR#10",
    ),
    "a100-80gb": Gpu(
        80,
        (
            "NVIDIA A100-SXM4-80GB",
            "NVIDIA A100-SXM-80GB",
            "NVIDIA A100-PCIE-80GB",
            "NVIDIA A100 80GB PCIe",
        ),
        "79.14",
        "79.25",
        "lianqi1008/Control-GIC#6",
    ),
    "a800": Gpu(80, ("NVIDIA A800-SXM4-80GB", "NVIDIA A800 80GB PCIe")),
    "l4": Gpu(24, ("NVIDIA L4",), "21.96", "21.96", "rhymes-ai/Aria#24"),
    "l40": Gpu(48, ("NVIDIA L40",), "44.40", "44.40", "QwenLM/Qwen3-VL#2097"),
    "l40s": Gpu(48, ("NVIDIA L40S",), "44.42", "44.42", "stepfun-ai/Step-Video-T2V#8"),
    "h20": Gpu(96, ("NVIDIA H20",), "95.08", "95.08", "sgl-project/sglang#10736"),
    "h100": Gpu(
        80, ("NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe"), "79.10", "79.11", "huggingface/trl#2688"
    ),
    "h100nvl": Gpu(94, ("NVIDIA H100 NVL",)),
    "h800": Gpu(80, ("NVIDIA H800", "NVIDIA H800 PCIe")),
    "h200": Gpu(141, ("NVIDIA H200", "NVIDIA H200 NVL")),
    "gh200": Gpu(96, ("NVIDIA GH200 480GB", "NVIDIA GH200 120GB")),
    "b200": Gpu(180, ("NVIDIA B200",)),
    "gb200": Gpu(186, ("NVIDIA GB200",)),
    # Jetson: memory that the processor and the GPU share
    "jetson-nano-4gb": Gpu(4, ("NVIDIA Tegra X1",)),
    "jetson-tx2": Gpu(8, ("NVIDIA Tegra X2",)),
    "jetson-xavier-nx-8gb": Gpu(8, ("Xavier",)),
    "jetson-xavier-nx-16gb": Gpu(16, ("Xavier",)),
    "jetson-agx-xavier-32gb": Gpu(32, ("Xavier",)),
    "jetson-agx-xavier-64gb": Gpu(64, ("Xavier",)),
    "jetson-orin-nano-4gb": Gpu(4, ("Orin (nvgpu)", "Orin")),
    "jetson-orin-nano-8gb": Gpu(8, ("Orin (nvgpu)", "Orin")),
    "jetson-orin-nx-8gb": Gpu(8, ("Orin (nvgpu)", "Orin")),
    "jetson-orin-nx-16gb": Gpu(16, ("Orin (nvgpu)", "Orin")),
    "jetson-agx-orin-32gb": Gpu(32, ("Orin (nvgpu)", "Orin")),
    "jetson-agx-orin-64gb": Gpu(64, ("Orin (nvgpu)", "Orin")),
    "jetson-agx-orin-industrial": Gpu(
        64, ("Orin (nvgpu)", "Orin"), "53.50", "53.50", "OE4T/meta-tegra#2088"
    ),
    "jetson-thor": Gpu(128, ("NVIDIA Thor",)),
}
"""Name of `--limit` → the card. Of the sizes that share a name the one that is meant by it alone
comes first."""

_MAKERS = ("nvidia", "geforce", "tesla")


def gpu_names(name: str) -> list[str]:
    """The names in `GPUS` that one in any spelling may mean: one, none, or several sizes of it.

    >>> gpu_names("A100"), gpu_names("V100 32GB"), gpu_names("NVIDIA H100 80GB HBM3")
    (['a100-40gb', 'a100-80gb'], ['v100-32gb'], ['h100'])
    """
    asked = _bare(name)
    spellings = _spellings()
    return list(spellings.get(asked, ()))


def nearest_gpu(name: str) -> str | None:
    """The name in `GPUS` that one that is in none of them is a slip of.

    Letters that changed places are one slip, not two, as they are to who types them.

    >>> nearest_gpu("rtx4900"), nearest_gpu("abacus")
    ('rtx4090', None)
    """
    asked = _bare(name)
    most = 1 + (len(asked) > 6)
    slips = {
        known: _slips(asked, bare)
        for known in GPUS
        if abs(len(bare := _bare(known)) - len(asked)) <= most  # each letter more is a slip
    }
    near = min(slips, key=slips.__getitem__, default=None)
    return near if near and slips[near] <= most and slips[near] < len(asked) / 2 else None


@lru_cache(maxsize=1)
def _spellings() -> dict[str, tuple[str, ...]]:
    """Every spelling without signs → what it may mean.

    A name of the table is that card; one with its memory behind it is too; one that `nvidia-smi`
    prints, or without its memory, is every size that goes by it.
    """
    exact: dict[str, tuple[str, ...]] = {}
    shared: dict[str, list[str]] = {}
    for known, gpu in GPUS.items():
        exact[_bare(known)] = (known,)
        exact[f"{_bare(known)}{gpu.nominal}gb"] = (known,)
        names = {_bare(each) for each in gpu.printed}
        names.add(_bare(re.sub(r"-[0-9]+gb$", "", known)))
        if known.startswith("rtxa"):
            names |= {each.removeprefix("rtx") for each in names | {_bare(known)}}
        for each in names:
            shared.setdefault(each, []).append(known)
    return {each: tuple(cards) for each, cards in shared.items()} | exact


def _bare(name: str) -> str:
    """Letters and digits alone, in small, without the maker and the word GPU."""
    bare = "".join(each for each in name.lower() if each.isalnum())
    while maker := next((each for each in _MAKERS if bare.startswith(each)), ""):
        bare = bare.removeprefix(maker)
    return bare.replace("laptopgpu", "laptop")


def _slips(one: str, other: str) -> int:
    """How many letters to change, leave out, add or swap with their neighbour for one to be other.

    The distance of optimal string alignment.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
