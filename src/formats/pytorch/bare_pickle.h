// Reading pickles that no torch.save wrote: pickle.dump of something that holds tensors or arrays.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

/// Whether the first bytes are a pickle's: a PROTO opcode, or a text protocol whose first opcodes run.
[[nodiscard]] bool is_bare_pickle(const Sniff& sniff);
[[nodiscard]] Opened open_bare_pickle(const OpenContext& context);

}  // namespace sconce::formats::pytorch
