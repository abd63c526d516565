#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <sconce/check.h>
#include <sconce/error.h>
#include <sconce/training.h>

#include "base/budget.h"
#include "fuzz.h"
#include "model/state.h"

namespace sconce::fuzzing {
namespace {

constexpr std::uint64_t kElementBytes = std::uint64_t{1} << 20;  // more is not copied
constexpr std::uint64_t kRecordBytes = std::uint64_t{1} << 16;

// Single values may refuse what they are asked for; the walk goes on.
template <typename Function>
void allow_errors(const Function& function) {
  try {
    function();
  } catch (const Error&) {
    return;
  }
}

void exercise_tensor(const Tensor& tensor) {
  require(tensor.dim() >= 0, "a rank is not negative\n");
  static_cast<void>(tensor.device().size() + tensor.parts().size() + to_string(tensor.layout()).size());
  if (tensor.has_storage() && tensor.nbytes() <= kElementBytes) {
    std::vector<std::byte> elements(static_cast<std::size_t>(bytes_of(tensor.dtype(), tensor.numel()).value_or(0)));
    tensor.copy_to(elements);
    const Tensor plain = tensor.contiguous();
    require(plain.is_contiguous(), "contiguous() is contiguous\n");
    require(plain.numel() == tensor.numel(), "contiguous() keeps the elements\n");
  }
}

void exercise_leaf(const Leaf& leaf) {
  static_cast<void>(leaf.name().size() + leaf.path().size());
  allow_errors([&] { static_cast<void>(leaf.value().to_text()); });
  if (leaf.is_tensor()) allow_errors([&] { exercise_tensor(leaf.tensor()); });
}

// What verify() reads.
void exercise_records(const Checkpoint& checkpoint) {
  const auto& file = checkpoint.state()->file;
  if (!file) return;
  const std::vector<bool> used(checkpoint.state()->document->storage_count());
  for (const formats::RecordCheck& record : file->records(used)) {
    allow_errors([&] {
      const formats::OpenedRecord opened = record.open();
      if (!opened.bytes) return;
      std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(opened.bytes->size(), kRecordBytes)));
      opened.bytes->read_at(0, bytes);
    });
  }
}

}  // namespace

Limits small_limits() {
  Limits limits;
  limits.memory_base = std::uint64_t{4} << 20;
  limits.inflated_record = std::uint64_t{1} << 20;
  limits.inflated_metadata = std::uint64_t{1} << 20;
  limits.paths = 2000;
  return limits;
}

Checkpoint open_as(formats::Opened (*open)(const formats::OpenContext&), std::span<const std::byte> bytes) {
  formats::OpenContext context;
  context.source = memory_source(bytes);
  context.limits = small_limits();
  context.budget = std::make_shared<MemoryBudget>(context.limits);
  context.document = std::make_shared<tree::Document>(context.budget);
  context.open_nested = &formats::open;
  formats::Opened opened = open(context);
  auto state = std::make_shared<Checkpoint::State>();
  state->document = std::move(opened.document);
  state->roots = std::move(opened.roots);
  state->facts = std::move(opened.facts);
  state->file = std::move(opened.file);
  state->limits = context.limits;
  return Checkpoint(std::move(state));
}

void exercise(const Checkpoint& checkpoint) {
  static_cast<void>(checkpoint.walk({}, [](const Leaf& leaf) {
    exercise_leaf(leaf);
    return true;
  }));
  allow_errors([&] { static_cast<void>(checkpoint.state_dict().size()); });
  allow_errors([&] { static_cast<void>(checkpoint.unreferenced_bytes()); });
  allow_errors([&] { static_cast<void>(checkpoint.tensor("a.b").numel()); });
  for (const Value& root : checkpoint.roots()) allow_errors([&] { static_cast<void>(root.to_text()); });
  // Whatever is in the file, looking for training state throws nothing.
  const TrainingState training = training_state(checkpoint);
  for (const TrainingPart& part : std::span(training.parts).first(std::min<std::size_t>(training.parts.size(), 4)))
    allow_errors([&] { static_cast<void>(take_part(checkpoint, part.kind, part.path).root().kind()); });
  // Who opens it is judged by running its pickles once more.
  if (checkpoint.state()->source)
    allow_errors([&] {
      require(check(checkpoint).verdicts.size() == 4 * known_torch_versions().size(), "every release has verdicts\n");
    });
  exercise_records(checkpoint);
}

}  // namespace sconce::fuzzing
