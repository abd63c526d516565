// The bytes of storages for the writers, and what the writers tell of what they could not keep.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/format.h"
#include "formats/torch_common/encode.h"

namespace sconce::formats::pytorch {

/// Bytes of a storage, little-endian, as a payload of `plan`. The checksum that the input records for it is compared:
/// by the payload where its bytes are the record's, else by a check beside it.
[[nodiscard]] std::shared_ptr<const io::Payload> storage_payload(io::WritePlan& plan, const tree::Document& document,
                                                                 const torch_common::EncodedStorage& storage);

/// Encodes one root. What is missing goes into the report, or, unless options.drop, is an Error that lists it.
[[nodiscard]] torch_common::Encoded encode_root(const PlanContext& context, tree::NodeId root, bool legacy);

/// Errors: `unsupported` with these, unless options.drop; then they go into the report.
void drop_or_refuse(const PlanContext& context, std::vector<std::string> missing, std::string_view format);

}  // namespace sconce::formats::pytorch
