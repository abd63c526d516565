// Running one pickle of a PyTorch file into the document, with what it would call noted in the facts.
#pragma once

#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "formats/format.h"
#include "formats/torch_common/call_facts.h"
#include "formats/torch_common/persistent.h"
#include "pickle/machine.h"

namespace sconce::formats::pytorch {

/// What the pickles of a file would call, and what is odd about them.
struct PickleNotes {
  torch_common::CallLog calls;
  std::vector<std::string> oddities;
  void tell(FileFacts& facts);
};

/// Runs the pickle at the reader's position. `record`: the archive's entry, for messages and facts; empty in a stream.
/// Errors: those of the machine and the resolver, with offsets; `notes` has what was called before.
[[nodiscard]] pickle::MachineResult run_torch_pickle(const OpenContext& context, ByteReader& reader,
                                                     torch_common::PersistentLoader& persistent,
                                                     const std::string& record, PickleNotes& notes);

/// Runs a pickle that may hold plain values only: magic number, version, lists of keys. Any name or persistent id is
/// `damaged`.
[[nodiscard]] pickle::MachineResult run_plain_pickle(tree::Document& document, ByteReader& reader);

}  // namespace sconce::formats::pytorch
