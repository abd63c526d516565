#include <memory>
#include <utility>

#include <sconce/checkpoint.h>

#include "model/open_model.h"
#include "model/state.h"

namespace sconce {
inline namespace v0 {

Checkpoint load(SourcePtr source, const LoadOptions& options) {
  formats::OpenContext context;
  context.source = std::move(source);
  context.limits = options.limits;
  context.budget = std::make_shared<MemoryBudget>(options.limits);
  context.budget->watch(options.cancel);
  context.document = std::make_shared<tree::Document>(context.budget);
  formats::Opened opened = formats::open(context);
  context.budget->watch({});  // what is done with the tree later has nothing to do with opening it
  auto state = std::make_shared<Checkpoint::State>();
  state->document = std::move(opened.document);
  state->roots = std::move(opened.roots);
  state->facts = std::move(opened.facts);
  state->source = context.source;
  state->file = std::move(opened.file);
  state->limits = options.limits;
  return Checkpoint(std::move(state));
}

Checkpoint load(const std::string& path, const LoadOptions& options) {
  return load(model::open_model(path, options.access), options);
}

}  // namespace v0
}  // namespace sconce
