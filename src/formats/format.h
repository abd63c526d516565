// What a format is: a codec between bytes and the tree. One folder and one line in registry.cc add one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/checkpoint.h>
#include <sconce/options.h>
#include <sconce/save.h>

#include "archive/zip_reader.h"
#include "base/budget.h"
#include "base/fail.h"
#include "io/write_plan.h"
#include "tree/document.h"

namespace sconce::formats {

/// The first bytes of a source, for recognising formats by content.
struct Sniff {
  static constexpr std::size_t kHead = 4096;
  SourcePtr source;
  std::string head;  ///< up to kHead bytes from the start; shorter only where the source is
  /// The directory, where the source begins as a zip archive does; it is read once, for all formats in zip archives.
  std::shared_ptr<const archive::ZipArchive> zip;
};

struct Opened;

/// What a reader gets. The budget is shared with files inside the file.
struct OpenContext {
  SourcePtr source;
  Limits limits;
  std::shared_ptr<MemoryBudget> budget;
  unsigned depth = 0;                              ///< 0 for the file itself
  std::shared_ptr<const archive::ZipArchive> zip;  ///< as in Sniff
  /// Where the values go: a new document, or that of the file around this one.
  std::shared_ptr<tree::Document> document;
  /// Opens a file inside this one: formats::open(), given here so that no format needs the registry. The caller fills
  /// source and passes `inside()`.
  Opened (*open_nested)(const OpenContext&) = nullptr;
  [[nodiscard]] OpenContext inside(SourcePtr nested) const;
};

/// A record whose headers were found in order.
struct OpenedRecord {
  SourcePtr bytes;
  std::string note;  ///< an oddity that is no error
};

/// Bytes of the file that verify() reads and, where a checksum is recorded, compares.
struct RecordCheck {
  std::string record;             ///< name; empty for a storage of a stream
  std::uint64_t file_offset = 0;  ///< for messages
  std::uint64_t size = 0;
  std::optional<std::uint32_t> crc32;  ///< recorded; zero counts as not recorded
  bool used = true;                    ///< false: no tensor and no reader needs it, nothing explains it
  /// Was read when the file was opened, or stands beside the tree, and no tensor's bytes are in it: a save that writes
  /// on what it says compares its checksum first. Those of tensors are compared as their bytes pass.
  bool metadata = false;
  std::function<OpenedRecord()> open;  ///< first touch; throws what is wrong with the record itself
};

/// What a reader keeps of its file beyond the tree, for verify().
class OpenedFile {
 public:
  virtual ~OpenedFile() = default;
  /// All records, in file order. `used_storages[n]`: some tensor of the tree views storage n.
  [[nodiscard]] virtual std::vector<RecordCheck> records(const std::vector<bool>& used_storages) const = 0;
  /// Bytes of tensor data that no storage of the tree names.
  [[nodiscard]] virtual std::uint64_t unnamed_bytes() const { return 0; }
};

struct Opened {
  std::shared_ptr<tree::Document> document;
  std::vector<tree::NodeId> roots;         ///< the objects of the file, in order
  FileFacts facts;                         ///< name, bytes and format are filled in by the registry
  std::shared_ptr<const OpenedFile> file;  ///< may be null: nothing to check beyond the tree
};

inline OpenContext OpenContext::inside(SourcePtr nested) const {
  OpenContext context = *this;
  context.source = std::move(nested);
  context.zip = nullptr;
  ++context.depth;
  if (context.depth > limits.nesting)
    fail(ErrorCode::limit, "files inside files, more than " + std::to_string(limits.nesting) + " deep");
  return context;
}

struct ReadableFormat {
  std::string_view name;  ///< as `--json` prints it
  /// Whether the content is this format. Called in the registry's order; the first that says yes reads the file, so a
  /// damaged file is an error of its own format. Must not throw for content; may read more through the source.
  bool (*recognise)(const Sniff& sniff);
  /// Errors: `truncated`, `damaged`, `limit`, `unsupported`, with offsets; the registry adds the file's name.
  Opened (*open)(const OpenContext& context);
};

/// What a writer gets.
struct PlanContext {
  const tree::Document& document;
  std::span<const tree::NodeId> roots;
  const FileFacts& facts;  ///< of the file the tree came from
  const SaveOptions& options;
  Limits limits;
  SaveReport& report;  ///< the writer adds what it drops and notes
};

struct WritableFormat {
  std::string_view name;
  std::span<const std::string_view> suffixes;  ///< ".safetensors"; lower case
  /// Errors: `unsupported`, listing what the format cannot hold unless options.drop.
  io::WritePlan (*plan)(const PlanContext& context);
};

[[nodiscard]] std::span<const ReadableFormat> readable_formats() noexcept;
[[nodiscard]] std::span<const WritableFormat> writable_formats() noexcept;

/// Recognise and open a source, also one inside another. Errors: as load().
[[nodiscard]] Opened open(const OpenContext& context);

}  // namespace sconce::formats
