#!/usr/bin/env python3
"""Writes small_float_tables.h: what PyTorch makes of all 256 patterns of each float8 dtype (2.8 or newer has them all)."""
import pathlib

import torch

DTYPES = ["float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu"]


def text(value: float) -> str:
    if value != value:
        return "kNaN"
    if value in (float("inf"), float("-inf")):
        return "kInfinity" if value > 0 else "-kInfinity"
    return value.hex()


lines = [
    f"// What PyTorch {torch.__version__.split('+')[0]} makes of every float8. Written by make_small_float_tables.py.",
    "#pragma once",
    "",
    "#include <limits>",
    "",
    "namespace sconce::test {",
    "",
    "inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();",
    "inline constexpr double kInfinity = std::numeric_limits<double>::infinity();",
    "",
    "// clang-format off",
]
for name in DTYPES:
    values = torch.arange(256, dtype=torch.int32).to(torch.uint8).view(getattr(torch, name)).to(torch.float32).tolist()
    lines.append(f"inline constexpr double k_{name}[256] = {{")
    for row in range(0, 256, 8):
        lines.append("    " + " ".join(text(value) + "," for value in values[row : row + 8]))
    lines.append("};")
lines += ["// clang-format on", "", "}  // namespace sconce::test", ""]
pathlib.Path(__file__).with_name("small_float_tables.h").write_text("\n".join(lines))
