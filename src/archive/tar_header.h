// One header block of a tar archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sconce::archive {

inline constexpr std::size_t kTarBlock = 512;

/// What a header block says, its checksum checked by is_tar_header().
struct TarHeader {
  std::string name;
  std::optional<std::uint64_t> size;  ///< nothing where the field holds no number from 0 to 2^63 - 1
  char type = '0';
};

[[nodiscard]] TarHeader parse_tar_header(std::string_view block);

/// A number field: octal digits between blanks, or base 256 where the first byte is 0x80 (GNU). Nothing where it is
/// neither, negative, or 2^63 and more.
[[nodiscard]] std::optional<std::uint64_t> tar_number(std::string_view field) noexcept;

/// What PAX records change of the header that follows them.
struct PaxOverrides {
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;
  bool sparse = false;  ///< GNU.sparse.*: the content is a map and pieces
};

/// Reads PAX records ("LENGTH KEY=VALUE\n" behind one another) on top of what is known. False where they are malformed.
[[nodiscard]] bool parse_pax(std::string_view records, PaxOverrides& overrides);

}  // namespace sconce::archive
