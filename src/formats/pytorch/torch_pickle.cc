#include "formats/pytorch/torch_pickle.h"

#include <unordered_map>

#include "base/fail.h"
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

/// Opens `torch.save` bytes inside a pickle, each value once, however often the pickle asks for it: otherwise five
/// bytes of a pickle could make megabytes be read again.
class FilesInside {
 public:
  FilesInside(const OpenContext& context, const std::string& record, torch_common::CallLog& calls)
      : context_(context), record_(record), calls_(calls) {}

  NodeId open(NodeId bytes) {
    if (const auto known = roots_.find(bytes); known != roots_.end()) return known->second;
    Opened nested = context_.open_nested(context_.inside(context_.document->leaf_source(bytes)));
    for (CallFact& fact : nested.facts.calls) fact.record = "a file inside" + (record_.empty() ? "" : " " + record_);
    calls_.add(std::move(nested.facts.calls));
    roots_.emplace(bytes, nested.roots.front());
    return nested.roots.front();
  }

 private:
  const OpenContext& context_;
  const std::string& record_;
  torch_common::CallLog& calls_;
  std::unordered_map<NodeId, NodeId> roots_;
};

}  // namespace

pickle::MachineResult run_torch_pickle(const OpenContext& context, ByteReader& reader,
                                       torch_common::PersistentLoader& persistent, const std::string& record,
                                       PickleNotes& notes) {
  tree::Document& document = *context.document;
  torch_common::CallCounter counter(document);
  FilesInside inside(context, record, notes.calls);
  torch_common::Resolver resolver(document, persistent,
                                  [&](std::uint64_t, NodeId bytes) { return inside.open(bytes); });
  try {
    const pickle::MachineResult result = pickle::Machine(reader, document, resolver, counter).run();
    notes.calls.add(counter.facts(record));
    if (result.left_on_stack != 0 && notes.oddities.empty())  // one line is enough, however many pickles there are
      notes.oddities.push_back("the pickle leaves " + std::to_string(result.left_on_stack) +
                               " values behind that nothing uses");
    return result;
  } catch (Error& error) {
    notes.calls.add(counter.facts(record));  // what was called before the fault counts
    error.add_place(in_record(record));
    throw;
  }
}

void PickleNotes::tell(FileFacts& facts) {
  facts.calls = calls.take();
  for (std::string& oddity : oddities) facts.notes.push_back(std::move(oddity));
}

pickle::MachineResult run_plain_pickle(tree::Document& document, ByteReader& reader) {
  PlainResolver resolver;
  pickle::NoListener listener;
  return pickle::Machine(reader, document, resolver, listener).run();
}

}  // namespace sconce::formats::pytorch
