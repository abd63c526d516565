#include "archive/zip_check.h"

#include "base/fail.h"

namespace sconce::archive {

CheckedRecord open_checked(const ZipArchive& zip, const ZipEntry& entry) {
  const ZipLayout layout = zip.layout(entry);
  if (layout.descriptor == ZipLayout::Descriptor::wrong)
    fail(ErrorCode::damaged, "the data descriptor behind the record is not what the directory says", zip.place(entry),
         "the file is damaged; fetch it again");
  CheckedRecord record;
  if (layout.local_crc32_differs) record.note = "the local header gives another checksum than the directory";
  if (layout.gap != 0) record.note = std::to_string(layout.gap) + " bytes behind the record belong to nothing";
  record.bytes = zip.open_entry(entry);
  return record;
}

}  // namespace sconce::archive
