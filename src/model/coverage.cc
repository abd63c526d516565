#include "model/coverage.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"

namespace sconce {
namespace model {

namespace {

using tree::Document;
using tree::NodeId;

/// Bytes of a storage that somebody shows, as [begin, end); what lies between the elements of a strided tensor counts.
struct Range {
  std::uint32_t storage;
  std::uint64_t begin;
  std::uint64_t end;
};

void add_tensor(const Document& document, NodeId id, std::vector<Range>& ranges) {
  const tree::TensorRecord& record = document.tensor_record(id);
  if (!record.has_storage()) return;
  const std::vector<std::int64_t> strides = document.strides(record);
  std::uint64_t last = 0;
  bool empty = false;
  for (std::size_t at = 0; at < record.ndim; ++at) {
    empty = empty || record.shape()[at] == 0;
    if (!empty) last += static_cast<std::uint64_t>((record.shape()[at] - 1) * strides[at]);
  }
  // The view was proven inside its storage, so nothing here overflows.
  const std::uint64_t bits = info(record.dtype).bits;
  const auto first = static_cast<std::uint64_t>(record.offset);
  const std::uint64_t begin = first * bits / 8;
  ranges.push_back({record.storage, begin,
                    empty ? begin : (first + last + 1) * bits / 8 + ((first + last + 1) * bits % 8 != 0 ? 1 : 0)});
}

std::vector<Range> shown_ranges(const Checkpoint::State& state) {
  const Document& document = *state.document;
  std::vector<Range> ranges;
  ranges.reserve(document.storage_count());
  std::vector<bool> seen(document.node_count(), false);
  for (const NodeId root : state.roots) {
    tree::Walker walker(document, root, state.walk_limits());
    while (walker.next()) {
      if (seen[walker.node()]) continue;
      seen[walker.node()] = true;
      if (document.kind(walker.node()) == Kind::tensor) add_tensor(document, walker.node(), ranges);
      if (document.kind(walker.node()) == Kind::storage) {
        const tree::StorageSlice slice = document.storage_slice(walker.node());
        ranges.push_back({document.storage_number(walker.node()), slice.offset, slice.offset + slice.nbytes});
      }
    }
  }
  return ranges;
}

}  // namespace

Coverage coverage(const Checkpoint::State& state) {
  std::vector<Range> ranges = shown_ranges(state);
  std::ranges::sort(ranges, [](const Range& a, const Range& b) {
    return std::pair(a.storage, a.begin) < std::pair(b.storage, b.begin);
  });
  Coverage result;
  result.used.assign(state.document->storage_count(), false);
  std::vector<std::uint64_t> covered(state.document->storage_count(), 0);
  std::uint32_t storage = 0xFFFFFFFF;
  std::uint64_t reached = 0;
  for (const Range& range : ranges) {
    if (range.storage != storage) reached = 0;
    storage = range.storage;
    result.used[storage] = true;
    if (range.end > std::max(reached, range.begin)) covered[storage] += range.end - std::max(reached, range.begin);
    reached = std::max(reached, range.end);
  }
  for (std::uint32_t number = 0; number < covered.size(); ++number)
    result.unreferenced_bytes += state.document->storage_at(number).nbytes() - covered[number];
  if (state.file != nullptr) result.unreferenced_bytes += state.file->unnamed_bytes();
  return result;
}

}  // namespace model

inline namespace v0 {
std::uint64_t Checkpoint::unreferenced_bytes() const { return model::coverage(*state_).unreferenced_bytes; }
}  // namespace v0
}  // namespace sconce
