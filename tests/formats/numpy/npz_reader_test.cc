// `.npz` archives: arrays by name, stored or deflated.
#include "formats/numpy/numpy_files.h"

namespace sconce::formats::numpy {
namespace {

using namespace testing;
using archive::testing::ZipBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> keys_of(const Value& dict) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : dict.items()) keys.emplace_back(key.as_str());
  return keys;
}

TEST(Npz, IsADictOfTensorsInTheOrderOfTheFile) {
  const OpenedArrays file = open_bytes(fixture("arrays.npz"));
  EXPECT_THAT(keys_of(file.root()), ElementsAre("W", "w", "layer/bias")) << "names that differ in case are two";
  EXPECT_THAT(file.root()["W"].as_tensor().to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(file.root()["w"].as_tensor().item<std::int64_t>(), 7);
  EXPECT_THAT(file.root()["layer/bias"].as_tensor().to_vector<double>(), ElementsAre(0.5, 0.25));
  EXPECT_EQ(file.root()["W"].as_tensor().storage().record(), "W.npy");
}

TEST(Npz, DeflatedArraysAreReadToo) {
  const OpenedArrays file = open_bytes(fixture("compressed.npz"));
  EXPECT_EQ(file.opened.facts.producer, "numpy.savez_compressed");
  EXPECT_EQ(file.root()["zeros"].as_tensor().to_vector<float>(), std::vector<float>(1000, 0.0F));
  EXPECT_THAT(file.root()["matrix"].as_tensor().strides(), ElementsAre(1, 2));
  EXPECT_THAT(file.root()["matrix"].as_tensor().to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npz, TextBesideTensorsIsKeptAsBytes) {
  const OpenedArrays file = open_bytes(fixture("with_text.npz"));
  EXPECT_THAT(keys_of(file.root()), ElementsAre("weight"));
  ASSERT_EQ(file.opened.facts.extras.size(), 1U);
  EXPECT_EQ(file.opened.facts.extras.front().name, "labels.npy");
  EXPECT_THAT(file.opened.facts.notes.front(), HasSubstr("the elements are text"));
}

TEST(Npz, PicklesInItAreRefused) {
  const std::string zip = ZipBuilder().add("a.npy", fixture("objects.npy")).build().bytes;
  EXPECT_THAT(open_error(zip), is_error(ErrorCode::unsupported, "record a.npy"));
  const std::string records = npy(dict_of("[('x', '|O')]", "(0,)"));
  EXPECT_THAT(open_error(ZipBuilder().add("a.npy", records).build().bytes),
              is_error(ErrorCode::unsupported, "several fields"));
}

TEST(Npz, IsRecognisedByAllItsNames) {
  const auto recognised = [](const ZipBuilder& builder) {
    Sniff sniff;
    sniff.zip = archive::testing::open_zip(builder.build().bytes);
    return is_npz(sniff);
  };
  EXPECT_TRUE(recognised(ZipBuilder().add("a.npy", "").add("b/c.npy", "")));
  EXPECT_FALSE(recognised(ZipBuilder().add("a.npy", "").add("readme.txt", "")));
}

TEST(Npz, AnArrayCutShortInItsRecordIsNamed) {
  const std::string array = fixture("float32_2x3.npy");
  const std::string zip = ZipBuilder().add("w.npy", array.substr(0, 140)).build().bytes;
  EXPECT_THAT(open_error(zip), is_error(ErrorCode::truncated, "record w.npy"));
}

TEST(Npz, BytesBehindTheElementsAreNoted) {
  const OpenedArrays file = open_bytes(ZipBuilder().add("b.npy", fixture("bool_5.npy") + "?").build().bytes);
  EXPECT_THAT(file.opened.facts.notes.front(), HasSubstr("bytes follow the elements in record b.npy"));
}

TEST(Npz, WholeRecordsAreWhatVerifyReads) {
  const OpenedArrays file = open_bytes(fixture("arrays.npz"));
  const auto checks = file.opened.file->records({true, true, true});
  ASSERT_EQ(checks.size(), 3U);
  EXPECT_EQ(checks.front().record, "W.npy");
  std::string bytes(checks.front().size, '\0');
  checks.front().open().bytes->read_at(0, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes, fixture("float32_2x3.npy"));
  EXPECT_EQ(checks.front().crc32, crc32(bytes));
}

}  // namespace
}  // namespace sconce::formats::numpy
