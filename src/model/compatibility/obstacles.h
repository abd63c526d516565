// What stands between a file and a PyTorch: the table of facts (facts.cc), asked about one file.
//
// First the file's features are collected, once; they say nothing about versions. Then facts are matched with them for
// a version and a mode. check() prints all of that; rewriting looks up what it has to change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/check.h>
#include <sconce/checkpoint.h>
#include <sconce/save.h>

namespace sconce::model::compatibility {

struct Features;

/// One fact of the table that holds for a file.
struct Obstacle {
  std::string_view fact;     ///< id of its row: "float-weights-only"
  bool stops = true;         ///< false: a caveat; the file opens all the same
  std::string concerns;      ///< what in the file: "torch.uint16", "FRAME", "argparse.Namespace"; empty: all of it
  std::string message;       ///< what PyTorch would say; empty for a caveat
  std::string why;           ///< a sentence for people
  std::uint64_t offset = 0;  ///< in the stream where it shows first
};

/// Features of a file. Runs its pickles once more; reads no tensor. Errors: those of load().
[[nodiscard]] std::shared_ptr<const Features> features_of(const std::string& path, const LoadOptions& options = {});
/// Features of the file that a checkpoint was loaded from, as it is on the disk; of one made in memory, those that
/// save() would give it as a pytorch-zip. What was changed since loading does not count: save, and ask for the new
/// file.
[[nodiscard]] std::shared_ptr<const Features> features_of(const Checkpoint& checkpoint);
/// Features of what save() would write with these options (format given): literally what the writer plans, without its
/// tensor bytes. Errors: those of save() before it writes.
[[nodiscard]] std::shared_ptr<const Features> features_of_plan(const Checkpoint& checkpoint,
                                                               const SaveOptions& options);

/// What stands in the way there, and caveats: what stops comes first, both in the order of the file.
[[nodiscard]] std::vector<Obstacle> obstacles(const Features& features, TorchVersion version, TorchMode mode);
/// Whether this version was never run in this mode to see that verdicts agree: they are by PyTorch's source.
[[nodiscard]] bool is_by_source(TorchVersion version, TorchMode mode) noexcept;

}  // namespace sconce::model::compatibility
