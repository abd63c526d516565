// Verifying: the file is opened, its records are read, its tensors are proven.
#include <sconce/verify.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>

#include "base/fail.h"
#include "base/text.h"
#include "model/coverage.h"
#include "model/open_model.h"
#include "model/state.h"
#include "model/verify_contents.h"
#include "model/verify_findings.h"
#include "model/verify_records.h"
#include "tensor/shape.h"
#include "tree/walk.h"

namespace sconce {
namespace model {
namespace {

using tree::Document;
using tree::NodeId;

/// Proves every tensor of the tree, each once.
class TensorCheck {
 public:
  TensorCheck(const Checkpoint::State& state, const VerifyOptions& options, Findings& findings, std::size_t subject)
      : state_(state), options_(options), findings_(findings), subject_(subject) {}

  void run(VerifyReport& report) {
    const Document& document = *state_.document;
    std::vector<bool> seen(document.node_count(), false);
    for (const NodeId root : state_.roots) {
      tree::Walker walker(document, root, state_.walk_limits());
      while (walker.next()) {
        const NodeId node = walker.node();
        if (document.kind(node) != Kind::tensor || seen[node]) continue;
        seen[node] = true;
        check(walker, report);
      }
      if (!walker.complete())
        findings_.note(subject_, "the tree has more paths than the limit of " + with_commas(state_.limits.paths) +
                                     "; the tensors behind it were not looked at");
    }
  }

 private:
  void check(const tree::Walker& walker, VerifyReport& report) {
    if (options_.cancel.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
    ErrorPlace place;
    place.key = std::string(walker.name());
    ++subject_;
    try {
      check_view(walker.node());
      if (state_.document->tensor_record(walker.node()).has_storage()) ++report.tensors;
      check_contents(state_.document->tensor_handle(walker.node()), state_.limits);
    } catch (Error& error) {
      if (error.code() == ErrorCode::io) throw;
      error.add_place(place);
      findings_.add(subject_, error);
    }
  }

  void check_view(NodeId node) const {
    const tree::TensorRecord& record = state_.document->tensor_record(node);
    if (!record.has_storage()) return;
    const auto reason = tensor::why_not_inside(record.dtype, record.shape(), state_.document->strides(record),
                                               record.offset, state_.document->storage_at(record.storage).nbytes());
    if (reason) fail(ErrorCode::damaged, *reason);
  }

  const Checkpoint::State& state_;
  const VerifyOptions& options_;
  Findings& findings_;
  std::size_t subject_;
};

void note_what_open_found(const FileFacts& facts, Findings& findings) {
  for (const std::string& note : facts.notes) findings.note(0, note);
  for (const CallFact& call : facts.calls) {
    if (call.effect != CallFact::Effect::effect) continue;
    ErrorPlace place;
    place.record = call.record;
    place.offset = call.offset;
    findings.note(0, "whoever loads this file with Python would " + std::string(to_string(call.what)) + " " + call.name,
                  std::move(place), "do not load it with Python unless you know why it does so");
  }
}

VerifyReport verify_state(const Checkpoint::State& state, const VerifyOptions& options) {
  VerifyReport report;
  report.file = state.facts.name;
  report.format = state.facts.format;
  report.bytes = state.facts.bytes;
  Findings findings(report.file);
  note_what_open_found(state.facts, findings);
  std::vector<formats::RecordCheck> records;
  if (state.file != nullptr) records = state.file->records(coverage(state).used);
  verify_records(records, options, findings, report);
  TensorCheck(state, options, findings, records.size() + 1).run(report);
  findings.finish(report);
  return report;
}

}  // namespace
}  // namespace model

inline namespace v0 {

VerifyReport verify(SourcePtr source, const VerifyOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  LoadOptions load_options;
  load_options.access = FileAccess::owned;
  load_options.limits = options.limits;
  load_options.cancel = options.cancel;
  const Checkpoint checkpoint = load(std::move(source), load_options);
  ErrorPlace place;
  place.file = checkpoint.file().name;
  VerifyReport report = with_place(place, [&] { return model::verify_state(*checkpoint.state(), options); });
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

VerifyReport verify(const std::string& path, const VerifyOptions& options) {
  return verify(model::open_model(path, FileAccess::owned), options);
}

}  // namespace v0
}  // namespace sconce
