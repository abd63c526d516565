// Which class each storage is written with. One key has one class, whatever tensors view it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <sconce/dtype.h>

#include "tree/document.h"

namespace sconce::formats::torch_common {

/// What all tensors of a document together say of its storages.
class StorageUses {
 public:
  /// Looks at every node once.
  explicit StorageUses(const tree::Document& document);

  /// The dtype whose class the storage gets; nothing for UntypedStorage. A storage that tensors of one dtype view gets
  /// that dtype's class; one of several dtypes must be untyped, as torch.save's own for the newer dtypes are.
  [[nodiscard]] std::optional<DType> written_dtype(std::uint32_t storage) const noexcept;
  /// Bytes that change order together when a storage of the other byte order is written; 1 where nothing has to;
  /// nothing where its tensors contradict each other.
  [[nodiscard]] std::optional<std::size_t> swap_unit(std::uint32_t storage) const noexcept;

 private:
  struct Use {
    DType dtype = DType::uint8;
    std::uint8_t unit = 0;
    bool viewed = false;
    bool mixed = false;
    bool mixed_units = false;
  };
  const tree::Document& document_;
  std::vector<Use> uses_;
};

}  // namespace sconce::formats::torch_common
