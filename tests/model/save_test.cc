// save(): which format, what is refused, what the report says; and that what was saved is there.
#include <sconce/save.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "archive/zip_builder.h"
#include "io/temporary_folder.h"
#include "model/model_builder.h"
#include "pickle/pickle_builder.h"

namespace sconce {
namespace {

using archive::testing::ZipBuilder;
using pickle::testing::PickleBuilder;
using test::checkpoint;
using test::floats;
using test::StringSink;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The checkpoint of a torch.save archive with this pickle.
Checkpoint load_pickle(const std::string& pickle) {
  auto bytes = std::make_shared<std::string>(
      ZipBuilder().add("archive/data.pkl", pickle).add("archive/version", "3\n").build().bytes);
  return load(memory_source(std::as_bytes(std::span(*bytes)), bytes, "given.pt"));
}

std::string saved(const Checkpoint& checkpoint, SaveOptions options = {}) {
  if (options.format.empty()) options.format = "pytorch-zip";
  StringSink sink;
  const SaveReport report = save(checkpoint, sink, options);
  EXPECT_EQ(report.bytes, sink.text.size());
  EXPECT_EQ(report.format, options.format);
  return sink.text;
}

Error refusal(const Checkpoint& checkpoint) {
  return test::error_of([&] { (void)saved(checkpoint); });
}

TEST(Save, ChoosesTheFormatByTheSuffix) {
  EXPECT_EQ(format_for_path("model.safetensors"), "safetensors");
  EXPECT_EQ(format_for_path("folder.safetensors/MODEL.SafeTensors"), "safetensors");
  for (const char* path : {"model.pt", "model.pth", "pytorch_model.bin", "run.ckpt", "model", "safetensors", ""})
    EXPECT_EQ(format_for_path(path), "pytorch-zip") << path;
}

TEST(Save, KnowsItsFormats) {
  EXPECT_THAT(writable_formats(), ElementsAre("pytorch-zip", "pytorch-legacy", "safetensors"));
  SaveOptions options;
  options.format = "gguf";
  StringSink sink;
  EXPECT_THAT(test::error_of([&] { (void)save(checkpoint({}), sink, options); }),
              test::is_error(ErrorCode::invalid_argument, "pytorch-zip, pytorch-legacy, safetensors"));
  EXPECT_THAT(test::error_of([&] { (void)save(checkpoint({}), sink); }),
              test::is_error(ErrorCode::invalid_argument, "SaveOptions::format"));
}

TEST(Save, WantsAlignmentsThatArePowersOfTwo) {
  for (const std::uint32_t alignment : {0U, 1U, 32U, 96U, 65536U}) {
    SaveOptions options;
    options.alignment = alignment;
    EXPECT_THAT(test::error_of([&] { (void)saved(checkpoint({}), options); }),
                test::is_error(ErrorCode::invalid_argument, "power of two"))
        << alignment;
  }
}

TEST(Save, WritesWhatLoadReads) {
  for (const std::string_view format : writable_formats()) {
    const Checkpoint before = checkpoint({{"w", floats({1, 2, 3})}, {"epoch", 3}, {"name", "résumé"}});
    SaveOptions options;
    options.format = std::string(format);
    const std::string bytes = saved(before, options);
    const Checkpoint after = load(memory_source(std::as_bytes(std::span(bytes))));
    EXPECT_EQ(after.file().format, format);
    EXPECT_TRUE(diff(before, after).same) << format;
    EXPECT_EQ(saved(after, options), bytes) << "the same input gives the same bytes";
  }
}

TEST(Save, ReplacesTheVeryFileThatIsBeingRead) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.pt";
  (void)save(checkpoint({{"w", floats(std::vector<float>(100'000, 1))}}), path);
  const Checkpoint open = load(path);
  const std::span<const float> view = open.tensor("w").data<float>();
  Checkpoint more = open;
  more["extra"] = floats({2});
  (void)save(more, path);
  EXPECT_EQ(view[99'999], 1) << "the old file is still mapped";
  EXPECT_TRUE(diff(load(path), more).same);
  EXPECT_THAT(folder.names(), ElementsAre("model.pt"));
}

TEST(Save, LeavesAnExistingFileAloneWhereToldTo) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.pt";
  test::write_file(path, "precious");
  SaveOptions options;
  options.overwrite = false;
  EXPECT_THAT(test::error_of([&] { (void)save(checkpoint({}), path, options); }),
              test::is_error(ErrorCode::exists, path));
  EXPECT_EQ(test::read_file(path), "precious");
}

TEST(Save, ChecksWhatItReadAsMetadata) {
  std::string bytes = saved(checkpoint({{"note", "as it was"}}));
  bytes[bytes.find("as it was")] = 'A';
  const Checkpoint damaged = load(memory_source(std::as_bytes(std::span(bytes)), {}, "given.pt"));
  EXPECT_EQ(damaged.at("note").as_str(), "As it was");
  EXPECT_THAT(refusal(damaged), test::is_error(ErrorCode::checksum, "archive/data.pkl"));
  SaveOptions options;
  options.ignore_checksums = true;
  EXPECT_NE(saved(damaged, options), "");
}

TEST(Save, RefusesAFileThatCallsWhatHasAnEffect) {
  const Error error = refusal(load_pickle(PickleBuilder(2).global("os", "getcwd").empty_tuple().reduce().stop()));
  EXPECT_THAT(error, test::is_error(ErrorCode::hostile, "os.getcwd"));
  EXPECT_EQ(error.place().record, "archive/data.pkl");
  EXPECT_TRUE(error.place().offset.has_value());
  EXPECT_EQ(error.place().file, "given.pt");
  EXPECT_FALSE(error.advice().empty());
}

TEST(Save, RefusesItEvenWhereTheResultIsDropped) {
  const std::string pickle = PickleBuilder(2).global("os", "getcwd").empty_tuple().reduce().pop().empty_dict().stop();
  EXPECT_THAT(refusal(load_pickle(pickle)), test::is_error(ErrorCode::hostile, "os.getcwd"));
}

TEST(Save, RefusesATreeInWhichSuchAValueWasPut) {
  const Checkpoint hostile = load_pickle(PickleBuilder(2).global("os", "getcwd").empty_tuple().reduce().stop());
  Checkpoint fresh;
  fresh["deep"]["down"] = hostile.root();
  const Error error = refusal(fresh);
  EXPECT_THAT(error, test::is_error(ErrorCode::hostile, "os.getcwd"));
}

TEST(Save, WritesNothingWhereItRefuses) {
  const TemporaryFolder folder;
  const Checkpoint hostile = load_pickle(PickleBuilder(2).global("os", "getcwd").empty_tuple().reduce().stop());
  EXPECT_THAT(test::error_of([&] { (void)save(hostile, folder / "model.pt"); }),
              test::is_error(ErrorCode::hostile, "os.getcwd"));
  EXPECT_THAT(folder.names(), ElementsAre());
}

TEST(Save, KeepsClassesThatItDoesNotKnowAndNotesThem) {
  const Checkpoint run = load_pickle(PickleBuilder(2).global("argparse", "Namespace").empty_tuple().newobj().stop());
  StringSink sink;
  SaveOptions options;
  options.format = "pytorch-zip";
  const SaveReport report = save(run, sink, options);
  EXPECT_THAT(report.notes, ::testing::Contains(HasSubstr("argparse.Namespace")));
  EXPECT_EQ(load(memory_source(std::as_bytes(std::span(sink.text)))).root().class_name(), "argparse.Namespace");
}

TEST(SaveRaw, WritesTheElementsAndNothingElse) {
  const TemporaryFolder folder;
  save_raw(test::vector_of<std::int16_t>({1, 2, 3}), folder / "w.bin");
  EXPECT_EQ(test::read_file(folder / "w.bin"), std::string("\1\0\2\0\3\0", 6));
  const Tensor transposed = Tensor::over(test::vector_of<std::uint8_t>({1, 2, 3, 4}).storage(), DType::uint8,
                                         std::vector<std::int64_t>{2, 2}, std::vector<std::int64_t>{1, 2}, 0);
  save_raw(transposed, folder / "t.bin");
  EXPECT_EQ(test::read_file(folder / "t.bin"), "\1\3\2\4");
}

TEST(SaveNpy, WritesAFileThatLoadReads) {
  const TemporaryFolder folder;
  save_npy(floats({1, 2.5F}), folder / "w.npy");
  EXPECT_TRUE(test::read_file(folder / "w.npy").starts_with("\x93NUMPY\1"));
  EXPECT_EQ(load(folder / "w.npy").tensor("").to_vector<float>(), (std::vector<float>{1, 2.5F}));
  EXPECT_THAT(test::error_of([&] { save_npy(test::vector_of<BFloat16>({{0x3F80}}), folder / "b.npy"); }),
              test::is_error(ErrorCode::unsupported, "bfloat16"));
  EXPECT_THAT(folder.names(), ElementsAre("w.npy"));
}

}  // namespace
}  // namespace sconce
