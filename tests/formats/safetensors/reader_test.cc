// Reading safetensors: what the reference refuses is refused, and the Error says where.
#include "formats/safetensors/reader.h"

#include <gmock/gmock.h>

#include <chrono>
#include <random>

#include "safetensors_files.h"

namespace sconce {
namespace {

using test::error_of;
using test::file_of;
using test::open_file;
using test::recognised;
using testing::HasSubstr;

constexpr std::string_view kPair = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                   R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})";

std::string data(std::size_t size) {
  std::string bytes;
  for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(at);
  return bytes;
}

std::string one(std::string_view dtype, std::string_view shape, std::uint64_t size) {
  return R"({"w":{"dtype":")" + std::string(dtype) + R"(","shape":)" + std::string(shape) + R"(,"data_offsets":[0,)" +
         std::to_string(size) + "]}}";
}

std::string two(std::string_view first, std::string_view second) {
  return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(first) +
         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(second) + "}}";
}

TEST(SafetensorsReader, TensorsAreADictInTheOrderOfTheHeader) {
  const formats::Opened opened = open_file(file_of(kPair, data(11)));
  const tree::Document& document = *opened.document;
  ASSERT_EQ(opened.roots.size(), 1u);
  const tree::NodeId root = opened.roots[0];
  ASSERT_EQ(document.kind(root), Kind::dict);
  ASSERT_EQ(document.dict_record(root).count, 2u);
  EXPECT_EQ(document.text(document.dict_record(root).pairs[0]), "a");
  const Tensor a = document.tensor_handle(document.dict_get(root, "a"));
  EXPECT_EQ(a.dtype(), DType::float32);
  EXPECT_THAT(a.shape(), testing::ElementsAre(2));
  const Tensor b = document.tensor_handle(document.dict_get(root, "b"));
  EXPECT_THAT(b.to_vector<std::uint8_t>(), testing::ElementsAre(8, 9, 10));
  EXPECT_FALSE(a.storage().is(b.storage()));
}

TEST(SafetensorsReader, AFileOfNoTensorsIsAnEmptyDict) {
  const formats::Opened opened = open_file(file_of("{}"));
  EXPECT_EQ(opened.document->dict_record(opened.roots[0]).count, 0u);
}

TEST(SafetensorsReader, DataMayLieInAnotherOrderThanTheHeader) {
  const formats::Opened opened = open_file(file_of(two("[4,8]", "[0,4]"), data(8)));
  const auto& document = *opened.document;
  EXPECT_THAT(document.tensor_handle(document.dict_get(opened.roots[0], "a")).to_vector<std::uint8_t>(),
              testing::ElementsAre(4, 5, 6, 7));
}

TEST(SafetensorsReader, MetadataIsKeptBesideTheTree) {
  const formats::Opened opened = open_file(file_of(R"({"__metadata__":{"format":"pt","note":"\u00e9"}})"));
  ASSERT_EQ(opened.facts.extras.size(), 2u);
  EXPECT_EQ(opened.facts.extras[1].name, "note");
  std::string text(2, '\0');
  opened.facts.extras[1].bytes->read_at(0, std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(text, "\xC3\xA9");
}

TEST(SafetensorsReader, EveryDtypeOfTheReferenceIsRead) {
  struct Case {
    const char* code;
    DType dtype;
    std::uint64_t bytes;  // of eight elements
  };
  constexpr Case kCases[] = {
      {"BOOL", DType::boolean, 8},
      {"F6_E2M3", DType::float6_e2m3, 6},
      {"F6_E3M2", DType::float6_e3m2, 6},
      {"U8", DType::uint8, 8},
      {"I8", DType::int8, 8},
      {"F8_E5M2", DType::float8_e5m2, 8},
      {"F8_E4M3", DType::float8_e4m3fn, 8},
      {"F8_E8M0", DType::float8_e8m0fnu, 8},
      {"F8_E4M3FNUZ", DType::float8_e4m3fnuz, 8},
      {"F8_E5M2FNUZ", DType::float8_e5m2fnuz, 8},
      {"I16", DType::int16, 16},
      {"U16", DType::uint16, 16},
      {"F16", DType::float16, 16},
      {"BF16", DType::bfloat16, 16},
      {"I32", DType::int32, 32},
      {"U32", DType::uint32, 32},
      {"F32", DType::float32, 32},
      {"C64", DType::complex64, 64},
      {"F64", DType::float64, 64},
      {"I64", DType::int64, 64},
      {"U64", DType::uint64, 64},
  };
  for (const Case& c : kCases) {
    const formats::Opened opened = open_file(file_of(one(c.code, "[2,4]", c.bytes), data(c.bytes)));
    const Tensor tensor = opened.document->tensor_handle(opened.document->dict_get(opened.roots[0], "w"));
    EXPECT_EQ(tensor.dtype(), c.dtype) << c.code;
    EXPECT_THAT(tensor.shape(), testing::ElementsAre(2, 4)) << c.code;
    EXPECT_EQ(tensor.storage().nbytes(), c.bytes) << c.code;
  }
}

TEST(SafetensorsReader, PairsOfF4AreOneElementAsInPyTorch) {
  const formats::Opened opened = open_file(file_of(one("F4", "[3,4]", 6), data(6)));
  const Tensor tensor = opened.document->tensor_handle(opened.document->dict_get(opened.roots[0], "w"));
  EXPECT_EQ(tensor.dtype(), DType::float4_e2m1fn_x2);
  EXPECT_THAT(tensor.shape(), testing::ElementsAre(3, 2));
}

TEST(SafetensorsReader, OddRowsOfF4AreNotSupported) {
  const Error error = error_of(file_of(one("F4", "[2,3]", 3), data(3)));
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_EQ(error.place().key, "w");
}

// ------------------------------------------------------------------------------------------- the length of the header

TEST(SafetensorsReader, HeaderTooLarge) {
  for (const std::uint64_t length : {std::uint64_t{100'000'001}, std::uint64_t{1} << 63, UINT64_MAX}) {
    std::string file = file_of(kPair, data(11));
    store_le(file.data(), length);
    EXPECT_TRUE(recognised(file)) << length;
    const Error error = error_of(file);
    EXPECT_EQ(error.code(), ErrorCode::damaged) << length;
    EXPECT_EQ(error.place().offset, 0u);
  }
}

TEST(SafetensorsReader, HeaderReachesBeyondTheFile) {
  std::string file = file_of(kPair, data(11));
  for (const std::uint64_t length : {std::uint64_t{file.size() - 7}, std::uint64_t{100'000'000}}) {
    store_le(file.data(), length);
    const Error error = error_of(file);
    EXPECT_EQ(error.code(), ErrorCode::truncated) << length;
    EXPECT_THAT(error.what(), HasSubstr("ends at byte " + std::to_string(file.size()) + " of at least " +
                                        std::to_string(8 + length)));
  }
}

TEST(SafetensorsReader, HeaderLengthInsideOfTheFileIsWrong) {
  std::string file = file_of(kPair, data(11));
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, file.size() - 8}) {
    store_le(file.data(), length);
    EXPECT_EQ(error_of(file).code(), ErrorCode::damaged) << length;
  }
}

TEST(SafetensorsReader, FilesCutShortSayAtWhichByteOfHowMany) {
  const std::string file = file_of(kPair, data(11));
  for (std::size_t size = 9; size < file.size(); ++size) {
    const Error error = error_of(file.substr(0, size));
    ASSERT_EQ(error.code(), ErrorCode::truncated) << size;
    EXPECT_EQ(error.place().offset, size);
    EXPECT_THAT(error.what(), HasSubstr("ends at byte " + std::to_string(size))) << size;
    EXPECT_THAT(error.what(),
                HasSubstr(size < 8 + kPair.size() ? std::to_string(8 + kPair.size()) : std::to_string(file.size())));
  }
}

// ------------------------------------------------------------------------------------------------------------- ranges

TEST(SafetensorsReader, RangesThatDoNotCoverTheData) {
  struct Case {
    const char* what;
    const char* first;
    const char* second;
    std::size_t size;
  };
  constexpr Case kCases[] = {
      {"identical", "[0,4]", "[0,4]", 4},     {"overlap by one", "[0,4]", "[3,7]", 7},
      {"gap of one", "[0,4]", "[5,9]", 9},    {"reversed", "[4,0]", "[4,8]", 8},
      {"trailing byte", "[0,4]", "[4,8]", 9}, {"begins late", "[1,5]", "[5,9]", 9},
      {"one too long", "[0,5]", "[5,9]", 9},  {"beyond 64 bits", "[0,4]", "[4,18446744073709551620]", 8},
  };
  for (const Case& c : kCases) {
    const Error error = error_of(file_of(two(c.first, c.second), data(c.size)));
    EXPECT_EQ(error.code(), ErrorCode::damaged) << c.what;
    EXPECT_TRUE(error.place().offset.has_value()) << c.what;
  }
}

TEST(SafetensorsReader, EmptyTensorsMayLieBetweenOthers) {
  EXPECT_NO_THROW((void)open_file(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                          R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}})",
                                          data(4))));
}

TEST(SafetensorsReader, BytesAfterTheLastTensorAreNamedByTheirOffset) {
  const Error error = error_of(file_of(kPair, data(12)));
  EXPECT_EQ(error.place().offset, 8 + kPair.size() + 11);
}

// --------------------------------------------------------------------------------------------------------- duplicates

TEST(SafetensorsReader, DuplicateNames) {
  const std::string_view equal = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                 R"("\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  const Error error = error_of(file_of(equal, data(4)));
  EXPECT_EQ(error.code(), ErrorCode::damaged);
  EXPECT_EQ(error.place().key, "a");
  EXPECT_EQ(error.place().offset, 8 + equal.find(R"("\u0061")"));
}

TEST(SafetensorsReader, DuplicateMembers) {
  for (const std::string_view header : {
           R"({"__metadata__":{"a":"1","a":"1"}})",
           R"({"__metadata__":{},"__metadata__":{}})",
           R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
           R"({"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})",
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"data_offsets":[0,0]}})",
       })
    EXPECT_EQ(error_of(file_of(header)).code(), ErrorCode::damaged) << header;
}

TEST(SafetensorsReader, MetadataIsNoTensorAndHoldsStringsOnly) {
  for (const std::string_view header : {
           R"({"__metadata__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
           R"({"__metadata__":{"a":1}})",
           R"({"__metadata__":{"a":null}})",
           R"({"__metadata__":{"a":{"b":"c"}}})",
           R"({"__metadata__":"pt"})",
           R"({"__metadata__":[]})",
       })
    EXPECT_EQ(error_of(file_of(header)).code(), ErrorCode::damaged) << header;
}

// ---------------------------------------------------------------------------------------------------- shape and dtype

TEST(SafetensorsReader, ShapeAndRangeDisagree) {
  for (const std::uint64_t size : {7U, 9U, 0U, 4U}) {
    const Error error = error_of(file_of(one("F32", "[2]", size), data(size)));
    EXPECT_EQ(error.code(), ErrorCode::damaged) << size;
    EXPECT_EQ(error.place().key, "w");
    EXPECT_THAT(error.what(), HasSubstr("need 8 bytes"));
  }
}

TEST(SafetensorsReader, ShapesOverflow) {
  for (const std::string_view shape : {"[9223372036854775807,2]", "[4294967296,4294967296]", "[18446744073709551615]",
                                       "[18446744073709551616]", "[4611686018427387904,4]", "[2305843009213693952]"})
    EXPECT_EQ(error_of(file_of(one("F64", shape, 0))).code(), ErrorCode::damaged) << shape;
}

TEST(SafetensorsReader, MoreDimensionsThanPyTorchHas) {
  std::string shape = "[1";
  for (int dim = 0; dim < 64; ++dim) shape += ",1";
  EXPECT_EQ(error_of(file_of(one("U8", shape + "]", 1), data(1))).code(), ErrorCode::unsupported);
}

TEST(SafetensorsReader, UnknownDtype) {
  for (const std::string_view dtype : {"F128", "f32", "", "U8 ", "BOOLEAN", "float32"}) {
    const Error error = error_of(file_of(one(dtype, "[0]", 0)));
    EXPECT_EQ(error.code(), ErrorCode::damaged) << dtype;
    EXPECT_EQ(error.place().key, "w");
  }
}

TEST(SafetensorsReader, ElementsThatDoNotFillBytes) {
  EXPECT_EQ(error_of(file_of(one("F4", "[3]", 1), data(1))).code(), ErrorCode::damaged);
  EXPECT_EQ(error_of(file_of(one("F4", "[]", 1), data(1))).code(), ErrorCode::damaged);
  EXPECT_EQ(error_of(file_of(one("F6_E2M3", "[5]", 4), data(4))).code(), ErrorCode::damaged);
}

TEST(SafetensorsReader, MembersAreMissing) {
  for (const std::string_view header : {
           R"({"a":{}})",
           R"({"a":{"dtype":"U8","shape":[0]}})",
           R"({"a":{"dtype":"U8","data_offsets":[0,0]}})",
           R"({"a":{"shape":[0],"data_offsets":[0,0]}})",
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})",
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})",
           R"({"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}})",
           R"({"a":[]})",
           R"({"a":null})",
       })
    EXPECT_EQ(error_of(file_of(header)).code(), ErrorCode::damaged) << header;
}

// --------------------------------------------------------------------------------------------------------------- JSON

TEST(SafetensorsReader, MembersThatNobodyKnowsArePassedOver) {
  const formats::Opened opened =
      open_file(file_of(R"({"a":{"x":{"y":[1,{"z":null}]},"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
  EXPECT_THAT(opened.facts.notes, testing::ElementsAre(HasSubstr("1 members")));
  EXPECT_EQ(error_of(file_of(R"({"a":{"x":1E400,"dtype":"U8","shape":[0],"data_offsets":[0,0]}})")).code(),
            ErrorCode::damaged);
}

TEST(SafetensorsReader, TrailingBlanksAreTheReferencesOwn) {
  EXPECT_NO_THROW((void)open_file(file_of("{}      ")));
  EXPECT_NO_THROW((void)open_file(file_of("{ }\n\t\r ")));
}

TEST(SafetensorsReader, TextThatIsNoStrictJson) {
  const auto with_shape = [](std::string_view shape) { return one("U8", shape, 0); };
  for (const std::string& header : {
           std::string("\xEF\xBB\xBF{}"),
           std::string(" {}"),
           std::string("\n{}"),
           std::string("{}x"),
           std::string("{},"),
           std::string("{}{}"),
           std::string("{}\0", 3),
           std::string("{"),
           std::string("[]"),
           std::string(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},})"),
           std::string(R"({/**/})"),
           std::string("{'a':1}"),
           with_shape("[0,]"),
           with_shape("[0e0]"),
           with_shape("[0.0]"),
           with_shape("[-0]"),
           with_shape("[-1]"),
           with_shape("[00]"),
           with_shape("[+0]"),
           with_shape("[\"0\"]"),
           with_shape("[1E400]"),
           with_shape("[0x0]"),
           std::string("{\"\xFF\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
           std::string(R"({"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
           std::string(R"({"\udc00\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
           std::string("{\"\xED\xA0\x80\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
           std::string("{\"a\nb\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
       }) {
    const Error error = error_of(file_of(header));
    EXPECT_EQ(error.code(), ErrorCode::damaged) << header;
    EXPECT_TRUE(error.place().offset.has_value()) << header;
    EXPECT_GE(error.place().offset.value_or(0), 8u) << header;
  }
}

TEST(SafetensorsReader, EscapedNamesAreNames) {
  const formats::Opened opened =
      open_file(file_of(R"({"\ud83d\ude00\u0000\"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
  EXPECT_EQ(opened.document->text(opened.document->dict_record(opened.roots[0]).pairs[0]),
            std::string_view("\xF0\x9F\x98\x80\0\"", 6));
}

TEST(SafetensorsReader, NestingOfAMillionIsRefused) {
  std::string header = R"({"a":{"x":)";
  header.append(1'000'000, '[').append(1'000'000, ']').append("}}");
  EXPECT_EQ(error_of(file_of(header)).code(), ErrorCode::damaged);
}

// ------------------------------------------------------------------------------------------------- cost and hostility

std::string header_of_many(int count) {
  std::string header = "{";
  for (int at = 0; at < count; ++at)
    header += (at == 0 ? "" : ",") + ("\"layer." + std::to_string(at)) +
              R"(.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  return header + "}";
}

TEST(SafetensorsReader, AHundredThousandNamesTakeLinearTime) {
  const std::string file = file_of(header_of_many(100'000));
  const auto start = std::chrono::steady_clock::now();
  const formats::Opened opened = open_file(file);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(opened.document->dict_record(opened.roots[0]).count, 100'000u);
  EXPECT_LT(took, std::chrono::seconds(5));  // milliseconds, but for sanitizers; quadratic would be minutes
}

TEST(SafetensorsReader, MemoryIsChargedBeforeItIsTaken) {
  Limits limits;
  limits.memory_base = 1000;
  limits.memory_per_metadata_byte = 1;
  EXPECT_EQ(error_of(file_of(header_of_many(1000)), limits).code(), ErrorCode::limit);
}

TEST(SafetensorsReader, FilesWithAFlippedBitNeverDoMoreThanFail) {
  const std::string good = file_of(kPair, data(11));
  std::mt19937 random(1);
  for (int round = 0; round < 4'000; ++round) {
    std::string file = good;
    for (auto flips = 1 + random() % 3; flips != 0; --flips)
      file[random() % file.size()] ^= static_cast<char>(1U << random() % 8);
    try {
      (void)open_file(file);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::invalid_argument) << error.what();
      EXPECT_NE(error.code(), ErrorCode::io) << error.what();
    }
  }
}

TEST(SafetensorsReader, RecognisesDamagedHeadersAndNothingElse) {
  EXPECT_TRUE(recognised(file_of(kPair)));
  EXPECT_TRUE(recognised(file_of("{}")));
  EXPECT_TRUE(recognised(file_of(" {}")));
  EXPECT_TRUE(recognised(file_of("\xEF\xBB\xBF{}")));
  EXPECT_FALSE(recognised("{\"a\": {\"b\": 1}}"));
  EXPECT_FALSE(recognised("static {int x;}"));
  EXPECT_FALSE(recognised(std::string("\x80\x02}q\0X\1\0\0\0", 10)));
  EXPECT_FALSE(recognised("short"));
}

}  // namespace
}  // namespace sconce
