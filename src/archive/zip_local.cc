// Local headers and data descriptors against the directory: checked when a record is first touched.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "archive/extra_field.h"
#include "archive/zip_format.h"
#include "archive/zip_names.h"
#include "archive/zip_reader.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

// Flags that change how the bytes are read; the others may differ between the two headers.
constexpr std::uint16_t kFlagsThatCount = kEncryptionMask | kFlagDescriptor | kFlagPatch;

/// A local header with its name and extra fields. Both lie inside the file and before the next record.
struct LocalHeader {
  std::string bytes;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  WideFields sizes;
  std::size_t name_size = 0;
  std::size_t extra_size = 0;

  [[nodiscard]] std::string_view name() const { return std::string_view(bytes).substr(kLocalSize, name_size); }
  [[nodiscard]] std::string_view extra() const { return std::string_view(bytes).substr(kLocalSize + name_size); }
  [[nodiscard]] std::size_t size() const { return kLocalSize + name_size + extra_size; }
};

class LocalCheck {
 public:
  LocalCheck(const ZipArchive& archive, const ZipEntry& entry, std::uint64_t next)
      : archive_(archive), entry_(entry), room_(next - entry.header_offset) {}

  /// Reads the header; everything that readers could see differently is refused.
  [[nodiscard]] LocalHeader run() const {
    LocalHeader header = read();
    if (header.name() != archive_.name(entry_))
      wrong("the local header calls the record " + short_name(header.name()) + ", the directory does not");
    if (header.method != entry_.method) differs("compression method", header.method, entry_.method);
    if (((header.flags ^ entry_.flags) & kFlagsThatCount) != 0) differs("flags", header.flags, entry_.flags);
    check_sizes(header);
    if (entry_.compressed_size > room_ - header.size()) wrong("the record's bytes reach into what follows it");
    return header;
  }

 private:
  [[nodiscard]] LocalHeader read() const {
    // PyTorch's padding is shorter than 64 bytes unless another alignment was asked for: mostly one read is enough.
    constexpr std::uint64_t kUsualExtra = 100;
    LocalHeader header;
    extend(header, std::min<std::uint64_t>(room_, kLocalSize + entry_.name_size + kUsualExtra));
    const char* head = header.bytes.data();
    if (load_le<std::uint32_t>(head) != kLocalSignature)
      wrong("the directory says that a local header is here (PK\\3\\4)");
    header.flags = load_le<std::uint16_t>(head + 6);
    header.method = load_le<std::uint16_t>(head + 8);
    header.crc32 = load_le<std::uint32_t>(head + 14);
    header.sizes = {load_le<std::uint32_t>(head + 22), load_le<std::uint32_t>(head + 18), 0};
    header.name_size = load_le<std::uint16_t>(head + 26);
    header.extra_size = load_le<std::uint16_t>(head + 28);
    if (header.size() > room_) wrong("the local header reaches into what follows the record");
    extend(header, header.size());
    header.bytes.resize(header.size());
    return header;
  }

  void extend(LocalHeader& header, std::uint64_t size) const {
    const std::size_t have = header.bytes.size();
    if (size <= have) return;
    header.bytes.resize(size);
    archive_.source()->read_at(entry_.header_offset + have,
                               std::as_writable_bytes(std::span(header.bytes)).subspan(have));
  }

  /// Sizes may be left to the descriptor (0, or all ones with zip64 numbers of 0); where they are given they must be
  /// those of the directory. PyTorch's zip64 field has a compressed size of 0 and an offset that the format does not
  /// have there; nobody reads either.
  void check_sizes(LocalHeader& header) const {
    const ExtraFields extra = scan_extra(header.extra());
    if (extra.malformed || extra.zip64_twice) wrong("the extra fields of the local header do not add up");
    if (widen(extra, header.sizes) == Zip64Use::too_short) wrong("the local zip64 field lacks a size");
    check_size("bytes", header, header.sizes.size, entry_.size);
    check_size("compressed bytes", header, header.sizes.compressed_size, entry_.compressed_size);
  }

  void check_size(const char* what, const LocalHeader& header, std::uint64_t local, std::uint64_t directory) const {
    if (local == directory || ((header.flags & kFlagDescriptor) != 0 && local == 0)) return;
    differs(what, local, directory);
  }

  [[noreturn]] void differs(const std::string& what, std::uint64_t local, std::uint64_t directory) const {
    wrong("local header and directory differ in " + what + ": " + std::to_string(local) + " and " +
          std::to_string(directory));
  }

  [[noreturn]] void wrong(std::string message) const {
    fail(ErrorCode::damaged, std::move(message), archive_.place(entry_));
  }

  const ZipArchive& archive_;
  const ZipEntry& entry_;
  std::uint64_t room_;  // bytes from the local header to the next record or the directory
};

/// Bytes of the data descriptor at the start of `bytes`, which has the directory's numbers; 0 where none has. With or
/// without signature, sizes of 64 or 32 bits (4.3.9): writers use all four.
std::size_t descriptor_size(std::string_view bytes, const ZipEntry& entry) {
  const auto number = [&](std::size_t at, bool wide) -> std::uint64_t {
    return wide ? load_le<std::uint64_t>(bytes.data() + at) : load_le<std::uint32_t>(bytes.data() + at);
  };
  struct Form {
    std::size_t checksum;
    bool wide;
  };
  for (const Form form : {Form{4, true}, Form{4, false}, Form{0, true}, Form{0, false}}) {
    const std::size_t width = form.wide ? 8 : 4;
    const std::size_t size = form.checksum + 4 + 2 * width;
    if (size > bytes.size() || (form.checksum == 4 && number(0, false) != kDescriptorSignature)) continue;
    if (number(form.checksum, false) == entry.crc32 && number(form.checksum + 4, form.wide) == entry.compressed_size &&
        number(form.checksum + 4 + width, form.wide) == entry.size)
      return size;
  }
  return 0;
}

}  // namespace

std::uint64_t ZipArchive::payload_offset(const ZipEntry& entry) const {
  return entry.header_offset + LocalCheck(*this, entry, next_begin(entry)).run().size();
}

ZipLayout ZipArchive::layout(const ZipEntry& entry) const {
  const std::uint64_t next = next_begin(entry);
  const LocalHeader header = LocalCheck(*this, entry, next).run();
  ZipLayout layout;
  layout.payload = entry.header_offset + header.size();
  layout.payload_end = layout.payload + entry.compressed_size;
  layout.end = layout.payload_end;
  const bool announced = (entry.flags & kFlagDescriptor) != 0;
  layout.local_crc32_differs = header.crc32 != entry.crc32 && !(announced && header.crc32 == 0);
  if (announced) {
    std::string bytes(std::min<std::uint64_t>(24, next - layout.payload_end), '\0');
    source_->read_at(layout.payload_end, std::as_writable_bytes(std::span(bytes)));
    const std::size_t size = descriptor_size(bytes, entry);
    layout.descriptor = size == 0 ? ZipLayout::Descriptor::wrong : ZipLayout::Descriptor::right;
    layout.end += size;
  }
  layout.gap = next - layout.end;
  return layout;
}

}  // namespace sconce::archive
