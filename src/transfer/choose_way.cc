#include "transfer/choose_way.h"

#include <algorithm>
#include <string>

#include "base/fail.h"
#include "base/parallel.h"
#include "transfer/costs.h"
#include "transfer/residency.h"

namespace sconce::transfer {
namespace {

// Fewer bytes than this come from the disk fastest as they always did.
constexpr std::uint64_t kWorthDirect = std::uint64_t{4} << 20;
// Reads past the page cache that are under way at once: what it takes to keep a disk busy.
constexpr unsigned kDepth = 8;

[[noreturn]] void not_here(const SourceFile& file, Way way, const char* why) {
  ErrorPlace place;
  place.file = file.name();
  fail(ErrorCode::unsupported, "the way \"" + std::string(to_string(way)) + "\" is not possible here: " + why,
       std::move(place), "leave the choice to the engine (automatic), or ask for \"read\"");
}

class Choice {
 public:
  Choice(const Plan& plan, std::vector<Range>& ranges, const EngineOptions& options)
      : plan_(plan), ranges_(ranges), options_(options) {
    access_.direct.resize(plan.files.size());
    known_.resize(plan.files.size(), true);
    cold_.resize(plan.files.size(), 0);
  }

  Access run() && {
    if (options_.way == Way::view) fail(ErrorCode::invalid_argument, "views are no way of the engine: it copies");
    look();
    if (options_.way == Way::automatic)
      for (Range& range : ranges_) range.way = decide(range);
    else
      force();
    return std::move(access_);
  }

 private:
  /// What is in the page cache.
  void look() {
    for (Range& range : ranges_) {
      const SourceFile& file = plan_.files[range.file];
      if (file.in_memory())
        range.cached = range.size;
      else if (const auto cached = cached_bytes(file.descriptor(), range.offset, range.size))
        range.cached = *cached;
      else
        known_[range.file] = false;
      cold_[range.file] += range.size - range.cached;
    }
  }

  [[nodiscard]] Way decide(const Range& range) {
    const SourceFile& file = plan_.files[range.file];
    if (file.remote() || file.in_memory()) return Way::read;  // no disk whose read-ahead several streams could break
    if (!known_[range.file]) return Way::sequential;          // right when cold, and not bad when hot
    const auto cost = [&](Way way) { return seconds_for(way, range.size, range.cached); };
    const Way buffered = cost(Way::read) <= cost(Way::sequential) ? Way::read : Way::sequential;
    if (!options_.past_cache || cold_[range.file] < kWorthDirect || cost(Way::direct) >= cost(buffered)) return buffered;
    return direct(range.file) ? Way::direct : buffered;
  }

  bool direct(std::uint32_t file) {
    if (!access_.direct[file] && !refused(file)) access_.direct[file] = DirectFile::open(plan_.files[file]);
    return access_.direct[file].has_value();
  }

  /// Asked once for each file.
  bool refused(std::uint32_t file) {
    if (asked_.empty()) asked_.resize(plan_.files.size(), false);
    const bool before = asked_[file];
    asked_[file] = true;
    return before;
  }

  void force() {
    const bool past_the_cache = options_.way == Way::direct || options_.way == Way::ring;
    for (std::uint32_t file = 0; file < plan_.files.size(); ++file) {
      if (past_the_cache && !direct(file))
        not_here(plan_.files[file], options_.way, "the file system has no reads past the page cache (O_DIRECT)");
      if (options_.way == Way::copy && plan_.files[file].remote())
        not_here(plan_.files[file], options_.way, "files behind a network are not mapped");
      if (options_.way == Way::ring && !Ring::open())
        not_here(plan_.files[file], options_.way, "the kernel has no io_uring, or refuses it");
    }
    for (Range& range : ranges_) range.way = options_.way;
  }

  const Plan& plan_;
  std::vector<Range>& ranges_;
  const EngineOptions& options_;
  Access access_;
  std::vector<bool> known_;  // by file: whether the page cache could be looked at
  std::vector<std::uint64_t> cold_;
  std::vector<bool> asked_;
};

}  // namespace

Access choose_ways(const Plan& plan, std::vector<Range>& ranges, const EngineOptions& options) {
  return Choice(plan, ranges, options).run();
}

unsigned reading_threads(const std::vector<Range>& ranges, const EngineOptions& options) {
  if (options.threads != 0) return options.threads;
  const bool waits = std::any_of(ranges.begin(), ranges.end(), [](const Range& r) { return r.way == Way::direct; });
  return waits ? std::max(kDepth, available_threads()) : available_threads();
}

}  // namespace sconce::transfer
