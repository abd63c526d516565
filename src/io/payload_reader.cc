#include "io/payload_reader.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "base/fail.h"
#include "base/hash.h"

namespace sconce::io {
namespace {

// What is read at once: the checksum is computed while the bytes are still in the second level cache.
constexpr std::size_t kPiece = std::size_t{256} << 10;

std::string hex(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

}  // namespace

template <typename Body>
void PayloadReader::in_place(Body&& body) const {
  try {
    body();
  } catch (Error& error) {
    ErrorPlace place;
    if (source_) place.file = source_->name();
    place.record = payload_.record();
    place.key = payload_.key();
    error.add_place(place);
    throw;
  }
}

PayloadReader::PayloadReader(const Payload& payload, std::uint64_t size) : payload_(payload) {
  in_place([&] {
    source_ = payload_.open();
    check_size(size);
  });
}

void PayloadReader::read(std::span<std::byte> into) {
  in_place([&] {
    while (!into.empty()) {
      const std::span<std::byte> piece = into.first(std::min(into.size(), kPiece));
      source_->read_at(offset_, piece);
      crc_ = crc32(crc_, piece);
      offset_ += piece.size();
      into = into.subspan(piece.size());
    }
  });
}

std::uint32_t PayloadReader::finish(bool ignore) const {
  if (!ignore) {
    in_place([&] {
      if (const std::uint32_t expected = payload_.expected_crc32().value_or(0); expected != 0) check(expected);
    });
  }
  return crc_;
}

void PayloadReader::check_size(std::uint64_t size) const {
  if (const std::uint64_t found = source_->size(); found != size) {
    fail(found < size ? ErrorCode::truncated : ErrorCode::damaged,
         std::to_string(size) + " bytes expected, but the data has " + std::to_string(found), {},
         "fetch the file again");
  }
}

void PayloadReader::check(std::uint32_t expected) const {
  if (crc_ == expected) return;
  fail(ErrorCode::checksum, "the CRC-32 of the data is " + hex(crc_) + ", but the file records " + hex(expected), {},
       "fetch the file again, or --ignore-checksums to go on");
}

}  // namespace sconce::io
