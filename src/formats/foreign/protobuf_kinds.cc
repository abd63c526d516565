// Facts: the protocol buffers' encoding guide; onnx.proto (ModelProto), saved_model.proto, graph.proto (GraphDef) of
// TensorFlow, Model.proto of Core ML. Field numbers below are theirs.
#include "formats/foreign/protobuf_kinds.h"

#include <array>
#include <bitset>
#include <string>

#include "base/byte_reader.h"

namespace sconce::formats::foreign {

namespace {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint32_t number;
  Wire wire;
};

constexpr std::uint32_t kMostNumber = 1024;  // the largest that a message here has
constexpr std::uint64_t kMostFields = 1 << 20;

/// One kind of message, by the fields of it that can stand outermost.
struct Message {
  std::string_view what;
  std::string_view advice;
  std::array<Field, 12> fields;     ///< number 0: no more
  std::uint32_t first;              ///< that it begins with; 0: any
  std::uint32_t required;           ///< that it must have
  Field others = {0, Wire::bytes};  ///< fields of this wire type from this number on; 0: none
  std::string_view format = {};     ///< Finding::format
};

constexpr std::string_view kSource = "convert the model that it was exported from";

constexpr auto kMessages = std::to_array<Message>({
    {"an ONNX model",
     "in Python: onnx.load(path).graph.initializer has the weights; or convert the model that it was exported from",
     {{{1, Wire::varint},
       {2, Wire::bytes},
       {3, Wire::bytes},
       {4, Wire::bytes},
       {5, Wire::varint},
       {6, Wire::bytes},
       {7, Wire::bytes},
       {8, Wire::bytes},
       {14, Wire::bytes},
       {20, Wire::bytes},
       {25, Wire::bytes},
       {26, Wire::bytes}}},
     0,
     7,
     {0, Wire::bytes},
     "onnx"},
    {"a TensorFlow SavedModel", kSource, {{{1, Wire::varint}, {2, Wire::bytes}}}, 1, 2},
    {"a Core ML model", kSource, {{{1, Wire::varint}, {2, Wire::bytes}, {10, Wire::varint}}}, 1, 2, {200, Wire::bytes}},
});

/// What stands in the outermost message.
class Walk {
 public:
  explicit Walk(const SourcePtr& source) : reader_(source) {}

  /// Goes on to the end, as far as the bytes are fields. False where they are none of a message known here.
  [[nodiscard]] bool run() {
    for (std::uint64_t count = 0; count < kMostFields && !reader_.at_end(); ++count)
      if (!field()) return false;
    return true;
  }
  [[nodiscard]] bool complete() const noexcept { return !short_; }
  [[nodiscard]] std::uint64_t declared_end() const noexcept { return declared_end_; }

  [[nodiscard]] bool is(const Message& message) const {
    if ((message.first != 0 && first_ != message.first) || !seen_[message.required]) return false;
    for (std::uint32_t number = 1; number <= kMostNumber; ++number)
      if (seen_[number] && !allowed(message, number)) return false;
    return true;
  }

 private:
  [[nodiscard]] bool allowed(const Message& message, std::uint32_t number) const {
    if (message.others.number != 0 && number >= message.others.number) return wires_[number] == message.others.wire;
    for (const Field& field : message.fields)
      if (field.number == number) return wires_[number] == field.wire;
    return false;
  }

  /// Nothing where there is no varint of 64 bits.
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !reader_.at_end(); shift += 7) {
      const std::uint8_t byte = reader_.u8();
      if (shift == 63 && byte > 1) return std::nullopt;
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  bool field() {
    const auto key = varint();
    if (!key || *key >> 3 == 0 || *key >> 3 > kMostNumber) return false;
    const auto number = static_cast<std::uint32_t>(*key >> 3);
    const auto wire = static_cast<Wire>(*key & 7);
    if (seen_[number] && wires_[number] != wire) return false;
    if (first_ == 0) first_ = number;
    wires_[number] = wire;
    seen_[number] = true;
    switch (wire) {
      case Wire::varint: return varint().has_value();
      case Wire::fixed64: return skip(8);
      case Wire::fixed32: return skip(4);
      case Wire::bytes: {
        const auto size = varint();
        return size && skip(*size);
      }
    }
    return false;
  }

  bool skip(std::uint64_t bytes) {
    const std::uint64_t at = reader_.offset();
    if (bytes > UINT64_MAX / 2) return false;
    if (reader_.has(bytes)) {
      reader_.seek(at + bytes);
      return true;
    }
    short_ = true;
    declared_end_ = at + bytes;
    reader_.seek(reader_.source()->size());
    return true;
  }

  ByteReader reader_;
  std::uint32_t first_ = 0;
  std::bitset<kMostNumber + 1> seen_;
  std::array<Wire, kMostNumber + 1> wires_ = {};
  bool short_ = false;
  std::uint64_t declared_end_ = 0;
};

/// The nodes of a frozen graph: each begins with its name, a string of its own.
bool begins_as_graph(const SourcePtr& source) {
  char head[3] = {};
  if (!source->reaches(sizeof head)) return false;
  source->read_at(0, std::as_writable_bytes(std::span(head)));
  return head[0] == '\x0A' && head[2] == '\x0A' && head[1] > 4;
}

constexpr Message kGraph = {
    "a frozen TensorFlow graph",
    kSource,
    {{{1, Wire::bytes}, {2, Wire::bytes}, {3, Wire::varint}, {4, Wire::bytes}, {5, Wire::bytes}}},
    1,
    1};

}  // namespace

std::optional<Finding> protobuf_finding(const SourcePtr& source) {
  Walk walk(source);
  if (!walk.run()) return std::nullopt;
  for (const Message& message : kMessages) {
    if (!walk.is(message)) continue;
    if (walk.complete()) return not_read(message.what, message.advice, message.format);
    return Finding{"this looks like " + std::string(message.what) + ", but its fields need " +
                       std::to_string(walk.declared_end()) + " bytes, and it has " + std::to_string(source->size()),
                   "the file is incomplete; fetch it again", ErrorCode::truncated, source->size()};
  }
  if (walk.complete() && walk.is(kGraph) && begins_as_graph(source)) return not_read(kGraph.what, kGraph.advice);
  return std::nullopt;
}

}  // namespace sconce::formats::foreign
