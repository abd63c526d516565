// Messages without a mark, told apart by their outermost fields.
#include "formats/foreign/protobuf_kinds.h"

#include "formats/foreign/foreign_files.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value > 0x7F; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string number(std::uint32_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
std::string bytes(std::uint32_t field, const std::string& content) {
  return varint(field << 3 | 2) + varint(content.size()) + content;
}

std::string onnx() {
  return number(1, 8) + bytes(2, "pytorch") + bytes(3, "2.0") + bytes(7, std::string(300, '\xAA')) +
         bytes(8, raw("\x10\x0D"));
}

TEST(ForeignProtobuf, ModelsAreNamed) {
  EXPECT_THAT(refusal(onnx()), is_error(ErrorCode::unsupported, "an ONNX model"));
  EXPECT_THAT(refusal(bytes(8, raw("\x10\x0D")) + bytes(7, "graph") + number(1, 3)),
              is_error(ErrorCode::unsupported, "an ONNX model"))
      << "fields may come in any order";
  EXPECT_THAT(refusal(number(1, 1) + bytes(2, std::string(50, '\x0A'))),
              is_error(ErrorCode::unsupported, "a TensorFlow SavedModel"));
  EXPECT_THAT(refusal(number(1, 4) + bytes(2, "d") + bytes(500, raw("\1\2"))),
              is_error(ErrorCode::unsupported, "a Core ML model"));
  const std::string node = bytes(1, "input_1") + bytes(2, "Placeholder");
  EXPECT_THAT(refusal(bytes(1, node) + bytes(1, node) + bytes(4, raw("\x08\x01"))),
              is_error(ErrorCode::unsupported, "a frozen TensorFlow graph"));
}

TEST(ForeignProtobuf, AModelCutShortSaysSo) {
  const std::string whole = onnx();
  const Error error = refusal(whole.substr(0, whole.size() - 100));
  EXPECT_THAT(error, is_error(ErrorCode::truncated, "looks like an ONNX model"));
  EXPECT_EQ(error.place().offset, whole.size() - 100);
}

TEST(ForeignProtobuf, OtherBytesAreNotTakenForMessages) {
  for (const std::string& other :
       {onnx() + bytes(9, "x"), number(7, 1) + number(1, 1), onnx() + raw("\0\0"), onnx() + raw("\x0B"),
        number(1, 8) + bytes(7, "g") + number(7, 1), std::string(20, '\xFF'), varint(5000 << 3 | 2) + varint(0),
        number(1, 8) + varint(7 << 3 | 2) + std::string(9, '\xFF') + '\1'})
    EXPECT_FALSE(protobuf_finding(string_source(other)));
}

}  // namespace
}  // namespace sconce::formats::foreign
