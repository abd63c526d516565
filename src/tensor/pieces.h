// One source made of pieces of others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sconce/byte_source.h>

namespace sconce::tensor {

/// Where a source's bytes stand in a larger run.
struct Piece {
  std::uint64_t offset = 0;   ///< of its first byte
  SourcePtr source;
};

/// A source of `size` bytes in which every piece stands at its offset, and zeros stand where no piece is. Where pieces
/// overlap, the one that begins first is read (of those that begin together the first of the list), and the others fill
/// what it did not cover. Views and file extents are given where what is asked for lies in one piece. Errors:
/// `invalid_argument` where a piece ends behind `size`; reading gives those of the pieces.
[[nodiscard]] SourcePtr pieces_source(std::vector<Piece> pieces, std::uint64_t size, std::string name = "memory");

}  // namespace sconce::tensor
