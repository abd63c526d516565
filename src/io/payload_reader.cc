#include "io/payload_reader.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "base/fail.h"
#include "base/hash.h"

namespace sconce::io {
namespace {

// What is read at once, of what is at hand: the checksum is computed while the bytes are still in the second level
// cache.
constexpr std::size_t kPiece = std::size_t{256} << 10;

std::string hex(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

template <typename Body>
void in_place(const Payload& payload, const ByteSource* source, Body&& body) {
  try {
    body();
  } catch (Error& error) {
    ErrorPlace place;
    if (source != nullptr) place.file = source->name();
    place.record = payload.record();
    place.key = payload.key();
    error.add_place(place);
    throw;
  }
}

void check_size(const ByteSource& source, std::uint64_t size) {
  if (const std::uint64_t found = source.size(); found != size) {
    fail(found < size ? ErrorCode::truncated : ErrorCode::damaged,
         std::to_string(size) + " bytes expected, but the data has " + std::to_string(found), {},
         "fetch the file again");
  }
}

}  // namespace

SourcePtr open_payload(const Payload& payload, std::uint64_t size) {
  SourcePtr source;
  in_place(payload, source.get(), [&] { source = payload.open(); });
  in_place(payload, source.get(), [&] { check_size(*source, size); });
  return source;
}

void read_payload(const Payload& payload, const ByteSource& source, std::uint64_t offset, std::span<std::byte> into) {
  in_place(payload, &source, [&] { source.read_at(offset, into); });
}

PayloadReader::PayloadReader(const Payload& payload, std::uint64_t size)
    : payload_(payload),
      source_(open_payload(payload, size)),
      piece_(payload.home() == Payload::Home::device ? SIZE_MAX : kPiece) {}

void PayloadReader::read(std::span<std::byte> into) {
  while (!into.empty()) {
    const std::span<std::byte> piece = into.first(std::min(into.size(), piece_));
    read_payload(payload_, *source_, offset_, piece);
    crc_ = crc32(crc_, piece);
    offset_ += piece.size();
    into = into.subspan(piece.size());
  }
}

std::uint32_t PayloadReader::finish(bool ignore) const {
  if (ignore) return crc_;
  in_place(payload_, source_.get(), [&] {
    if (const std::uint32_t expected = payload_.expected_crc32().value_or(0); expected != 0) check(expected);
  });
  return crc_;
}

void PayloadReader::check(std::uint32_t expected) const {
  if (crc_ == expected) return;
  fail(ErrorCode::checksum, "the CRC-32 of the data is " + hex(crc_) + ", but the file records " + hex(expected), {},
       "fetch the file again, or --ignore-checksums to go on");
}

}  // namespace sconce::io
