// The zip container alone: the directory, local headers, inflating, and the layout that verify looks at.
#include <algorithm>
#include <vector>

#include "archive/zip_reader.h"
#include "base/budget.h"
#include "fuzz.h"

namespace {

void exercise_entry(const sconce::archive::ZipArchive& zip, const sconce::archive::ZipEntry& entry) {
  using sconce::fuzzing::require;
  require(zip.find(zip.name(entry)) != nullptr, "every entry is found by its name\n");
  const sconce::archive::ZipLayout layout = zip.layout(entry);
  require(layout.payload_end <= zip.source()->size(), "records lie inside the file\n");
  const sconce::SourcePtr bytes = zip.open_entry(entry);
  require(bytes->size() == entry.size, "a record has the size that the directory gives\n");
  std::vector<std::byte> window(static_cast<std::size_t>(std::min<std::uint64_t>(bytes->size(), 1 << 16)));
  bytes->read_at(bytes->size() - window.size(), window);  // the end first: that is the harder way to inflate
  bytes->read_at(0, window);
}

}  // namespace

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  const Limits limits = small_limits();
  MemoryBudget budget(limits);
  const auto zip = archive::ZipArchive::open(memory_source(bytes), limits, budget);
  for (const archive::ZipEntry& entry : zip->entries()) {
    try {
      exercise_entry(*zip, entry);
    } catch (const Error&) {
      continue;  // one record is damaged; the others are still there
    }
  }
}
