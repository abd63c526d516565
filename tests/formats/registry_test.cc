// Formats are recognised by content: every line of the registry, whatever the file's name.
#include <memory>
#include <string>

#include "archive/zip_builder.h"
#include "base/slice.h"
#include "formats/format.h"
#include "formats/pytorch/file_builder.h"

namespace sconce::formats {
namespace {

using archive::testing::error_of;
using archive::testing::is_error;
using archive::testing::ZipBuilder;
using ::testing::Each;

std::string npy() {
  const std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  std::string file = "\x93NUMPY\1";
  file += '\0';
  append_le(file, static_cast<std::uint16_t>(dict.size()));
  return file + dict + "1234";
}

std::string safetensors() {
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string file;
  append_le(file, static_cast<std::uint64_t>(header.size()));
  return file + header + "1234";
}

std::string torch_zip() {
  return ZipBuilder()
      .add("archive/data.pkl", pytorch::testing::weight_pickle(1).stop())
      .add("archive/data/0", "1234")
      .add("archive/version", "3\n")
      .build()
      .bytes;
}

Opened open_as(const std::string& name, const std::string& bytes) {
  OpenContext context;
  context.source = string_source(bytes, name);
  context.budget = std::make_shared<MemoryBudget>(context.limits);
  context.document = std::make_shared<tree::Document>(context.budget);
  return open(context);
}

TEST(Registry, EveryFormatIsRecognisedUnderEveryName) {
  const std::pair<const char*, std::string> files[] = {
      {"npz", ZipBuilder().add("w.npy", npy()).build().bytes},
      {"pytorch-zip", torch_zip()},
      {"pytorch-legacy", pytorch::testing::weight_stream()},
      {"npy", npy()},
      {"safetensors", safetensors()},
      {"pickle", pickle::testing::PickleBuilder(2).integer(7).stop()},
  };
  for (const auto& [format, bytes] : files)
    for (const char* name : {"model.pt", "model.safetensors", "model.npy", "model.onnx", "model", ""}) {
      const Opened opened = open_as(name, bytes);
      EXPECT_EQ(opened.facts.format, format);
      EXPECT_EQ(opened.facts.name, name);
      EXPECT_EQ(opened.facts.bytes, bytes.size());
    }
}

TEST(Registry, EveryReaderIsReached) {
  // The names that the test above has, the tar of torch 0.1 (its own tests make one), and what nobody reads.
  for (const ReadableFormat& format : readable_formats())
    EXPECT_THAT((std::vector<std::string_view>{"npz", "pytorch-zip", "pytorch-tar", "pytorch-legacy", "npy",
                                               "safetensors", "pickle", "foreign"}),
                ::testing::Contains(format.name));
}

TEST(Registry, WhatNobodyReadsIsNamed) {
  EXPECT_THAT(error_of([] {
                (void)open_as("a.pt", ZipBuilder().add("m/data.pkl", "").add("m/constants.pkl", "").build().bytes);
              }),
              is_error(ErrorCode::unsupported, "a.pt: this is a TorchScript archive"));
  EXPECT_THAT(error_of([] { (void)open_as("a.pt", "<!DOCTYPE html>"); }),
              is_error(ErrorCode::unsupported, "a.pt: this is a web page"));
  EXPECT_THAT(error_of([] { (void)open_as("a.pt", "\xFF\xFE\xFD\xFC"); }),
              is_error(ErrorCode::unsupported, "no file format that Sconce knows"));
}

TEST(Registry, AnEmptyFileIsTruncated) {
  EXPECT_THAT(error_of([] { (void)open_as("a.pt", ""); }), is_error(ErrorCode::truncated, "the file is empty"));
}

TEST(Registry, AZipArchiveCutShortIsNoForeignFile) {
  const std::string whole = torch_zip();
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{40}, std::size_t{4}})
    EXPECT_THAT(error_of([&] { (void)open_as("a.pt", whole.substr(0, size)); }).code(), ErrorCode::truncated) << size;
}

TEST(Registry, FilesInsideFilesEnd) {
  OpenContext context;
  context.source = string_source(npy());
  for (unsigned depth = 0; depth < context.limits.nesting; ++depth) context = context.inside(context.source);
  EXPECT_THAT(error_of([&] { (void)context.inside(context.source); }), is_error(ErrorCode::limit, "more than 8 deep"));
}

TEST(Registry, WritersHaveSuffixesInSmallLetters) {
  for (const WritableFormat& format : writable_formats())
    for (const std::string_view suffix : format.suffixes) {
      EXPECT_TRUE(suffix.starts_with('.'));
      EXPECT_THAT(suffix.substr(1), Each(::testing::AllOf(::testing::Ge('a'), ::testing::Le('z'))));
    }
}

}  // namespace
}  // namespace sconce::formats
