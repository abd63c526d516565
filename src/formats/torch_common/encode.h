// A tree as the pickle that torch.save would write, and the storages that it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/dtype.h>

#include "tree/document.h"

namespace sconce::formats::torch_common {

struct EncodeOptions {
  bool legacy = false;             ///< persistent ids of the stream (six parts), and only what a stream can hold
  bool keep_device = false;        ///< device tags of the tree; else "cpu"
  bool arrays_as_tensors = false;  ///< NumPy arrays become tensors; else they stay arrays
  bool old_sparse_csr = false;     ///< CSR tensors in the form of PyTorch 1.11 to 1.13
};

/// A storage that the pickle names; its key is its place in the list.
struct EncodedStorage {
  std::uint32_t storage = 0;  ///< number in the document
  std::uint64_t offset = 0;   ///< in bytes; not 0 only for a part of a storage that stands alone
  std::uint64_t nbytes = 0;
  std::uint64_t numel = 0;    ///< as the persistent id counts
  std::size_t swap_unit = 1;  ///< bytes to reverse together on the way: the source has the other byte order
};

/// Something that the target cannot hold, or that has no place in it.
struct Missing {
  tree::NodeId node;
  std::string why;
};

struct Encoded {
  std::string pickle;
  std::vector<EncodedStorage> storages;  ///< in the order in which the pickle names them first
  std::vector<Missing> missing;          ///< each node once; None stands there, or the entry is left out
  std::vector<std::string> notes;
};

/// Errors: `hostile` for names that are known to have an effect when they are loaded; `unsupported` for a tree that no
/// pickle can build; those of reading NumPy arrays, which stand in the pickle itself.
[[nodiscard]] Encoded encode_torch(const tree::Document& document, tree::NodeId root, const EncodeOptions& options);

}  // namespace sconce::formats::torch_common
