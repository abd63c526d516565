// The stream of torch.save before 1.6: five pickles and the storages behind them.
#include "formats/pytorch/legacy_reader.h"

#include "formats/pytorch/file_builder.h"

namespace sconce::formats::pytorch {
namespace {

using namespace testing;
using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string stream_of(const std::string& pickle, const std::string& behind) {
  return magic() + version_and_info() + pickle + behind;
}

TEST(LegacyStream, HasATreeAndItsStorages) {
  EXPECT_THAT(open_bytes(weight_stream()).floats("w"), ElementsAre(1, 2, 3));
}

TEST(LegacyStream, TheMagicNumberIsAValueAndNoBytes) {
  const std::string rest = version_and_info() + weight_pickle().stop() + keys({"0"}) + payload(3, floats({1, 2, 3}));
  EXPECT_THAT(open_bytes("L119547037146038801333356L\n." + rest).floats("w"), ElementsAre(1, 2, 3));
  const std::string frame("\x80\x04\x95\x0d\0\0\0\0\0\0\0", 11);
  EXPECT_THAT(open_bytes(frame + magic().substr(2) + rest).floats("w"), ElementsAre(1, 2, 3));
}

TEST(LegacyStream, AnotherVersionOrNoInfoIsRefused) {
  EXPECT_THAT(open_error(magic() + PickleBuilder(2).integer(1002).stop()), is_error(ErrorCode::damaged, "1001"));
  EXPECT_THAT(open_error(magic() + PickleBuilder(2).integer(1001).stop() + "]."),
              is_error(ErrorCode::damaged, "system information"));
}

TEST(LegacyStream, NamesInTheSmallPicklesAreRefused) {
  const std::string call = PickleBuilder(2).global("os", "system").empty_tuple().reduce().stop();
  EXPECT_EQ(open_error(magic() + call).code(), ErrorCode::damaged);
  EXPECT_EQ(open_error(magic() + PickleBuilder(2).integer(1001).stop() + call).code(), ErrorCode::damaged);
  EXPECT_EQ(open_error(stream_of(weight_pickle().stop(), call)).code(), ErrorCode::damaged);
}

TEST(LegacyStream, CallsOfTheObjectAreTold) {
  PickleBuilder builder(2);
  builder.global("os", "system").empty_tuple().reduce();
  EXPECT_TRUE(open_bytes(stream_of(builder.stop(), keys({}))).calls("os.system"));
}

TEST(LegacyStream, CountsMustBeThoseOfTheObject) {
  const auto with = [](std::uint64_t numel, std::string bytes) {
    return stream_of(weight_pickle().stop(), keys({"0"}) + payload(numel, bytes));
  };
  for (const std::uint64_t numel : {std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{1} << 63, UINT64_MAX})
    EXPECT_THAT(open_error(with(numel, floats({1, 2, 3}))),
                is_error(ErrorCode::damaged, "elements here and 3 in the object"));
  EXPECT_THAT(open_error(with(3, floats({1, 2, 3}).substr(0, 11))),
              is_error(ErrorCode::truncated, "needs the bytes up to"));
}

TEST(LegacyStream, KeysAreThoseOfTheObjectOnceEach) {
  const std::string bytes = payload(3, floats({1, 2, 3}));
  EXPECT_THAT(open_error(stream_of(weight_pickle().stop(), keys({}))), is_error(ErrorCode::damaged, "not in the list"));
  EXPECT_THAT(open_error(stream_of(weight_pickle().stop(), keys({"0", "0"}) + bytes + bytes)),
              is_error(ErrorCode::damaged, "twice"));
  EXPECT_THAT(open_error(stream_of(weight_pickle().stop(), keys({"1"}) + bytes)),
              is_error(ErrorCode::damaged, "does not use"));
  EXPECT_THAT(open_error(stream_of(weight_pickle().stop(), "N.")),
              is_error(ErrorCode::damaged, "list of storage keys"));
}

TEST(LegacyStream, StoragesLieInTheOrderOfTheList) {
  PickleBuilder builder(2);
  builder.empty_list().mark().storage("FloatStorage", "9", 1).storage("FloatStorage", "10", 1).appends();
  const OpenedTree file =
      open_bytes(stream_of(builder.stop(), keys({"10", "9"}) + payload(1, floats({10})) + payload(1, floats({9}))));
  EXPECT_EQ(file.root()[0].as_storage().nbytes(), 4U);
  const std::vector<RecordCheck> records = file.opened.file->records({true, true});
  ASSERT_EQ(records.size(), 2U);
  EXPECT_LT(records[0].file_offset, records[1].file_offset);
}

TEST(LegacyStream, Python2KeysAndTextKeysAreTheSame) {
  PickleBuilder builder(2);
  builder.mark()
      .python2("storage")
      .global("torch", "FloatStorage")
      .python2("94123456789")
      .python2("cpu")
      .integer(1)
      .tuple()
      .persistent();
  EXPECT_NO_THROW((void)open_bytes(stream_of(builder.stop(), keys({"94123456789"}) + payload(1, floats({1})))));
}

TEST(LegacyStream, SeveralObjectsAreSeveralRoots) {
  const OpenedTree file = open_bytes(weight_stream() + weight_stream());
  ASSERT_EQ(file.opened.roots.size(), 2U);
  EXPECT_THAT(file.root(1)["w"].as_tensor().to_vector<float>(), ElementsAre(1, 2, 3));
}

TEST(LegacyStream, WhatFollowsTheLastObjectIsNoted) {
  EXPECT_THAT(open_bytes(weight_stream() + std::string(1 << 20, '\0')).notes(),
              HasSubstr("bytes follow the last object"));
}

/// A tensor over a view of storage "0" of six elements.
PickleBuilder view_pickle(std::string_view view_key, std::int64_t offset, std::int64_t size, std::int64_t wanted) {
  PickleBuilder builder(2);
  builder.empty_dict().text("w").global("torch._utils", "_rebuild_tensor").mark();
  builder.mark().text("storage").global("torch", "FloatStorage").text("0").text("cpu").integer(6);
  builder.text(view_key).integer(offset).integer(size).tuple3().tuple().persistent();
  return builder.integer(0).integers({wanted}).integers({1}).tuple().reduce().setitem();
}
std::string view_stream(const PickleBuilder& pickle) {
  return stream_of(pickle.stop(), keys({"0"}) + payload(6, floats({0, 1, 2, 3, 4, 5})));
}

TEST(LegacyViews, AreParts) {
  EXPECT_THAT(open_bytes(view_stream(view_pickle("v", 2, 3, 3))).floats("w"), ElementsAre(2, 3, 4));
}

TEST(LegacyViews, LieInsideTheirRootAndTensorsInsideThem) {
  for (const auto& [offset, size] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{4, 3}, {-1, 3}, {2, -3}, {INT64_MAX, 1}, {1, INT64_MAX}})
    EXPECT_EQ(open_error(view_stream(view_pickle("v", offset, size, 1))).code(), ErrorCode::damaged);
  EXPECT_EQ(open_error(view_stream(view_pickle("v", 2, 3, 4))).code(), ErrorCode::damaged);
}

TEST(LegacyViews, HaveAKeyOfTheirOwn) {
  EXPECT_THAT(open_error(view_stream(view_pickle("0", 2, 3, 3))), is_error(ErrorCode::damaged, "the key of a storage"));
}

TEST(LegacyModules, GiveTheirClassAndTheirSource) {
  PickleBuilder builder(2);
  builder.mark().text("module").global("mine", "Net").text("net.py").text("class Net: pass").tuple().persistent();
  builder.empty_tuple().newobj().empty_dict().text("x").integer(1).setitem().build();
  const OpenedTree file = open_bytes(stream_of(builder.stop(), keys({})));
  EXPECT_EQ(file.root().class_name(), "mine.Net");
  ASSERT_EQ(file.opened.facts.extras.size(), 1U);
  EXPECT_EQ(file.opened.facts.extras[0].name, "source/mine.Net");
  EXPECT_EQ(file.opened.facts.extras[0].bytes->size(), 15U);
}

TEST(LegacyModules, OfAnotherShapeAreRefused) {
  PickleBuilder builder(2);
  builder.mark().text("module").global("mine", "Net").text("net.py").tuple().persistent();
  EXPECT_EQ(open_error(stream_of(builder.stop(), keys({}))).code(), ErrorCode::damaged);
}

TEST(LegacyStream, CutAnywhereSaysSo) {
  const std::string whole = weight_stream();
  for (std::size_t size = magic().size(); size < whole.size(); ++size) {
    const Error error = open_error(whole.substr(0, size));
    EXPECT_EQ(error.code(), ErrorCode::truncated) << size << " " << error.what();
  }
}

// -------------------------------------------------------------------------------------------------- bare pickles

/// A tensor whose storage is torch.save bytes inside the pickle.
std::string with_bytes(const std::string& bytes, int times = 1) {
  PickleBuilder builder(2);
  builder.empty_list()
      .mark()
      .global("torch.storage", "_load_from_bytes")
      .put(0)
      .pop()
      .bytes(bytes)
      .tuple1()
      .put(1)
      .pop();
  for (int at = 0; at < times; ++at) builder.get(0).get(1).reduce();
  return builder.appends().stop();
}
std::string storage_file() {
  return stream_of(PickleBuilder(2).storage("FloatStorage", "0", 2).stop(), keys({"0"}) + payload(2, floats({7, 8})));
}

TEST(BarePickle, HoldsFilesInside) {
  const OpenedTree file = open_bytes(with_bytes(storage_file()));
  EXPECT_EQ(file.root()[0].kind(), Kind::storage);
  EXPECT_EQ(file.root()[0].as_storage().nbytes(), 8U);
}

TEST(BarePickle, OpensTheSameBytesOnce) {
  const OpenedTree file = open_bytes(with_bytes(storage_file(), 100'000));
  EXPECT_EQ(file.root().size(), 100'000U);
  EXPECT_EQ(file.opened.document->storage_count(), 1U);
}

TEST(BarePickle, FilesInsideFilesEnd) {
  std::string bytes = storage_file();
  for (int depth = 0; depth < 6; ++depth) bytes = with_bytes(bytes);
  EXPECT_NO_THROW((void)open_bytes(bytes));
  for (int depth = 0; depth < 6; ++depth) bytes = with_bytes(bytes);
  EXPECT_EQ(open_error(bytes).code(), ErrorCode::limit);
}

TEST(BarePickle, CallsOfFilesInsideAreTold) {
  const std::string inner = PickleBuilder(2).global("os", "system").empty_tuple().reduce().stop();
  EXPECT_TRUE(open_bytes(with_bytes(inner)).calls("os.system"));
}

TEST(BarePickle, SeveralAreSeveralRootsAndCallsBeforeAFaultCount) {
  EXPECT_EQ(open_bytes("\x80\x02N.\x80\x02N."s).opened.roots.size(), 2U);
  const OpenedTree file = open_bytes("\x80\x02N.cos\nsystem\n)R\xff"s);
  EXPECT_EQ(file.opened.roots.size(), 1U);
  EXPECT_TRUE(file.calls("os.system"));
  EXPECT_THAT(file.notes(), HasSubstr("bytes follow the last pickle"));
}

TEST(BarePickle, OfJoblibIsNamedWhereItsArraysBegin) {
  const auto wrapper = [] { return PickleBuilder(3).global("joblib.numpy_pickle", "NumpyArrayWrapper"); };
  EXPECT_THAT(open_error(wrapper().raw("\x0f raw bytes of an array").stop()),
              is_error(ErrorCode::unsupported, "this is a joblib file"));
  EXPECT_NO_THROW((void)open_bytes(wrapper().stop())) << "the name alone is no fault";
  EXPECT_EQ(open_error(PickleBuilder(3).global("other", "Wrapper").raw("\x0f").stop()).code(), ErrorCode::damaged);
}

TEST(BarePickle, ManyNamesTakeLinearTime) {
  std::string bytes = "\x80\x02";
  for (int name = 0; name < 100'000; ++name) bytes += "cm\nn" + std::to_string(name) + "\n0";
  EXPECT_EQ(open_bytes(bytes + "N.").opened.facts.calls.size(), 100'000U);
}

TEST(BarePickle, TextThatIsNoneIsNotTakenForOne) {
  for (const std::string& text : {"hello world"s, "import torch\n"s, "No such file\n"s, "(a)"s})
    EXPECT_EQ(open_error(text).code(), ErrorCode::unsupported) << text;
}

}  // namespace
}  // namespace sconce::formats::pytorch
