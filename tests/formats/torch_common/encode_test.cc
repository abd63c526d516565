// Trees as torch's pickles: what was read is written as it was, by the function that PyTorch itself would use.
#include "formats/torch_common/encode.h"

#include "formats/torch_common/torch_runner.h"

namespace sconce::formats::torch_common::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Encoded encode(const Loaded& loaded, const EncodeOptions& options = {}) {
  return encode_torch(*loaded.document, loaded.root, options);
}

/// A tensor of float32 over storage "0" of 12 elements, of shape [2, 3], as _rebuild_tensor_v2 makes it.
PickleBuilder& weight(PickleBuilder& builder) {
  builder.global("torch._utils", "_rebuild_tensor_v2").mark().storage("FloatStorage", "0", 12);
  return builder.integer(1).integers({2, 3}).integers({3, 1}).boolean(false).hooks().tuple().reduce();
}

/// What comes back after a stream was read, written and read.
Loaded again(const std::string& stream) {
  const Loaded first = load(stream);
  EXPECT_FALSE(first.error) << first.error->what();
  const Encoded encoded = encode(first);
  EXPECT_THAT(encoded.missing, IsEmpty());
  Loaded second = load(encoded.pickle);
  EXPECT_FALSE(second.error) << second.error->what();
  EXPECT_EQ(encode(second).pickle, encoded.pickle);
  return second;
}

TEST(Encode, SmallValuesOfTorch) {
  PickleBuilder builder(2);
  builder.empty_list().mark().global("torch", "float32").global("torch", "per_channel_affine");
  builder.global("torch.serialization", "_get_layout").text("torch.sparse_csr").tuple1().reduce();
  builder.global("torch", "Size").integers({2, 3, 4, 5}).tuple1().reduce();
  builder.global("torch", "Size").integers({}).tuple1().reduce();
  builder.global("__builtin__", "getattr").global("torch._utils", "torch").text("channels_last").tuple2().reduce();
  const Loaded loaded = again(builder.appends().stop());
  const auto elements = loaded.document->elements(loaded.root);
  const Kind kinds[] = {Kind::dtype, Kind::qscheme, Kind::layout, Kind::size, Kind::size, Kind::memory_format};
  ASSERT_EQ(elements.size(), std::size(kinds));
  for (std::size_t at = 0; at < elements.size(); ++at) EXPECT_EQ(loaded.document->kind(elements[at]), kinds[at]);
}

TEST(Encode, ANameThatOnlyClaimsToBeADtypeIsNotWritten) {
  // No pickle makes such nodes, but a tree can come from elsewhere.
  for (const Kind kind : {Kind::dtype, Kind::qscheme, Kind::memory_format}) {
    tree::Document document;
    const NodeId node = document.symbol(kind, "load");
    EXPECT_THROW((void)encode_torch(document, node, {}), Error) << to_string(kind);
  }
}

TEST(Encode, ADeviceHasItsNumberApart) {
  const Loaded loaded = load(PickleBuilder(2).global("torch", "device").text("cuda:1").tuple1().reduce().stop());
  EXPECT_THAT(encode(loaded).pickle, HasSubstr("ctorch\ndevice\n"));
  EXPECT_THAT(encode(loaded).pickle, HasSubstr("cudaK\1\x86R"));
}

TEST(Encode, StoragesAreNumberedInTheOrderOfThePickle) {
  PickleBuilder builder(2);
  builder.empty_list().mark();
  for (const char* key : {"17", "4", "17"}) builder.storage("FloatStorage", key, 3);
  const Encoded encoded = encode(load(builder.appends().stop()));
  ASSERT_EQ(encoded.storages.size(), 2U);
  EXPECT_EQ(encoded.storages[0].nbytes, 12U);
  EXPECT_EQ(encoded.storages[1].numel, 3U);
}

TEST(Encode, AParameterKeepsItsAttributes) {
  PickleBuilder builder(2);
  builder.global("torch._utils", "_rebuild_parameter_with_state").mark();
  weight(builder).boolean(true).hooks().empty_dict().text("tag").integer(7).setitem().tuple().reduce();
  const Loaded loaded = again(builder.stop());
  EXPECT_TRUE(loaded.tensor().is_parameter());
  EXPECT_TRUE(loaded.tensor().requires_grad());
  EXPECT_EQ(loaded.value().attribute("tag")->as_int(), 7);
}

TEST(Encode, ATensorOfASubclassKeepsItsClassAndState) {
  PickleBuilder builder(2);
  builder.global("torch._tensor", "_rebuild_from_type_v2").mark().global("torch._utils", "_rebuild_tensor_v2");
  builder.global("mine", "Special").mark().storage("FloatStorage", "0", 12);
  builder.integer(0).integers({4}).integers({1}).boolean(false).hooks().tuple();
  builder.empty_dict().text("tag").integer(7).setitem().tuple().reduce();
  const Loaded loaded = again(builder.stop());
  EXPECT_THAT(encode(loaded).pickle, HasSubstr("cmine\nSpecial\n"));
  EXPECT_EQ(loaded.value().attribute("tag")->as_int(), 7);
}

TEST(Encode, ConjugateAndNegativeBits) {
  PickleBuilder builder(2);
  builder.global("torch._utils", "_rebuild_tensor_v2").mark().storage("ComplexFloatStorage", "0", 2);
  builder.integer(0).integers({2}).integers({1}).boolean(false).hooks();
  builder.empty_dict().text("conj").boolean(true).setitem().tuple().reduce();
  EXPECT_TRUE(again(builder.stop()).tensor().is_conj());
}

TEST(Encode, DtypesWithoutAStorageClassTravelUntyped) {
  PickleBuilder builder(2);
  builder.global("torch._utils", "_rebuild_tensor_v3").mark().mark().text("storage");
  builder.global("torch.storage", "UntypedStorage").text("0").text("cpu").integer(4).tuple().raw("Q");
  builder.integer(0).integers({2}).integers({1}).boolean(false).hooks().global("torch", "uint16").tuple().reduce();
  const Loaded loaded = again(builder.stop());
  EXPECT_EQ(loaded.tensor().dtype(), DType::uint16);
  EncodeOptions legacy;
  legacy.legacy = true;
  EXPECT_EQ(encode(loaded, legacy).missing.size(), 1U);
}

TEST(Encode, ATensorThatContainsItselfInItsAttributes) {
  PickleBuilder builder(2);
  builder.global("torch._utils", "_rebuild_parameter_with_state").mark();
  weight(builder).boolean(true).hooks().empty_dict().raw("r").raw(std::string_view("\x50\0\0\0", 4));
  builder.tuple().reduce().raw("r").raw(std::string_view("\x51\0\0\0", 4));
  builder.raw("j").raw(std::string_view("\x50\0\0\0", 4)).text("me").raw("j").raw(std::string_view("\x51\0\0\0", 4));
  builder.raw("s0");  // the state gets the parameter, and goes
  const Loaded loaded = again(builder.stop());
  EXPECT_TRUE(loaded.value().attribute("me")->is(loaded.value()));
}

TEST(Encode, ObjectsOfOtherProgramsCannotBeWritten) {
  // An identifier that only the saving program resolves; a class by its number in that program's registry.
  Loaded loaded;
  tree::ObjectRecord outside;
  outside.how = tree::ObjectRecord::How::persistent;
  const NodeId id = loaded.document->str("elsewhere");
  outside.args = loaded.document->tuple({&id, 1});
  const NodeId items[] = {loaded.document->object(outside),
                          loaded.document->global("copyreg", "extension_5", "copyreg", "extension_5")};
  loaded.root = loaded.document->list(items);
  EXPECT_EQ(encode(loaded).missing.size(), 2U);
}

TEST(Encode, NamesWithAnEffectAreRefused) {
  for (const auto& [module, name] : {std::pair("os", "system"), std::pair("builtins", "eval")}) {
    const Loaded loaded = load(PickleBuilder(2).empty_list().global(module, name).raw("a").stop());
    try {
      (void)encode(loaded);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::hostile);
    }
  }
}

TEST(Encode, AClassInsideOfAClassIsWrittenWithProtocol4) {
  const Loaded loaded = load(PickleBuilder(4).text("m").text("Outer.Inner").raw("\x93").raw(")\x81").stop());
  const Encoded encoded = encode(loaded);
  EXPECT_THAT(encoded.pickle, ::testing::StartsWith("\x80\x04"));
  EXPECT_THAT(encoded.notes, ::testing::ElementsAre(HasSubstr("protocol 4")));
  EXPECT_EQ(load(encoded.pickle).value().class_name(), "m.Outer.Inner");
}

}  // namespace
}  // namespace sconce::formats::torch_common::testing
