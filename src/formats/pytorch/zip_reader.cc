#include "formats/pytorch/zip_reader.h"

#include <charconv>
#include <string>
#include <unordered_map>

#include "base/fail.h"
#include "base/text.h"
#include "formats/pytorch/torch_pickle.h"
#include "formats/pytorch/zip_records.h"

namespace sconce::formats::pytorch {

namespace {

using archive::ZipArchive;
using archive::ZipEntry;
using torch_common::StorageId;

/// Storages are records `data/<key>` of the archive.
class ZipStorages final : public torch_common::StorageLoader {
 public:
  ZipStorages(tree::Document& document, const Records& records, std::endian byte_order)
      : StorageLoader(document),
        records_(records),
        byte_order_(byte_order),
        origin_(document.keep_origin(std::make_shared<archive::ZipOrigin>(records.archive_handle()))) {}

  [[nodiscard]] const std::vector<std::uint32_t>& storage_records() const noexcept { return storage_records_; }
  [[nodiscard]] std::uint32_t first_storage() const noexcept { return first_storage_; }

 protected:
  std::uint32_t first_seen(const StorageId& id) override {
    const std::string record = "data/" + std::string(id.key_text);
    const ZipEntry* entry = find(record);
    if (entry == nullptr)
      fail(ErrorCode::damaged,
           "the pickle names the storage \"" + std::string(id.key_text) + "\", but the archive has no record " + record,
           {}, "the file is incomplete; fetch it again");
    if (entry->size != id.nbytes)
      fail(ErrorCode::damaged,
           "the pickle declares " + std::to_string(id.nbytes) + " bytes for storage \"" + std::string(id.key_text) +
               "\", but record " + record + " holds " + std::to_string(entry->size),
           {}, "the file is damaged; fetch it again");
    const std::size_t index = records_.zip().index_of(*entry);
    if (claimed_.empty()) claimed_.resize(records_.zip().entries().size(), false);
    if (claimed_[index])
      fail(ErrorCode::damaged,
           "two storages of the pickle would be read from record " + record + "; their keys differ in case only", {},
           "the file is damaged or hostile; do not load it");
    claimed_[index] = true;
    StorageData data;
    data.origin = origin_;
    data.handle = index;
    data.nbytes = id.nbytes;
    data.location = document_.location(id.location);
    data.typed = id.cls.dtype.has_value();
    if (data.typed) data.dtype = *id.cls.dtype;
    data.byte_order = byte_order_;
    const std::uint32_t number = document_.new_storage(data);
    if (storage_records_.empty()) first_storage_ = number;
    storage_records_.push_back(static_cast<std::uint32_t>(data.handle));
    return number;
  }

 private:
  /// Archives have their storages in the order of the pickle, as a rule: the entry after the last one is tried first.
  const ZipEntry* find(std::string_view record) {
    const auto entries = records_.zip().entries();
    const ZipEntry* entry = expected_ < entries.size() && records_.record_of(entries[expected_]) == record
                                ? &entries[expected_]
                                : records_.find(record);
    if (entry != nullptr) expected_ = records_.zip().index_of(*entry) + 1;
    return entry;
  }

  const Records& records_;
  std::endian byte_order_;
  const StorageOrigin* origin_;
  std::size_t expected_ = 0;                    // number of the entry that the next storage probably is
  std::vector<bool> claimed_;                   // by entry number
  std::vector<std::uint32_t> storage_records_;  // entry numbers, in order of the storages made here
  std::uint32_t first_storage_ = 0;
};

constexpr std::uint64_t kSmallRecord = 1 << 20;

/// The `version` record: digits, as stoull reads them; 1 to 10 are what PyTorch opens.
std::uint64_t read_version(const Records& records, FileFacts& facts) {
  const ZipEntry* entry = records.find(".data/version");
  if (entry == nullptr)
    entry = records.find("version");
  else if (records.find("version") != nullptr)
    facts.notes.emplace_back("there are two version records");
  if (entry == nullptr)
    fail(ErrorCode::damaged, "the archive has no version record", {}, "PyTorch refuses this file, too; save it again");
  const std::string text = records.zip().read_entry(*entry, kSmallRecord);
  std::uint64_t version = 0;
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const char* first = text.data() + (begin == std::string::npos ? text.size() : begin);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), version);
  if (error != std::errc() || version == 0 || version > 10)
    fail(ErrorCode::damaged, "the version record must hold a number from 1 to 10, not \"" + text.substr(0, 32) + "\"",
         in_record(std::string(records.zip().name(*entry))),
         "a newer PyTorch may have written it; or the file is damaged");
  return version;
}

std::endian read_byte_order(const Records& records) {
  const ZipEntry* entry = records.find("byteorder");
  if (entry == nullptr) return std::endian::little;  // as torch.load since 2.1
  const std::string text = records.zip().read_entry(*entry, kSmallRecord);
  if (text == "little") return std::endian::little;
  if (text == "big") return std::endian::big;
  fail(ErrorCode::damaged, "the byteorder record must be \"little\" or \"big\", not \"" + text.substr(0, 32) + "\"",
       in_record(std::string(records.zip().name(*entry))), "PyTorch refuses this file, too; save it again");
}

/// Who wrote the archive, as far as its records and their names say.
std::string guess_producer(const Records& records, std::uint64_t version) {
  const ZipArchive& zip = records.zip();
  const ZipEntry& first = zip.entries().front();
  const bool own_layout = first.method == 0 && (first.flags & 0x0808) == 0x0808;
  if (records.find(".format_version") != nullptr) return "PyTorch 2.7 or newer";
  if (records.find("byteorder") != nullptr)
    return records.find(".data/serialization_id") != nullptr ? "PyTorch 2.1 to 2.6" : "another program than PyTorch";
  if (!own_layout) return "another program than PyTorch";
  if (version == 2) return "PyTorch 1.4 or 1.5";
  const auto storages = records.storage_entries();
  const bool pointers =
      !storages.empty() && zip.name(zip.entries()[storages.front()]).size() > zip.root().size() + 6 + 9;
  if (pointers) return "PyTorch 1.6 to 1.8";
  return zip.root() == "archive" ? "PyTorch 1.6 to 2.0" : "PyTorch 1.13 to 2.0";
}

}  // namespace

bool is_torch_zip(const Sniff& sniff) {
  if (!sniff.zip) return false;
  const Records records(sniff.zip);
  return records.find("data.pkl") != nullptr;
}

Opened open_torch_zip(const OpenContext& context) {
  Opened opened;
  opened.document = context.document;
  const auto records = std::make_shared<Records>(context.zip);
  context.zip->refuse_case_twins();
  records->check_root();
  const std::uint64_t version = read_version(*records, opened.facts);
  const std::endian byte_order = read_byte_order(*records);
  opened.facts.byte_order = byte_order;
  opened.facts.root = std::string(records->root());
  opened.facts.producer = guess_producer(*records, version);

  ZipStorages storages(*context.document, *records, byte_order);
  const ZipEntry& entry = *records->find("data.pkl");
  const std::string name(context.zip->name(entry));
  ByteReader reader(context.zip->open_entry(entry, archive::ZipUse::metadata));
  PickleNotes notes;
  const pickle::MachineResult result = run_torch_pickle(context, reader, storages, name, notes);
  notes.tell(opened.facts);
  if (!reader.at_end()) opened.facts.notes.push_back("record " + name + " goes on after the end of its pickle");
  opened.roots.push_back(result.root);

  for (const archive::ZipOddity& oddity : context.zip->oddities()) opened.facts.notes.push_back(oddity.message);
  for (const std::uint32_t extra : records->extra_entries()) {
    try {
      opened.facts.extras.push_back(records->extra_part(extra));
    } catch (const Error& error) {  // nothing of the model: worth a note, not a refusal
      opened.facts.notes.push_back("extra record " + std::string(context.zip->name(context.zip->entries()[extra])) +
                                   ": " + error.message());
    }
  }
  opened.file = std::make_shared<TorchZipFile>(records, storages.first_storage(), storages.storage_records());
  return opened;
}

}  // namespace sconce::formats::pytorch
