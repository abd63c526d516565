// Storages that lie behind one another in a file, for verify(): the stream and the tar have no checksums.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/slice.h"
#include "formats/format.h"

namespace sconce::formats::pytorch {

struct StoragePlace {
  std::uint32_t storage;  ///< number in the document
  std::uint64_t offset;   ///< in the file
  std::uint64_t size;
};

class PlacedStorages final : public OpenedFile {
 public:
  PlacedStorages(SourcePtr source, std::string record, std::vector<StoragePlace> places)
      : source_(std::move(source)), record_(std::move(record)), places_(std::move(places)) {}

  [[nodiscard]] std::vector<RecordCheck> records(const std::vector<bool>& used_storages) const override {
    std::vector<RecordCheck> checks;
    checks.reserve(places_.size());
    for (const StoragePlace& place : places_) {
      RecordCheck check;
      check.record = record_;
      check.file_offset = place.offset;
      check.size = place.size;
      check.used = used_storages[place.storage];
      check.open = [source = source_, place] { return OpenedRecord{slice(source, place.offset, place.size), {}}; };
      checks.push_back(std::move(check));
    }
    return checks;
  }

 private:
  SourcePtr source_;
  std::string record_;
  std::vector<StoragePlace> places_;
};

}  // namespace sconce::formats::pytorch
