#include "cli/listing.h"

#include <sconce/error.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "cli/arguments.h"

namespace sconce::cli {

StorageNumbers::Number StorageNumbers::operator()(std::uint64_t in_document) {
  if (in_document >= shown_.size()) shown_.resize(static_cast<std::size_t>(in_document) + 1, kNone);
  std::uint32_t& shown = shown_[static_cast<std::size_t>(in_document)];
  const bool first = shown == kNone;
  if (first) shown = next_++;
  return {shown, first};
}

NameFilter::NameFilter(const Arguments& arguments) : patterns_(arguments.values("match")) {}

bool NameFilter::operator()(std::string_view name) const noexcept {
  if (patterns_.empty()) return true;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

namespace {

constexpr std::size_t kBatch = 256;

/// The hash; empty for a tensor without elements of its own (sparse, meta), and for one that a few bytes present as
/// more than anybody would read.
std::string hash_of(const Tensor& tensor) {
  try {
    return tensor.sha256();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::wrong_type || error.code() == ErrorCode::limit) return {};
    throw;
  }
}

/// Hashes a batch with all processors; the first error, in order of the tensors, is thrown.
class BatchHasher {
 public:
  explicit BatchHasher(ProgressFunction progress) : progress_(std::move(progress)) {}

  void run(std::vector<ListedTensor>& batch) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::exception_ptr> errors(batch.size());
    const auto work = [&] {
      for (std::size_t at = next++; at < batch.size(); at = next++) hash(batch[at], errors[at]);
    };
    const std::size_t threads = std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), batch.size());
    {
      std::vector<std::jthread> helpers;
      for (std::size_t n = 1; n < threads; ++n) helpers.emplace_back(work);
      work();
    }
    for (const std::exception_ptr& error : errors)
      if (error != nullptr) std::rethrow_exception(error);
  }

 private:
  void hash(ListedTensor& listed, std::exception_ptr& error) noexcept {
    try {
      listed.sha256 = hash_of(listed.tensor);
      if (!progress_) return;
      const std::scoped_lock lock(mutex_);
      done_ += listed.tensor.nbytes();
      progress_({.stage = "hash", .done = done_, .total = 0});
    } catch (Error& thrown) {
      ErrorPlace place;
      place.key = listed.name;
      thrown.add_place(place);
      error = std::current_exception();
    } catch (...) {
      error = std::current_exception();
    }
  }

  ProgressFunction progress_;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
};

void fill(ListedTensor& listed, const Leaf& leaf, const ListingOptions& options, StorageNumbers& numbers) {
  listed.name = leaf.name();
  if (options.paths) listed.path = leaf.path();
  listed.tensor = leaf.tensor();
  const auto storage = leaf.storage_number();
  listed.storage = storage ? std::optional(numbers(*storage)) : std::nullopt;
  listed.sha256.clear();
}

}  // namespace

WalkResult list_tensors(const Checkpoint& checkpoint, const NameFilter& filter, const ListingOptions& options,
                        const ProgressFunction& progress, const std::function<void(const ListedTensor&)>& visit) {
  const WalkOptions tensors;  // and other values, which are counted
  StorageNumbers numbers;
  if (!options.hash) {
    ListedTensor listed;
    return checkpoint.walk(tensors, [&](const Leaf& leaf) {
      if (!leaf.is_tensor() || !filter(leaf.name())) return true;
      fill(listed, leaf, options, numbers);
      visit(listed);
      return true;
    });
  }
  BatchHasher hasher(progress);
  std::vector<ListedTensor> batch;
  const auto finish = [&] {
    hasher.run(batch);
    for (const ListedTensor& listed : batch) visit(listed);
    batch.clear();
  };
  const WalkResult result = checkpoint.walk(tensors, [&](const Leaf& leaf) {
    if (!leaf.is_tensor() || !filter(leaf.name())) return true;
    fill(batch.emplace_back(), leaf, options, numbers);
    if (batch.size() == kBatch) finish();
    return true;
  });
  if (!batch.empty()) finish();
  return result;
}

}  // namespace sconce::cli
