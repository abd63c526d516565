// The central directory: bounds, overlaps, names, zip64 fields, the root folder, and what a bomb may cost.
#include "archive/zip_directory.h"

#include <chrono>

#include "archive/zip_builder.h"

namespace sconce::archive {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// Offsets in a directory entry.
constexpr std::size_t kMethodAt = 10, kFlagsAt = 8, kCompressedAt = 20, kSizeAt = 24, kNameSizeAt = 28,
                      kExtraSizeAt = 30, kOffsetAt = 42;

/// The same directory entry, put in `count` times behind an archive's first one.
std::string repeated_entry(std::size_t count) {
  BuiltZip zip = ZipBuilder().add("a/b", "tree").build();
  const std::string entry = zip.bytes.substr(zip.directory, zip.end - zip.directory);
  std::string bytes = zip.bytes.substr(0, zip.directory);
  for (std::size_t i = 0; i < count; ++i) {
    std::string one = entry;
    one[kDirectoryEntrySize] = static_cast<char>('b' + i % 20);
    one[kDirectoryEntrySize + 2] = static_cast<char>('0' + i / 20 % 10);
    bytes += one;
  }
  append_end_record(bytes, count, count * entry.size(), zip.directory);
  return bytes;
}

/// `count` empty records behind one another, with a zip64 record where they are many; names as long as asked for.
std::string many_records(std::size_t count, std::size_t name_size, bool reversed = false) {
  std::string locals, directory;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = "archive/data/" + std::to_string(i);
    name.resize(std::max(name.size(), name_size), 'x');
    std::string fields(2, '\0');
    append_le(fields, kFlagUtf8);
    fields.append(18, '\0');
    append_le(fields, static_cast<std::uint16_t>(name.size()));
    fields.append(2, '\0');
    std::string entry;
    append_le(entry, kDirectorySignature);
    entry.append(2, '\0').append(fields).append(10, '\0');
    append_le(entry, static_cast<std::uint32_t>(locals.size()));
    directory = reversed ? entry + name + directory : std::move(directory) + entry + name;
    append_le(locals, kLocalSignature);
    locals += fields + name;
  }
  std::string bytes = locals + directory;
  const std::uint64_t end64 = bytes.size();
  append_le(bytes, kEnd64Signature);
  append_le(bytes, std::uint64_t{44});
  bytes.append(12, '\0');
  for (const std::uint64_t number :
       {std::uint64_t{count}, std::uint64_t{count}, std::uint64_t{directory.size()}, std::uint64_t{locals.size()}})
    append_le(bytes, number);
  append_le(bytes, kLocatorSignature);
  append_le(bytes, std::uint32_t{0});
  append_le(bytes, end64);
  append_le(bytes, std::uint32_t{1});
  append_end_record(bytes, std::min<std::size_t>(count, kSaturated16), directory.size(), locals.size());
  return bytes;
}

double seconds_to_open(const SourcePtr& source, std::size_t expected) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(open_zip(source)->entries().size(), expected);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(ZipDirectory, EntriesHaveWhatTheDirectorySays) {
  const std::string text(1000, 'x');
  const auto archive =
      open_zip(ZipBuilder().add("r/one", "1").add({.name = "r/two", .content = text, .deflate = true}).build().bytes);
  ASSERT_EQ(archive->entries().size(), 2U);
  const ZipEntry& two = archive->entries()[1];
  EXPECT_EQ(archive->name(two), "r/two");
  EXPECT_EQ(two.size, text.size());
  EXPECT_LT(two.compressed_size, text.size());
  EXPECT_EQ(two.crc32, crc32(text));
  EXPECT_EQ(two.method, kDeflated);
  EXPECT_EQ(archive->index_of(two), 1U);
  EXPECT_EQ(archive->find("r/two"), &two);
  EXPECT_EQ(archive->find_record("two"), &two);
  EXPECT_EQ(archive->find("r/three"), nullptr);
  EXPECT_EQ(archive->find_record("r/two"), nullptr);
  EXPECT_EQ(archive->place(two).record, "r/two");
}

TEST(ZipDirectory, FindIsExactAndPyTorchsLookupFoldsCase) {
  const auto archive = open_zip(small_zip().bytes);
  EXPECT_EQ(archive->find("archive/VERSION"), nullptr);
  EXPECT_EQ(archive->find_record("VERSION"), nullptr);
  EXPECT_EQ(archive->find_any_case("Archive/VERSION"), archive->find("archive/version"));
}

TEST(ZipDirectory, TwoRecordsOfOneNameAreDamaged) {
  EXPECT_THAT(open_error(ZipBuilder().add("a/b", "1").add("a/b", "2").build().bytes),
              is_error(ErrorCode::damaged, "two records have this name"));
  EXPECT_THAT(open_error(ZipBuilder().add("a", "1").add("A", "2").add("A", "3").build().bytes),
              is_error(ErrorCode::damaged, "two records have this name"))
      << "also where the first of the names differs in case";
}

TEST(ZipDirectory, NamesThatDifferInCaseAreTwoRecordsUntilPyTorchIsAsked) {
  const auto archive = open_zip(ZipBuilder().add("r/w", "1").add("r/W", "2").build().bytes);
  EXPECT_EQ(archive->find("r/w"), archive->entries().data());
  EXPECT_EQ(archive->find("r/W"), archive->entries().data() + 1);
  EXPECT_THAT(error_of([&] { archive->refuse_case_twins(); }), is_error(ErrorCode::damaged, "called r/w"));
  EXPECT_NO_THROW(open_zip(small_zip().bytes)->refuse_case_twins());
}

TEST(ZipDirectory, CountsThatContradictTheDirectoryAreDamaged) {
  for (const std::uint16_t count : std::initializer_list<std::uint16_t>{1, 3, 4, 0xFFFF}) {
    BuiltZip zip = small_zip();
    zip.put16(zip.end + 8, count);
    zip.put16(zip.end + 10, count);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "director")) << count;
  }
}

TEST(ZipDirectory, EntryThatReachesBeyondTheDirectoryIsDamaged) {
  for (const std::size_t field : {kNameSizeAt, kExtraSizeAt, kExtraSizeAt + 2}) {
    BuiltZip zip = small_zip();
    zip.put16(zip.records[1].directory + field, 0xFFFF);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "entry 2 of the directory reaches beyond its end"));
  }
}

TEST(ZipDirectory, SomethingElseInTheDirectoryIsDamaged) {
  BuiltZip zip = small_zip();
  zip.bytes[zip.records[1].directory] = 'Q';
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "entry 2 of the directory expected"));
}

TEST(ZipDirectory, RecordsOutsideTheFileAreDamaged) {
  const struct {
    std::size_t field;
    std::uint32_t value;
  } cases[] = {{kOffsetAt, 0xFFFFFFFE}, {kOffsetAt, 200}, {kCompressedAt, 0xFFFFFFFE}, {kCompressedAt, 400}};
  for (const auto& [field, value] : cases) {
    BuiltZip zip = ZipBuilder().add("a/b", "tree").add({.name = "a/c", .content = "3\n", .deflate = true}).build();
    zip.put32(zip.records[1].directory + field, value);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "reaches beyond byte")) << field << " " << value;
  }
}

TEST(ZipDirectory, SizesThatCannotBeAreDamaged) {
  BuiltZip zip = ZipBuilder().add({.name = "a/c", .content = "3\n", .deflate = true}).build();
  zip.put32(zip.records[0].directory + kCompressedAt, 0);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "a record of 2 bytes takes none"));
}

TEST(ZipDirectory, OverlapsAreDamagedAtOnce) {
  for (const std::size_t count : {2U, 100U}) {
    const Error error = open_error(repeated_entry(count));
    EXPECT_THAT(error, is_error(ErrorCode::damaged, "overlaps with record")) << count;
    EXPECT_EQ(error.place().offset, 0U);
  }
  // Quoted overlap: a record inside the bytes of the one before it.
  BuiltZip zip = ZipBuilder().add("a/b", std::string(200, 'x')).add("a/c", "").build();
  zip.put32(zip.records[1].directory + kOffsetAt, 100);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "overlaps with record a/b"));
}

TEST(ZipDirectory, DirectoryOrderNeedNotBeTheFilesOrder) {
  const std::string bytes = many_records(50, 0, true);
  const auto archive = open_zip(bytes);
  EXPECT_EQ(oddities_of(*archive), "");
  for (const ZipEntry& entry : archive->entries()) EXPECT_EQ(archive->layout(entry).gap, 0U);
  EXPECT_EQ(archive->name(archive->entries().front()), "archive/data/49");
}

TEST(ZipDirectory, NamesAreKeysAndOddOnesAreNamed) {
  const struct {
    const char* name;
    const char* oddity;
  } cases[] = {{"../../etc/passwd", "climbs out"},
               {"/etc/passwd", "absolute"},
               {"C:/x", "drive"},
               {"a\\b", "backslash"},
               {"a/\x1b[31m", "control"},
               {"a/\n", "control"},
               {"a/\xff\xfe", "no UTF-8"},
               {"", "an entry without a name"}};
  for (const auto& [name, oddity] : cases) {
    const auto archive = open_zip(ZipBuilder().add(name, "x").build().bytes);
    EXPECT_THAT(oddities_of(*archive), HasSubstr(oddity)) << name;
    ASSERT_NE(archive->find(name), nullptr);
    EXPECT_EQ(archive->read_entry(*archive->find(name), 10), "x");
  }
  EXPECT_EQ(oddities_of(*open_zip(ZipBuilder().add("\xD0\xBC/data.pkl", "x").build().bytes)), "");
  EXPECT_EQ(oddities_of(*open_zip(ZipBuilder().add("a/..b/c..", "x").build().bytes)), "");
}

TEST(ZipDirectory, ZeroByteInANameIsDamaged) {
  EXPECT_THAT(open_error(ZipBuilder().add(std::string("a/b\0c", 5), "x").build().bytes),
              is_error(ErrorCode::damaged, "zero byte"));
}

TEST(ZipDirectory, LongNamesAreShownShort) {
  const std::string name = "a/" + std::string(65533, 'n');
  const auto archive = open_zip(ZipBuilder().add(name, "x").build().bytes);
  EXPECT_NE(archive->find(name), nullptr);
  EXPECT_LT(archive->place(archive->entries()[0]).record.size(), 200U);
}

TEST(ZipDirectory, EncryptedAndUnknownRecordsDoNotStopTheOthers) {
  for (const unsigned bit : {0U, 6U, 13U}) {
    BuiltZip zip = small_zip();
    zip.put16(zip.records[1].directory + kFlagsAt, static_cast<std::uint16_t>(kFlagUtf8 | 1U << bit));
    const auto archive = open_zip(zip.bytes);
    EXPECT_THAT(oddities_of(*archive), HasSubstr("an encrypted record: archive/version"));
    EXPECT_EQ(read_record(*archive, "data.pkl"), "tree");
    EXPECT_THAT(error_of([&] { read_record(*archive, "version"); }), is_error(ErrorCode::unsupported, "encrypted"));
  }
  BuiltZip zip = small_zip();
  zip.put16(zip.records[1].directory + kMethodAt, 93);
  const auto archive = open_zip(zip.bytes);
  EXPECT_THAT(oddities_of(*archive), HasSubstr("compressed by method 93: archive/version"));
  EXPECT_EQ(read_record(*archive, "data.pkl"), "tree");
  EXPECT_THAT(error_of([&] { read_record(*archive, "version"); }), is_error(ErrorCode::unsupported, "method 93"));
}

TEST(ZipDirectory, RootIsTheFolderThatAllShare) {
  EXPECT_EQ(open_zip(ZipBuilder().add("my.model/", "").add("my.model/a", "x").build().bytes)->root(), "my.model");
  EXPECT_EQ(open_zip(ZipBuilder().add("a/b/c", "x").add("a/d", "x").build().bytes)->root(), "a");

  const auto foreign = open_zip(ZipBuilder().add("a/b", "x").add("__MACOSX/b", "x").add("other", "x").build().bytes);
  EXPECT_EQ(foreign->root(), "");
  EXPECT_THAT(oddities_of(*foreign), HasSubstr("outside the folder a/ of the first: __MACOSX/b"));
  EXPECT_EQ(read_record(*foreign, "a/b"), "x");

  const auto flat = open_zip(ZipBuilder().add("arr_0.npy", "x").add("a/b", "y").build().bytes);
  EXPECT_EQ(flat->root(), "");
  EXPECT_EQ(oddities_of(*flat), "");
  EXPECT_EQ(read_record(*flat, "arr_0.npy"), "x");

  EXPECT_EQ(open_zip(ZipBuilder().add("a/b", "x").add("A/c", "x").build().bytes)->root(), "");
}

TEST(ZipDirectory, BytesBeforeTheFirstRecordAreNamed) {
  BuiltZip zip = ZipBuilder().add("a/hidden", "x").add("a/b", "y").build();
  zip.bytes.erase(zip.directory, zip.records[1].directory - zip.directory);
  const std::size_t removed = zip.records[1].directory - zip.directory;
  zip.put16(zip.end - removed + 8, 1);
  zip.put16(zip.end - removed + 10, 1);
  zip.put32(zip.end - removed + 12, static_cast<std::uint32_t>(zip.end - zip.directory - removed));
  const auto archive = open_zip(zip.bytes);
  EXPECT_THAT(oddities_of(*archive), HasSubstr("the first 39 bytes belong to no record"));
  EXPECT_EQ(read_record(*archive, "b"), "y");
}

// ---------------------------------------------------------------------------------------------------- zip64 fields

BuiltZip with_directory_extra(std::string extra) {
  return ZipBuilder().add({.name = "a/b", .content = "tree", .directory_extra = std::move(extra)}).build();
}

TEST(ZipDirectory, Zip64FieldFillsSaturatedSlotsInOrder) {
  BuiltZip zip = with_directory_extra(zip64_extra({4, 4, 0}));
  for (const std::size_t field : {kCompressedAt, kSizeAt, kOffsetAt})
    zip.put32(zip.records[0].directory + field, kSaturated32);
  EXPECT_EQ(read_record(*open_zip(zip.bytes), "b"), "tree");

  zip = with_directory_extra(zip64_extra({0}));
  zip.put32(zip.records[0].directory + kOffsetAt, kSaturated32);
  const auto archive = open_zip(zip.bytes);
  EXPECT_EQ(read_record(*archive, "b"), "tree");
  EXPECT_EQ(oddities_of(*archive), "");
}

TEST(ZipDirectory, Zip64FieldOutsideTheFileIsDamaged) {
  for (const std::uint64_t number : {UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{5000}}) {
    BuiltZip zip = with_directory_extra(zip64_extra({number}));
    zip.put32(zip.records[0].directory + kOffsetAt, kSaturated32);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "reaches beyond")) << number;
    zip = with_directory_extra(zip64_extra({number, number}));
    zip.put32(zip.records[0].directory + kSizeAt, kSaturated32);
    zip.put32(zip.records[0].directory + kCompressedAt, kSaturated32);
    EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "reaches beyond")) << number;
  }
}

TEST(ZipDirectory, Zip64FieldThatIsNotNeededMustAgree) {
  EXPECT_THAT(oddities_of(*open_zip(with_directory_extra(zip64_extra({4, 4})).bytes)), HasSubstr("not needed"));
  EXPECT_THAT(open_error(with_directory_extra(zip64_extra({4, 5})).bytes), is_error(ErrorCode::damaged, "contradicts"));
  EXPECT_THAT(open_error(with_directory_extra(zip64_extra({9})).bytes), is_error(ErrorCode::damaged, "contradicts"));
}

TEST(ZipDirectory, BrokenExtraFields) {
  BuiltZip zip = with_directory_extra(zip64_extra({}));
  zip.put32(zip.records[0].directory + kOffsetAt, kSaturated32);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "lacks a number"));

  EXPECT_THAT(open_error(with_directory_extra(zip64_extra({4}) + zip64_extra({4})).bytes),
              is_error(ErrorCode::damaged, "two zip64 fields"));

  const std::string broken("\x01\x00\xFF\x00", 4);
  EXPECT_THAT(oddities_of(*open_zip(with_directory_extra(broken).bytes)), HasSubstr("reaches beyond its entry"));
  zip = with_directory_extra(broken);
  zip.put32(zip.records[0].directory + kOffsetAt, kSaturated32);
  EXPECT_THAT(open_error(zip.bytes), is_error(ErrorCode::damaged, "reaches beyond its entry"));
  EXPECT_EQ(oddities_of(*open_zip(with_directory_extra(std::string(3, '\0')).bytes)), "");
}

// ----------------------------------------------------------------------------------------------------------- bombs

TEST(ZipDirectory, OddThingsWithoutEndAreCounted) {
  ZipBuilder builder;
  for (int i = 0; i < 500; ++i) builder.add("../" + std::to_string(i), "");
  const auto archive = open_zip(builder.build().bytes);
  EXPECT_EQ(archive->oddities().size(), 65U);
  EXPECT_EQ(archive->oddities().back().message, "and 436 more of such things");
}

TEST(ZipDirectory, LongNamesCostWhatTheyTake) {
  const std::string bytes = many_records(200, 65000);
  Limits limits;
  limits.memory_base = 1 << 20;
  MemoryBudget budget(limits);
  const auto archive = ZipArchive::open(string_source(bytes), limits, budget);
  EXPECT_EQ(archive->entries().size(), 200U);
  EXPECT_LT(budget.used(), 3 * 200 * 65000U);
  EXPECT_GT(budget.used(), 200 * 65000U);
}

TEST(ZipDirectory, BudgetStopsADirectory) {
  Limits limits;
  limits.memory_base = 1000;
  limits.memory_per_metadata_byte = 0;
  EXPECT_THAT(open_error(many_records(1000, 0), limits), is_error(ErrorCode::limit, "memory"));
}

TEST(ZipDirectory, TimeIsLinearInTheEntries) {
  constexpr std::size_t kFew = 20'000, kMany = 200'000;
  const SourcePtr few = string_source(many_records(kFew, 0)), many = string_source(many_records(kMany, 0));
  seconds_to_open(few, kFew);  // warms
  const double once = std::max(seconds_to_open(few, kFew), 1e-3);
  EXPECT_LT(seconds_to_open(many, kMany), 60 * once);
}

}  // namespace
}  // namespace sconce::archive
