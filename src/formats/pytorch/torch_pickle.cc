#include "formats/pytorch/torch_pickle.h"

#include <algorithm>

#include "base/fail.h"
#include "formats/torch_common/call_facts.h"
#include "formats/torch_common/resolver.h"

namespace sconce::formats::pytorch {

namespace {

using tree::NodeId;

/// Refuses every name: for the small pickles around the object.
struct PlainResolver {
  [[noreturn]] static NodeId refuse() {
    fail(ErrorCode::damaged, "a plain value expected, not a name, a call or an outside reference", {},
         "PyTorch writes none here; do not load this file");
  }
  NodeId global(std::uint64_t, std::string_view, std::string_view, int) { refuse(); }
  NodeId reduce(std::uint64_t, NodeId, NodeId) { refuse(); }
  NodeId new_object(std::uint64_t, NodeId, NodeId, NodeId) { refuse(); }
  NodeId instance(std::uint64_t, NodeId, NodeId) { refuse(); }
  NodeId build(std::uint64_t, NodeId, NodeId) { refuse(); }
  void append(std::uint64_t, NodeId, std::span<const NodeId>, bool) { refuse(); }
  void set_items(std::uint64_t, NodeId, std::span<const NodeId>) { refuse(); }
  void add_items(std::uint64_t, NodeId, std::span<const NodeId>) { refuse(); }
  NodeId persistent(std::uint64_t, NodeId) { refuse(); }
  NodeId extension(std::uint64_t, std::uint32_t) { refuse(); }
  NodeId buffer(std::uint64_t) { refuse(); }
};

/// Adds facts of a file inside the file; each name once.
void merge_calls(std::vector<CallFact>& calls, std::vector<CallFact> more) {
  for (CallFact& fact : more) {
    const auto same = std::ranges::find_if(calls, [&](const CallFact& known) {
      return known.what == fact.what && known.name == fact.name && known.record == fact.record;
    });
    if (same != calls.end())
      same->count += fact.count;
    else
      calls.push_back(std::move(fact));
  }
}

}  // namespace

pickle::MachineResult run_torch_pickle(const OpenContext& context, ByteReader& reader,
                                       torch_common::PersistentLoader& persistent, const std::string& record,
                                       FileFacts& facts) {
  tree::Document& document = *context.document;
  torch_common::CallCounter counter(document);
  const auto open_bytes = [&](std::uint64_t, NodeId bytes) -> NodeId {
    Opened nested = context.open_nested(context.inside(document.leaf_source(bytes)));
    for (CallFact& fact : nested.facts.calls) fact.record = "a file inside" + (record.empty() ? "" : " " + record);
    merge_calls(facts.calls, std::move(nested.facts.calls));
    return nested.roots.front();
  };
  torch_common::Resolver resolver(document, persistent, open_bytes);
  const pickle::MachineResult result =
      with_place(in_record(record), [&] { return pickle::Machine(reader, document, resolver, counter).run(); });
  merge_calls(facts.calls, counter.facts(record));
  if (result.left_on_stack != 0)
    facts.notes.push_back("the pickle leaves " + std::to_string(result.left_on_stack) +
                          " values behind that nothing uses");
  return result;
}

pickle::MachineResult run_plain_pickle(tree::Document& document, ByteReader& reader) {
  PlainResolver resolver;
  pickle::NoListener listener;
  return pickle::Machine(reader, document, resolver, listener).run();
}

}  // namespace sconce::formats::pytorch
