#include "tensor/pieces.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce::tensor {
namespace {

/// Bytes [begin, end) of the whole are those of `source` from `skip` on.
struct Stretch {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t skip;
  SourcePtr source;
};

class PiecesSource final : public ByteSource {
 public:
  /// `stretches`: in order, apart from one another, none empty.
  PiecesSource(std::vector<Stretch> stretches, std::uint64_t size, std::string name)
      : stretches_(std::move(stretches)), size_(size), name_(std::move(name)) {}

  std::uint64_t size() const override { return size_; }
  const std::string& name() const noexcept override { return name_; }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    check(offset, into.size());
    for (auto at = first_behind(offset); !into.empty(); ++at) {
      const std::uint64_t next = at == stretches_.end() ? size_ : at->begin;
      if (offset < next) {
        const auto gap = static_cast<std::size_t>(std::min<std::uint64_t>(next - offset, into.size()));
        std::memset(into.data(), 0, gap);
        offset += gap;
        into = into.subspan(gap);
      }
      if (into.empty()) return;
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(at->end - offset, into.size()));
      at->source->read_at(at->skip + (offset - at->begin), into.first(taken));
      offset += taken;
      into = into.subspan(taken);
    }
  }

  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    check(offset, size);
    const auto at = first_behind(offset);
    return covers(at, offset, size) ? at->source->view(at->skip + (offset - at->begin), size) : nullptr;
  }

  std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const override {
    check(offset, size);
    const auto at = first_behind(offset);
    if (!covers(at, offset, size)) return std::nullopt;
    return at->source->extent(at->skip + (offset - at->begin), size);
  }

 private:
  using Iterator = std::vector<Stretch>::const_iterator;

  void check(std::uint64_t offset, std::uint64_t size) const {
    if (!fits(offset, size, size_)) past_end(*this, offset, size);
  }
  /// The first stretch that ends behind `offset`.
  Iterator first_behind(std::uint64_t offset) const {
    return std::ranges::upper_bound(stretches_, offset, {}, &Stretch::end);
  }
  bool covers(Iterator at, std::uint64_t offset, std::uint64_t size) const {
    return at != stretches_.end() && at->begin <= offset && size <= at->end - offset;
  }

  std::vector<Stretch> stretches_;
  std::uint64_t size_;
  std::string name_;
};

}  // namespace

SourcePtr pieces_source(std::vector<Piece> pieces, std::uint64_t size, std::string name) {
  std::ranges::stable_sort(pieces, {}, &Piece::offset);
  std::vector<Stretch> stretches;
  stretches.reserve(pieces.size());
  std::uint64_t covered = 0;
  for (Piece& piece : pieces) {
    const std::uint64_t length = piece.source->size();
    if (!fits(piece.offset, length, size)) {
      fail(ErrorCode::invalid_argument, "a piece of " + std::to_string(length) + " bytes at byte " +
                                            std::to_string(piece.offset) + " does not fit into " +
                                            std::to_string(size) + " bytes");
    }
    const std::uint64_t begin = std::max(piece.offset, covered);
    const std::uint64_t end = piece.offset + length;
    if (begin >= end) continue;
    stretches.push_back({begin, end, begin - piece.offset, std::move(piece.source)});
    covered = end;
  }
  if (stretches.size() == 1 && stretches[0].begin == 0 && stretches[0].end == size) return stretches[0].source;
  return std::make_shared<PiecesSource>(std::move(stretches), size, std::move(name));
}

}  // namespace sconce::tensor
