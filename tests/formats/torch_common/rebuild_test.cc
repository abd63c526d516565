// Rebuild functions: with the arguments that PyTorch writes, and with each of them wrong.
#include "formats/torch_common/rebuild.h"

#include <functional>

#include "formats/torch_common/torch_runner.h"

namespace sconce::formats::torch_common {
namespace {

using namespace testing;
using ::testing::ElementsAre;

using Part = std::function<void(PickleBuilder&)>;

/// A call of torch._utils.<function> with these arguments.
Loaded call(std::string_view function, const std::vector<Part>& arguments, std::string_view module = "torch._utils") {
  PickleBuilder builder(2);
  builder.global(module, function).mark();
  for (const Part& part : arguments) part(builder);
  return load(builder.tuple().reduce());
}

Part integer(std::int64_t value) {
  return [=](PickleBuilder& b) { b.integer(value); };
}
Part integers(std::vector<std::int64_t> values) {
  return [=](PickleBuilder& b) {
    b.mark();
    for (const std::int64_t value : values) b.integer(value);
    b.tuple();
  };
}
Part boolean(bool value) {
  return [=](PickleBuilder& b) { b.boolean(value); };
}
Part storage(std::string cls, std::int64_t numel = 24, std::string key = "0", std::string module = "torch") {
  return [=](PickleBuilder& b) { b.storage(cls, key, numel, "cpu", module); };
}
Part global(std::string module, std::string name) {
  return [=](PickleBuilder& b) { b.global(module, name); };
}
Part raw(std::string bytes) {
  return [=](PickleBuilder& b) { b.raw(bytes); };
}
Part tensor(std::initializer_list<std::int64_t> shape = {2, 3}, std::initializer_list<std::int64_t> stride = {3, 1}) {
  return [shape = std::vector(shape), stride = std::vector(stride)](PickleBuilder& b) {
    b.global("torch._utils", "_rebuild_tensor_v2").mark().storage("FloatStorage", "0", 24).integer(0);
    integers(shape)(b);
    integers(stride)(b);
    b.boolean(false).hooks().tuple().reduce();
  };
}
Part longs(std::string key, std::vector<std::int64_t> shape, std::vector<std::int64_t> stride) {
  return [=](PickleBuilder& b) {
    b.global("torch._utils", "_rebuild_tensor_v2").mark().storage("LongStorage", key, 24).integer(0);
    integers(shape)(b);
    integers(stride)(b);
    b.boolean(false).hooks().tuple().reduce();
  };
}
Part of_layout(std::string name) {
  return [=](PickleBuilder& b) { layout(b, name); };
}
Part group(std::vector<Part> parts) {
  return [=](PickleBuilder& b) {
    b.mark();
    for (const Part& part : parts) part(b);
    b.tuple();
  };
}
const Part kHooks = [](PickleBuilder& b) { b.hooks(); };
const Part kNone = [](PickleBuilder& b) { b.none(); };

const std::int64_t kMax = INT64_MAX;

// ---------------------------------------------------------------------------------------------- strided tensors

std::vector<Part> version_2() {
  return {storage("FloatStorage"), integer(6), integers({2, 3}), integers({3, 1}), boolean(true), kHooks};
}

TEST(RebuildTensor, EveryVersionMakesAViewOfItsStorage) {
  const Tensor first =
      call("_rebuild_tensor", {storage("HalfStorage"), integer(1), integers({2}), integers({2})}).tensor();
  EXPECT_EQ(first.dtype(), DType::float16);
  EXPECT_EQ(first.storage_offset(), 1);
  const Tensor second = call("_rebuild_tensor_v2", version_2()).tensor();
  EXPECT_EQ(second.dtype(), DType::float32);
  EXPECT_THAT(second.shape(), ElementsAre(2, 3));
  EXPECT_THAT(second.strides(), ElementsAre(3, 1));
  EXPECT_EQ(second.storage_offset(), 6);
  EXPECT_TRUE(second.requires_grad());
  const Tensor third =
      call("_rebuild_tensor_v3", {storage("UntypedStorage", 24, "0", "torch.storage"), integer(2), integers({2, 5}),
                                  integers({5, 1}), boolean(false), kHooks, global("torch", "uint16")})
          .tensor();
  EXPECT_EQ(third.dtype(), DType::uint16);
}

TEST(RebuildTensor, AStrangerInAnyPlaceIsRefused) {
  const std::vector<Part> strangers = {kNone, [](PickleBuilder& b) { b.floating(1); },
                                       [](PickleBuilder& b) { b.text("a"); }, [](PickleBuilder& b) { b.empty_list(); },
                                       [](PickleBuilder& b) { b.empty_dict(); }};
  for (std::size_t at = 0; at < 5; ++at) {
    for (std::size_t which = 0; which < strangers.size(); ++which) {
      if (at >= 2 && at <= 3 && which == 3) continue;  // an empty list is as good as an empty tuple
      std::vector<Part> arguments = version_2();
      arguments[at] = strangers[which];
      EXPECT_EQ(code_of(call("_rebuild_tensor_v2", arguments)), ErrorCode::damaged) << at << " " << which;
    }
  }
  std::vector<Part> few = version_2();
  few.resize(4);
  EXPECT_EQ(code_of(call("_rebuild_tensor_v2", few)), ErrorCode::damaged);
  std::vector<Part> many = version_2();
  for (int more = 0; more < 3; ++more) many.push_back(kNone);
  EXPECT_EQ(code_of(call("_rebuild_tensor_v2", many)), ErrorCode::damaged);
}

TEST(RebuildTensor, NumbersThatLeadOutOfTheStorageAreRefused) {
  const auto refused = [](std::int64_t offset, std::vector<std::int64_t> shape, std::vector<std::int64_t> stride) {
    std::vector<Part> arguments = version_2();
    arguments[1] = integer(offset);
    arguments[2] = integers(shape);
    arguments[3] = integers(stride);
    EXPECT_EQ(code_of(call("_rebuild_tensor_v2", arguments)), ErrorCode::damaged)
        << offset << " " << ::testing::PrintToString(shape) << " " << ::testing::PrintToString(stride);
  };
  refused(-1, {2}, {1});
  refused(24, {1}, {1});
  refused(kMax, {2}, {1});
  refused(0, {-1}, {1});
  refused(0, {25}, {1});
  refused(0, {kMax}, {1});
  refused(0, {kMax, kMax}, {0, 0});
  refused(0, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {1, 1});
  refused(0, {std::int64_t{1} << 62, 2}, {0, 0});  // elements fit, their bytes do not
  refused(0, {2}, {-1});
  refused(0, {2}, {24});
  refused(0, {2}, {kMax});
  refused(0, {3, 2}, {std::int64_t{1} << 62, std::int64_t{1} << 62});
  refused(0, {2, 3}, {1});
  refused(0, {2}, {3, 1});
  refused(0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1));
}

TEST(RebuildTensor, OddViewsThatLieInsideAreTensors) {
  const auto fine = [](std::int64_t offset, std::vector<std::int64_t> shape, std::vector<std::int64_t> stride) {
    std::vector<Part> arguments = version_2();
    arguments[1] = integer(offset);
    arguments[2] = integers(shape);
    arguments[3] = integers(stride);
    return call("_rebuild_tensor_v2", arguments).tensor().numel();
  };
  EXPECT_EQ(fine(23, {}, {}), 1U);
  EXPECT_EQ(fine(24, {0}, {1}), 0U);
  EXPECT_EQ(fine(0, {0, 1000}, {1000, 1}), 0U);
  EXPECT_EQ(fine(0, {std::int64_t{1} << 59}, {0}), std::uint64_t{1} << 59);
  EXPECT_EQ(fine(0, {2, 2}, {1, 1}), 4U);
}

TEST(RebuildTensor, MetadataSetsTheConjugateAndNegativeBits) {
  std::vector<Part> arguments = version_2();
  arguments[0] = storage("ComplexFloatStorage");
  arguments.push_back(kNone);
  arguments.back() = [](PickleBuilder& b) {
    b.empty_dict().text("conj").boolean(true).setitem().text("neg").boolean(false).setitem();
  };
  const Tensor conjugate = call("_rebuild_tensor_v2", arguments).tensor();
  EXPECT_TRUE(conjugate.is_conj());
  EXPECT_FALSE(conjugate.is_neg());
  arguments.back() = raw("]");
  EXPECT_EQ(code_of(call("_rebuild_tensor_v2", arguments)), ErrorCode::damaged);
}

TEST(RebuildTensor, AnUntypedStorageNeedsADtypeOfTensors) {
  std::vector<Part> untyped = {
      storage("UntypedStorage"), integer(0), integers({2}), integers({1}), boolean(false), kHooks};
  EXPECT_EQ(code_of(call("_rebuild_tensor_v2", untyped)), ErrorCode::damaged);
  for (const char* dtype : {"uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu",
                            "float4_e2m1fn_x2", "complex32", "bits8", "bits16"}) {
    std::vector<Part> arguments = untyped;
    arguments.push_back(global("torch", dtype));
    EXPECT_FALSE(call("_rebuild_tensor_v3", arguments).error) << dtype;
  }
  for (const char* dtype : {"uint3", "int7"}) {
    std::vector<Part> arguments = untyped;
    arguments.push_back(global("torch", dtype));
    EXPECT_EQ(code_of(call("_rebuild_tensor_v3", arguments)), ErrorCode::damaged) << dtype;
  }
  untyped.push_back(global("torch", "float33"));
  EXPECT_EQ(code_of(call("_rebuild_tensor_v3", untyped)), ErrorCode::damaged);
}

// -------------------------------------------------------------------------------------------------- parameters

TEST(RebuildParameter, IsATensorOfItsOwn) {
  const Loaded plain = call("_rebuild_parameter", {tensor(), boolean(true), kHooks});
  EXPECT_TRUE(plain.tensor().is_parameter());
  EXPECT_TRUE(plain.tensor().requires_grad());
  const Loaded state = call("_rebuild_parameter_with_state", {tensor(), boolean(false), kHooks, [](PickleBuilder& b) {
                                                                b.empty_dict().text("tag").integer(3).setitem();
                                                              }});
  EXPECT_EQ(state.value().attribute("tag")->as_int(), 3);
  EXPECT_EQ(code_of(call("_rebuild_parameter", {kNone, boolean(true), kHooks})), ErrorCode::damaged);
  EXPECT_EQ(code_of(call("_rebuild_parameter", {tensor(), kNone, kHooks})), ErrorCode::damaged);
  EXPECT_EQ(code_of(call("_rebuild_parameter", {tensor()})), ErrorCode::damaged);
}

// --------------------------------------------------------------------------------------------------- quantised

std::vector<Part> quantised(Part quantizer, std::string cls = "QInt8Storage") {
  return {storage(cls, 24, "q"), integer(0), integers({2, 3}), integers({3, 1}), quantizer, boolean(false), kHooks};
}

TEST(RebuildQuantised, PerTensorHasAScaleAndAZeroPoint) {
  const auto quantizer =
      group({global("torch", "per_tensor_affine"), [](PickleBuilder& b) { b.floating(0.5); }, integer(-3)});
  const Tensor tensor = call("_rebuild_qtensor", quantised(quantizer)).tensor();
  EXPECT_EQ(tensor.dtype(), DType::qint8);
  EXPECT_EQ(tensor.qscheme(), QScheme::per_tensor_affine);
  EXPECT_EQ(tensor.q_scale(), 0.5);
  EXPECT_EQ(tensor.q_zero_point(), -3);
  EXPECT_EQ(code_of(call("_rebuild_qtensor", quantised(quantizer, "FloatStorage"))), ErrorCode::damaged);
  std::vector<Part> outside = quantised(quantizer);
  outside[3] = integers({3, 20});
  EXPECT_EQ(code_of(call("_rebuild_qtensor", outside)), ErrorCode::damaged);
}

TEST(RebuildQuantised, PerChannelHasOneOfEachForEachChannel) {
  const auto per_channel = [](Part scales, Part zero_points, std::int64_t axis) {
    return call("_rebuild_qtensor",
                quantised(group({global("torch", "per_channel_affine"), scales, zero_points, integer(axis)})));
  };
  EXPECT_EQ(per_channel(tensor({2}, {1}), longs("z", {2}, {1}), 0).tensor().qscheme(), QScheme::per_channel_affine);
  EXPECT_FALSE(per_channel(raw("]"), raw("]"), 0).document == nullptr);
  const Part list = [](PickleBuilder& b) { b.empty_list().mark().floating(0.5).floating(0.25).appends(); };
  const Part zeros = [](PickleBuilder& b) { b.empty_list().mark().integer(0).integer(1).appends(); };
  EXPECT_FALSE(per_channel(list, zeros, 0).error) << "1.3 wrote lists";
  EXPECT_EQ(code_of(per_channel(list, zeros, 1)), ErrorCode::damaged);
  EXPECT_EQ(code_of(per_channel(list, zeros, 2)), ErrorCode::damaged);
  EXPECT_EQ(code_of(per_channel(list, zeros, -1)), ErrorCode::damaged);
  EXPECT_EQ(code_of(per_channel(tensor({3}, {1}), zeros, 0)), ErrorCode::damaged);
  EXPECT_EQ(code_of(per_channel(kNone, zeros, 0)), ErrorCode::damaged);
}

// ------------------------------------------------------------------------------------------------------ sparse

Loaded coo(Part indices, Part values, Part size, std::vector<Part> more = {}) {
  std::vector<Part> data = {indices, values, size};
  data.insert(data.end(), more.begin(), more.end());
  return call("_rebuild_sparse_tensor", {of_layout("torch.sparse_coo"), group(data)});
}

TEST(RebuildSparse, CooInBothForms) {
  const Tensor old = coo(longs("i", {2, 3}, {3, 1}), tensor({3}, {1}), integers({4, 5})).tensor();
  EXPECT_EQ(old.layout(), Layout::sparse_coo);
  EXPECT_THAT(old.shape(), ElementsAre(4, 5));
  EXPECT_FALSE(coo(longs("i", {2, 3}, {3, 1}), tensor({3}, {1}), integers({4, 5}), {boolean(true)}).error);
  EXPECT_FALSE(coo(longs("i", {1, 2}, {2, 1}), tensor({2, 3}, {3, 1}), integers({4, 3})).error) << "dense dimensions";
}

TEST(RebuildSparse, CooPartsBelongTogether) {
  const Part indices = longs("i", {2, 3}, {3, 1});
  EXPECT_EQ(code_of(coo(indices, tensor({2}, {1}), integers({4, 5}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(indices, tensor({3}, {1}), integers({4}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(indices, tensor({3}, {1}), integers({4, 5, 6}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(indices, tensor({3}, {1}), integers({-4, 5}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(indices, tensor({3}, {1}), integers({kMax, kMax}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(tensor({2, 3}), tensor({3}, {1}), integers({4, 5}))), ErrorCode::damaged) << "float indices";
  EXPECT_EQ(code_of(coo(longs("i", {3}, {1}), tensor({3}, {1}), integers({4}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(coo(kNone, tensor({3}, {1}), integers({4}))), ErrorCode::damaged);
  EXPECT_EQ(code_of(call("_rebuild_sparse_tensor", {of_layout("torch.strided"), group({})})), ErrorCode::damaged);
  EXPECT_EQ(code_of(call("_rebuild_sparse_tensor", {kNone, group({})})), ErrorCode::damaged);
}

Loaded compressed(std::string layout_name, std::vector<std::int64_t> lines, std::int64_t plain, Part values,
                  std::vector<std::int64_t> size, std::string_view function = "_rebuild_sparse_tensor") {
  std::vector<std::int64_t> stride(lines.size(), 1);
  return call(function, {of_layout(layout_name),
                         group({longs("c", lines, stride), longs("p", {plain}, {1}), values, integers(size)})});
}

TEST(RebuildSparse, CompressedLayouts) {
  EXPECT_EQ(compressed("torch.sparse_csr", {4}, 5, tensor({5}, {1}), {3, 7}).tensor().layout(), Layout::sparse_csr);
  EXPECT_EQ(
      compressed("torch.sparse_csr", {4}, 5, tensor({5}, {1}), {3, 7}, "_rebuild_sparse_csr_tensor").tensor().layout(),
      Layout::sparse_csr);
  EXPECT_EQ(compressed("torch.sparse_csc", {8}, 5, tensor({5}, {1}), {3, 7}).tensor().layout(), Layout::sparse_csc);
  EXPECT_EQ(compressed("torch.sparse_bsr", {3}, 2, tensor({2, 2, 3}, {6, 3, 1}), {4, 6}).tensor().layout(),
            Layout::sparse_bsr);
  EXPECT_EQ(compressed("torch.sparse_bsc", {3}, 2, tensor({2, 2, 3}, {6, 3, 1}), {4, 6}).tensor().layout(),
            Layout::sparse_bsc);
}

TEST(RebuildSparse, CompressedPartsBelongTogether) {
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {5}, 5, tensor({5}, {1}), {3, 7})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {4}, 4, tensor({5}, {1}), {3, 7})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {4}, 5, tensor({5}, {1}), {3})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {4}, 5, tensor({5}, {1}), {3, -7})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {4}, 5, tensor({5, 2}, {2, 1}), {3, 7})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_csr", {4}, 5, tensor({5}, {1}), {3, 7, 2})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_bsr", {3}, 2, tensor({2, 3, 3}, {9, 3, 1}), {4, 6})), ErrorCode::damaged);
  EXPECT_EQ(code_of(compressed("torch.sparse_bsr", {3}, 2, tensor({2, 2, 4}, {8, 4, 1}), {4, 6})), ErrorCode::damaged);
}

// ------------------------------------------------------------------------------------------------- rarer tensors

TEST(RebuildNested, HasFourParts) {
  const auto nested = [](Part buffer, std::vector<std::int64_t> sizes, std::vector<std::int64_t> strides,
                         std::int64_t count) {
    return call("_rebuild_nested_tensor",
                {buffer, longs("s", sizes, std::vector<std::int64_t>(sizes.size(), 1)),
                 longs("t", strides, std::vector<std::int64_t>(strides.size(), 1)), longs("o", {count}, {1})});
  };
  EXPECT_EQ(nested(tensor({6}, {1}), {2, 1}, {2, 1}, 2).tensor().layout(), Layout::nested);
  EXPECT_EQ(code_of(nested(tensor({2, 3}), {2, 1}, {2, 1}, 2)), ErrorCode::damaged);
  EXPECT_EQ(code_of(nested(tensor({6}, {1}), {2, 1}, {3, 1}, 2)), ErrorCode::damaged);
  EXPECT_EQ(code_of(nested(tensor({6}, {1}), {2, 1}, {2, 1}, 3)), ErrorCode::damaged);
}

TEST(RebuildMeta, HasAShapeAndNoBytes) {
  const auto meta = [](std::vector<std::int64_t> shape, std::vector<std::int64_t> stride) {
    return call("_rebuild_meta_tensor_no_storage",
                {global("torch", "float32"), integers(shape), integers(stride), boolean(false)});
  };
  EXPECT_TRUE(meta({1000, 1000}, {1000, 1}).tensor().is_meta());
  EXPECT_EQ(code_of(meta({-1}, {1})), ErrorCode::damaged);
  EXPECT_EQ(code_of(meta({2, 2}, {1})), ErrorCode::damaged);
  EXPECT_EQ(code_of(meta({kMax, kMax}, {1, 1})), ErrorCode::damaged);
}

std::vector<Part> subclass(Part function, Part arguments, Part state) {
  return {function, global("mine", "Special"), arguments, state};
}

TEST(RebuildFromType, IsTheTensorWithItsAttributes) {
  const Part arguments = group(version_2());
  const Part state = [](PickleBuilder& b) { b.empty_dict().text("tag").text("x").setitem(); };
  const Loaded loaded = call("_rebuild_from_type_v2",
                             subclass(global("torch._utils", "_rebuild_tensor_v2"), arguments, state), "torch._tensor");
  EXPECT_THAT(loaded.tensor().shape(), ElementsAre(2, 3));
  EXPECT_EQ(loaded.value().attribute("tag")->as_str(), "x");
  EXPECT_FALSE(call("_rebuild_from_type", subclass(global("torch._utils", "_rebuild_tensor_v2"), arguments, kNone),
                    "torch.tensor")
                   .error);
}

TEST(RebuildFromType, OfAnUnknownFunctionStaysACall) {
  const Loaded loaded =
      call("_rebuild_from_type_v2", subclass(global("mine", "make"), group({}), kNone), "torch._tensor");
  EXPECT_EQ(loaded.kind(), Kind::object);
  EXPECT_EQ(loaded.value().class_name(), "torch._tensor._rebuild_from_type_v2");
}

TEST(RebuildFromType, CallsWhatItIsGivenAndSaysSo) {
  const Loaded loaded =
      call("_rebuild_from_type_v2", subclass(global("os", "system"), group({integer(1)}), kNone), "torch._tensor");
  EXPECT_EQ(loaded.effect_of("os.system", CallFact::What::call), CallFact::Effect::effect);
}

TEST(RebuildFromType, InsideItselfIsNotFollowed) {
  PickleBuilder builder(2);
  builder.global("torch._tensor", "_rebuild_from_type_v2").put(0).pop();
  builder.mark().get(0).none().empty_tuple().none().tuple();
  for (int level = 0; level < 100'000; ++level) builder.put(1).pop().mark().get(0).none().get(1).none().tuple();
  builder.put(1).pop().get(0).get(1).reduce();
  EXPECT_EQ(load(builder).kind(), Kind::object);
}

TEST(RebuildWrapper, KeepsItsArguments) {
  const std::vector<Part> arguments = {
      global("mine", "DTensor"),
      global("torch", "float32"),
      integers({8, 4}),
      integers({4, 1}),
      integer(0),
      of_layout("torch.strided"),
      [](PickleBuilder& b) { b.global("torch", "device").text("cuda").integer(1).tuple2().reduce(); },
      boolean(false)};
  const Tensor wrapper = call("_rebuild_wrapper_subclass", arguments).tensor();
  EXPECT_EQ(wrapper.layout(), Layout::wrapper);
  EXPECT_EQ(wrapper.device(), "cuda:1");
  std::vector<Part> wrong = arguments;
  wrong[2] = integers({-8, 4});
  EXPECT_EQ(code_of(call("_rebuild_wrapper_subclass", wrong)), ErrorCode::damaged);
  wrong = arguments;
  wrong[6] = integer(5);
  EXPECT_EQ(code_of(call("_rebuild_wrapper_subclass", wrong)), ErrorCode::damaged);
}

TEST(RebuildDeviceTensor, OfACpuTensorKeepsTheDevice) {
  const Part device = [](PickleBuilder& b) { b.text("hpu:0"); };
  const auto call_with = [&](Part source, const char* dtype) {
    return call("_rebuild_device_tensor_from_cpu_tensor", {source, global("torch", dtype), device, boolean(false)});
  };
  EXPECT_EQ(call_with(tensor(), "float32").tensor().device(), "hpu:0");
  EXPECT_EQ(code_of(call_with(tensor(), "int32")), ErrorCode::damaged);
  EXPECT_EQ(code_of(call_with(tensor(), "bfloat16")), ErrorCode::damaged) << "its bytes are not there yet";
  EXPECT_EQ(code_of(call_with(kNone, "float32")), ErrorCode::damaged);
}

}  // namespace
}  // namespace sconce::formats::torch_common
