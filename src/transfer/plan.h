// Which bytes are read together: regions in the order of their files, neighbours in runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sconce/byte_source.h>

#include "transfer/region.h"
#include "transfer/source_file.h"

namespace sconce::transfer {

/// A region that was opened.
struct Opened {
  SourcePtr source;
  std::optional<FileExtent> extent;  ///< where its bytes lie in a file as they are
};

/// A region that lies in a file.
struct Part {
  std::uint32_t region = 0;
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  [[nodiscard]] std::uint64_t end() const noexcept { return offset + size; }
};

/// Parts of one file that lie so close together that reading what is between them costs less than leaving it out.
struct Run {
  std::uint32_t file = 0;
  std::size_t first = 0;  ///< parts [first, last)
  std::size_t last = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool cast = false;  ///< one part, whose elements become others
  [[nodiscard]] std::uint64_t end() const noexcept { return offset + size; }
};

/// Positions [first, last) of Plan::made that one thread reads behind one another.
struct MadeGroup {
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Plan {
  std::vector<Opened> opened;  ///< by region; holds the files open
  std::vector<SourceFile> files;
  std::vector<Part> parts;          ///< by file and offset
  std::vector<Run> runs;            ///< in the order of their parts
  std::vector<std::uint32_t> made;  ///< regions whose read_at() makes the bytes, or that need an alignment of their own
  std::vector<MadeGroup> made_groups;

  /// Errors: `damaged`, as SourceFile.
  void check_unchanged() const;
};

/// Neighbours with fewer bytes than this between them are read together, where those bytes are not most of it.
constexpr std::uint64_t kGap = std::uint64_t{64} << 10;
/// A run, and a block, has no more bytes than this, unless one region has.
constexpr std::uint64_t kBlock = std::uint64_t{256} << 20;

/// How runs are made.
struct RunRules {
  std::uint64_t most = kBlock;       ///< bytes of a run of several parts
  std::uint64_t alone = UINT64_MAX;  ///< parts of so many bytes are a run each
  std::uint64_t unit = 1;            ///< what becomes of a run: its parts at multiples of this (a power of two) …
  std::uint64_t image = UINT64_MAX;  ///< … have at most so many bytes
  bool keeps_alignment = true;       ///< regions keep the alignment that they have in the file, so that it counts
};

/// Opens all regions in parallel. Errors: what opening throws; `truncated` and `damaged` where a source does not have
/// the bytes of its region; `io`.
[[nodiscard]] Plan make_plan(std::span<const Region> regions, const EngineOptions& options, const RunRules& rules);

/// Runs `body`, which reads the plan's files. Errors: `damaged` where one of them was changed meanwhile, which explains
/// everything else that may be wrong with it.
template <typename Body>
void while_unchanged(const Plan& plan, Body&& body) {
  try {
    std::forward<Body>(body)();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) plan.check_unchanged();
    throw;
  }
  plan.check_unchanged();
}

}  // namespace sconce::transfer
