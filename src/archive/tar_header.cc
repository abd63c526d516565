#include "archive/tar_header.h"

#include <algorithm>
#include <charconv>

#include "archive/tar_reader.h"

namespace sconce::archive {
namespace {

// Fields of a header block: offset, size.
struct Field {
  std::size_t at, size;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kPrefix{345, 155};
constexpr std::size_t kType = 156;

constexpr std::string_view field_of(std::string_view block, Field field) { return block.substr(field.at, field.size); }

/// Up to the first zero byte.
std::string_view text_of(std::string_view field) noexcept { return field.substr(0, field.find('\0')); }

std::optional<std::uint64_t> decimal(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value > INT64_MAX) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> base_256(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    if (value >> 55 != 0) return std::nullopt;
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

/// Types whose name field is not continued in the prefix field: GNU's own.
bool is_gnu_type(char type) noexcept { return type == 'L' || type == 'K' || type == 'S'; }

}  // namespace

std::optional<std::uint64_t> tar_number(std::string_view field) noexcept {
  if (!field.empty() && field.front() == '\x80') return base_256(field.substr(1));
  std::string_view digits = text_of(field);
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
  if (digits.empty()) return 0;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool is_tar_header(std::string_view block) noexcept {
  if (block.size() != kTarBlock) return false;
  // The sum of all bytes, the field of the sum taken as blanks. Old writers summed signed bytes.
  std::int64_t plain = 8 * ' ', as_signed = 8 * ' ';
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (i >= kChecksum.at && i < kChecksum.at + kChecksum.size) continue;
    plain += static_cast<unsigned char>(block[i]);
    as_signed += static_cast<signed char>(block[i]);
  }
  const auto recorded = tar_number(field_of(block, kChecksum));
  if (!recorded || block.find_first_not_of('\0') == std::string_view::npos) return false;
  return static_cast<std::int64_t>(*recorded) == plain || static_cast<std::int64_t>(*recorded) == as_signed;
}

TarHeader parse_tar_header(std::string_view block) {
  TarHeader header;
  header.type = block[kType];
  header.size = tar_number(field_of(block, kSize));
  header.name = text_of(field_of(block, kName));
  // Python puts the prefix before the name whatever the magic says.
  if (const std::string_view prefix = text_of(field_of(block, kPrefix)); !prefix.empty() && !is_gnu_type(header.type))
    header.name = std::string(prefix) + "/" + header.name;
  if (header.type == '\0') header.type = !header.name.empty() && header.name.back() == '/' ? '5' : '0';
  if (header.type == '5') {
    while (!header.name.empty() && header.name.back() == '/') header.name.pop_back();
  }
  return header;
}

bool parse_pax(std::string_view records, PaxOverrides& overrides) {
  while (!records.empty() && records.front() != '\0') {
    const std::size_t blank = records.find(' ');
    if (blank == std::string_view::npos) return false;
    const auto length = decimal(records.substr(0, blank));
    if (!length || *length <= blank + 1 || *length > records.size() || records[*length - 1] != '\n') return false;
    const std::string_view pair = records.substr(blank + 1, *length - blank - 2);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    const std::string_view key = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (key == "path") overrides.path = value;
    if (key == "size") {
      overrides.size = decimal(value);
      if (!overrides.size) return false;
    }
    if (key.starts_with("GNU.sparse.")) overrides.sparse = true;
    records.remove_prefix(*length);
  }
  return true;
}

}  // namespace sconce::archive
