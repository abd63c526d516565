// Archives that are written: what is in them, and what is refused.
#include "formats/pytorch/write_file.h"

#include <algorithm>

#include "base/hash.h"

namespace sconce::formats::pytorch::testing {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const archive::ZipArchive> directory(const std::string& bytes) {
  MemoryBudget budget;
  return archive::ZipArchive::open(string_source(bytes), {}, budget);
}

std::vector<std::string> names(const std::string& bytes) {
  const auto zip = directory(bytes);
  std::vector<std::string> all;
  for (const archive::ZipEntry& entry : zip->entries()) all.emplace_back(zip->name(entry));
  return all;
}

std::string record(const std::string& bytes, std::string_view name) {
  const auto zip = directory(bytes);
  return zip->read_entry(*zip->find(name), 1 << 20);
}

Built one_weight() {
  Built built;
  built.set("w", built.document->add_tensor(Tensor::from(std::vector<float>{1, 2, 3}, {3})));
  return built;
}

TEST(ZipWriter, WritesTheRecordsThatEveryPyTorchReads) {
  const std::string bytes = write(plan_torch_zip, one_weight().opened()).bytes;
  EXPECT_THAT(names(bytes), ElementsAre("archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/version"));
  EXPECT_EQ(record(bytes, "archive/byteorder"), "little");
  EXPECT_EQ(record(bytes, "archive/version"), "3\n");
  EXPECT_EQ(record(bytes, "archive/data/0"), floats({1, 2, 3}));
}

TEST(ZipWriter, WritesThePickleOfTorchSaveByteForByteButForNeedlessMemoEntries) {
  const std::string bytes = write(plan_torch_zip, one_weight().opened()).bytes;
  const std::string expected = PickleBuilder(2)
                                   .raw("}q\0X\1\0\0\0wq\1"s)
                                   .raw("ctorch._utils\n_rebuild_tensor_v2\nq\2((")
                                   .text("storage")
                                   .raw("q\3ctorch\nFloatStorage\nq\4")
                                   .text("0")
                                   .text("cpu")
                                   .raw("q\5K\3tQ")
                                   .raw("K\0K\3\x85K\1\x85\x89"s)
                                   .raw("ccollections\nOrderedDict\nq\6)RtRq\7s")
                                   .stop();
  EXPECT_EQ(record(bytes, "archive/data.pkl"), expected);
}

TEST(ZipWriter, KeepsTheFolderOfTheFileAndRepairsOneThatIsNoFolder) {
  Built built = one_weight();
  built.facts.root = "my.model";
  EXPECT_THAT(names(write(plan_torch_zip, built.opened()).bytes), ::testing::Contains("my.model/data.pkl"));
  for (const char* root : {"..", "a\\b", "a\nb", "\xff"}) {
    built.facts.root = root;
    EXPECT_THAT(names(write(plan_torch_zip, built.opened()).bytes), ::testing::Contains("archive/data.pkl"));
  }
}

TEST(ZipWriter, AlignsPayloads) {
  for (const std::uint32_t alignment : {64U, 4096U, 32768U}) {
    SaveOptions options;
    options.alignment = alignment;
    const std::string bytes = write(plan_torch_zip, one_weight().opened(), options).bytes;
    EXPECT_EQ(bytes.find(floats({1, 2, 3})) % alignment, 0U);
  }
  SaveOptions odd;
  odd.alignment = 65536;
  EXPECT_EQ(error_of([&] { (void)write(plan_torch_zip, one_weight().opened(), odd); }).code(),
            ErrorCode::invalid_argument);
}

TEST(ZipWriter, WritesTheSameBytesForTheSameTree) {
  EXPECT_EQ(write(plan_torch_zip, one_weight().opened()).bytes, write(plan_torch_zip, one_weight().opened()).bytes);
}

TEST(ZipWriter, ComparesChecksumsOfTheInput) {
  std::string bytes = write(plan_torch_zip, one_weight().opened()).bytes;
  bytes[bytes.find(floats({1, 2, 3}))] ^= 1;
  const OpenedTree damaged = open_bytes(bytes);
  EXPECT_EQ(error_of([&] { (void)write(plan_torch_zip, damaged.opened); }).code(), ErrorCode::checksum);
  SaveOptions options;
  options.ignore_checksums = true;
  EXPECT_EQ(open_bytes(write(plan_torch_zip, damaged.opened, options).bytes).opened.roots.size(), 1U);
}

TEST(ZipWriter, KeepsPartsBesideTheTreeUnderNamesThatMeanNothingElse) {
  Built built = one_weight();
  const std::vector<std::string> parts = {"extra/notes.txt", "Constants.pkl", "../up", "version", "", "a", "A", "%41",
                                          "data/0"};
  for (const std::string& part : parts) built.facts.extras.push_back({part, string_source(part + "!")});
  const Written written = write(plan_torch_zip, built.opened());
  EXPECT_EQ(record(written.bytes, "archive/extra/notes.txt"), "extra/notes.txt!");
  EXPECT_EQ(record(written.bytes, "archive/version"), "3\n");
  const OpenedTree after = open_bytes(written.bytes);
  ASSERT_EQ(after.opened.facts.extras.size(), parts.size());
  for (std::size_t at = 0; at < parts.size(); ++at) EXPECT_EQ(after.opened.facts.extras[at].name, parts[at]);
  EXPECT_EQ(write(plan_torch_zip, after.opened).bytes, written.bytes);
}

TEST(ZipWriter, RefusesTwoPartsOfOneName) {
  Built built = one_weight();
  for (int times = 0; times < 3; ++times) built.facts.extras.push_back({"notes.txt", string_source("x")});
  const Error error = error_of([&] { (void)write(plan_torch_zip, built.opened()); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.message(), HasSubstr("notes.txt"));
  SaveOptions drop;
  drop.drop = true;
  EXPECT_EQ(write(plan_torch_zip, built.opened(), drop).report.dropped.size(), 1U);
}

TEST(ZipWriter, HoldsOneObject) {
  Opened two = one_weight().opened();
  two.roots.push_back(two.roots.front());
  EXPECT_THAT(error_of([&] { (void)write(plan_torch_zip, two); }).message(), HasSubstr("object 2 of 2"));
}

TEST(ZipWriter, ListsEverythingThatPyTorchCannotHold) {
  Built built = one_weight();
  const std::string six(3, '\1');
  const Tensor tensor =
      Tensor::copy_of(DType::float6_e2m3, std::as_bytes(std::span(six)), std::vector<std::int64_t>{4});
  built.set("six", built.document->add_tensor(tensor));
  const Error error = error_of([&] { (void)write(plan_torch_zip, built.opened()); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.message(), HasSubstr("six: a tensor of float6_e2m3"));
  SaveOptions drop;
  drop.drop = true;
  const Written written = write(plan_torch_zip, built.opened(), drop);
  EXPECT_THAT(written.report.dropped, ElementsAre(HasSubstr("six: ")));
  const OpenedTree read = open_bytes(written.bytes);
  EXPECT_EQ(read.root().size(), 1U);
  EXPECT_THAT(read.floats("w"), ElementsAre(1, 2, 3));
}

TEST(ZipWriter, WritesNoNameThatIsKnownToHaveAnEffect) {
  Built built = one_weight();
  built.set("x", built.document->global("os", "system", "os", "system"));
  EXPECT_EQ(error_of([&] { (void)write(plan_torch_zip, built.opened()); }).code(), ErrorCode::hostile);
}

TEST(ZipWriter, OneStorageWithSeveralDtypesIsUntyped) {
  Built built;
  const std::vector<std::int64_t> shape{4}, strides{1}, half{2};
  const Storage storage = Tensor::from(std::vector<float>{1, 2, 3, 4}, {4}).storage();
  built.set("f", built.document->add_tensor(Tensor::over(storage, DType::float32, shape, strides, 0)));
  built.set("i", built.document->add_tensor(Tensor::over(storage, DType::int64, half, strides, 0)));
  const std::string bytes = write(plan_torch_zip, built.opened()).bytes;
  EXPECT_THAT(record(bytes, "archive/data.pkl"), HasSubstr("ctorch.storage\nUntypedStorage\n"));
  const OpenedTree read = open_bytes(bytes);
  EXPECT_THAT(read.floats("f"), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(read.root()["i"].as_tensor().dtype(), DType::int64);
  EXPECT_TRUE(read.root()["f"].as_tensor().storage().is(read.root()["i"].as_tensor().storage()));
}

TEST(ZipWriter, WritesBigEndianStoragesLittleEndian) {
  Built built;
  const std::string big = "\x3f\x80\0\0\x40\0\0\0"s;
  const Storage storage = storage_over(string_source(big), DType::float32, std::endian::big);
  const std::vector<std::int64_t> shape{2}, strides{1};
  built.set("w", built.document->add_tensor(Tensor::over(storage, DType::float32, shape, strides, 0)));
  EXPECT_EQ(record(write(plan_torch_zip, built.opened()).bytes, "archive/data/0"), floats({1, 2}));
}

TEST(ZipWriter, RecordsTheDeviceOnlyOnRequest) {
  Built built;
  const Storage storage = storage_over(string_source(floats({1})), DType::float32, std::endian::little, "cuda:1");
  const std::vector<std::int64_t> shape{1}, strides{1};
  built.set("w", built.document->add_tensor(Tensor::over(storage, DType::float32, shape, strides, 0)));
  EXPECT_EQ(open_bytes(write(plan_torch_zip, built.opened()).bytes).root()["w"].as_tensor().device(), "cpu");
  SaveOptions keep;
  keep.keep_device = true;
  EXPECT_EQ(open_bytes(write(plan_torch_zip, built.opened(), keep).bytes).root()["w"].as_tensor().device(), "cuda:1");
}

}  // namespace
}  // namespace sconce::formats::pytorch::testing
