// Names of what stands beside the tree, as records of an archive. Records of other programs keep their names; a key of
// safetensors' metadata can be any text ("version", "a/../b"), and gets a record that no PyTorch takes for its own.
#pragma once

#include <string>
#include <string_view>

namespace sconce::formats::pytorch {

/// Whether a part's name can be a record's.
[[nodiscard]] bool can_be_record(std::string_view part);
/// A record for any part: `sconce_beside/` and the name with every byte but a-z, 0-9, '.', '_' and '-' as %XX, so that
/// no two differ only in case.
[[nodiscard]] std::string escaped_record(std::string_view part);
/// The part of a record of either kind.
[[nodiscard]] std::string extra_part_name(std::string_view record);

}  // namespace sconce::formats::pytorch
