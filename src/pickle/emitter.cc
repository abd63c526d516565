#include "pickle/emitter.h"

#include <bit>

#include "base/endian.h"
#include "base/fail.h"
#include "pickle/python_names.h"

namespace sconce::pickle {

bool needs_protocol_4(std::string_view module, std::string_view name) {
  return name.find('.') != std::string_view::npos || name.find('\n') != std::string_view::npos ||
         module.find('\n') != std::string_view::npos || !python2_name(module, name);
}

Emitter::Emitter(int protocol) : protocol_(protocol) {
  op(Op::proto);
  bytes_ += static_cast<char>(protocol);
}

void Emitter::integer(std::int64_t value) {
  if (value >= 0 && value <= 0xFF) {
    op(Op::binint1);
    bytes_ += static_cast<char>(value);
  } else if (value >= 0 && value <= 0xFFFF) {
    op(Op::binint2);
    append_le(bytes_, static_cast<std::uint16_t>(value));
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    op(Op::binint);
    append_le(bytes_, static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
  } else {
    char bytes[8];
    store_le(bytes, static_cast<std::uint64_t>(value));
    // Bytes that only repeat the sign are left out.
    const char fill = value < 0 ? '\xff' : '\0';
    std::size_t size = sizeof bytes;
    while (bytes[size - 1] == fill && ((bytes[size - 2] ^ fill) & 0x80) == 0) --size;
    big_integer({bytes, size});
  }
}

void Emitter::big_integer(std::string_view little_endian) {
  if (little_endian.size() <= 0xFF) {
    op(Op::long1);
    bytes_ += static_cast<char>(little_endian.size());
  } else {
    if (little_endian.size() > INT32_MAX) fail(ErrorCode::unsupported, "an integer of more than 2 GiB");
    op(Op::long4);
    append_le(bytes_, static_cast<std::uint32_t>(little_endian.size()));
  }
  bytes_ += little_endian;
}

void Emitter::floating(double value) {
  op(Op::binfloat);
  char bytes[8];
  store_be(bytes, std::bit_cast<std::uint64_t>(value));
  bytes_.append(bytes, sizeof bytes);
}

void Emitter::unicode(std::string_view utf8) {
  if (utf8.size() > UINT32_MAX) fail(ErrorCode::unsupported, "a text of more than 4 GiB, which protocol 2 cannot hold");
  op(Op::binunicode);
  append_le(bytes_, static_cast<std::uint32_t>(utf8.size()));
  bytes_ += utf8;
}

void Emitter::python2_str(std::string_view bytes) {
  if (bytes.size() <= 0xFF) {
    op(Op::short_binstring);
    bytes_ += static_cast<char>(bytes.size());
  } else {
    if (bytes.size() > INT32_MAX)
      fail(ErrorCode::unsupported, "a Python 2 string of more than 2 GiB, which no pickle can hold");
    op(Op::binstring);
    append_le(bytes_, static_cast<std::uint32_t>(bytes.size()));
  }
  bytes_ += bytes;
}

void Emitter::global(std::string_view module, std::string_view name) {
  if (protocol_ >= 4 && needs_protocol_4(module, name)) {
    unicode(module);
    unicode(name);
    return op(Op::stack_global);
  }
  PythonName written{module, name};
  if (protocol_ < 3) {
    if (needs_protocol_4(module, name))
      fail(ErrorCode::unsupported,
           "the name " + std::string(module) + "." + std::string(name) + " cannot be written with pickle protocol 2");
    written = *python2_name(module, name);
  }
  op(Op::global);
  bytes_.append(written.module).append(1, '\n').append(written.name).append(1, '\n');
}

void Emitter::tuple_of(std::size_t count) {
  op(count == 1 ? Op::tuple1 : count == 2 ? Op::tuple2 : count == 3 ? Op::tuple3 : Op::tuple);
}

Memo Emitter::put() {
  if (next_ == kNoMemo) fail(ErrorCode::limit, "a pickle of more than four billion values");
  if (next_ <= 0xFF) {
    op(Op::binput);
    bytes_ += static_cast<char>(next_);
  } else {
    op(Op::long_binput);
    append_le(bytes_, next_);
  }
  return next_++;
}

void Emitter::get(Memo place) {
  if (place <= 0xFF) {
    op(Op::binget);
    bytes_ += static_cast<char>(place);
  } else {
    op(Op::long_binget);
    append_le(bytes_, place);
  }
}

std::string Emitter::finish() {
  op(Op::stop);
  return std::move(bytes_);
}

std::string latin1_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0U | (byte >> 6U));
      text += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return text;
}

}  // namespace sconce::pickle
