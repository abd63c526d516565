#include "formats/pytorch/extra_names.h"

#include <algorithm>
#include <charconv>

#include "archive/name_index.h"
#include "base/text.h"

namespace sconce::formats::pytorch {
namespace {

constexpr std::string_view kFolder = "sconce_beside/";

// Records that make PyTorch take the archive for something else, or expect another layout of it.
constexpr std::string_view kReserved[] = {
    "data.pkl",
    "version",
    "byteorder",
    ".format_version",
    ".storage_alignment",
    "constants.pkl",
    "model.json",
    "bytecode.pkl",
    "archive_format",
    "attributes.pkl",
    ".data/version",
    ".data/serialization_id",
    ".data/extern_modules",
    "serialized_exported_program.json",
};

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() < 4096 && is_utf8(name) && name.front() != '/' && name.back() != '/' &&
         ("/" + std::string(name) + "/").find("/../") == std::string::npos && std::ranges::none_of(name, [](char c) {
           return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

bool is_reserved(std::string_view name) {
  const std::string lower = archive::folded(name);
  return std::ranges::find(kReserved, lower) != std::end(kReserved) || lower.starts_with("data/") ||
         lower.starts_with(kFolder);
}

bool stays(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; }

}  // namespace

bool can_be_record(std::string_view part) { return is_plain(part) && !is_reserved(part); }

std::string escaped_record(std::string_view part) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string record(kFolder);
  if (part.empty()) return record + "%";
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (stays(c))
      record += c;
    else
      ((record += '%') += kHex[byte >> 4]) += kHex[byte & 15];
  }
  return record;
}

std::string extra_part_name(std::string_view record) {
  if (!record.starts_with(kFolder)) return std::string(record);
  std::string part;
  for (std::size_t at = kFolder.size(); at < record.size(); ++at) {
    unsigned byte = 0;
    const char* digits = record.data() + at + 1;
    if (record[at] == '%' && record.size() - at > 2 &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      part += static_cast<char>(byte);
      at += 2;
    } else if (record[at] != '%') {
      part += record[at];
    }
  }
  return part;
}

}  // namespace sconce::formats::pytorch
