// Casts that are done when bytes are read.
#pragma once

#include <bit>
#include <memory>
#include <optional>

#include <sconce/byte_source.h>
#include <sconce/dtype.h>
#include <sconce/tensor.h>
#include <sconce/transfer.h>

namespace sconce::tensor {

/// What a cast storage is made of, for who can cast elsewhere (on a device).
struct CastFacts {
  SourcePtr inner;  ///< whole elements of `from`
  DType from = DType::uint8;
  DType to = DType::uint8;
  std::endian order = std::endian::native;  ///< of the inner bytes
};

/// Who casts the elements of a cast storage elsewhere adds here what became of them; later calls of cast_counts() have
/// it. From any thread. Nothing for other storages.
void add_cast_counts(const Storage& storage, const CastCounts& counts) noexcept;

/// Elements of a source as elements of `to`, in this machine's byte order. Bytes behind the last whole element are left
/// out. Reads begin and end anywhere, and keep no more than a piece of the inner source that fits the second cache.
/// Errors: `unsupported` (check_cast()), and those of reading `from`.
[[nodiscard]] SourcePtr cast_source(SourcePtr from, DType from_dtype, std::endian order, DType to);

/// A storage of the same elements in another dtype, with the same location. Nothing is read until somebody reads it.
/// Errors: `unsupported`; `limit` where it would be larger than 2^64 bytes.
[[nodiscard]] Storage cast_storage(const Storage& storage, DType from, DType to);
/// Whether cast_storage() made this storage of another.
[[nodiscard]] bool is_cast(const Storage& storage) noexcept;
/// What cast_storage() made this storage of; nothing for others. Errors: those of opening the inner storage.
[[nodiscard]] std::optional<CastFacts> cast_facts(const Storage& storage);
/// Where the bytes of a storage come from: of a cast one, those that are cast. Errors: those of opening it.
[[nodiscard]] SourcePtr plain_source(const Storage& storage);
/// What became of the elements that were read of a storage of cast_storage() since it was made, from any thread. Who
/// reads each element once has exact counts; elements that are read again are counted again.
[[nodiscard]] CastCounts cast_counts(const Storage& storage);

}  // namespace sconce::tensor
