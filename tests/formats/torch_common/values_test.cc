// Values that are no rebuilt tensors: NumPy, Python's own, old tensors, objects; and what names are known to do.
#include "formats/torch_common/effects.h"
#include "formats/torch_common/torch_runner.h"

namespace sconce::formats::torch_common {
namespace {

using namespace testing;
using ::testing::ElementsAre;

PickleBuilder& dtype(PickleBuilder& b, std::string_view code, std::string_view order) {
  b.global("numpy", "dtype").text(code).boolean(false).boolean(true).tuple3().reduce();
  return b.mark().integer(3).text(order).none().none().none().integer(-1).integer(-1).integer(0).tuple().build();
}
Loaded array(std::string_view code, std::string_view order, std::string_view bytes, bool fortran = false,
             std::string_view module = "numpy.core.multiarray", std::initializer_list<std::int64_t> shape = {2, 2}) {
  PickleBuilder b(3);
  b.global(module, "_reconstruct").global("numpy", "ndarray").integers({0}).bytes("b").tuple3().reduce();
  b.mark().integer(1).integers(shape);
  return load(dtype(b, code, order).boolean(fortran).bytes(bytes).tuple().build());
}

TEST(NumpyArrays, AreTensorsOfBothModuleNames) {
  const std::string bytes("\1\0\2\0\3\0\4\0", 8);
  EXPECT_THAT(array("i2", "<", bytes).tensor().to_vector<std::int16_t>(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(array("i2", "<", bytes, false, "numpy._core.multiarray").tensor().to_vector<std::int16_t>(),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(array("i2", ">", std::string("\0\1\0\2\0\3\0\4", 8)).tensor().to_vector<std::int16_t>(),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(array("i2", "<", bytes, true).tensor().to_vector<std::int16_t>(), ElementsAre(1, 3, 2, 4));
}

TEST(NumpyArrays, HaveAsManyBytesAsTheirShapeSays) {
  EXPECT_EQ(code_of(array("i2", "<", "1234567")), ErrorCode::damaged);
  EXPECT_EQ(code_of(array("i2", "<", "12345678", false, "numpy.core.multiarray", {-2, -2})), ErrorCode::damaged);
  EXPECT_EQ(code_of(array("i2", "<", "", false, "numpy.core.multiarray", {INT64_MAX, INT64_MAX})), ErrorCode::damaged);
}

TEST(NumpyArrays, OfObjectsOrStringsStayObjects) {
  EXPECT_EQ(array("O8", "|", "12345678").kind(), Kind::object);
  EXPECT_EQ(array("S2", "|", "12345678").kind(), Kind::object);
}

TEST(NumpyScalars, AreValues) {
  PickleBuilder b(3);
  b.global("numpy._core.multiarray", "scalar").mark();
  EXPECT_EQ(load(dtype(b, "i4", ">").bytes(std::string("\0\0\1\0", 4)).tuple().reduce()).value().as_int(), 256);
  PickleBuilder wrong(3);
  wrong.global("numpy._core.multiarray", "scalar").mark();
  EXPECT_EQ(code_of(load(dtype(wrong, "i4", "<").bytes("abc").tuple().reduce())), ErrorCode::damaged);
}

TEST(PythonValues, AreBuilt) {
  const auto call = [](std::string_view module, std::string_view name, const PickleBuilder& args) {
    return load(PickleBuilder(2).global(module, name).raw(args.open()).reduce());
  };
  EXPECT_EQ(
      call("_codecs", "encode", PickleBuilder().text("a\xc3\xbf").text("latin1").tuple2()).value().as_bytes().size(),
      2U);
  EXPECT_EQ(call("__builtin__", "bytes", PickleBuilder().empty_tuple()).kind(), Kind::bytes);
  EXPECT_EQ(call("__builtin__", "set", PickleBuilder().empty_list().integer(1).append().tuple1()).value().size(), 1U);
  EXPECT_EQ(call("__builtin__", "xrange", PickleBuilder().integer(3).tuple1()).value().size(), 3U);
  EXPECT_EQ(call("torch", "Size", PickleBuilder().integers({2, 3}).tuple1()).kind(), Kind::size);
  EXPECT_EQ(call("torch", "device", PickleBuilder().text("cuda").integer(1).tuple2()).value().to_text(), "cuda:1");
  EXPECT_EQ(
      call("collections", "defaultdict", PickleBuilder().global("__builtin__", "long").tuple1()).value().dict_flavor(),
      DictFlavor::default_dict);
  PickleBuilder pairs;
  pairs.empty_list().empty_list().mark().text("a").integer(1).appends().append().tuple1();
  EXPECT_EQ(call("collections", "OrderedDict", pairs).value()["a"].as_int(), 1) << "Python 2 and torch 0.1";
  EXPECT_EQ(call("_codecs", "encode", PickleBuilder().text("\xe2\x82\xac").text("latin1").tuple2()).kind(),
            Kind::object);
}

TEST(OldTensors, OfTorch01) {
  PickleBuilder b(2);
  b.global("torch.nn.parameter", "Parameter").global("torch.cuda", "FloatTensor").empty_tuple().reduce();
  b.mark().storage("FloatStorage", "7", 6, "cuda:0").integer(0).integers({2, 3}).integers({3, 1}).tuple().build();
  b.tuple1().reduce().boolean(true).boolean(false).none().tuple3().build();
  const Tensor tensor = load(b).tensor();
  EXPECT_TRUE(tensor.is_parameter());
  EXPECT_TRUE(tensor.requires_grad());
  EXPECT_EQ(tensor.device(), "cuda:0");
  EXPECT_THAT(tensor.shape(), ElementsAre(2, 3));
}

TEST(Storages, AreKnownByNameWhateverTheirModule) {
  for (const char* module : {"torch", "torch.cuda", "torch.npu", "torch.storage"})
    EXPECT_EQ(load(PickleBuilder(2).storage("HalfStorage", "0", 5, "cpu", module)).value().as_storage().nbytes(), 10U);
  EXPECT_EQ(load(PickleBuilder(2).storage("Float8_e5m2Storage", "0", 5)).value().as_storage().nbytes(), 5U);
  EXPECT_EQ(code_of(load(PickleBuilder(2).storage("TypedStorage", "0", 5))), ErrorCode::damaged);
  for (const std::int64_t numel : {std::int64_t{-1}, INT64_MAX})
    EXPECT_EQ(code_of(load(PickleBuilder(2).storage("DoubleStorage", "0", numel))), ErrorCode::damaged);
}

TEST(Objects, KeepALogOfHowTheyWereMade) {
  PickleBuilder b(2);
  b.global("mine", "Config").empty_tuple().newobj().empty_dict().text("lr").floating(0.5).setitem().build();
  b.integer(1).append().text("k").integer(2).setitem();
  const Loaded loaded = load(b);
  const tree::ObjectRecord& record = loaded.document->object_record(loaded.root);
  ASSERT_EQ(record.step_count, 3U);
  EXPECT_EQ(record.steps[0].event, tree::ObjectRecord::Event::state);
  EXPECT_EQ(record.steps[1].event, tree::ObjectRecord::Event::append);
  EXPECT_EQ(record.steps[2].event, tree::ObjectRecord::Event::set_item);
  EXPECT_EQ(loaded.value()["lr"].as_float(), 0.5);
}

TEST(Objects, ItemsForATensorAreRefused) {
  PickleBuilder b(2);
  EXPECT_EQ(code_of(load(float_tensor(b).text("k").integer(1).setitem())), ErrorCode::damaged);
}

TEST(Effects, AreKnownByExactNameAndByPackage) {
  EXPECT_TRUE(has_effect("os", "system"));
  EXPECT_TRUE(has_effect("builtins", "eval"));
  EXPECT_TRUE(has_effect("__builtin__", "eval")) << "as Python 2 reads it";
  EXPECT_TRUE(has_effect("asyncio.unix_events", "anything"));
  EXPECT_FALSE(has_effect("osmnx", "Graph"));
  EXPECT_FALSE(has_effect("collections", "OrderedDict"));
  EXPECT_FALSE(has_effect("mine", "Outer.Inner"));
  EXPECT_TRUE(has_effect("torch.serialization", "os.system"));
  EXPECT_TRUE(has_effect("mine", "F.torch.os.system"));
}

TEST(Bombs, OfOneLongListThatFillsSetAfterSetAreRefused) {
  PickleBuilder builder(2);
  builder.global("builtins", "set").put(0).pop().empty_list().put(1).mark();
  for (int n = 0; n < 100'000; ++n) builder.integer(7);  // equal, so that the sets stay small
  builder.appends().pop().empty_list().mark();
  for (int n = 0; n < 10'000; ++n) builder.get(0).get(1).tuple1().reduce();
  const Loaded loaded = load(builder.appends().stop());
  ASSERT_TRUE(loaded.error);
  EXPECT_EQ(loaded.error->code(), ErrorCode::limit);
}

TEST(Bombs, OfOneLargeStateOfADictAreRefused) {
  PickleBuilder builder(2);
  builder.empty_dict().put(1).mark();
  for (int n = 0; n < 100'000; ++n) builder.integer(n).none();
  builder.setitems().pop().hooks();  // an OrderedDict
  for (int n = 0; n < 10'000; ++n) builder.get(1).build();
  const Loaded loaded = load(builder.stop());
  ASSERT_TRUE(loaded.error);
  EXPECT_EQ(loaded.error->code(), ErrorCode::limit);
}

TEST(Effects, OfAttributesWithAbsurdNamesAreNotLookedFor) {
  const Loaded loaded = load(PickleBuilder(2)
                                 .global("builtins", "getattr")
                                 .global("mine", "Color")
                                 .text(std::string(5000, 'A'))
                                 .tuple2()
                                 .reduce());
  EXPECT_EQ(loaded.effect_of("builtins.getattr", CallFact::What::call), CallFact::Effect::effect);
}

TEST(Effects, AreToldWithTheirCalls) {
  const auto getattr_on = [](const char* module, const char* name, const char* attribute) {
    return PickleBuilder(2).global("builtins", "getattr").global(module, name).text(attribute).tuple2().reduce();
  };
  const auto effect_of_getattr = [](const PickleBuilder& builder) {
    return load(builder).effect_of("builtins.getattr", CallFact::What::call);
  };
  // A member of an enum, as Python 3.11 pickles it.
  EXPECT_EQ(effect_of_getattr(getattr_on("mine", "Color", "RED")), CallFact::Effect::data);
  EXPECT_EQ(effect_of_getattr(getattr_on("mine", "Color", "__subclasses__")), CallFact::Effect::effect);
  EXPECT_EQ(effect_of_getattr(getattr_on("mine", "helpers", "os")), CallFact::Effect::effect);
  EXPECT_EQ(load(getattr_on("mine", "Color", "RED")).effect_of("mine.Color", CallFact::What::import),
            CallFact::Effect::unknown);
  // What getattr gave is called.
  const Loaded called = load(getattr_on("mine", "Color", "run").text("now").tuple1().reduce());
  EXPECT_TRUE(std::ranges::any_of(called.calls, [](const CallFact& fact) {
    return fact.name == "builtins.getattr" && fact.effect == CallFact::Effect::effect;
  }));
  PickleBuilder b(2);
  EXPECT_EQ(load(float_tensor(b)).effect_of("torch._utils._rebuild_tensor_v2", CallFact::What::call),
            CallFact::Effect::data);
  EXPECT_EQ(load(PickleBuilder(2).global("mine", "f").empty_dict().build()).effect_of("mine.f", CallFact::What::state),
            CallFact::Effect::effect);
}

}  // namespace
}  // namespace sconce::formats::torch_common
