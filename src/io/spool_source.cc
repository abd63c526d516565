#include "io/spool_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"
#include "base/text.h"
#include "io/system_error.h"

namespace sconce::io {
namespace {

// A temporary file without a name. /var/tmp first: /tmp is memory on many machines, and what does not fit there comes
// here.
class Overflow {
 public:
  Overflow() : descriptor_(real_file_system(), -1) {}

  void write(std::uint64_t offset, std::span<const std::byte> bytes, const std::string& name) {
    if (descriptor_.get() < 0) open(name);
    while (!bytes.empty()) {
      const std::int64_t done = descriptor_.files().write(descriptor_.get(), bytes, offset);
      if (done == -EINTR) continue;
      if (done < 0) fail_system(static_cast<int>(-done), "keeping the stream in " + folder_, name);
      offset += static_cast<std::uint64_t>(done);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void read(std::uint64_t offset, std::span<std::byte> into, const std::string& name) const {
    while (!into.empty()) {
      const std::int64_t got = descriptor_.files().read(descriptor_.get(), into, offset);
      if (got == -EINTR) continue;
      if (got <= 0) fail_system(got == 0 ? EIO : static_cast<int>(-got), "reading what was kept in " + folder_, name);
      offset += static_cast<std::uint64_t>(got);
      into = into.subspan(static_cast<std::size_t>(got));
    }
  }

 private:
  void open(const std::string& name) {
    int error = 0;
    for (const char* const folder : {"/var/tmp", "/tmp"}) {
      const int descriptor = create_unnamed(folder);
      if (descriptor >= 0) {
        descriptor_ = Descriptor(real_file_system(), descriptor);
        folder_ = folder;
        return;
      }
      error = errno;
    }
    fail_system(error, "making a temporary file in /var/tmp or /tmp to keep the stream", name);
  }

  static int create_unnamed(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
    std::string name = folder + "/sconce-XXXXXX";  // a file system or kernel without O_TMPFILE
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
  }

  Descriptor descriptor_;
  std::string folder_;
};

class SpoolSource final : public ByteSource {
 public:
  SpoolSource(std::unique_ptr<Feed> feed, std::string name, std::uint64_t limit, std::uint64_t memory)
      : feed_(std::move(feed)),
        name_(std::move(name)),
        limit_(limit),
        memory_size_(std::min(memory, limit)),
        memory_(std::make_unique_for_overwrite<std::byte[]>(memory_size_)) {}

  std::uint64_t size() const override {
    fetch(UINT64_MAX);
    return have_;
  }

  bool reaches(std::uint64_t offset) const override {
    fetch(offset);
    return offset <= have_;
  }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    require(offset, into.size());
    const std::uint64_t split = std::clamp(memory_size_, offset, offset + into.size());
    const std::size_t in_memory = split - offset;
    if (in_memory != 0) std::memcpy(into.data(), memory_.get() + offset, in_memory);
    if (in_memory != into.size()) overflow_.read(split - memory_size_, into.subspan(in_memory), name_);
  }

  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    require(offset, size);
    return fits(offset, size, memory_size_) ? memory_.get() + offset : nullptr;
  }

  const std::string& name() const noexcept override { return name_; }

 private:
  static constexpr std::uint64_t kBlock = std::uint64_t{1} << 20;

  void require(std::uint64_t offset, std::uint64_t size) const {
    const auto end = checked_add(offset, size);
    if (!end || !reaches(*end)) past_end(*this, offset, size);
  }

  // Reads the stream until `wanted` bytes are kept or it ends. Bytes below have_ never change and never move, so they
  // are read without the lock.
  void fetch(std::uint64_t wanted) const {
    if (wanted <= have_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(mutex_);
    if (failed_) throw Error(*failed_);
    try {
      while (!ended_ && have_ < wanted) fetch_some(wanted);
    } catch (const Error& error) {
      failed_ = error;  // bytes may be lost between the stream and here: nothing after them can be right
      throw;
    }
  }

  void fetch_some(std::uint64_t wanted) const {
    if (have_ == limit_) {
      probe_limit();
    } else if (have_ < memory_size_) {
      count(feed_->read({memory_.get() + have_, std::min(wanted, memory_size_) - have_}, name_));
    } else {
      take_overflow(std::min({wanted - have_, limit_ - have_, kBlock}));
    }
  }

  void take_overflow(std::uint64_t size) const {
    if (!block_) block_ = std::make_unique_for_overwrite<std::byte[]>(kBlock);
    const std::size_t got = feed_->read({block_.get(), size}, name_);
    overflow_.write(have_ - memory_size_, {block_.get(), got}, name_);
    count(got);
  }

  void count(std::size_t got) const {
    if (got == 0) {
      ended_ = true;
      block_.reset();
    }
    have_.store(have_ + got, std::memory_order_release);
  }

  // The limit is reached: a stream that ends here is fine, one that goes on is not.
  void probe_limit() const {
    std::byte extra;
    if (feed_->read({&extra, 1}, name_) == 0) return count(0);
    ErrorPlace place;
    place.file = name_;
    fail(ErrorCode::limit, "the stream is longer than the limit of " + human_bytes(limit_), std::move(place),
         "save it to a file and open that, or raise the limit");
  }

  const std::unique_ptr<Feed> feed_;
  const std::string name_;
  const std::uint64_t limit_;
  const std::uint64_t memory_size_;
  const std::unique_ptr<std::byte[]> memory_;  // one block; its pages are taken as they are filled
  mutable std::mutex mutex_;                   // over everything below but have_ and reading overflow_
  mutable std::atomic<std::uint64_t> have_ = 0;
  mutable Overflow overflow_;
  mutable std::unique_ptr<std::byte[]> block_;
  mutable bool ended_ = false;
  mutable std::optional<Error> failed_;
};

}  // namespace

SourcePtr spool_source(std::unique_ptr<Feed> feed, std::string name, std::uint64_t limit, std::uint64_t memory) {
  return std::make_shared<SpoolSource>(std::move(feed), std::move(name), limit, memory);
}

}  // namespace sconce::io
