#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/byte_source.h>
#include <sconce/error.h>

#include "base/slice.h"

namespace sconce {
namespace {

std::string read(const ByteSource& source, std::uint64_t offset, std::size_t size) {
  std::string text(size, '?');
  source.read_at(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

std::string viewed(const ByteSource& source, std::uint64_t offset, std::size_t size) {
  return {reinterpret_cast<const char*>(source.view(offset, size)), size};
}

/// The error of something that reads past an end.
template <typename Body>
Error error_of(Body body) {
  try {
    (void)body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::invalid_argument, "no error");
}

TEST(MemorySource, GivesItsBytesByCopyAndByView) {
  const SourcePtr source = string_source("0123456789", "digits");
  EXPECT_EQ(source->size(), 10u);
  EXPECT_EQ(source->name(), "digits");
  EXPECT_EQ(read(*source, 3, 4), "3456");
  EXPECT_EQ(viewed(*source, 3, 4), "3456");
  EXPECT_EQ(read(*source, 10, 0), "");
  EXPECT_EQ(source->extent(0, 10), std::nullopt);
}

TEST(MemorySource, HoldsItsOwner) {
  auto owner = std::make_shared<std::string>("held");
  const std::weak_ptr<std::string> watch = owner;
  SourcePtr source = memory_source(std::as_bytes(std::span(*owner)), owner);
  owner.reset();
  EXPECT_EQ(read(*source, 0, 4), "held");
  source.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(MemorySource, EndsWhereItEnds) {
  const SourcePtr source = string_source("0123456789", "digits");
  EXPECT_TRUE(source->reaches(10));
  EXPECT_FALSE(source->reaches(11));
  for (const std::uint64_t offset : {std::uint64_t{8}, std::uint64_t{11}, UINT64_MAX}) {
    EXPECT_EQ(error_of([&] { return read(*source, offset, 3); }).code(), ErrorCode::truncated) << offset;
    EXPECT_EQ(error_of([&] { return source->view(offset, 3); }).code(), ErrorCode::truncated) << offset;
  }
  const Error error = error_of([&] { return read(*source, 8, 3); });
  EXPECT_EQ(error.place().offset, 8u);
  EXPECT_EQ(error.place().file, "digits");
  EXPECT_EQ(error.message(), "3 bytes expected, but the data ends at byte 10");
}

TEST(Slice, IsAPartThatKeepsTheWholeAlive) {
  const SourcePtr part = slice(string_source("0123456789", "digits"), 2, 5);
  EXPECT_EQ(part->size(), 5u);
  EXPECT_EQ(part->name(), "digits");
  EXPECT_EQ(read(*part, 0, 5), "23456");
  EXPECT_EQ(viewed(*part, 1, 3), "345");
}

TEST(Slice, MayBeEmptyOrAll) {
  const SourcePtr whole = string_source("0123456789");
  EXPECT_EQ(slice(whole, 10, 0)->size(), 0u);
  EXPECT_EQ(read(*slice(whole, 0, 10), 0, 10), "0123456789");
}

TEST(Slice, DoesNotReachBeyondItsSource) {
  const SourcePtr whole = string_source("0123456789");
  EXPECT_EQ(error_of([&] { return slice(whole, 2, 9); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { return slice(whole, 11, 0); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { return slice(whole, 2, UINT64_MAX); }).code(), ErrorCode::truncated);
}

TEST(Slice, DoesNotReadBeyondItself) {
  const SourcePtr part = slice(string_source("0123456789"), 2, 5);
  EXPECT_EQ(error_of([&] { return read(*part, 4, 2); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { return part->view(4, 2); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { return part->extent(4, 2); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { return part->view(UINT64_MAX, 2); }).code(), ErrorCode::truncated);
}

TEST(Slice, OfASliceCountsFromTheStartOfTheWholeInErrors) {
  const SourcePtr outer = slice(string_source("0123456789", "digits"), 2, 6);
  const SourcePtr inner = slice(outer, 1, 4);
  EXPECT_EQ(read(*inner, 0, 4), "3456");
  EXPECT_THROW((void)slice(outer, 3, 4), Error) << "the whole is longer, but the part is not";
  const Error error = error_of([&] { return read(*inner, 2, 3); });
  EXPECT_EQ(error.place().file, "digits");
  EXPECT_EQ(error.place().offset, 5u);
  EXPECT_EQ(error.message(), "3 bytes expected, but the part that holds them ends at byte 7");
}

/// A source in a file, so far as anybody can tell.
class FileLike final : public ByteSource {
 public:
  std::uint64_t size() const override { return 100; }
  void read_at(std::uint64_t, std::span<std::byte>) const override {}
  std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const override {
    return FileExtent{5, offset, size};
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  std::string name_ = "file";
};

TEST(Slice, KnowsWhereItLiesInAFile) {
  const SourcePtr part = slice(std::make_shared<FileLike>(), 10, 20);
  const auto extent = part->extent(5, 6);
  ASSERT_TRUE(extent);
  EXPECT_EQ(extent->descriptor, 5);
  EXPECT_EQ(extent->offset, 15u);
  EXPECT_EQ(extent->size, 6u);
  EXPECT_EQ(part->view(0, 20), nullptr) << "a source without views has parts without views";
}

}  // namespace
}  // namespace sconce
