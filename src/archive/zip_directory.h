// The central directory, read from front to back into compact entries.
#pragma once

#include <cstdint>
#include <memory>

#include "archive/end_record.h"
#include "archive/extra_field.h"
#include "archive/oddities.h"
#include "archive/zip_reader.h"
#include "base/budget.h"
#include "base/byte_reader.h"

namespace sconce::archive {

/// Makes a ZipArchive. Everything that the directory alone can prove is proven here.
class ZipDirectoryReader {
 public:
  ZipDirectoryReader(SourcePtr source, const Limits& limits, MemoryBudget& budget);
  [[nodiscard]] std::shared_ptr<const ZipArchive> read();

 private:
  void read_entries();
  void read_entry(ByteReader& reader);
  void check_name(std::string_view name, std::uint64_t at);
  void take_wide_fields(ZipEntry& entry, std::string_view extra, std::string_view name, std::uint64_t at);
  void check_entry(const ZipEntry& entry, std::string_view name, std::uint64_t at);
  void index_names();
  void refuse_equal_names();
  [[noreturn]] static void two_of(std::string_view name);
  void order_entries();
  void refuse_overlaps();
  void find_root();

  std::shared_ptr<ZipArchive> archive_;
  MemoryBudget& budget_;
  Oddities oddities_;
  EndRecord end_;
};

}  // namespace sconce::archive
