// Deflated records: whole and as they are read, right and wrong, within their limits.
#include "archive/inflate.h"

#include <random>
#include <thread>

#include "archive/zip_builder.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

using namespace testing;

/// Text that deflate shrinks, but not to nothing.
std::string sample(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i / 50 + random() % 3) % 26);
  return text;
}

DeflatedBytes record_of(std::string compressed, std::uint64_t size) {
  return {string_source(std::move(compressed)), size, in_record("a/b")};
}

std::string read_range(const ByteSource& source, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  source.read_at(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

/// Inflates both ways; both must agree.
std::string inflate_both(const std::string& compressed, std::uint64_t size) {
  const auto whole = inflate_all(record_of(compressed, size));
  std::string bytes(reinterpret_cast<const char*>(whole.get()), size);
  EXPECT_EQ(read_range(*inflating_source(record_of(compressed, size)), 0, size), bytes);
  return bytes;
}

void expect_both_fail(const std::string& compressed, std::uint64_t size, const std::string& words) {
  EXPECT_THAT(error_of([&] { static_cast<void>(inflate_all(record_of(compressed, size))); }),
              is_error(ErrorCode::damaged, ""));
  const SourcePtr source = inflating_source(record_of(compressed, size));
  for (int i = 0; i < 2; ++i) {  // an error stays one
    const Error error = error_of([&] { read_range(*source, 0, size); });
    EXPECT_THAT(error, is_error(ErrorCode::damaged, words));
    EXPECT_EQ(error.place().record, "a/b");
  }
}

TEST(Inflate, WholeAndStreamedAgree) {
  for (const std::size_t size : {0U, 1U, 100U, 70'000U, 3'000'000U}) {
    const std::string text = sample(size);
    EXPECT_EQ(inflate_both(deflated(text), size), text);
  }
}

TEST(Inflate, StreamsThatAreNotWhatTheDirectorySays) {
  const std::string text = sample(100'000), compressed = deflated(text);
  expect_both_fail(compressed, text.size() + 1, "fewer bytes");
  expect_both_fail(compressed, text.size() - 1, "more bytes");
  expect_both_fail(compressed + "x", text.size(), "1 bytes behind its compressed stream");
  expect_both_fail(compressed.substr(0, compressed.size() - 3), text.size(), "ends in the middle");
  expect_both_fail(compressed.substr(0, 10), text.size(), "ends in the middle");
  expect_both_fail("", 5, "ends in the middle");
  std::string broken = compressed;
  broken[0] = '\x07';  // a block of the kind that does not exist
  expect_both_fail(broken, text.size(), "broken compressed bytes");
}

TEST(Inflate, StreamIsReadAtAnyPlace) {
  constexpr std::size_t kSize = 9'000'000;  // beyond two resting places
  const std::string text = sample(kSize);
  const SourcePtr source = inflating_source(record_of(deflated(text), kSize));
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> place(0, kSize - 1000);
  for (int i = 0; i < 30; ++i) {
    const std::size_t at = place(random), size = random() % 1000;
    ASSERT_EQ(read_range(*source, at, size), text.substr(at, size)) << at;
  }
  EXPECT_EQ(read_range(*source, kSize - 10, 10), text.substr(kSize - 10));
  EXPECT_EQ(read_range(*source, 0, 10), text.substr(0, 10));
  EXPECT_EQ(read_range(*source, kSize, 0), "");
  EXPECT_THAT(error_of([&] { read_range(*source, kSize - 1, 2); }), is_error(ErrorCode::truncated, ""));
}

TEST(Inflate, StreamGivesNoView) { EXPECT_EQ(inflating_source(record_of(deflated("tree"), 4))->view(0, 4), nullptr); }

TEST(Inflate, SmallRecordsAreInflatedOnceAndHeldWhileUsed) {
  InflatedRecords records(1000);
  const std::string compressed = deflated(sample(600));
  const SourcePtr first = records.open(3, record_of(compressed, 600));
  EXPECT_EQ(records.open(3, record_of(compressed, 600)), first);
  EXPECT_NE(first->view(0, 600), nullptr);
}

TEST(Inflate, BeyondItsMemoryRecordsAreStreamed) {
  InflatedRecords records(1000);
  const std::string text = sample(600), compressed = deflated(text);
  SourcePtr held = records.open(0, record_of(compressed, 600));
  const SourcePtr streamed = records.open(1, record_of(compressed, 600));
  EXPECT_EQ(streamed->view(0, 600), nullptr);
  EXPECT_EQ(read_range(*streamed, 0, 600), text);
  held.reset();
  EXPECT_NE(records.open(1, record_of(compressed, 600))->view(0, 600), nullptr);
  EXPECT_THAT(error_of([&] { static_cast<void>(records.open(2, record_of("x", 600))); }),
              is_error(ErrorCode::damaged, ""));
  EXPECT_NE(records.open(4, record_of(compressed, 600))->view(0, 600), nullptr) << "a failure gave its memory back";
}

TEST(Inflate, ArchiveInflatesItsRecords) {
  const std::string text = sample(50'000);
  const auto archive = open_zip(ZipBuilder().add({.name = "a/b", .content = text, .deflate = true}).build().bytes);
  EXPECT_EQ(read_record(*archive, "b"), text);
  const SourcePtr record = archive->open_entry(archive->entries()[0]);
  EXPECT_EQ(archive->open_entry(archive->entries()[0]), record);
  EXPECT_EQ(record->name(), "test.pt");
}

TEST(Inflate, LimitsStopBombs) {
  const std::string zeros(std::size_t{1} << 20, '\0');
  const std::string bytes = ZipBuilder().add({.name = "a/b", .content = zeros, .deflate = true}).build().bytes;
  Limits limits;
  limits.inflated_record = zeros.size() - 1;
  const auto records = open_zip(bytes, limits);
  EXPECT_THAT(error_of([&] { static_cast<void>(records->open_entry(records->entries()[0])); }),
              is_error(ErrorCode::limit, "raise Limits::inflated_record"));
  EXPECT_EQ(records->open_entry(records->entries()[0], ZipUse::metadata)->size(), zeros.size());
  limits = {};
  limits.inflated_metadata = 1000;
  const auto metadata = open_zip(bytes, limits);
  EXPECT_THAT(error_of([&] { static_cast<void>(metadata->open_entry(metadata->entries()[0], ZipUse::metadata)); }),
              is_error(ErrorCode::limit, "raise Limits::inflated_metadata"));
  EXPECT_THAT(error_of([&] { static_cast<void>(metadata->read_entry(metadata->entries()[0], 100)); }),
              is_error(ErrorCode::limit, "at most 100"));
}

TEST(Inflate, MoreThanDeflateCanIsDamagedBeforeAnythingIsInflated) {
  BuiltZip zip = ZipBuilder().add({.name = "a/b", .content = "tree", .deflate = true}).build();
  for (const std::size_t at : {zip.records[0].local + 22, zip.records[0].directory + 24}) zip.put32(at, 0x7FFFFFFF);
  const auto archive = open_zip(zip.bytes);
  EXPECT_THAT(error_of([&] { static_cast<void>(archive->open_entry(archive->entries()[0])); }),
              is_error(ErrorCode::damaged, "cannot inflate to 2147483647"));
}

TEST(Inflate, ManyThreadsReadOneArchive) {
  const std::string text = sample(200'000);
  ZipBuilder builder;
  for (int i = 0; i < 8; ++i) builder.add({.name = "a/" + std::to_string(i), .content = text, .deflate = i % 2 == 0});
  Limits limits;
  limits.memory_base = 600'000;  // some records are held, some streamed
  const auto archive = open_zip(builder.build().bytes, limits);
  const SourcePtr shared = inflating_source(record_of(deflated(text), text.size()));
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (std::size_t i = 0; i < 16; ++i) {
        const ZipEntry& entry = archive->entries()[(i + number) % 8];
        EXPECT_EQ(read_range(*archive->open_entry(entry), 100 * i, 1000), text.substr(100 * i, 1000));
        EXPECT_EQ(read_range(*shared, 10'000 * i, 100), text.substr(10'000 * i, 100));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Inflate, TheHeadOfARecordIsReadWithoutItsEnd) {
  const std::string text = sample(1 << 20);
  BuiltZip zip = ZipBuilder().add({.name = "a", .content = text, .deflate = true}).build();
  zip.bytes.replace(zip.records[0].payload_end - 100, 100, 100, '\xFF');
  const auto archive = open_zip(zip.bytes);
  const ZipEntry& entry = archive->entries()[0];
  EXPECT_EQ(read_range(*archive->open_head(entry), 0, 100), text.substr(0, 100));
  EXPECT_EQ(error_of([&] { static_cast<void>(archive->open_entry(entry)); }).code(), ErrorCode::damaged);
}

}  // namespace
}  // namespace sconce::archive
