// Streams that are written.
#include "formats/pytorch/write_file.h"

namespace sconce::formats::pytorch::testing {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What torch.save writes before every object, memo and all.
const std::string kHeader =
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."s +
    std::string(
        "\x80\x02}q\0(X\x10\0\0\0protocol_versionq\1M\xe9\x03X\x0d\0\0\0little_endianq\2\x88X\x0a\0\0\0type_sizes"
        "q\3}q\4(X\5\0\0\0shortq\5K\2X\3\0\0\0intq\6K\4X\4\0\0\0longq\7K\4uu.",
        116);

Built weights(std::size_t count) {
  Built built;
  for (std::size_t at = 0; at < count; ++at)
    built.set("w" + std::to_string(at),
              built.document->add_tensor(Tensor::from(std::vector<float>{static_cast<float>(at)}, {1})));
  return built;
}

TEST(LegacyWriter, BeginsAsTorchSaveDoes) {
  EXPECT_THAT(write(plan_legacy_stream, weights(1).opened()).bytes, StartsWith(kHeader));
}

TEST(LegacyWriter, PutsStoragesBehindTheObjectInTheOrderOfTheirSortedKeys) {
  const std::string bytes = write(plan_legacy_stream, weights(11).opened()).bytes;
  // 0, 1, 10, 2 …
  EXPECT_THAT(bytes, HasSubstr(payload(1, floats({1})) + payload(1, floats({10})) + payload(1, floats({2}))));
  const OpenedTree read = open_bytes(bytes);
  EXPECT_THAT(read.floats("w10"), ElementsAre(10));
  EXPECT_THAT(read.floats("w2"), ElementsAre(2));
}

TEST(LegacyWriter, WritesSeveralObjectsBehindOneAnother) {
  Opened opened = weights(2).opened();
  opened.roots.push_back(opened.document->integer(7));
  opened.roots.push_back(opened.roots.front());
  const OpenedTree read = open_bytes(write(plan_legacy_stream, opened).bytes);
  ASSERT_EQ(read.opened.roots.size(), 3U);
  EXPECT_EQ(read.root(1).as_int(), 7);
  EXPECT_EQ(read.root(2)["w1"].as_tensor().to_vector<float>().front(), 1);
}

TEST(LegacyWriter, RefusesDtypesThatNoPyTorchLoadsFromAStream) {
  Built built = weights(1);
  built.set("u", built.document->add_tensor(Tensor::from(std::vector<std::uint16_t>{1, 2}, {2})));
  const Error error = error_of([&] { (void)write(plan_legacy_stream, built.opened()); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.message(), HasSubstr("u: a tensor of uint16"));
  SaveOptions drop;
  drop.drop = true;
  EXPECT_EQ(open_bytes(write(plan_legacy_stream, built.opened(), drop).bytes).root().size(), 1U);
}

TEST(LegacyWriter, APartOfAStorageStaysAPartOfIt) {
  Built built;
  const std::uint32_t storage =
      built.document->add_storage(Tensor::from(std::vector<float>{1, 2, 3, 4}, {4}).storage());
  built.set("all", built.document->storage(storage));
  built.set("part", built.document->storage(storage, {4, 8}));
  const OpenedTree stream = open_bytes(write(plan_legacy_stream, built.opened()).bytes);
  const tree::Document& document = *stream.opened.document;
  const tree::NodeId part = document.dict_get(stream.opened.roots[0], "part");
  EXPECT_EQ(document.storage_slice(part).offset, 4U);
  EXPECT_EQ(document.storage_slice(part).nbytes, 8U);
  EXPECT_EQ(document.storage_number(part), document.storage_number(document.dict_get(stream.opened.roots[0], "all")));

  const Written archive = write(plan_torch_zip, built.opened());
  EXPECT_THAT(archive.report.notes, ElementsAre(HasSubstr("second time")));
  const OpenedTree read = open_bytes(archive.bytes);
  EXPECT_EQ(read.root()["part"].as_storage().nbytes(), 8U);
}

}  // namespace
}  // namespace sconce::formats::pytorch::testing
