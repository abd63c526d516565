// Whatever is written as safetensors comes back as the same tree.
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

}  // namespace
}  // namespace sconce
