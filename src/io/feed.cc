#include "io/feed.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <istream>
#include <utility>

#include "base/fail.h"
#include "io/system_error.h"

namespace sconce::io {
namespace {

class DescriptorFeed final : public Feed {
 public:
  explicit DescriptorFeed(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  std::size_t read(std::span<std::byte> into, const std::string& name) override {
    for (;;) {
      const ssize_t got = ::read(descriptor_.get(), into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EAGAIN) {
        wait();
      } else if (errno != EINTR) {
        fail_system(errno, "reading", name);
      }
    }
  }

 private:
  // The descriptor may be one that does not wait by itself; its flags belong to whoever gave it.
  void wait() const noexcept {
    pollfd ready = {descriptor_.get(), POLLIN, 0};
    static_cast<void>(::poll(&ready, 1, -1));
  }

  Descriptor descriptor_;
};

class StreamFeed final : public Feed {
 public:
  explicit StreamFeed(std::istream& stream) : stream_(stream) {}

  std::size_t read(std::span<std::byte> into, const std::string& name) override {
    try {
      if (stream_.eof()) return 0;
      stream_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    } catch (const std::ios_base::failure&) {
      // A stream that throws: its state says what happened, as that of one that does not throw.
    }
    const auto got = static_cast<std::size_t>(stream_.gcount());
    if (stream_.bad() || (stream_.fail() && !stream_.eof())) {
      ErrorPlace place;
      place.file = name;
      fail(ErrorCode::io, "the stream fails", std::move(place), "check that it is open");
    }
    return got;
  }

 private:
  std::istream& stream_;
};

}  // namespace

std::unique_ptr<Feed> descriptor_feed(Descriptor descriptor) {
  return std::make_unique<DescriptorFeed>(std::move(descriptor));
}

std::unique_ptr<Feed> stream_feed(std::istream& stream) { return std::make_unique<StreamFeed>(stream); }

}  // namespace sconce::io
