// One part of a checkpoint as a checkpoint of its own.
#include <sconce/training.h>

#include <string>
#include <vector>

#include "base/fail.h"
#include "base/text.h"
#include "model/state.h"
#include "model/training/find_parts.h"

namespace sconce {
inline namespace v0 {

namespace {

using model::training::FoundPart;
using model::training::FoundParts;

/// Numbers and what is of no known use are many, and seldom what was meant.
std::string listed_parts(const FoundParts& found) {
  std::vector<std::string> texts;
  for (const FoundPart& part : found.parts)
    if (part.part.kind != PartKind::progress && part.part.kind != PartKind::other)
      texts.push_back(std::string(to_string(part.part.kind)) + " \"" + escaped(part.part.path) + "\"");
  return texts.empty() ? std::string("the file has no parts that are known") : "there are: " + listed(texts);
}

/// A checkpoint that is refused and limited as the file is that it comes from, but has nothing beside its tree.
Checkpoint empty_like(const Checkpoint& checkpoint) {
  Checkpoint made;
  FileFacts& facts = made.state()->facts;
  const FileFacts& from = checkpoint.file();
  facts.name = from.name;
  facts.bytes = from.bytes;
  facts.byte_order = from.byte_order;
  facts.calls = from.calls;
  made.state()->limits = checkpoint.state()->limits;
  return made;
}

}  // namespace

Checkpoint take_part(const Checkpoint& checkpoint, PartKind kind, std::string_view path) {
  const FoundParts found = model::training::find_parts(*checkpoint.state());
  std::vector<const FoundPart*> wanted;
  for (const FoundPart& part : found.parts)
    if (part.part.kind == kind && (path.empty() || part.part.path == path)) wanted.push_back(&part);
  if (wanted.empty()) {
    ErrorPlace place;
    place.file = checkpoint.file().name;
    place.key = std::string(path);
    fail(ErrorCode::not_found, "there is no part of the kind " + std::string(to_string(kind)) + " here",
         std::move(place), listed_parts(found));
  }
  Checkpoint made = empty_like(checkpoint);
  const auto value = [&](const FoundPart* part) { return Value(checkpoint.state()->document, part->node); };
  if (wanted.size() == 1 && kind != PartKind::progress) {
    made.set_root(value(wanted.front()));
    return made;
  }
  for (const FoundPart* part : wanted) made.root().set(part->part.path, value(part));
  return made;
}

}  // namespace v0
}  // namespace sconce
