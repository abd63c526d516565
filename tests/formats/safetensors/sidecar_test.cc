// The JSON beside the tensors, when other tools or an attacker changed the file.
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

// ------------------------------------------------------------------------------------------------ sidecars of
// strangers

std::string with_sidecar(std::string_view sidecar, std::string_view tensors = {}, std::string_view bytes = {}) {
  std::string header = R"({"__metadata__":{"sconce":)";
  std::string quoted = "\"";
  for (const char c : sidecar) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  header += quoted + "\"}" + (tensors.empty() ? "" : ",") + std::string(tensors) + "}";
  return test::file_of(header, bytes);
}

constexpr std::string_view kTensor = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";

std::string nodes(std::string_view list, std::string_view storages = "") {
  return R"({"version":1,"roots":[0],"storages":[)" + std::string(storages) + R"(],"nodes":[)" + std::string(list) +
         "]}";
}

TEST(SafetensorsSidecar, OfAnotherFileIsPassedOverWithANote) {
  for (const std::string& sidecar : {
           std::string(""),
           std::string("{"),
           std::string("null"),
           std::string(R"({"version":2})"),
           nodes("1"),
           nodes(R"(["tensor",["b"],{}])"),
           nodes(R"(["tensor",["a","a"],{}])"),
           nodes(R"(["tensor",[],{}])"),
           nodes(R"(["list",1],["tensor",["a"],{}],["tensor",["a"],{}])"),
           nodes(R"(["tensor",["a"],{"dtype":"int32","shape":[4]}])"),
           nodes(R"(["tensor",["a"],{"dtype":"float32","shape":[1]}])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[1]}])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[-1]}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[1,1]}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[9223372036854775807]}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[1000000000000]}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[1],"offset":9223372036854775807}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"storage":0,"strides":[1],"offset":-1}])", R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"dtype":"uint8","shape":[2,2],"storage":0,"strides":[1,1]}])",
                 R"(["uint8","cpu"])"),
           nodes(R"(["tensor",["a"],{"layout":"sparse_coo"}])"),
           nodes(R"(["tensor",["a"],{"what":1}])"),
           nodes(R"(["tuple",0],["tensor",["a"],{}])"),
           nodes(R"(["tuple",1],["tuple",0],["tensor",["a"],{}])"),
           nodes(R"(["list",9],["tensor",["a"],{}])"),
           nodes(R"(["dict","dict",null,null,1,1,1,1],["tensor",["a"],{}])"),
           nodes(R"(["dict","dict",null,null,0,1],["tensor",["a"],{}])"),
           nodes(R"(["dict","what",null,null],["tensor",["a"],{}])"),
           nodes(R"(["dict","dict",1,null],["tensor",["a"],{}])"),
           nodes(R"(["dict","dict",null,1],["tensor",["a"],{}])"),
           nodes(R"(["storage",["a"],{}])"),
           nodes(R"(["bytes","0"],["tensor",["a"],{}])"),
           nodes(R"(["scalar","int16","00"],["tensor",["a"],{}])"),
           nodes(R"(["size",1],["tensor",["a"],{}])"),
           nodes(R"(["slice",1],["tensor",["a"],{}])"),
           nodes(R"([[[[[[[[[]]]]]]]]],["tensor",["a"],{}])"),
       }) {
    const formats::Opened opened = open_file(with_sidecar(sidecar, kTensor, "abcd"));
    EXPECT_THAT(opened.facts.notes, ElementsAre(HasSubstr("passed over"))) << sidecar;
    const Value root(opened.document, opened.roots.at(0));
    ASSERT_EQ(root.kind(), Kind::dict) << sidecar;
    EXPECT_EQ(root["a"].as_tensor().numel(), 4u) << sidecar;
    EXPECT_EQ(opened.document->storage_count(), 1u) << sidecar << ": storages that nobody has are counted as lost";
  }
}

TEST(SafetensorsSidecar, FilesThatOtherToolsChangedStillOpen) {
  const Tree tree;
  const NodeId a = plain(tree, {2});
  const std::string file = save_tree(*tree, {tree.dict({tree.text("b"), a, tree.text("a"), a})}).bytes;
  std::string header = header_of(file);
  header.replace(header.find(R"(},"a":)") + 3, 1, "c");
  const formats::Opened opened = open_file(test::file_of(header, file.substr(file.size() - 16)));
  EXPECT_THAT(opened.facts.notes, ElementsAre(HasSubstr("passed over")));
  EXPECT_TRUE(Value(opened.document, opened.roots[0]).contains("c"));
}

TEST(SafetensorsSidecar, FlippedBitsNeverDoMoreThanFail) {
  const Tree tree;
  const std::uint32_t storage = storage_of(tree, counting(48));
  const NodeId root = tree.dict({tree.text("l"), view_of(tree, storage, DType::float32, {3, 2}, {4, 1}), tree.number(1),
                                 view_of(tree, storage, DType::float32, {2, 3}, {1, 4}, 2), tree.text("x"),
                                 tree.tuple({tree.list({}), tree->floating(0.5)})},
                                DictFlavor::ordered_dict);
  const std::string good = save_tree(*tree, {root}).bytes;
  std::uint64_t random = 1;
  for (int round = 0; round < 4'000; ++round) {
    std::string file = good;
    random = random * 6364136223846793005U + 1442695040888963407U;
    const std::size_t at = (random >> 33) % file.size();
    file[at] = static_cast<char>(file[at] ^ (1 << (random >> 29) % 8));
    try {
      const formats::Opened opened = open_file(file);
      for (std::uint32_t number = 0; number < opened.document->storage_count(); ++number) {
        const Storage& each = opened.document->storage_at(number);
        std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(each.nbytes(), 4096)), '\0');
        each.read(0, std::as_writable_bytes(std::span(bytes)));
      }
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::invalid_argument) << error.what();
    }
  }
}

}  // namespace
}  // namespace sconce
