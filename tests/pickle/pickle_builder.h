// A small assembler of pickles: one method for each way of writing a value, and raw bytes for what no pickler writes.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/endian.h"

namespace sconce::pickle::testing {

/// Every method appends opcodes and returns the builder, so that a stream reads from left to right.
class PickleBuilder {
 public:
  PickleBuilder() = default;
  /// Begins with PROTO.
  explicit PickleBuilder(int protocol) { raw("\x80").byte(protocol); }

  PickleBuilder& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  PickleBuilder& byte(int value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }
  template <typename T>
  PickleBuilder& number(T value) {
    append_le(bytes_, value);
    return *this;
  }

  PickleBuilder& none() { return raw("N"); }
  PickleBuilder& boolean(bool value) { return byte(value ? 0x88 : 0x89); }
  /// The shortest of the binary forms.
  PickleBuilder& integer(std::int64_t value) {
    if (value >= 0 && value < 256) return raw("K").byte(static_cast<int>(value));
    if (value == static_cast<std::int32_t>(value))
      return raw("J").number(static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
    return byte(0x8a).byte(8).number(static_cast<std::uint64_t>(value));
  }
  PickleBuilder& floating(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    raw("G");
    for (int shift = 56; shift >= 0; shift -= 8) byte(static_cast<int>(bits >> shift & 0xFF));
    return *this;
  }
  PickleBuilder& text(std::string_view utf8) {
    return raw("X").number(static_cast<std::uint32_t>(utf8.size())).raw(utf8);
  }
  PickleBuilder& python2(std::string_view bytes) { return raw("U").byte(static_cast<int>(bytes.size())).raw(bytes); }
  PickleBuilder& bytes(std::string_view data) {
    return raw("B").number(static_cast<std::uint32_t>(data.size())).raw(data);
  }

  PickleBuilder& mark() { return raw("("); }
  PickleBuilder& tuple() { return raw("t"); }
  PickleBuilder& tuple1() { return byte(0x85); }
  PickleBuilder& tuple2() { return byte(0x86); }
  PickleBuilder& tuple3() { return byte(0x87); }
  PickleBuilder& empty_tuple() { return raw(")"); }
  PickleBuilder& empty_list() { return raw("]"); }
  PickleBuilder& empty_dict() { return raw("}"); }
  PickleBuilder& append() { return raw("a"); }
  PickleBuilder& appends() { return raw("e"); }
  PickleBuilder& setitem() { return raw("s"); }
  PickleBuilder& setitems() { return raw("u"); }
  /// A tuple of integers.
  PickleBuilder& integers(std::initializer_list<std::int64_t> values) {
    mark();
    for (const std::int64_t value : values) integer(value);
    return tuple();
  }

  PickleBuilder& global(std::string_view module, std::string_view name) {
    return raw("c").raw(module).raw("\n").raw(name).raw("\n");
  }
  PickleBuilder& reduce() { return raw("R"); }
  PickleBuilder& newobj() { return byte(0x81); }
  PickleBuilder& build() { return raw("b"); }
  PickleBuilder& persistent() { return raw("Q"); }
  PickleBuilder& put(int index) { return raw("q").byte(index); }
  PickleBuilder& get(int index) { return raw("h").byte(index); }
  PickleBuilder& pop() { return raw("0"); }
  PickleBuilder& dup() { return raw("2"); }

  // What PyTorch writes.
  /// The hooks of every tensor: OrderedDict().
  PickleBuilder& hooks() { return global("collections", "OrderedDict").empty_tuple().reduce(); }
  PickleBuilder& storage(std::string_view cls, std::string_view key, std::int64_t numel,
                         std::string_view location = "cpu", std::string_view module = "torch") {
    return mark().text("storage").global(module, cls).text(key).text(location).integer(numel).tuple().persistent();
  }

  /// The stream so far, with STOP behind it.
  [[nodiscard]] std::string stop() const { return bytes_ + "."; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const std::string& open() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace sconce::pickle::testing
