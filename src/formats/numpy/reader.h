// Reading NumPy's `.npy` arrays and `.npz` archives of them. docs/formats/numpy.md has the facts.
#pragma once

#include "formats/format.h"

namespace sconce::formats::numpy {

[[nodiscard]] bool is_npy(const Sniff& sniff);
[[nodiscard]] Opened open_npy(const OpenContext& context);
/// A zip archive whose entries all end in `.npy`.
[[nodiscard]] bool is_npz(const Sniff& sniff);
[[nodiscard]] Opened open_npz(const OpenContext& context);

}  // namespace sconce::formats::numpy
