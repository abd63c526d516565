// Is a file whole? Everything that can be checked without knowing what the numbers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/error.h>
#include <sconce/export.h>
#include <sconce/options.h>

namespace sconce {
inline namespace v0 SCONCE_API {

struct VerifyOptions {
  Limits limits;
  /// Threads that read; 0: as many as the process may use.
  unsigned threads = 0;
  ProgressFunction progress;
  std::stop_token cancel;
};

/// One thing that is not as it should be.
struct VerifyFinding {
  enum class Severity : std::uint8_t {
    note,   ///< worth knowing: a record that nothing uses, a checksum that was not recorded
    wrong,  ///< the file is not what was written, or cannot be trusted
  };
  Severity severity = Severity::wrong;
  std::string message;
  ErrorPlace place;
  std::string advice;
};

struct VerifyReport {
  std::string file;
  std::string format;
  bool whole = true;                        ///< no finding is `wrong`
  std::uint64_t bytes = 0;                  ///< size of the file
  std::uint64_t bytes_read = 0;             ///< that were read for checksums and contents
  std::uint64_t records = 0;                ///< entries of the archive, or storages of a stream
  std::uint64_t checksums = 0;              ///< that were compared
  std::uint64_t checksums_not_recorded = 0;
  std::uint64_t tensors = 0;                ///< proven inside their storages
  std::uint64_t unused_records = 0;
  double seconds = 0;
  std::vector<VerifyFinding> findings;
};

/// Walk the whole file: structure, every checksum, every view inside its storage, contents of sparse indices and nested
/// sizes, every record used or explained. A file that cannot be walked throws, as load() does; a wrong checksum is a
/// finding.
[[nodiscard]] VerifyReport verify(const std::string& path, const VerifyOptions& options = {});
[[nodiscard]] VerifyReport verify(SourcePtr source, const VerifyOptions& options = {});

}  // namespace v0
}  // namespace sconce
