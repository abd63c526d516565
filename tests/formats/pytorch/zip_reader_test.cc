// Archives of torch.save: which records they need, where those may be, and what must agree.
#include "formats/pytorch/zip_reader.h"

#include "formats/pytorch/file_builder.h"

namespace sconce::formats::pytorch {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// An archive with one storage; records that a test wants otherwise are given.
std::string archive_of(const std::string& pickle, const std::string& storage = floats({1, 2, 3}),
                       const std::vector<std::pair<std::string, std::string>>& more = {{"version", "3\n"}},
                       const std::string& root = "archive") {
  ZipBuilder builder;
  builder.add(root + "/data.pkl", pickle).add(root + "/data/0", storage);
  for (const auto& [name, content] : more) builder.add(root + "/" + name, content);
  return builder.build().bytes;
}
std::string with_records(const std::vector<std::pair<std::string, std::string>>& more) {
  return archive_of(weight_pickle().stop(), floats({1, 2, 3}), more);
}

TEST(TorchZip, HasATreeAndItsStorages) {
  const OpenedTree file = open_bytes(archive_of(weight_pickle().stop()));
  EXPECT_THAT(file.floats("w"), ElementsAre(1, 2, 3));
  EXPECT_EQ(file.opened.facts.root, "archive");
  EXPECT_TRUE(file.opened.facts.notes.empty()) << file.notes();
}

TEST(TorchZip, AnyRootWillDo) {
  EXPECT_THAT(
      open_bytes(archive_of(weight_pickle().stop(), floats({1, 2, 3}), {{"version", "3"}}, "модель.v2")).floats("w"),
      ElementsAre(1, 2, 3));
}

TEST(TorchZip, EverythingLiesUnderTheRoot) {
  ZipBuilder builder;
  builder.add("a/data.pkl", weight_pickle().stop())
      .add("a/data/0", floats({1, 2, 3}))
      .add("a/version", "3")
      .add("__MACOSX/x", "");
  EXPECT_THAT(open_error(builder.build().bytes), is_error(ErrorCode::damaged, "outside of it"));
}

TEST(TorchZip, ADeflatedRecordIsReadToo) {
  ZipBuilder builder;
  builder.add({.name = "a/data.pkl", .content = weight_pickle().stop(), .deflate = true})
      .add({.name = "a/data/0", .content = floats({1, 2, 3}), .deflate = true})
      .add("a/version", "3\n");
  EXPECT_THAT(open_bytes(builder.build().bytes).floats("w"), ElementsAre(1, 2, 3));
}

TEST(TorchZip, NeedsAVersionFrom1To10) {
  for (const char* good : {"1", "3\n", "10", " 3"})
    EXPECT_NO_THROW((void)open_bytes(with_records({{"version", good}}))) << good;
  for (const char* bad : {"0", "11", "text", "", "1000000000000000000000000000000", "-3"})
    EXPECT_THAT(open_error(with_records({{"version", bad}})), is_error(ErrorCode::damaged, "from 1 to 10")) << bad;
  EXPECT_THAT(open_error(with_records({})), is_error(ErrorCode::damaged, "no version record"));
  EXPECT_NO_THROW((void)open_bytes(with_records({{".data/version", "3"}})));
  EXPECT_THAT(open_bytes(with_records({{".data/version", "3"}, {"version", "3"}})).notes(),
              HasSubstr("two version records"));
}

TEST(TorchZip, ByteOrderIsLittleOrBigAndNothingElse) {
  EXPECT_THAT(open_bytes(with_records({{"version", "3"}, {"byteorder", "little"}})).floats("w"), ElementsAre(1, 2, 3));
  const std::string big("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0", 12);
  EXPECT_THAT(open_bytes(archive_of(weight_pickle().stop(), big, {{"version", "3"}, {"byteorder", "big"}})).floats("w"),
              ElementsAre(1, 2, 3));
  for (const char* bad : {"", "LITTLE", "little\n", "Big"})
    EXPECT_THAT(open_error(with_records({{"version", "3"}, {"byteorder", bad}})),
                is_error(ErrorCode::damaged, "byteorder"));
}

TEST(TorchZip, AStorageIsAsLargeAsThePickleSays) {
  for (const std::int64_t numel : {2, 4, 6})
    EXPECT_THAT(open_error(archive_of(weight_pickle(numel).stop())),
                is_error(ErrorCode::damaged, "but record data/0 holds 12"));
  EXPECT_THAT(open_error(archive_of(weight_pickle(3, "DoubleStorage").stop())),
              is_error(ErrorCode::damaged, "declares 24 bytes"));
}

TEST(TorchZip, AStorageThatIsMissingIsNamed) {
  const std::string bytes = ZipBuilder().add("a/data.pkl", weight_pickle().stop()).add("a/version", "3").build().bytes;
  EXPECT_THAT(open_error(bytes), is_error(ErrorCode::damaged, "no record data/0"));
}

TEST(TorchZip, AnEmptyStorageHasARecordToo) {
  EXPECT_NO_THROW((void)open_bytes(archive_of(weight_pickle(0).stop(), "")));
  const std::string bytes = ZipBuilder().add("a/data.pkl", weight_pickle(0).stop()).add("a/version", "3").build().bytes;
  EXPECT_EQ(open_error(bytes).code(), ErrorCode::damaged);
}

TEST(TorchZip, OtherRecordsAreKeptBeside) {
  const OpenedTree file =
      open_bytes(with_records({{"version", "3"}, {"notes.txt", "hello"}, {".format_version", "1"}}));
  ASSERT_EQ(file.opened.facts.extras.size(), 1U);
  EXPECT_EQ(file.opened.facts.extras[0].name, "notes.txt");
  EXPECT_EQ(file.opened.facts.producer, "PyTorch 2.7 or newer");
}

TEST(TorchZip, ARecordThatNothingNamesIsUnnamed) {
  const OpenedTree file = open_bytes(with_records({{"version", "3"}, {"data/99", "12345"}}));
  EXPECT_EQ(file.opened.file->unnamed_bytes(), 5U);
}

/// A list of two storages.
std::string two_storages(std::string_view first, std::string_view second) {
  PickleBuilder builder(2);
  builder.empty_list().mark();
  builder.storage("FloatStorage", first, 3).storage("FloatStorage", second, 3);
  return builder.appends().stop();
}

TEST(TorchZip, KeysThatDifferInCaseOnlyAreRefused) {
  const std::string bytes = ZipBuilder()
                                .add("a/data.pkl", two_storages("k", "K"))
                                .add("a/data/k", floats({1, 2, 3}))
                                .add("a/version", "3")
                                .build()
                                .bytes;
  EXPECT_THAT(open_error(bytes), is_error(ErrorCode::damaged, "differ in case"));
}

TEST(TorchZip, RecordsThatDifferInCaseOnlyAreRefused) {
  EXPECT_THAT(open_error(with_records({{"version", "3"}, {"VERSION", "3"}})),
              is_error(ErrorCode::damaged, "the same to PyTorch"));
}

TEST(TorchZip, AKeyOnlyCompletesTheNameOfARecord) {
  for (const std::string& key :
       {std::string("../version"), std::string("0/../0"), std::string("0\0", 2), std::string()})
    EXPECT_EQ(open_error(archive_of(two_storages(key, key))).code(), ErrorCode::damaged);
  EXPECT_THAT(open_error(archive_of(two_storages(std::string(65536, 'k'), "0"))), is_error(ErrorCode::damaged, "4096"));
}

/// A list of two persistent ids of one key.
std::string twice(std::string_view cls, std::int64_t numel, std::string_view location) {
  PickleBuilder builder(2);
  builder.empty_list().mark().storage("FloatStorage", "0", 3);
  return builder.storage(cls, "0", numel, location).appends().stop();
}

TEST(TorchZip, OneKeyIsOneStorage) {
  EXPECT_NO_THROW((void)open_bytes(archive_of(twice("FloatStorage", 3, "cpu"))));
  EXPECT_THAT(open_error(archive_of(twice("IntStorage", 3, "cpu"))), is_error(ErrorCode::damaged, "another class"));
  EXPECT_THAT(open_error(archive_of(twice("UntypedStorage", 12, "cpu"))),
              is_error(ErrorCode::damaged, "another class"));
  EXPECT_THAT(open_error(archive_of(twice("FloatStorage", 2, "cpu"))), is_error(ErrorCode::damaged, "another size"));
  EXPECT_THAT(open_error(archive_of(twice("FloatStorage", 3, "cuda:0"))),
              is_error(ErrorCode::damaged, "another device"));
}

TEST(TorchZip, OtherPersistentIdsAreRefused) {
  for (const PickleBuilder& builder :
       {PickleBuilder(2).text("key").persistent(), PickleBuilder(2).empty_tuple().persistent(),
        PickleBuilder(2).text("module").tuple1().persistent(), PickleBuilder(2).integer(3).persistent(),
        PickleBuilder(2).text("storage").tuple1().persistent()})
    EXPECT_EQ(open_error(archive_of(builder.stop())).code(), ErrorCode::damaged);
}

TEST(TorchZip, WhatFollowsThePickleIsNoted) {
  EXPECT_THAT(open_bytes(archive_of(weight_pickle().stop() + "more")).notes(), HasSubstr("goes on after the end"));
}

TEST(TorchZip, AnErrorNamesRecordAndOffset) {
  const Error error = open_error(archive_of(weight_pickle().open() + "\xff"));
  EXPECT_EQ(error.place().record, "archive/data.pkl");
  EXPECT_EQ(error.place().offset, weight_pickle().size());
}

}  // namespace
}  // namespace sconce::formats::pytorch
