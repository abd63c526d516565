// The header of an `.npy` array: a Python dict in text, read by a parser that knows these dicts and nothing else.
//
// Facts: NumPy's NEP 1 and numpy/lib/_format_impl.py; docs/formats/numpy.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>

namespace sconce::formats::numpy {

inline constexpr std::string_view kMagic("\x93NUMPY", 6);

/// What a header says.
struct Header {
  std::string descr;  ///< "<f4"; for records of several fields, their list as it stands there
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::uint64_t end = 0;  ///< byte of the source behind the header: the first element
};

/// Reads magic, version and header from byte `begin` on, and nothing behind them. Errors: `truncated`; `unsupported`
/// for a version that does not exist yet; `damaged` where the dict is not what NumPy writes; `limit` for a header that
/// is longer than any array of numbers needs.
[[nodiscard]] Header read_header(const ByteSource& source, std::uint64_t begin);

/// The dict alone; `offset` is that of its first byte, for Errors. `long_suffix`: integers may end in L, as Python 2
/// wrote them.
[[nodiscard]] Header parse_header(std::string_view text, std::uint64_t offset, bool long_suffix);

}  // namespace sconce::formats::numpy
