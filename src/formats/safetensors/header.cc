#include "formats/safetensors/header.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

constexpr std::string_view kFetchAgain = "the file is damaged; fetch it again";
constexpr std::string_view kSaveAgain = "other readers refuse this file, too; save it again";

/// What one tensor costs beside the text: its entry, dimensions, and two slots of the index that doubles.
constexpr std::uint64_t kEntryCost = 2 * sizeof(TensorEntry) + 32;

std::string number(std::uint64_t value) { return std::to_string(value); }

/// The length of the header, which lies inside of the file.
std::uint64_t read_length(const ByteSource& source) {
  if (!source.reaches(kLengthField))
    fail(ErrorCode::truncated,
         "the length of the header takes 8 bytes, but the file ends at byte " + number(source.size()),
         at_offset(source.size()), "fetch it again");
  std::array<std::byte, kLengthField> field;
  source.read_at(0, field);
  const auto length = load_le<std::uint64_t>(field.data());
  if (length > kMaxHeader)
    fail(ErrorCode::damaged,
         "the header is said to take " + number(length) + " bytes, more than the " + number(kMaxHeader) +
             " that the format allows",
         at_offset(0), std::string(kFetchAgain));
  if (!source.reaches(kLengthField + length))
    fail(ErrorCode::truncated,
         "the file ends at byte " + number(source.size()) + " of at least " + number(kLengthField + length) +
             ", inside of its header",
         at_offset(source.size()), "fetch it again");
  return length;
}

}  // namespace

/// Fills a Header from its text.
class HeaderParser {
 public:
  explicit HeaderParser(Header& header) : header_(header), json_(header.text_, kLengthField, kDepth) {}

  void parse() {
    if (!header_.text_.starts_with('{'))
      fail(ErrorCode::damaged, "the header must begin with '{'", at_offset(kLengthField), std::string(kSaveAgain));
    json_.expect(Token::begin_object, "the header");
    while (next_key(json_.next())) {
      if (json_.text() == kMetadataKey)
        metadata();
      else
        tensor();
    }
    (void)json_.next();  // only blanks may follow
  }

  /// The data of all tensors, in order of their offsets, is one run without holes.
  void check_coverage(std::uint64_t file_size) const;

 private:
  using Token = JsonReader::Token;
  // Header, tensor, shape; more only inside of members that nobody knows.
  static constexpr unsigned kDepth = 64;

  static bool next_key(Token token) { return token == Token::key; }  // else the reader proved that the object ends

  void metadata();
  void tensor();
  void members(TensorEntry& entry);
  void read_shape(TensorEntry& entry);
  void read_offsets(TensorEntry& entry);
  void pack_pairs(TensorEntry& entry, std::uint64_t offset);
  void check_size(const TensorEntry& entry) const;
  void skip_unknown();
  std::string_view kept_text();
  void charge(std::uint64_t bytes) {
    header_.budget_.charge(bytes);
    header_.charged_ += bytes;
  }
  [[noreturn]] void refuse(const TensorEntry& entry, ErrorCode code, std::string message,
                           std::string_view advice) const {
    ErrorPlace place = at_offset(entry.key_offset);
    place.key = std::string(entry.name);
    fail(code, std::move(message), std::move(place), std::string(advice));
  }

  Header& header_;
  JsonReader json_;
  bool metadata_seen_ = false;
};

/// The last text, for as long as the header lives.
std::string_view HeaderParser::kept_text() {
  const std::string_view text = json_.text();
  const std::string& all = header_.text_;
  if (text.data() >= all.data() && text.data() <= all.data() + all.size()) return text;
  charge(text.size() + sizeof(std::string));
  return header_.unescaped_.emplace_back(text);
}

void HeaderParser::metadata() {
  if (metadata_seen_) json_.wrong("the header has two members \"__metadata__\"");
  metadata_seen_ = true;
  const Token token = json_.next();
  if (token == Token::null) return;  // as if it were not there
  if (token != Token::begin_object) json_.wrong("__metadata__ must be an object of strings");
  std::vector<std::string_view> keys;
  while (next_key(json_.next())) {
    std::string key(json_.text());
    const Token value = json_.next();
    if (value != Token::string) json_.wrong("the value of \"" + key + "\" in __metadata__ must be a string");
    charge(key.size() + json_.text().size() + 2 * sizeof(std::string) + sizeof(std::string_view));
    header_.metadata_.emplace_back(std::move(key), json_.text());
  }
  for (const auto& entry : header_.metadata_) keys.push_back(entry.first);
  std::ranges::sort(keys);
  if (const auto twice = std::ranges::adjacent_find(keys); twice != keys.end())
    json_.wrong("__metadata__ has two members \"" + std::string(*twice) + "\"");
}

void HeaderParser::tensor() {
  TensorEntry entry;
  entry.key_offset = json_.offset();
  entry.name = kept_text();
  if (const auto twice = header_.find(entry.name))
    refuse(entry, ErrorCode::damaged,
           "two tensors have this name, the first at byte " + number(header_.tensors_[*twice].key_offset), kSaveAgain);
  charge(kEntryCost);
  header_.tensors_.push_back(entry);
  header_.index_.add_last(header_.tensors_);
  TensorEntry& added = header_.tensors_.back();
  try {
    members(added);
  } catch (Error& error) {
    ErrorPlace place;
    place.key = std::string(added.name);
    error.add_place(place);
    throw;
  }
}

void HeaderParser::members(TensorEntry& entry) {
  json_.expect(Token::begin_object, "a tensor");
  bool dtype = false;
  bool shape = false;
  bool offsets = false;
  std::uint64_t shape_at = 0;
  const auto once = [&](bool& seen) {
    if (seen) json_.wrong("the tensor has two members \"" + std::string(json_.text()) + "\"");
    seen = true;
  };
  while (next_key(json_.next())) {
    if (json_.text() == "dtype") {
      once(dtype);
      const std::string name = json_.expect_string("dtype");
      const auto code = code_from_string(name);
      if (!code) json_.wrong("no dtype of the format: \"" + name + "\"");
      entry.code = *code;
    } else if (json_.text() == "shape") {
      once(shape);
      shape_at = json_.offset();
      read_shape(entry);
    } else if (json_.text() == "data_offsets") {
      once(offsets);
      read_offsets(entry);
    } else {
      skip_unknown();
    }
  }
  if (!dtype || !shape || !offsets) json_.wrong("a tensor needs the members dtype, shape and data_offsets");
  check_size(entry);
  if (entry.code == Code::f4) pack_pairs(entry, shape_at);
}

void HeaderParser::read_shape(TensorEntry& entry) {
  json_.expect(Token::begin_array, "shape");
  entry.first_dim = static_cast<std::uint32_t>(header_.dims_.size());
  for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
    if (token != Token::number) json_.wrong("shape must be an array of integers");
    const std::uint64_t size = json_.as_u64("a size");
    if (size > INT64_MAX) json_.wrong("a size of more than 2^63 - 1");
    if (entry.ndim == tensor::kMaxDims)
      refuse(entry, ErrorCode::unsupported, "more than 64 dimensions, which is all that PyTorch has", "reshape it");
    charge(2 * sizeof(std::int64_t));
    header_.dims_.push_back(static_cast<std::int64_t>(size));
    ++entry.ndim;
  }
}

void HeaderParser::read_offsets(TensorEntry& entry) {
  json_.expect(Token::begin_array, "data_offsets");
  entry.begin = json_.expect_u64("the first of data_offsets");
  entry.end = json_.expect_u64("the second of data_offsets");
  json_.expect(Token::end_array, "data_offsets after two numbers");
  if (entry.end < entry.begin) json_.wrong("the data ends before it begins");
}

/// The range is exactly what dtype and shape need.
void HeaderParser::check_size(const TensorEntry& entry) const {
  const auto numel = tensor::numel_of(header_.shape(entry));
  const auto bits = numel ? checked_mul(*numel, bits_of(entry.code)) : std::nullopt;
  if (!bits) refuse(entry, ErrorCode::damaged, "the sizes of its shape multiply to more than 2^63 - 1", kSaveAgain);
  if (*bits % 8 != 0)
    refuse(entry, ErrorCode::damaged,
           number(*numel) + " elements of " + std::string(to_string(entry.code)) + " do not fill whole bytes",
           kSaveAgain);
  if (*bits / 8 != entry.nbytes())
    refuse(entry, ErrorCode::damaged,
           "dtype and shape need " + number(*bits / 8) + " bytes, but data_offsets give " + number(entry.nbytes()),
           kFetchAgain);
}

/// The header counts values of F4, PyTorch counts bytes of two: the last dimension is halved, as the reference does it.
void HeaderParser::pack_pairs(TensorEntry& entry, std::uint64_t offset) {
  std::int64_t& last = header_.dims_.back();  // values that fill bytes are not without a dimension
  if (last % 2 != 0) {
    ErrorPlace place = at_offset(offset);
    place.key = std::string(entry.name);
    fail(ErrorCode::unsupported,
         "the last dimension of F4 is odd (" + std::to_string(last) +
             "), and PyTorch keeps two values of a row in a byte",
         std::move(place), "pad the rows to an even length");
  }
  last /= 2;
}

/// Passes over a value as strictly as the reference does, which reads it before it forgets it.
void HeaderParser::skip_unknown() {
  ++header_.unknown_members_;
  unsigned depth = 0;
  do {
    switch (json_.next()) {
      case Token::begin_object:
      case Token::begin_array: ++depth; break;
      case Token::end_object:
      case Token::end_array: --depth; break;
      case Token::number: (void)json_.as_double(); break;
      case Token::key: continue;  // its value follows
      default: break;
    }
  } while (depth != 0);
}

void HeaderParser::check_coverage(std::uint64_t file_size) const {
  const auto& tensors = header_.tensors_;
  std::vector<std::uint32_t> order(tensors.size());
  for (std::uint32_t at = 0; at < order.size(); ++at) order[at] = at;
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(tensors[a].begin, tensors[a].end) < std::pair(tensors[b].begin, tensors[b].end);
  };
  if (!std::ranges::is_sorted(order, before)) std::ranges::stable_sort(order, before);
  std::uint64_t covered = 0;
  for (const std::uint32_t at : order) {
    const TensorEntry& entry = tensors[at];
    if (entry.begin < covered)
      refuse(entry, ErrorCode::damaged,
             "its data begins at byte " + number(entry.begin) +
                 " of the data, inside of another tensor's, which ends at " + number(covered),
             kSaveAgain);
    if (entry.begin > covered)
      refuse(entry, ErrorCode::damaged,
             "its data begins at byte " + number(entry.begin) + " of the data, but the tensors before it end at " +
                 number(covered) + ", and the format allows no hole",
             kSaveAgain);
    covered = entry.end;
  }
  const std::uint64_t data = file_size - header_.data_begin();
  if (covered > data)
    fail(ErrorCode::truncated,
         "the file ends at byte " + number(file_size) +
             (covered > UINT64_MAX - header_.data_begin() ? std::string(", inside of its data")
                                                          : " of " + number(header_.data_begin() + covered)),
         at_offset(file_size), "fetch it again");
  if (covered < data)
    fail(ErrorCode::damaged,
         "the last tensor ends at byte " + number(header_.data_begin() + covered) + ", but the file goes on to byte " +
             number(file_size),
         at_offset(header_.data_begin() + covered), "cut off what follows, if it is not wanted");
}

Header::Header(const SourcePtr& source, MemoryBudget& budget) : budget_(budget) {
  const std::uint64_t length = read_length(*source);
  budget_.grow(length);
  budget_.charge(length);
  charged_ = length;
  try {
    text_.resize(static_cast<std::size_t>(length));
    source->read_at(kLengthField, std::as_writable_bytes(std::span(text_)));
    HeaderParser parser(*this);
    parser.parse();
    parser.check_coverage(source->size());
  } catch (...) {
    budget_.release(charged_);
    throw;
  }
}

Header::~Header() { budget_.release(charged_); }

}  // namespace sconce::formats::safetensors
