// Where the archive ends: end record, zip64 record, comments, trailing bytes, and files that stop too early.
#include "archive/end_record.h"

#include "archive/zip_builder.h"

namespace sconce::archive {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// small_zip() with a zip64 record and locator before the end record, as PyTorch writes them.
struct Zip64Tail {
  BuiltZip zip = small_zip();
  std::size_t end64 = zip.end, locator = end64 + kEnd64Size, end = locator + kLocatorSize;

  Zip64Tail() {
    const std::string end_record = zip.bytes.substr(zip.end);
    zip.bytes.resize(zip.end);
    append_le(zip.bytes, kEnd64Signature);
    append_le(zip.bytes, std::uint64_t{44});
    zip.bytes.append(12, '\0');
    for (const std::uint64_t number : {std::uint64_t{2}, std::uint64_t{2}, zip.end - zip.directory, zip.directory})
      append_le(zip.bytes, number);
    append_le(zip.bytes, kLocatorSignature);
    append_le(zip.bytes, std::uint32_t{0});
    append_le(zip.bytes, std::uint64_t{end64});
    append_le(zip.bytes, std::uint32_t{1});
    zip.bytes += end_record;
  }
};

TEST(EndRecord, PlainArchiveOpensWithoutOddities) {
  const auto archive = open_zip(small_zip().bytes);
  EXPECT_EQ(archive->entries().size(), 2U);
  EXPECT_EQ(archive->root(), "archive");
  EXPECT_EQ(read_record(*archive, "data.pkl"), "tree");
  EXPECT_EQ(oddities_of(*archive), "");
}

TEST(EndRecord, Zip64RecordThatAgreesOpens) {
  const Zip64Tail tail;
  const auto archive = open_zip(tail.zip.bytes);
  EXPECT_EQ(read_record(*archive, "version"), "3\n");
  EXPECT_EQ(oddities_of(*archive), "");
}

TEST(EndRecord, SaturatedFieldsMeanTheZip64Record) {
  Zip64Tail tail;
  tail.zip.put16(tail.end + 8, kSaturated16);
  tail.zip.put16(tail.end + 10, kSaturated16);
  tail.zip.put32(tail.end + 12, kSaturated32);
  tail.zip.put32(tail.end + 16, kSaturated32);
  EXPECT_EQ(open_zip(tail.zip.bytes)->entries().size(), 2U);
}

TEST(EndRecord, Zip64RecordThatContradictsIsDamaged) {
  for (const std::size_t field : {10U, 12U, 16U}) {
    Zip64Tail tail;
    tail.zip.put16(tail.end + field, 1);
    EXPECT_THAT(open_error(tail.zip.bytes), is_error(ErrorCode::damaged, "the zip64 record")) << field;
  }
}

TEST(EndRecord, LocatorThatPointsElsewhereIsDamaged) {
  for (const std::uint64_t target : {std::uint64_t{0}, std::uint64_t{1} << 40, UINT64_MAX}) {
    Zip64Tail tail;
    tail.zip.put64(tail.locator + 8, target);
    EXPECT_THAT(open_error(tail.zip.bytes), is_error(ErrorCode::damaged, "zip64 locator points at")) << target;
  }
}

TEST(EndRecord, Zip64RecordOfImpossibleSizeIsDamaged) {
  for (const std::uint64_t size : {std::uint64_t{43}, std::uint64_t{45}, UINT64_MAX}) {
    Zip64Tail tail;
    tail.zip.put64(tail.end64 + 4, size);
    EXPECT_THAT(open_error(tail.zip.bytes), is_error(ErrorCode::damaged, "before its locator")) << size;
  }
}

TEST(EndRecord, SeveralDisksAreUnsupported) {
  BuiltZip zip = small_zip();
  zip.put16(zip.end + 4, 3);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::unsupported, "one part of several"));
  zip = small_zip();
  zip.put16(zip.end + 8, 1);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::unsupported, "one part of several"));
  Zip64Tail tail;
  tail.zip.put32(tail.locator + 16, 2);
  EXPECT_THAT(open_error(tail.zip.bytes), is_error(ErrorCode::unsupported, "one part of several"));
  zip = small_zip();
  zip.put16(zip.records[1].directory + 34, 7);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::unsupported, "another part"));
}

TEST(EndRecord, DisksMayBeCountedFromOne) {
  BuiltZip zip = small_zip();
  zip.put16(zip.end + 4, 1);
  zip.put16(zip.end + 6, 1);
  for (const auto& place : zip.records) zip.put16(place.directory + 34, 1);
  EXPECT_EQ(open_zip(zip.bytes)->entries().size(), 2U);
}

TEST(EndRecord, CommentAndTrailingBytesAreFoundAsPyTorchFindsThem) {
  BuiltZip zip = small_zip();
  zip.put16(zip.end + 20, 5);
  EXPECT_EQ(oddities_of(*open_zip(zip.bytes + "hello")), "");
  EXPECT_THAT(oddities_of(*open_zip(zip.bytes + "hello world")), HasSubstr("11 bytes behind the end record"));
  EXPECT_THAT(oddities_of(*open_zip(zip.bytes)), HasSubstr("a comment of 5"));
  EXPECT_EQ(open_zip(small_zip().bytes + std::string(65535, 'x'))->entries().size(), 2U);
  EXPECT_THAT(open_error(small_zip().bytes + std::string(80000, 'x')),
              is_error(ErrorCode::truncated, "directory is missing"));
}

TEST(EndRecord, CommentMayHoldTheSignature) {
  BuiltZip zip = small_zip();
  zip.put16(zip.end + 20, 9);
  EXPECT_EQ(oddities_of(*open_zip(zip.bytes + "PK\5\6 etc.")), "");
  // With a whole record's bytes behind it PyTorch takes it for one, and fails; the record before it is the right one.
  const auto archive = open_zip(zip.bytes + "PK\5\6 and much more text behind it");
  EXPECT_EQ(read_record(*archive, "data.pkl"), "tree");
  EXPECT_THAT(oddities_of(*archive), HasSubstr("an end record that leads to no directory"));
}

TEST(EndRecord, CommentWithTheSignatureEverywhereIsFast) {
  std::string comment;
  while (comment.size() < 65000) comment += "PK\5\6";
  const auto archive = open_zip(small_zip().bytes + comment);
  EXPECT_EQ(archive->entries().size(), 2U);
  EXPECT_LE(archive->oddities().size(), 65U);
}

TEST(EndRecord, TwoArchivesBehindOneAnotherAreDamaged) {
  const std::string one = small_zip().bytes;
  EXPECT_THAT(open_error(one + one),
              is_error(ErrorCode::damaged, "an archive that begins at byte " + std::to_string(one.size())));
  const std::string wide = Zip64Tail().zip.bytes;
  EXPECT_THAT(open_error(wide + wide),
              is_error(ErrorCode::damaged, "an archive that begins at byte " + std::to_string(wide.size())));
  BuiltZip with_comment = small_zip();
  with_comment.put16(with_comment.end + 20, static_cast<std::uint16_t>(one.size()));
  EXPECT_THAT(open_error(with_comment.bytes + one), is_error(ErrorCode::damaged, "several archives"));
}

TEST(EndRecord, BytesBeforeTheArchiveAreDamaged) {
  const std::string zip = small_zip().bytes;
  for (const std::string& prefix : {std::string("x"), std::string("\x80\2}q\0.", 6),
                                    std::string("\x7f"
                                                "ELF"),
                                    std::string(65536, '\0')})
    EXPECT_THAT(open_error(prefix + zip), is_error(ErrorCode::damaged, "begins with a record"));
}

TEST(EndRecord, EmptyArchiveIsDamaged) {
  std::string bytes;
  append_end_record(bytes, 0, 0, 0);
  EXPECT_THAT(open_error(bytes), is_error(ErrorCode::damaged, "the archive is empty"));
}

TEST(EndRecord, EmptyFileIsTruncated) { EXPECT_THAT(open_error(""), is_error(ErrorCode::truncated, "empty")); }

TEST(EndRecord, DirectoryBeyondTheFileIsDamaged) {
  for (const std::uint32_t offset : {0xFFFFFFFFU, 0x7FFFFFFFU}) {
    BuiltZip zip = small_zip();
    zip.put32(zip.end + 16, offset);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "none is there")) << offset;
  }
  BuiltZip zip = small_zip();
  zip.put32(zip.end + 12, static_cast<std::uint32_t>(zip.end - zip.directory + 1));
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "behind its end record"));
}

TEST(EndRecord, HugeZip64NumbersAreRefusedAtOnce) {
  for (const std::size_t field : {24U, 40U, 48U}) {
    for (const std::uint64_t number : {UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{1} << 40}) {
      Zip64Tail tail;
      tail.zip.put64(tail.end64 + field, number);
      if (field == 24) tail.zip.put64(tail.end64 + 32, number);
      tail.zip.put16(tail.end + 10, kSaturated16);
      tail.zip.put32(tail.end + 12, kSaturated32);
      tail.zip.put32(tail.end + 16, kSaturated32);
      EXPECT_THAT(open_error(tail.zip.bytes), is_error(ErrorCode::damaged, "")) << field << " " << number;
    }
  }
}

TEST(EndRecord, BytesBetweenDirectoryAndEndRecordAreNamed) {
  BuiltZip zip = small_zip();
  zip.bytes.insert(zip.end, "sandwiched");
  EXPECT_THAT(oddities_of(*open_zip(zip.bytes)), HasSubstr("10 bytes between the directory and its end record"));
}

TEST(EndRecord, EveryTruncationSaysAtWhichByte) {
  for (const std::string& whole :
       {small_zip().bytes, Zip64Tail().zip.bytes,
        ZipBuilder().add({.name = "a/b", .content = std::string(300, 'x'), .descriptor = true}).build().bytes}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const Error error = open_error(whole.substr(0, size));
      EXPECT_EQ(error.code(), ErrorCode::truncated) << size << ": " << error.what();
      EXPECT_THAT(error.message(), HasSubstr("ends at byte " + std::to_string(size) + " of at least ")) << size;
    }
  }
}

TEST(EndRecord, TruncationKnowsWhatTheLocalHeadersTell) {
  const BuiltZip zip = ZipBuilder().add("archive/a", std::string(1000, 'x')).add("archive/b", "y").build();
  // The first header is whole: 1039 bytes of record, 46 + 9 of directory, 22 of end record.
  EXPECT_THAT(open_error(zip.bytes.substr(0, 500)),
              is_error(ErrorCode::truncated, "ends at byte 500 of at least 1116"));
  EXPECT_THAT(open_error(zip.bytes.substr(0, 500)), is_error(ErrorCode::truncated, "last record found is archive/a"));
}

TEST(EndRecord, ArchiveCutBehindAnArchiveInsideIt) {
  const std::string inner = small_zip().bytes;
  const BuiltZip outer = ZipBuilder().add("archive/inner.pt", inner + std::string(100, 'x')).build();
  // The inner end record is the last one left; the outer local header knows better.
  const std::size_t cut = outer.records[0].payload + inner.size() + 5;
  EXPECT_THAT(open_error(outer.bytes.substr(0, cut)),
              is_error(ErrorCode::damaged, "cut short behind an archive inside it"));
}

}  // namespace
}  // namespace sconce::archive
