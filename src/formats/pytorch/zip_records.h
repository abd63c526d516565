// The records of a torch.save archive: which there are, what each is for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/zip_reader.h"
#include "formats/format.h"

namespace sconce::formats::pytorch {

/// Looks records up as PyTorch does: under the root folder, exact names first, then without regard to ASCII case.
class Records {
 public:
  explicit Records(std::shared_ptr<const archive::ZipArchive> zip)
      : zip_(std::move(zip)), root_(folder_of_first(*zip_)) {}

  [[nodiscard]] const archive::ZipArchive& zip() const noexcept { return *zip_; }
  [[nodiscard]] const std::shared_ptr<const archive::ZipArchive>& archive_handle() const noexcept { return zip_; }
  /// The folder of the first entry; empty where it has none.
  [[nodiscard]] std::string_view root() const noexcept { return root_; }
  /// Errors: `damaged` where some entry lies outside of the root: PyTorch since 1.7 refuses such files.
  void check_root() const;
  [[nodiscard]] const archive::ZipEntry* find(std::string_view record) const;

  /// Numbers of the entries `data/<key>`, in directory order.
  [[nodiscard]] std::vector<std::uint32_t> storage_entries() const;
  /// Numbers of the entries that torch.save does not write.
  [[nodiscard]] std::vector<std::uint32_t> extra_entries() const;
  [[nodiscard]] ExtraPart extra_part(std::uint32_t entry) const;
  /// Name without the root folder; empty for an entry outside of it.
  [[nodiscard]] std::string_view record_of(const archive::ZipEntry& entry) const noexcept;

 private:
  [[nodiscard]] static std::string_view folder_of_first(const archive::ZipArchive& zip) noexcept;

  std::shared_ptr<const archive::ZipArchive> zip_;
  std::string_view root_;
};

/// What verify() needs of the archive.
class TorchZipFile final : public OpenedFile {
 public:
  /// Storages first, first + 1 … of the document are these entries.
  TorchZipFile(std::shared_ptr<const Records> records, std::uint32_t first_storage, std::vector<std::uint32_t> entries)
      : records_(std::move(records)), first_storage_(first_storage), entries_(std::move(entries)) {}
  [[nodiscard]] std::vector<RecordCheck> records(const std::vector<bool>& used_storages) const override;
  [[nodiscard]] std::uint64_t unnamed_bytes() const override;

 private:
  std::shared_ptr<const Records> records_;
  std::uint32_t first_storage_;
  std::vector<std::uint32_t> entries_;
};

}  // namespace sconce::formats::pytorch
