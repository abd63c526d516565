// `.npz`: a zip archive of arrays.
#include <string>
#include <utility>
#include <vector>

#include "archive/zip_check.h"
#include "base/fail.h"
#include "base/slice.h"
#include "formats/numpy/array.h"
#include "formats/numpy/reader.h"

namespace sconce::formats::numpy {

namespace {

using archive::ZipArchive;
using archive::ZipEntry;

constexpr std::string_view kSuffix = ".npy";

/// Elements stand in their record behind a header of some bytes.
class NpzOrigin final : public StorageOrigin {
 public:
  explicit NpzOrigin(std::shared_ptr<const ZipArchive> zip) : zip_(std::move(zip)) {}

  /// Returns the handle. Before the origin is shared only.
  std::uint64_t add(const ZipEntry& entry, std::uint64_t begin) {
    places_.push_back({zip_->index_of(entry), begin});
    return places_.size() - 1;
  }

  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    return slice(zip_->open_entry(entry(handle)), places_[handle].begin, nbytes);
  }
  [[nodiscard]] std::string record(std::uint64_t handle) const override {
    return std::string(zip_->name(entry(handle)));
  }
  [[nodiscard]] bool views_last(std::uint64_t handle) const override { return entry(handle).method == 0; }

 private:
  struct Place {
    std::size_t entry;
    std::uint64_t begin;
  };
  [[nodiscard]] const ZipEntry& entry(std::uint64_t handle) const noexcept {
    return zip_->entries()[places_[handle].entry];
  }

  std::shared_ptr<const ZipArchive> zip_;
  std::vector<Place> places_;
};

class NpzFile final : public OpenedFile {
 public:
  explicit NpzFile(std::shared_ptr<const ZipArchive> zip) : zip_(std::move(zip)) {}

  [[nodiscard]] std::vector<RecordCheck> records(const std::vector<bool>&) const override {
    std::vector<RecordCheck> checks;
    for (const ZipEntry& entry : zip_->entries()) {
      RecordCheck check;
      check.record = std::string(zip_->name(entry));
      check.file_offset = entry.header_offset;
      check.size = entry.size;
      check.crc32 = entry.crc32;
      check.open = [zip = zip_, &entry] {
        archive::CheckedRecord record = archive::open_checked(*zip, entry);
        return OpenedRecord{std::move(record.bytes), std::move(record.note)};
      };
      checks.push_back(std::move(check));
    }
    return checks;
  }

 private:
  std::shared_ptr<const ZipArchive> zip_;
};

/// Puts the arrays of an archive into a dict, under their names.
class NpzReader {
 public:
  explicit NpzReader(const OpenContext& context)
      : context_(context), zip_(*context.zip), origin_(std::make_shared<NpzOrigin>(context.zip)) {}

  Opened run() {
    opened_.document = context_.document;
    const StorageOrigin* origin = context_.document->keep_origin(origin_);
    const tree::NodeId root = context_.document->dict();
    for (const ZipEntry& entry : zip_.entries())
      with_place(in_record(std::string(zip_.name(entry))), [&] { read(entry, origin, root); });
    opened_.roots.push_back(root);
    for (const archive::ZipOddity& oddity : zip_.oddities()) opened_.facts.notes.push_back(oddity.message);
    opened_.facts.only_tensors = true;
    opened_.facts.producer = compressed_ ? "numpy.savez_compressed" : "numpy.savez";
    opened_.file = std::make_shared<NpzFile>(context_.zip);
    return std::move(opened_);
  }

 private:
  void read(const ZipEntry& entry, const StorageOrigin* origin, tree::NodeId root) {
    const std::string_view name = zip_.name(entry);
    const std::string_view key = name.substr(0, name.size() - kSuffix.size());
    compressed_ = compressed_ || entry.method != 0;
    const SourcePtr bytes = zip_.open_head(entry);
    Header header = read_header(*bytes, 0);
    context_.budget->grow(header.end);
    if (!element_type(header.descr) && !why_not_numbers(header.descr).objects) return keep_apart(entry, header.descr);
    const Array array = describe(std::move(header), *bytes);
    if (array.header.end + array.nbytes != entry.size)
      opened_.facts.notes.push_back("bytes follow the elements in record " + std::string(name));
    if (!opened_.facts.byte_order) opened_.facts.byte_order = array.type.order;
    context_.budget->charge(2 * sizeof(std::uint64_t));
    const std::uint64_t handle = origin_->add(entry, array.header.end);
    (void)context_.document->dict_set(root, context_.document->str(key),
                                      make_tensor(*context_.document, array, origin, handle));
  }

  /// Text and dates are no tensors, but no reason to refuse the tensors beside them.
  void keep_apart(const ZipEntry& entry, std::string_view descr) {
    const std::string name(zip_.name(entry));
    opened_.facts.notes.push_back("record " + name + " is kept as bytes: " + why_not_numbers(descr).message);
    opened_.facts.extras.push_back({name, zip_.open_entry(entry)});
  }

  const OpenContext& context_;
  const ZipArchive& zip_;
  std::shared_ptr<NpzOrigin> origin_;
  Opened opened_;
  bool compressed_ = false;
};

}  // namespace

bool is_npz(const Sniff& sniff) {
  if (!sniff.zip) return false;
  for (const ZipEntry& entry : sniff.zip->entries())
    if (!sniff.zip->name(entry).ends_with(kSuffix)) return false;
  return true;
}

Opened open_npz(const OpenContext& context) { return NpzReader(context).run(); }

}  // namespace sconce::formats::numpy
