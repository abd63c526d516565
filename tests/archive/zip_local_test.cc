// Local headers and data descriptors against the directory.
#include "archive/zip_builder.h"

namespace sconce::archive {
namespace {

using namespace testing;
using Descriptor = ZipLayout::Descriptor;

// Offsets in a local header.
constexpr std::size_t kFlagsAt = 6, kMethodAt = 8, kCrcAt = 14, kCompressedAt = 18, kSizeAt = 22, kNameSizeAt = 26,
                      kExtraSizeAt = 28;

Error open_record_error(const std::string& bytes, std::size_t index = 0) {
  const auto archive = open_zip(bytes);
  return error_of([&] { static_cast<void>(archive->open_entry(archive->entries()[index])); });
}

/// Three records as PyTorch has them: sizes in the descriptor, padding in the header.
BuiltZip torch_like() {
  ZipBuilder builder;
  for (const char* name : {"a/one", "a/two", "a/three"})
    builder.add({.name = name,
                 .content = std::string("content of ") + name,
                 .descriptor = true,
                 .local_extra = extra_field(kPaddingId, "ZZZZZZZ")});
  return builder.build();
}

TEST(ZipLocal, PayloadLiesBehindNameAndPadding) {
  const BuiltZip zip = torch_like();
  const auto archive = open_zip(zip.bytes);
  for (std::size_t i = 0; i < 3; ++i) {
    const ZipEntry& entry = archive->entries()[i];
    EXPECT_EQ(archive->payload_offset(entry), zip.records[i].payload);
    EXPECT_EQ(archive->read_entry(entry, 100), "content of " + std::string(archive->name(entry)));
  }
}

TEST(ZipLocal, RecordsAreSlicesOfTheFile) {
  const auto archive = open_zip(torch_like().bytes);
  const ZipEntry& entry = archive->entries()[1];
  const SourcePtr record = archive->open_entry(entry);
  EXPECT_EQ(record->size(), entry.size);
  EXPECT_EQ(record->view(0, entry.size), archive->source()->view(archive->payload_offset(entry), entry.size));
}

TEST(ZipLocal, AnotherNameIsDamaged) {
  BuiltZip zip = torch_like();
  zip.bytes[zip.records[1].local + kLocalSize] = 'A';
  EXPECT_THAT(open_record_error(zip.bytes, 1), is_error(ErrorCode::damaged, "the local header calls the record A/two"));
  EXPECT_EQ(read_record(*open_zip(zip.bytes), "one"), "content of a/one");
}

TEST(ZipLocal, NamesOfAnotherLengthAreDamaged) {
  for (const std::uint16_t size : std::initializer_list<std::uint16_t>{0, 4, 6, 200, 0xFFFF}) {
    BuiltZip zip = torch_like();
    zip.put16(zip.records[1].local + kNameSizeAt, size);
    EXPECT_EQ(open_record_error(zip.bytes, 1).code(), ErrorCode::damaged) << size;
  }
}

TEST(ZipLocal, NoLocalHeaderIsDamaged) {
  BuiltZip zip = torch_like();
  zip.bytes[zip.records[2].local + 2] = 5;
  const Error error = open_record_error(zip.bytes, 2);
  EXPECT_THAT(error, is_error(ErrorCode::damaged, "a local header is here"));
  EXPECT_EQ(error.place().file, "test.pt");
  EXPECT_EQ(error.place().record, "a/three");
  EXPECT_EQ(error.place().offset, zip.records[2].local);
}

TEST(ZipLocal, MethodFlagsAndSizesMustAgree) {
  const struct {
    std::size_t at;
    std::uint16_t value;
    const char* words;
  } cases[] = {{kMethodAt, 8, "compression method: 8 and 0"},
               {kFlagsAt, kFlagUtf8, "flags"},
               {kFlagsAt, kFlagUtf8 | kFlagDescriptor | 1, "flags"},
               {kSizeAt, 3, " bytes: 3 and 16"},
               {kCompressedAt, 17, "compressed bytes: 17 and 16"}};
  for (const auto& [at, value, words] : cases) {
    BuiltZip zip = torch_like();
    zip.put16(zip.records[0].local + at, value);
    EXPECT_THAT(open_record_error(zip.bytes), is_error(ErrorCode::damaged, words)) << at;
  }
}

TEST(ZipLocal, SizesMayOnlyBeLeftOutForADescriptor) {
  BuiltZip zip = ZipBuilder().add("a/b", "tree").build();
  zip.put32(zip.records[0].local + kSizeAt, 0);
  EXPECT_THAT(open_record_error(zip.bytes), is_error(ErrorCode::damaged, "differ in bytes: 0 and 4"));
}

TEST(ZipLocal, Utf8FlagMayDiffer) {
  BuiltZip zip = torch_like();
  zip.put16(zip.records[0].local + kFlagsAt, kFlagDescriptor);
  EXPECT_EQ(read_record(*open_zip(zip.bytes), "one"), "content of a/one");
}

TEST(ZipLocal, ExtraLengthThatMovesTheBytesIsDamaged) {
  for (const int change : {-4, -1, 1, 60, 200, 60000}) {
    BuiltZip zip = torch_like();
    zip.put16(zip.records[1].local + kExtraSizeAt, static_cast<std::uint16_t>(11 + change));
    EXPECT_EQ(open_record_error(zip.bytes, 1).code(), ErrorCode::damaged) << change;
  }
}

TEST(ZipLocal, PyTorchsZip64FieldIsAccepted) {
  // Sizes of 0 in the header, a compressed size of 0 in the field, and an offset that the format does not have there.
  for (const std::vector<std::uint64_t>& numbers : {std::vector<std::uint64_t>{4, 0}, {4, 0, 77}, {77}}) {
    const std::string extra = zip64_extra(numbers) + extra_field(kPaddingId, "ZZ");
    const BuiltZip zip =
        ZipBuilder().add({.name = "a/b", .content = "tree", .descriptor = true, .local_extra = extra}).build();
    EXPECT_EQ(read_record(*open_zip(zip.bytes), "b"), "tree");
  }
}

TEST(ZipLocal, Zip64PlaceholdersAreAccepted) {
  for (const std::vector<std::uint64_t>& numbers : {std::vector<std::uint64_t>{4, 4}, {0, 0}}) {
    BuiltZip zip = ZipBuilder()
                       .add({.name = "a/b", .content = "tree", .descriptor = true, .local_extra = zip64_extra(numbers)})
                       .build();
    zip.put32(zip.records[0].local + kSizeAt, kSaturated32);
    zip.put32(zip.records[0].local + kCompressedAt, kSaturated32);
    EXPECT_EQ(read_record(*open_zip(zip.bytes), "b"), "tree");
  }
}

TEST(ZipLocal, BrokenZip64FieldsAreDamaged) {
  const auto built = [](const std::string& extra) {
    BuiltZip zip =
        ZipBuilder().add({.name = "a/b", .content = "tree", .descriptor = true, .local_extra = extra}).build();
    zip.put32(zip.records[0].local + kSizeAt, kSaturated32);
    return zip.bytes;
  };
  EXPECT_THAT(open_record_error(built(zip64_extra({5}))), is_error(ErrorCode::damaged, "differ in bytes: 5 and 4"));
  EXPECT_THAT(open_record_error(built(zip64_extra({}))), is_error(ErrorCode::damaged, "lacks a size"));
  EXPECT_THAT(open_record_error(built("")), is_error(ErrorCode::damaged, "differ in bytes: 4294967295"));
  EXPECT_THAT(open_record_error(built(zip64_extra({4}) + zip64_extra({4}))),
              is_error(ErrorCode::damaged, "do not add up"));
  EXPECT_THAT(open_record_error(built(zip64_extra({4}) + std::string("\1\0\xFF", 3))),
              is_error(ErrorCode::damaged, "do not add up"));
}

TEST(ZipLocal, BytesThatReachIntoTheNextRecordAreDamaged) {
  BuiltZip zip = ZipBuilder()
                     .add({.name = "a/b", .content = "tree", .local_extra = extra_field(kPaddingId, "ZZZZ")})
                     .add("a/c", "x")
                     .build();
  // The directory leaves room for header, name and bytes; the padding no longer fits.
  zip.bytes.erase(zip.records[0].payload_end - 2, 2);
  zip.put32(zip.records[1].directory - 2 + 42, static_cast<std::uint32_t>(zip.records[1].local - 2));
  zip.put32(zip.end - 2 + 16, static_cast<std::uint32_t>(zip.directory - 2));
  EXPECT_THAT(open_record_error(zip.bytes), is_error(ErrorCode::damaged, "reach into what follows"));
}

// ------------------------------------------------------------------------------------------------------ descriptors

/// One record whose descriptor is `descriptor`.
BuiltZip with_descriptor(const std::string& descriptor) {
  BuiltZip zip = ZipBuilder().add({.name = "a/b", .content = "tree", .gap = descriptor}).build();
  zip.put16(zip.records[0].local + kFlagsAt, kFlagDescriptor);
  zip.put16(zip.records[0].directory + 8, kFlagDescriptor);
  return zip;
}

std::string descriptor(bool signature, bool wide, std::uint64_t size = 4) {
  std::string bytes;
  if (signature) append_le(bytes, kDescriptorSignature);
  append_le(bytes, crc32("tree"));
  for (int i = 0; i < 2; ++i) {
    if (wide)
      append_le(bytes, size);
    else
      append_le(bytes, static_cast<std::uint32_t>(size));
  }
  return bytes;
}

TEST(ZipLocal, AllFourFormsOfDescriptorsAreKnown) {
  for (const bool signature : {false, true}) {
    for (const bool wide : {false, true}) {
      const auto archive = open_zip(with_descriptor(descriptor(signature, wide)).bytes);
      const ZipLayout layout = archive->layout(archive->entries()[0]);
      EXPECT_EQ(layout.descriptor, Descriptor::right);
      EXPECT_EQ(layout.gap, 0U) << signature << wide;
      EXPECT_EQ(layout.end - layout.payload_end, (signature ? 4U : 0U) + (wide ? 20U : 12U));
    }
  }
}

TEST(ZipLocal, WrongDescriptorIsNoticedAndHarmless) {
  for (const std::string& bytes :
       {descriptor(true, false, 5), std::string(), std::string("PK"), std::string(40, 'x')}) {
    const auto archive = open_zip(with_descriptor(bytes).bytes);
    EXPECT_EQ(archive->layout(archive->entries()[0]).descriptor, Descriptor::wrong);
    EXPECT_EQ(read_record(*archive, "b"), "tree");
  }
}

TEST(ZipLocal, DescriptorInsideTheBytesIsNotLookedFor) {
  const std::string content = descriptor(true, false) + descriptor(true, true);
  const auto archive =
      open_zip(ZipBuilder().add({.name = "a/b", .content = content, .descriptor = true}).build().bytes);
  EXPECT_EQ(read_record(*archive, "b"), content);
  EXPECT_EQ(archive->layout(archive->entries()[0]).descriptor, Descriptor::right);
}

TEST(ZipLocal, GapsAreCounted) {
  const auto archive = open_zip(ZipBuilder()
                                    .add({.name = "a/b", .content = "tree", .descriptor = true, .gap = "hidden bytes"})
                                    .add({.name = "a/c", .content = "x", .gap = "!"})
                                    .build()
                                    .bytes);
  EXPECT_EQ(archive->layout(archive->entries()[0]).gap, 12U);
  const ZipLayout last = archive->layout(archive->entries()[1]);
  EXPECT_EQ(last.descriptor, Descriptor::none);
  EXPECT_EQ(last.gap, 1U);
  EXPECT_EQ(last.end + 1, archive->directory_offset());
}

TEST(ZipLocal, ChecksumsAreComparedForVerifyOnly) {
  BuiltZip zip = ZipBuilder().add("a/b", "tree").build();
  zip.put32(zip.records[0].local + kCrcAt, 1);
  const auto archive = open_zip(zip.bytes);
  EXPECT_TRUE(archive->layout(archive->entries()[0]).local_crc32_differs);
  EXPECT_EQ(read_record(*archive, "b"), "tree");
  const auto torch = open_zip(torch_like().bytes);
  EXPECT_FALSE(torch->layout(torch->entries()[0]).local_crc32_differs);
}

// ---------------------------------------------------------------------------------------------------------- origin

TEST(ZipOrigin, OpensRecordsByNumber) {
  const auto archive = open_zip(torch_like().bytes);
  const ZipOrigin origin(archive);
  EXPECT_EQ(origin.record(2), "a/three");
  EXPECT_EQ(origin.checksum(2)->crc32, archive->entries()[2].crc32);
  EXPECT_EQ(origin.open(1, 16)->size(), 16U);
  EXPECT_THAT(error_of([&] { static_cast<void>(origin.open(1, 12)); }),
              is_error(ErrorCode::damaged, "the record has 16 bytes, its storage 12"));
}

}  // namespace
}  // namespace sconce::archive
