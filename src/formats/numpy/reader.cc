#include "formats/numpy/reader.h"

#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/slice.h"
#include "formats/numpy/array.h"

namespace sconce::formats::numpy {

namespace {

/// The elements of the arrays in one file.
class NpyFile final : public OpenedFile {
 public:
  NpyFile(SourcePtr source, std::vector<Array> arrays) : source_(std::move(source)), arrays_(std::move(arrays)) {}

  [[nodiscard]] std::vector<RecordCheck> records(const std::vector<bool>&) const override {
    std::vector<RecordCheck> checks;
    for (const Array& array : arrays_) {
      RecordCheck check;
      check.file_offset = array.header.end;
      check.size = array.nbytes;
      check.open = [source = source_, begin = array.header.end, size = array.nbytes] {
        return OpenedRecord{slice(source, begin, size), {}};
      };
      checks.push_back(std::move(check));
    }
    return checks;
  }

 private:
  SourcePtr source_;
  std::vector<Array> arrays_;
};

bool array_begins(const ByteSource& source, std::uint64_t at) {
  if (!source.reaches(at + kMagic.size())) return false;
  char magic[kMagic.size()];
  source.read_at(at, std::as_writable_bytes(std::span(magic)));
  return std::string_view(magic, sizeof magic) == kMagic;
}

}  // namespace

bool is_npy(const Sniff& sniff) { return sniff.head.starts_with(kMagic); }

Opened open_npy(const OpenContext& context) {
  Opened opened;
  opened.document = context.document;
  const StorageOrigin* origin = context.document->keep_origin(std::make_shared<SourceOrigin>(context.source));
  std::vector<Array> arrays;
  // numpy.save into an open file can be repeated: arrays stand behind one another.
  std::uint64_t at = 0;
  do {
    Header header = read_header(*context.source, at);
    context.budget->grow(header.end - at);
    context.budget->charge(sizeof(Array));
    const Array& array = arrays.emplace_back(describe(std::move(header), *context.source));
    opened.roots.push_back(make_tensor(*context.document, array, origin, array.header.end));
    at = array.header.end + array.nbytes;
  } while (array_begins(*context.source, at));
  if (context.source->reaches(at + 1))
    opened.facts.notes.push_back("bytes that are no array follow the last one, from byte " + std::to_string(at) +
                                 " on");
  opened.facts.byte_order = arrays.front().type.order;
  opened.facts.only_tensors = true;
  opened.facts.producer = "numpy.save";
  opened.file = std::make_shared<NpyFile>(context.source, std::move(arrays));
  return opened;
}

}  // namespace sconce::formats::numpy
