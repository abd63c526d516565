// Writing safetensors: the reference's bytes for plain tensors, what is lost, checksums on the way.
#include "formats/safetensors/writer.h"

#include <gmock/gmock.h>

#include <cmath>

#include "round_trip.h"

namespace sconce {
namespace {

using test::Back;
using test::counting;
using test::fixture;
using test::header_of;
using test::open_file;
using test::plain;
using test::save_tree;
using test::Saved;
using test::storage_of;
using test::view_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tree::kNoNode;
using tree::NodeId;
using tree::testing::Tree;

// ------------------------------------------------------------------------------------------------ the reference's
// bytes

TEST(SafetensorsWriter, PlainTensorsGiveTheReferencesBytes) {
  const std::string golden = fixture("every_dtype.safetensors");
  ASSERT_FALSE(golden.empty());
  const formats::Opened opened = open_file(golden);
  EXPECT_EQ(save_tree(*opened.document, opened.roots, {}, opened.facts).bytes, golden);
}

TEST(SafetensorsWriter, TensorsFromElsewhereAreMarkedForPyTorch) {
  const formats::Opened opened = open_file(fixture("every_dtype.safetensors"));
  EXPECT_EQ(save_tree(*opened.document, opened.roots).bytes, fixture("every_dtype_pt.safetensors"));
}

TEST(SafetensorsWriter, OrderOfTheDictIsKeptBesideTheReferencesOrder) {
  const Tree tree;
  const Back back(tree, tree.dict({tree.text("b"), plain(tree, {2}), tree.text("a"), plain(tree, {2}, DType::uint8),
                                   tree.text("c"), plain(tree, {1}, DType::int64)}));
  const auto items = back.root().items();
  std::vector<std::string> keys;
  for (const auto& item : items) keys.emplace_back(item.key.as_str());
  EXPECT_THAT(keys, ElementsAre("b", "a", "c"));
  EXPECT_THAT(header_of(back.saved.bytes), HasSubstr(R"("c":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                                                     R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},)"
                                                     R"("a":{"dtype":"U8","shape":[2],"data_offsets":[16,18]}})"));
}

TEST(SafetensorsWriter, DataBeginsAtAMultipleOfEight) {
  for (const char* name : {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    const Tree tree;
    const std::string bytes = save_tree(*tree, {tree.dict({tree.text(name), plain(tree, {1})})}).bytes;
    EXPECT_EQ(load_le<std::uint64_t>(bytes.data()) % 8, 0u);
  }
}

TEST(SafetensorsWriter, StringsOfTheMetadataAreKept) {
  const std::string file = test::file_of(R"({"__metadata__":{"z":"1","format":"mlx"},)"
                                         R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}} )",
                                         "x");
  const formats::Opened opened = open_file(file);
  EXPECT_EQ(header_of(save_tree(*opened.document, opened.roots, {}, opened.facts).bytes), header_of(file));
}

// ---------------------------------------------------------------------------------------------------------------- loss

/// A tree with an object that has a tensor inside, and a meta tensor.
NodeId tree_with_losses(const Tree& tree) {
  const NodeId object = tree.object("mylib", "Thing");
  tree.state(object, tree.dict({tree.text("w"), plain(tree, {2})}));
  const NodeId meta = plain(tree, {2});
  tree->mutable_tensor(meta).meta = true;
  return tree.dict({tree.text("thing"), object, tree.text("m"), meta, tree.text("list"),
                    tree.list({tree.number(1), meta, tree.number(2)}), tree.text("ok"), tree.number(1)});
}

TEST(SafetensorsWriter, LossesAreListedAndRefused) {
  const Tree tree;
  const NodeId root = tree_with_losses(tree);
  FileFacts facts;
  facts.format = "pytorch-zip";
  facts.extras.push_back({"note.txt", string_source("hello")});
  facts.extras.push_back({"thumbnail", string_source("\xFF\xD8\xFF")});
  try {
    (void)save_tree(*tree, {root}, {}, facts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_THAT(error.what(), HasSubstr("thing: an object of class mylib.Thing"));
    EXPECT_THAT(error.what(), HasSubstr("m: a meta tensor"));
    EXPECT_THAT(error.what(), HasSubstr("extra record thumbnail"));
    EXPECT_THAT(error.what(), Not(HasSubstr("note.txt"))) << "a text is an entry of the metadata";
    EXPECT_THAT(error.what(), HasSubstr("--drop"));
  }
}

TEST(SafetensorsWriter, TextsBesideTheTreeBecomeMetadata) {
  const Tree tree;
  const NodeId root = tree.dict({tree.text("w"), plain(tree, {2})});
  FileFacts facts;
  facts.format = "pytorch-zip";
  facts.extras.push_back({"note.txt", string_source("hello")});
  EXPECT_THAT(save_tree(*tree, {root}, {}, facts).bytes,
              HasSubstr(R"({"__metadata__":{"format":"pt","note.txt":"hello"},)"));
  facts.extras.push_back({"format", string_source("pt")});
  EXPECT_THAT(save_tree(*tree, {root}, {}, facts).bytes,
              HasSubstr(R"({"__metadata__":{"note.txt":"hello","format":"pt"},)"))
      << "as in the safetensors file that the archive was made from";
}

TEST(SafetensorsWriter, LossesAreDroppedOnRequestAndListed) {
  const Tree tree;
  SaveOptions options;
  options.drop = true;
  const Back back(tree, tree_with_losses(tree), options);
  EXPECT_THAT(back.saved.report.dropped, ElementsAre(HasSubstr("thing: an object"), HasSubstr("m: a meta tensor")));
  EXPECT_FALSE(back.root().contains("m"));
  EXPECT_EQ(back.root()["list"].elements()[1].kind(), Kind::none);
  EXPECT_EQ(back.root()["thing"].kind(), Kind::dict);
  EXPECT_TRUE(back.root()["thing"]["w"].is_tensor());
  EXPECT_EQ(back.root()["ok"].as_int(), 1);
}

// ----------------------------------------------------------------------------------------------------------- checksums

/// Storages that say what their checksum should be.
class CheckedOrigin final : public StorageOrigin {
 public:
  explicit CheckedOrigin(std::uint32_t crc) : crc_(crc) {}
  SourcePtr open(std::uint64_t, std::uint64_t nbytes) const override { return string_source(counting(nbytes)); }
  std::string record(std::uint64_t) const override { return "data/0"; }
  std::optional<RecordedChecksum> checksum(std::uint64_t) const override { return RecordedChecksum{crc_}; }

 private:
  std::uint32_t crc_;
};

std::uint32_t checked_storage(const Tree& tree, std::uint32_t crc) {
  StorageData data;
  data.origin = tree->keep_origin(std::make_shared<CheckedOrigin>(crc));
  data.nbytes = 8;
  data.typed = true;
  data.dtype = DType::float32;
  data.byte_order = std::endian::little;
  return tree->new_storage(data);
}

TEST(SafetensorsWriter, ChecksumsOfTheInputAreCheckedOnce) {
  for (const bool whole : {true, false}) {
    const Tree tree;
    const std::uint32_t good = checked_storage(tree, crc32(counting(8)));
    const NodeId view = view_of(tree, good, DType::float32, {whole ? 2 : 1});
    const Saved saved = save_tree(*tree, {tree.dict({tree.text("a"), view, tree.text("b"), view})});
    EXPECT_EQ(saved.checks, whole ? 0u : 1u);
    const NodeId bad = view_of(tree, checked_storage(tree, 1), DType::float32, {whole ? 2 : 1});
    try {
      (void)save_tree(*tree, {tree.dict({tree.text("bad"), bad})});
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::checksum);
    }
  }
}

}  // namespace
}  // namespace sconce
