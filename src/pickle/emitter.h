// Opcodes of pickle protocol 2, as CPython's pickler chooses them, appended to one string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "pickle/opcodes.h"

namespace sconce::pickle {

/// Place of a value in the memo of the stream that is written.
using Memo = std::uint32_t;
inline constexpr Memo kNoMemo = 0xFFFFFFFF;

/// Whether a name needs protocol 4: it is inside of a class, no Python 2 name stands for it, or no line can hold it.
[[nodiscard]] bool needs_protocol_4(std::string_view module, std::string_view name);

/// Appends to a stream that begins with PROTO. Knows opcodes and counts the memo; what they mean together is the
/// caller's business. Protocol 4 differs from 2 in nothing but the names of classes, which Python 3 then takes as they
/// are. Not thread-safe.
class Emitter {
 public:
  explicit Emitter(int protocol = 2);

  void op(Op code) { bytes_ += static_cast<char>(code); }
  void none() { op(Op::none); }
  void boolean(bool value) { op(value ? Op::newtrue : Op::newfalse); }
  void integer(std::int64_t value);
  /// Two's complement, little-endian, minimal length.
  void big_integer(std::string_view little_endian);
  void floating(double value);
  /// UTF-8, lone surrogates as three bytes.
  void unicode(std::string_view utf8);
  /// A `str` of Python 2: bytes of no stated encoding.
  void python2_str(std::string_view bytes);
  /// A class or function by its Python 3 name. Errors: `unsupported` for a name that protocol 2 cannot hold, which
  /// needs_protocol_4() tells before.
  void global(std::string_view module, std::string_view name);
  /// TUPLE1 to TUPLE3 for so many items; a tuple of more is begun with MARK. Nothing may be said of an empty one.
  void tuple_of(std::size_t count);

  [[nodiscard]] Memo put();
  void get(Memo place);
  /// The first time what `write` appends; later the same object from the memo.
  template <typename Write>
  void once(Memo& place, Write&& write) {
    if (place != kNoMemo) return get(place);
    std::forward<Write>(write)();
    place = put();
  }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  /// Ends the stream with STOP and hands it out.
  [[nodiscard]] std::string finish();

 private:
  std::string bytes_;
  Memo next_ = 0;
  int protocol_;
};

/// `bytes` as the UTF-8 of the text that they are in Latin-1.
[[nodiscard]] std::string latin1_text(std::string_view bytes);

}  // namespace sconce::pickle
