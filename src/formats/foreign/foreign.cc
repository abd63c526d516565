#include "formats/foreign/foreign.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/fail.h"
#include "formats/foreign/folder_kinds.h"
#include "formats/foreign/gguf_check.h"
#include "formats/foreign/magic_table.h"
#include "formats/foreign/protobuf_kinds.h"
#include "formats/foreign/text_kinds.h"
#include "formats/foreign/zip_kinds.h"

namespace sconce::formats::foreign {

namespace {

[[noreturn]] void tell(Finding finding) {
  ErrorPlace place;
  place.offset = finding.offset;
  fail(finding.code, std::move(finding.what), std::move(place), std::move(finding.advice));
}

/// A download that reserved its room and was never filled.
std::optional<Finding> only_zeros(std::string_view head) {
  if (head.find_first_not_of('\0') != std::string_view::npos) return std::nullopt;
  return Finding{"the first " + std::to_string(head.size()) + " bytes of the file are all zero",
                 "the download reserved the room, but did not fill it; fetch it again", ErrorCode::damaged, 0};
}

std::optional<Finding> finding(const SourcePtr& source, std::string_view head) {
  if (is_gguf(head)) return gguf_finding(source);
  if (auto found = only_zeros(head)) return found;
  if (auto found = magic_finding(head)) return found;
  if (auto found = text_finding(head, !source->reaches(head.size() + 1))) return found;
  return protobuf_finding(source);
}

std::string head_of(const ByteSource& source) {
  std::size_t size = Sniff::kHead;
  if (!source.reaches(size)) size = static_cast<std::size_t>(source.size());
  std::string head(size, '\0');
  source.read_at(0, std::as_writable_bytes(std::span(head)));
  return head;
}

}  // namespace

bool is_foreign_zip(const Sniff& sniff) { return sniff.zip && zip_finding(*sniff.zip).has_value(); }

Opened refuse_zip(const OpenContext& context) { tell(zip_finding(*context.zip).value()); }

bool is_foreign(const Sniff& sniff) { return finding(sniff.source, sniff.head).has_value(); }

std::string_view model_format(const Sniff& sniff) {
  const std::optional<Finding> found = sniff.zip ? zip_finding(*sniff.zip) : finding(sniff.source, sniff.head);
  return found ? found->format : std::string_view();
}

std::string_view folder_format(const std::string& path) {
  const std::optional<Finding> found = folder_finding(path);
  return found ? found->format : std::string_view();
}

void refuse_folder(const std::string& path) {
  std::optional<Finding> found = folder_finding(path);
  if (!found) return;
  ErrorPlace place;
  place.file = path;
  with_place(place, [&] { tell(std::move(*found)); });
}

Opened refuse(const OpenContext& context) { tell(finding(context.source, head_of(*context.source)).value()); }

}  // namespace sconce::formats::foreign
