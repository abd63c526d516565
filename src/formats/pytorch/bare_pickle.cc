#include "formats/pytorch/bare_pickle.h"

#include <algorithm>

#include "base/fail.h"
#include "base/slice.h"
#include "formats/pytorch/torch_pickle.h"
#include "formats/torch_common/resolver.h"

namespace sconce::formats::pytorch {

namespace {

using tree::Document;

/// Whether the head runs as a pickle to its STOP, or to the end of the head.
bool head_runs(const std::string& head) {
  Document scratch(std::make_shared<MemoryBudget>());
  ByteReader reader(string_source(head));
  try {
    torch_common::ForeignIds ids(scratch);
    torch_common::Resolver resolver(scratch, ids);
    pickle::NoListener listener;
    (void)pickle::Machine(reader, scratch, resolver, listener).run();
    return true;
  } catch (const Error& error) {
    return error.code() == ErrorCode::truncated && head.size() == Sniff::kHead;
  }
}

}  // namespace

bool is_bare_pickle(const Sniff& sniff) {
  const std::string& head = sniff.head;
  if (head.size() < 2) return false;
  if (head[0] == '\x80') return head[1] >= 2 && head[1] <= 5;
  // Protocols 0 and 1 have no mark of their own; text that is no pickle fails within a few opcodes.
  constexpr std::string_view kFirst = "(]})lcdIJKLMNFGSTUVXi";
  return kFirst.find(head[0]) != std::string_view::npos && head_runs(head);
}

namespace {

/// Runs the first pickle. joblib puts the bytes of arrays between opcodes, where no pickle machine can pass.
pickle::MachineResult run_first(const OpenContext& context, ByteReader& reader, torch_common::ForeignIds& ids,
                                PickleNotes& notes) {
  try {
    return run_torch_pickle(context, reader, ids, {}, notes);
  } catch (const Error& error) {
    const bool stuck = error.code() == ErrorCode::damaged || error.code() == ErrorCode::truncated;
    const auto of_joblib = [](const CallFact& fact) { return fact.name.starts_with("joblib.numpy_pickle."); };
    if (!stuck || !std::ranges::any_of(notes.calls.take(), of_joblib)) throw;
    fail(ErrorCode::unsupported, "this is a joblib file, whose arrays stand between the opcodes of its pickle",
         error.place(), "if you trust it, in Python: numpy.savez the arrays of joblib.load(path)");
  }
}

}  // namespace

Opened open_bare_pickle(const OpenContext& context) {
  Opened opened;
  opened.document = context.document;
  ByteReader reader(context.source);
  torch_common::ForeignIds ids(*context.document);
  PickleNotes notes;
  const pickle::MachineResult first = run_first(context, reader, ids, notes);
  opened.roots.push_back(first.root);
  opened.facts.producer = "pickle.dump, protocol " + std::to_string(first.protocol);
  while (!reader.at_end()) {
    const std::uint64_t at = reader.offset();
    try {
      opened.roots.push_back(run_torch_pickle(context, reader, ids, {}, notes).root);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::limit) throw;
      opened.facts.notes.push_back("bytes follow the last pickle, from byte " + std::to_string(at) +
                                   " on, that are none");
      break;
    }
  }
  notes.tell(opened.facts);
  return opened;
}

}  // namespace sconce::formats::pytorch
