#include "formats/torch_common/encode.h"

#include <algorithm>
#include <utility>

#include "formats/torch_common/encode_limits.h"
#include "formats/torch_common/encoder.h"

namespace sconce::formats::torch_common {

Encoded encode_torch(const tree::Document& document, tree::NodeId root, const EncodeOptions& options) {
  const StorageUses uses(document);
  const EncodeLimits limits(document, root, uses, options);
  TorchEncoder encoder(document, uses, options);
  pickle::Writer writer(document, encoder, limits.left_out(), limits.protocol());

  Encoded encoded;
  encoded.pickle = writer.run(root);
  encoded.storages = std::move(encoder.storages());
  encoded.notes = std::move(encoder.notes());
  std::ranges::sort(encoded.notes);
  encoded.notes.erase(std::unique(encoded.notes.begin(), encoded.notes.end()), encoded.notes.end());
  if (limits.protocol() != 2)
    encoded.notes.emplace_back("the pickle has protocol 4, because no Python 2 name stands for one of its classes");
  std::vector<bool> told(document.node_count(), false);
  for (const tree::NodeId node : writer.missing()) {
    if (told[node]) continue;
    told[node] = true;
    encoded.missing.push_back({node, limits.why_not(node)});
  }
  return encoded;
}

}  // namespace sconce::formats::torch_common
