#include "tensor/cast_source.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"
#include "tensor/cast.h"
#include "tensor/cast_count.h"
#include "tensor/storage_data.h"
#include "tensor/swap.h"

namespace sconce::tensor {
namespace {

/// CastCounts that many threads add to.
class SharedCounts {
 public:
  void add(const CastCounts& more) noexcept {
    for (std::size_t at = 0; at < kFields.size(); ++at) {
      if (const std::uint64_t value = more.*kFields[at]; value != 0)
        sums_[at].fetch_add(value, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] CastCounts get() const noexcept {
    CastCounts counts;
    for (std::size_t at = 0; at < kFields.size(); ++at) counts.*kFields[at] = sums_[at].load(std::memory_order_relaxed);
    return counts;
  }

 private:
  static constexpr std::array kFields{&CastCounts::elements,   &CastCounts::to_infinity, &CastCounts::to_nan,
                                      &CastCounts::to_largest, &CastCounts::to_zero,     &CastCounts::out_of_range};
  std::array<std::atomic<std::uint64_t>, kFields.size()> sums_{};
};

class CastSource final : public ByteSource {
 public:
  CastSource(SourcePtr inner, DType from, std::endian order, DType to, std::shared_ptr<SharedCounts> counts)
      : inner_(std::move(inner)),
        from_(from),
        to_(to),
        in_(element_size(from)),
        out_(element_size(to)),
        swap_unit_(order == std::endian::native ? 1 : info(from).swap_unit),
        count_(inner_->size() / in_),
        counter_(from, to),
        counts_(std::move(counts)) {}

  std::uint64_t size() const override { return count_ * out_; }
  const std::string& name() const noexcept override { return inner_->name(); }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size())) past_end(*this, offset, into.size());
    // Readers ask for whole elements, but for the ends of what they want.
    if (const auto skip = static_cast<std::size_t>(offset % out_); skip != 0 && !into.empty()) {
      const std::size_t taken = std::min(into.size(), out_ - skip);
      read_part(offset / out_, skip, into.first(taken));
      offset += taken;
      into = into.subspan(taken);
    }
    const std::size_t whole = into.size() / out_;
    read_whole(offset / out_, whole, into.data());
    if (const auto rest = into.subspan(whole * out_); !rest.empty()) read_part(offset / out_ + whole, 0, rest);
  }

 private:
  /// Elements at a time: what is read and what is made of it fit the second cache together.
  static constexpr std::size_t kPiece = 16384;

  void read_whole(std::uint64_t first, std::size_t count, std::byte* to) const {
    CastCounts counts;
    const std::size_t whole = count * out_;
    // Bytes that are there already are used where they lie, unless they have to be turned around first.
    const std::byte* view = swap_unit_ == 1 && count != 0 ? inner_->view(first * in_, count * in_) : nullptr;
    std::unique_ptr<std::byte[]> buffer;
    if (view == nullptr && count != 0)
      buffer = std::make_unique_for_overwrite<std::byte[]>(std::min(count, kPiece) * in_);
    for (std::size_t at = 0; at < count; at += kPiece) {
      const std::size_t piece = std::min(kPiece, count - at);
      const std::byte* elements = view != nullptr ? view + at * in_ : fetch(first + at, piece, buffer.get());
      counter_.count(elements, piece, counts);
      cast_piece(from_, elements, to_, to + at * out_, piece, whole);
    }
    if (counts_ != nullptr) counts_->add(counts);
  }

  const std::byte* fetch(std::uint64_t first, std::size_t count, std::byte* buffer) const {
    const std::span bytes(buffer, count * in_);
    inner_->read_at(first * in_, bytes);
    swap_in_place(bytes, swap_unit_);
    return buffer;
  }

  void read_part(std::uint64_t at, std::size_t skip, std::span<std::byte> into) const {
    std::array<std::byte, 16> element;
    read_whole(at, 1, element.data());
    std::memcpy(into.data(), element.data() + skip, into.size());
  }

  SourcePtr inner_;
  DType from_;
  DType to_;
  std::size_t in_;
  std::size_t out_;
  std::size_t swap_unit_;
  std::uint64_t count_;
  CastCounter counter_;
  std::shared_ptr<SharedCounts> counts_;
};

SourcePtr make_source(SourcePtr inner, DType from, std::endian order, DType to, std::shared_ptr<SharedCounts> counts) {
  check_cast(from, to);
  if (from == to && order == std::endian::native) return inner;
  if (from == to) return swapped_source(std::move(inner), info(from).swap_unit);
  return std::make_shared<CastSource>(std::move(inner), from, order, to, std::move(counts));
}

class CastOrigin final : public StorageOrigin {
 public:
  CastOrigin(Storage inner, DType from, DType to) : inner_(std::move(inner)), from_(from), to_(to) {}

  SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    const CastFacts cast = facts();
    return slice(make_source(cast.inner, from_, cast.order, to_, counts_), handle, nbytes);
  }
  /// A cast gives no views; one to the same dtype gives those of the storage inside.
  bool views_last(std::uint64_t) const override {
    return inner_.data()->origin == nullptr || inner_.data()->origin->views_last(inner_.data()->handle);
  }
  [[nodiscard]] CastFacts facts() const { return {open_storage(*inner_.data()), from_, to_, inner_.byte_order()}; }
  [[nodiscard]] CastCounts counts() const noexcept { return counts_->get(); }
  void count(const CastCounts& more) const noexcept { counts_->add(more); }

 private:
  Storage inner_;
  DType from_;
  DType to_;
  std::shared_ptr<SharedCounts> counts_ = std::make_shared<SharedCounts>();
};

struct CastHolder {
  CastHolder(const Storage& inner, DType from, DType to) : origin(inner, from, to), location(inner.location()) {}
  CastOrigin origin;
  std::string location;
  StorageData data;
};

const CastOrigin* origin_of(const Storage& storage) noexcept {
  return dynamic_cast<const CastOrigin*>(storage.data()->origin);
}

}  // namespace

SourcePtr cast_source(SourcePtr from, DType from_dtype, std::endian order, DType to) {
  return make_source(std::move(from), from_dtype, order, to, nullptr);
}

Storage cast_storage(const Storage& storage, DType from, DType to) {
  check_cast(from, to);
  const auto nbytes = bytes_of(to, storage.nbytes() / element_size(from));
  if (!nbytes)
    fail(ErrorCode::limit, "a storage of " + std::to_string(storage.nbytes()) + " bytes would have more than 2^64 as " +
                               std::string(to_string(to)));
  const auto holder = std::make_shared<CastHolder>(storage, from, to);
  holder->data = {
      .origin = &holder->origin,
      .handle = 0,
      .nbytes = *nbytes,
      .location = &holder->location,
      .dtype = to,
      .typed = storage.dtype().has_value(),
  };
  return Storage(std::shared_ptr<const StorageData>(holder, &holder->data));
}

bool is_cast(const Storage& storage) noexcept { return origin_of(storage) != nullptr; }

std::optional<CastFacts> cast_facts(const Storage& storage) {
  const CastOrigin* origin = origin_of(storage);
  return origin != nullptr ? std::optional(origin->facts()) : std::nullopt;
}

void add_cast_counts(const Storage& storage, const CastCounts& counts) noexcept {
  if (const CastOrigin* origin = origin_of(storage)) origin->count(counts);
}

SourcePtr plain_source(const Storage& storage) {
  const CastOrigin* origin = origin_of(storage);
  return origin != nullptr ? origin->facts().inner : open_storage(*storage.data());
}

CastCounts cast_counts(const Storage& storage) {
  const CastOrigin* origin = origin_of(storage);
  return origin != nullptr ? origin->counts() : CastCounts{};
}

}  // namespace sconce::tensor
