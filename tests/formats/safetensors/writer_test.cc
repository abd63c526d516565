// Writing safetensors, and what comes back: the reference's bytes for plain tensors, the same tree for all others.
#include "formats/safetensors/writer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "safetensors_files.h"
#include "tree/tree_builder.h"

namespace sconce {
namespace {

using test::header_of;
using test::open_file;
using test::save_tree;
using test::Saved;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tree::kNoNode;
using tree::NodeId;
using tree::testing::Tree;

std::string fixture(const std::string& name) {
  std::ifstream file(SCONCE_SOURCE_DIR "/tests/fixtures/safetensors/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A storage of these bytes.
std::uint32_t storage_of(const Tree& tree, std::string bytes, DType dtype = DType::float32,
                         const std::string& location = "cpu", std::endian order = std::endian::little) {
  return tree->add_storage(storage_over(string_source(std::move(bytes)), dtype, order, location));
}

NodeId view_of(const Tree& tree, std::uint32_t storage, DType dtype, std::vector<std::int64_t> shape,
               std::vector<std::int64_t> strides = {}, std::int64_t offset = 0) {
  tree::TensorRecord record;
  record.dtype = dtype;
  record.storage = storage;
  record.offset = offset;
  return tree->tensor(record, shape, strides);
}

std::string counting(std::size_t size) {
  std::string bytes;
  for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(at);
  return bytes;
}

NodeId plain(const Tree& tree, std::vector<std::int64_t> shape, DType dtype = DType::float32) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
  return view_of(tree, storage_of(tree, counting(*bytes_of(dtype, count)), dtype), dtype, std::move(shape));
}

/// The tree that comes back. Written again it gives the same bytes, which holds all of it against what was written.
struct Back {
  Back(const Tree& tree, NodeId root, const SaveOptions& options = {}) {
    saved = save_tree(*tree, {root}, options);
    opened = open_file(saved.bytes);
    EXPECT_THAT(opened.facts.notes, IsEmpty());
    const Saved again = save_tree(*opened.document, opened.roots, options, opened.facts);
    if (saved.report.dropped.empty()) {
      EXPECT_EQ(again.bytes, saved.bytes);
    }
  }
  [[nodiscard]] Value root() const { return {opened.document, opened.roots.at(0)}; }
  [[nodiscard]] Tensor tensor(std::string_view key) const { return root()[key].as_tensor(); }
  [[nodiscard]] const tree::Document& document() const { return *opened.document; }
  [[nodiscard]] NodeId node(std::string_view key) const { return root()[key].node(); }

  Saved saved;
  formats::Opened opened;
};

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

// -------------------------------------------------------------------------------------------------------------- leaves

TEST(SafetensorsRoundTrip, PlainLeavesAreExact) {
  const Tree tree;
  const double odd_nan = std::bit_cast<double>(std::uint64_t{0x7FF8'0000'DEAD'BEEF});
  const NodeId root = tree.dict({
      tree.text("none"),      tree->none(),
      tree.text("true"),      tree->boolean(true),
      tree.text("int"),       tree.number(INT64_MIN),
      tree.text("big"),       tree->big_integer(std::string(9, '\x7F')),
      tree.text("float"),     tree->floating(0.1),
      tree.text("whole"),     tree->floating(3),
      tree.text("-0"),        tree->floating(-0.0),
      tree.text("tiny"),      tree->floating(5e-324),
      tree.text("inf"),       tree->floating(-INFINITY),
      tree.text("nan"),       tree->floating(odd_nan),
      tree.text("complex"),   tree->complex(1.5, odd_nan),
      tree.text("str"),       tree.text("h\xC3\xA9\n\"\\"),
      tree.text("surrogate"), tree.text("\xED\xA0\x80"),
      tree.text("str2"),      tree->str("\xFF\x00z", tree::StrKind::python2),
      tree.text("bytes"),     tree->bytes(std::string("\x00\xFF", 2)),
      tree.text("bytearray"), tree->bytes("ab", true),
      tree.text("dtype"),     tree->symbol(Kind::dtype, "bfloat16"),
      tree.text("device"),    tree->symbol(Kind::device, "cuda:0"),
      tree.text("layout"),    tree->symbol(Kind::layout, "strided"),
      tree.text("scalar"),    tree->scalar(DType::int16, "ab"),
      tree.text("class"),     tree->global("__builtin__", "int", "builtins", "int"),
      tree.text("ellipsis"),  tree->symbol(Kind::ellipsis, ""),
  });
  const Back back(tree, root);
  EXPECT_EQ(back.root()["int"].as_int(), INT64_MIN);
  EXPECT_EQ(back.root()["true"].kind(), Kind::boolean);
  EXPECT_EQ(back.root()["whole"].kind(), Kind::floating);
  EXPECT_TRUE(std::signbit(back.root()["-0"].as_float()));
  EXPECT_EQ(back.root()["tiny"].as_float(), 5e-324);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(back.root()["nan"].as_float()), std::bit_cast<std::uint64_t>(odd_nan));
  EXPECT_EQ(back.root()["surrogate"].as_str(), "\xED\xA0\x80");
  EXPECT_TRUE(back.root()["str2"].is_python2_str());
  EXPECT_EQ(back.document().text(back.node("big")), std::string(9, '\x7F'));
  EXPECT_EQ(back.document().text(back.node("bytes")), std::string("\x00\xFF", 2));
  EXPECT_EQ(back.root()["bytearray"].kind(), Kind::bytearray);
  EXPECT_EQ(back.root()["scalar"].as_dtype(), DType::int16);
  EXPECT_EQ(back.root()["class"].class_name(), "builtins.int");
  EXPECT_EQ(back.document().global_record(back.node("class")).module, "__builtin__");
  EXPECT_EQ(back.root()["device"].to_text(), Value(tree.document, tree->symbol(Kind::device, "cuda:0")).to_text());
}

TEST(SafetensorsRoundTrip, ContainersKeepTheirKindsAndOrder) {
  const Tree tree;
  const NodeId set = tree->set(Kind::set);
  ASSERT_TRUE(tree->dict_set(set, tree.number(2), kNoNode));
  const NodeId counts = tree.dict({tree.text("x"), tree.number(1)}, DictFlavor::default_dict);
  tree->set_dict_flavor(counts, DictFlavor::default_dict, tree->global("builtins", "list", "builtins", "list"));
  const NodeId ordered = tree.dict(
      {tree.number(5), tree->none(), tree.tuple({tree.number(1), tree.text("k")}), tree.frozenset({tree.number(3)}),
       tree->boolean(false), tree.text("v"), tree.text("5"), tree.text("not 5")},
      DictFlavor::ordered_dict);
  ASSERT_TRUE(tree->dict_set(tree->dict_attributes(ordered), tree.text("_metadata"), tree.dict({tree.text(""), set})));
  const NodeId numbers[] = {tree.number(2), tree.number(3), tree.number(1)};
  const Back back(
      tree, tree.dict({tree.text("ordered"), ordered, tree.text("default"), counts, tree.text("counter"),
                       tree.dict({}, DictFlavor::counter), tree.text("set"), set, tree.text("size"),
                       tree->tuple(numbers, Kind::size), tree.text("slice"), tree->tuple(numbers, Kind::slice),
                       tree.text("range"), tree->tuple(numbers, Kind::range), tree.text("empty"), tree.list({})}));
  EXPECT_EQ(back.root()["ordered"].dict_flavor(), DictFlavor::ordered_dict);
  EXPECT_EQ(back.root()["ordered"][5].kind(), Kind::none);
  EXPECT_EQ(back.root()["ordered"]["5"].as_str(), "not 5");
  EXPECT_EQ(back.root()["default"].dict_flavor(), DictFlavor::default_dict);
  EXPECT_EQ(back.root()["size"].kind(), Kind::size);
  const auto metadata = back.root()["ordered"].attribute("_metadata");
  ASSERT_TRUE(metadata.has_value());
  EXPECT_TRUE((*metadata)[""].is(back.root()["set"])) << "what is shared stays shared";
}

TEST(SafetensorsRoundTrip, CyclesAndDeepNestingsNeedNoStack) {
  const Tree tree;
  const NodeId cycle = tree.list({});
  const NodeId inner = tree.tuple({cycle});
  tree->list_append(cycle, std::vector<NodeId>{tree.tuple({inner}), cycle});
  NodeId deep = tree.tuple({tree.number(1)});
  for (int depth = 0; depth < 200'000; ++depth) deep = tree.tuple({deep, tree->none()});
  NodeId lists = tree.list({});
  for (int depth = 0; depth < 200'000; ++depth) lists = tree.list({lists});
  const Back back(tree, tree.tuple({inner, deep, lists}));
  const Value list = back.root().elements()[0].elements()[0];
  EXPECT_TRUE(list.elements()[1].is(list));
  EXPECT_TRUE(list.elements()[0].elements()[0].is(back.root().elements()[0]));
}

TEST(SafetensorsRoundTrip, SeveralRootsStaySeveral) {
  const Tree tree;
  const std::vector<NodeId> roots = {tree.number(1), tree.dict({tree.text("a"), plain(tree, {2})})};
  const Saved saved = save_tree(*tree, roots);
  EXPECT_THAT(header_of(saved.bytes), HasSubstr(R"("1.a":{"dtype")"));
  EXPECT_EQ(open_file(saved.bytes).roots.size(), 2u);
}

// --------------------------------------------------------------------------------------------------------------- names

TEST(SafetensorsRoundTrip, AmbiguousNamesAreRestoredAsTheyWere) {
  const Tree tree;
  const NodeId first = plain(tree, {1}, DType::int32);
  const NodeId second = plain(tree, {2}, DType::int32);
  const NodeId root = tree.dict({tree.text("a"), tree.dict({tree.text("b"), first}), tree.text("a.b"), second,
                                 tree.text("__metadata__"), plain(tree, {3}, DType::int32), tree.text("\xED\xA0\x80"),
                                 plain(tree, {4}, DType::int32)});
  const Back back(tree, root);
  const std::string header = header_of(back.saved.bytes);
  EXPECT_THAT(header, HasSubstr(R"("a.b":{"dtype":"I32","shape":[1])"));
  EXPECT_THAT(header, HasSubstr(R"("a.b#2":{"dtype":"I32","shape":[2])"));
  EXPECT_THAT(header, HasSubstr(R"("__metadata__#2":{"dtype":"I32","shape":[3])"));
  EXPECT_THAT(header, HasSubstr(R"("\\xed\\xa0\\x80":{"dtype":"I32","shape":[4])"));
  EXPECT_EQ(back.root()["a"]["b"].as_tensor().numel(), 1u);
  EXPECT_EQ(back.tensor("a.b").numel(), 2u);
}

TEST(SafetensorsRoundTrip, ABareTensorHasTheEmptyName) {
  const Tree tree;
  const Back back(tree, plain(tree, {3}));
  EXPECT_THAT(header_of(back.saved.bytes), HasSubstr(R"("":{"dtype":"F32")"));
  EXPECT_TRUE(back.root().is_tensor());
}

TEST(SafetensorsRoundTrip, TensorsThatAreKeysAreHeldToo) {
  const Tree tree;
  const Back back(tree, tree.dict({plain(tree, {3}), tree.number(1)}));
  EXPECT_EQ(back.root().items()[0].key.kind(), Kind::tensor);
}

// ------------------------------------------------------------------------------------------------- storages and views

TEST(SafetensorsRoundTrip, TiedTensorsAreOneTensorAgain) {
  const Tree tree;
  const NodeId tied = plain(tree, {2});
  const Back back(tree, tree.dict({tree.text("a"), tied, tree.text("b"), tied}));
  EXPECT_TRUE(back.root()["a"].is(back.root()["b"]));
  EXPECT_EQ(back.saved.bytes.size(), 8 + load_le<std::uint64_t>(back.saved.bytes.data()) + 16) << "both are written";
  EXPECT_THAT(back.saved.report.notes, ElementsAre(HasSubstr("1 name leads")));
}

TEST(SafetensorsRoundTrip, ViewsOfAStorageThatOneTensorShowsInFull) {
  const Tree tree;
  const std::uint32_t storage = storage_of(tree, counting(24));
  const Back back(tree, tree.dict({tree.text("row"), view_of(tree, storage, DType::float32, {3}, {1}, 3),
                                   tree.text("all"), view_of(tree, storage, DType::float32, {2, 3}),
                                   tree.text("transposed"), view_of(tree, storage, DType::float32, {3, 2}, {1, 3}),
                                   tree.text("bytes"), view_of(tree, storage, DType::uint8, {4}, {6}, 1),
                                   tree.text("windows"), view_of(tree, storage, DType::float32, {4, 3}, {1, 1})}));
  const Tensor all = back.tensor("all");
  for (const char* name : {"row", "transposed", "bytes", "windows"})
    EXPECT_TRUE(back.tensor(name).storage().is(all.storage())) << name;
  EXPECT_EQ(all.storage().nbytes(), 24u);
  EXPECT_EQ(back.tensor("row").storage_offset(), 3);
  EXPECT_THAT(back.tensor("transposed").strides(), ElementsAre(1, 3));
  EXPECT_THAT(back.tensor("bytes").to_vector<std::uint8_t>(), ElementsAre(1, 7, 13, 19));
  EXPECT_FALSE(all.storage().view().empty() && all.storage().data()->origin == nullptr);
}

TEST(SafetensorsRoundTrip, StoragesArePutTogetherFromTheirViews) {
  const Tree tree;
  const std::uint32_t storage = storage_of(tree, counting(48));
  const Back back(tree, tree.dict({tree.text("left"), view_of(tree, storage, DType::float32, {3, 2}, {4, 1}),
                                   tree.text("right"), view_of(tree, storage, DType::float32, {2, 3}, {1, 4}, 2)}));
  const Storage restored = back.tensor("left").storage();
  EXPECT_TRUE(restored.is(back.tensor("right").storage()));
  ASSERT_EQ(restored.nbytes(), 48u);
  std::string bytes(48, '\0');
  restored.read(0, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes, counting(48));
  for (std::uint64_t begin = 0; begin < 48; ++begin)
    for (std::uint64_t end = begin; end <= 48; ++end) {
      std::string part(end - begin, '\0');
      restored.read(begin, std::as_writable_bytes(std::span(part)));
      ASSERT_EQ(part, counting(48).substr(begin, end - begin)) << begin << " to " << end;
    }
}

TEST(SafetensorsRoundTrip, HiddenBytesAreANoteAndReadAsZero) {
  const Tree tree;
  const std::uint32_t storage = storage_of(tree, counting(40));
  const Back back(tree, tree.dict({tree.text("even"), view_of(tree, storage, DType::float32, {4}, {2}, 1)}));
  EXPECT_THAT(back.saved.report.notes, testing::Contains(HasSubstr("bytes of storages that no tensor shows")));
  const Tensor even = back.tensor("even");
  EXPECT_THAT(even.strides(), ElementsAre(2));
  EXPECT_EQ(even.storage_offset(), 0) << "what is hidden before the first element is cut off";
  EXPECT_EQ(even.storage().nbytes(), 28u);
  std::string bytes(28, 'x');
  even.storage().read(0, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes.substr(0, 8), std::string("\4\5\6\7\0\0\0\0", 8));
}

TEST(SafetensorsRoundTrip, APartOfAStorageAloneIsAPlainTensor) {
  const Tree tree;
  const NodeId part = view_of(tree, storage_of(tree, counting(400)), DType::float32, {3}, {1}, 50);
  const Saved saved = save_tree(*tree, {tree.dict({tree.text("part"), part})});
  EXPECT_THAT(header_of(saved.bytes), Not(HasSubstr("sconce")));
  EXPECT_THAT(saved.report.notes, ElementsAre(HasSubstr("388 bytes")));
}

TEST(SafetensorsRoundTrip, ExpandedTensorsKeepTheirStrides) {
  const Tree tree;
  const Back back(
      tree, tree.dict({tree.text("x"), view_of(tree, storage_of(tree, counting(8)), DType::float32, {5, 2}, {0, 1})}));
  EXPECT_THAT(back.tensor("x").strides(), ElementsAre(0, 1));
  EXPECT_EQ(back.tensor("x").storage().nbytes(), 8u);
}

TEST(SafetensorsRoundTrip, OverlappingWindowsAloneAreWrittenInFull) {
  const Tree tree;
  const NodeId windows = view_of(tree, storage_of(tree, counting(24)), DType::float32, {4, 3}, {1, 1});
  const Saved saved = save_tree(*tree, {tree.dict({tree.text("x"), windows})});
  EXPECT_THAT(saved.report.notes, testing::Contains("x: its elements are written in full"));
  const formats::Opened opened = open_file(saved.bytes);
  EXPECT_TRUE(Value(opened.document, opened.roots[0])["x"].as_tensor().is_contiguous());
}

TEST(SafetensorsWriter, AbsurdExpansionsAreRefused) {
  const Tree tree;
  const NodeId huge = view_of(tree, storage_of(tree, counting(4)), DType::float32, {1LL << 40}, {0});
  try {
    (void)save_tree(*tree, {tree.dict({tree.text("huge"), huge})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_EQ(error.place().key, "huge");
  }
}

TEST(SafetensorsRoundTrip, BigEndianStoragesAreWrittenLittleEndian) {
  const Tree tree;
  const std::uint32_t storage = storage_of(tree, std::string("\0\1\0\2", 4), DType::int16, "cpu", std::endian::big);
  const Back back(tree, tree.dict({tree.text("x"), view_of(tree, storage, DType::int16, {2})}));
  EXPECT_THAT(back.tensor("x").to_vector<std::int16_t>(), ElementsAre(1, 2));
}

TEST(SafetensorsRoundTrip, BareStoragesStayStorages) {
  const Tree tree;
  const std::uint32_t shared = storage_of(tree, counting(8), DType::int16);
  const Back back(tree,
                  tree.dict({tree.text("s"), tree->storage(shared), tree.text("part"), tree->storage(shared, {2, 4}),
                             tree.text("t"), view_of(tree, shared, DType::int16, {4}), tree.text("none"),
                             tree->storage(storage_of(tree, "", DType::float32))}));
  EXPECT_EQ(back.root()["s"].kind(), Kind::storage);
  EXPECT_TRUE(back.root()["s"].as_storage().is(back.tensor("t").storage()));
  EXPECT_EQ(back.document().storage_slice(back.node("part")).offset, 2u);
  EXPECT_EQ(back.root()["none"].as_storage().nbytes(), 0u);
}

TEST(SafetensorsRoundTrip, DeviceTagsAreKeptOnRequest) {
  const Tree tree;
  const NodeId root = tree.dict(
      {tree.text("x"), view_of(tree, storage_of(tree, counting(8), DType::float32, "cuda:0"), DType::float32, {2})});
  EXPECT_EQ(Back(tree, root).tensor("x").device(), "cpu");
  SaveOptions options;
  options.keep_device = true;
  EXPECT_EQ(Back(tree, root, options).tensor("x").device(), "cuda:0");
}

// -------------------------------------------------------------------------------------------------------- rare tensors

TEST(SafetensorsRoundTrip, DtypesThatTheFormatLacks) {
  for (const DType dtype :
       {DType::complex128, DType::complex32, DType::bcomplex32, DType::qint8, DType::quint8, DType::qint32,
        DType::quint4x2, DType::quint2x4, DType::bits1x8, DType::bits8, DType::bits16}) {
    const Tree tree;
    const Back back(tree, tree.dict({tree.text("x"), plain(tree, {3, 2}, dtype)}));
    EXPECT_EQ(back.tensor("x").dtype(), dtype);
    EXPECT_THAT(back.tensor("x").shape(), ElementsAre(3, 2)) << to_string(dtype);
  }
}

TEST(SafetensorsRoundTrip, ParametersAndTheirAttributes) {
  const Tree tree;
  const NodeId parameter = plain(tree, {2});
  tree->mutable_tensor(parameter).parameter = true;
  tree->mutable_tensor(parameter).requires_grad = true;
  const NodeId state = tree.dict({tree.text("tag"), tree.number(4)});
  tree->tensor_extra(parameter).state = state;
  const NodeId array = plain(tree, {2, 2}, DType::int64);
  tree->mutable_tensor(array).numpy = true;
  tree->mutable_tensor(array).fortran = true;
  const Back back(tree, tree.dict({tree.text("p"), parameter, tree.text("n"), array}));
  EXPECT_TRUE(back.tensor("p").is_parameter());
  EXPECT_TRUE(back.tensor("p").requires_grad());
  EXPECT_EQ(back.document().integer_value(back.document().attribute(back.node("p"), "tag")), 4);
  EXPECT_TRUE(back.tensor("n").is_numpy());
  EXPECT_TRUE(back.document().tensor_record(back.node("n")).fortran);
}

TEST(SafetensorsRoundTrip, SparseTensorsAreTheirParts) {
  const Tree tree;
  tree::TensorRecord record;
  record.layout = Layout::sparse_coo;
  const std::int64_t shape[] = {5, 5};
  const NodeId sparse = tree->tensor(record, shape, {});
  const NodeId indices = plain(tree, {2, 3}, DType::int64);
  const NodeId values = plain(tree, {3});
  tree::TensorExtra& extra = tree->tensor_extra(sparse);
  extra.has_coalesced = extra.coalesced = true;
  extra.parts[0] = {tree::PartName::indices, indices};
  extra.parts[1] = {tree::PartName::values, values};
  extra.part_count = 2;
  const Back back(tree, tree.dict({tree.text("w"), sparse}));
  EXPECT_THAT(header_of(back.saved.bytes), HasSubstr(R"("w.indices":{"dtype":"I64")"));
  EXPECT_EQ(back.tensor("w").layout(), Layout::sparse_coo);
  EXPECT_TRUE(back.tensor("w").is_coalesced());
  ASSERT_EQ(back.tensor("w").parts().size(), 2u);
  EXPECT_EQ(back.tensor("w").parts()[1].name, "values");
}

TEST(SafetensorsRoundTrip, QuantisedTensorsKeepTheirScales) {
  const Tree tree;
  const NodeId quantised = plain(tree, {4}, DType::quint8);
  tree::TensorExtra& extra = tree->tensor_extra(quantised);
  extra.qscheme = QScheme::per_tensor_affine;
  extra.scale = 0.1;
  extra.zero_point = -3;
  const Back back(tree, tree.dict({tree.text("q"), quantised}));
  EXPECT_EQ(back.tensor("q").qscheme(), QScheme::per_tensor_affine);
  EXPECT_EQ(back.tensor("q").q_scale(), 0.1);
  EXPECT_EQ(back.tensor("q").q_zero_point(), -3);
}

TEST(SafetensorsRoundTrip, ConjugatedElementsAreResolved) {
  const Tree tree;
  const std::vector<std::complex<float>> values = {{1, 2}, {3, -4}};
  const NodeId conj = tree->add_tensor(Tensor::from(values, {2}));
  tree->mutable_tensor(conj).conj = true;
  const Saved saved = save_tree(*tree, {tree.dict({tree.text("x"), conj})});
  EXPECT_THAT(saved.report.notes, testing::Contains(HasSubstr("conj or neg bit is resolved")));
  const formats::Opened opened = open_file(saved.bytes);
  const Tensor x = Value(opened.document, opened.roots[0])["x"].as_tensor();
  EXPECT_FALSE(x.is_conj());
  EXPECT_THAT(x.to_vector<std::complex<float>>(), ElementsAre(std::complex<float>(1, -2), std::complex<float>(3, 4)));
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
