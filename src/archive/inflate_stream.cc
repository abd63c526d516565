// Inflating as it is read: zlib, because libdeflate works on whole buffers only.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "archive/inflate.h"
#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce::archive {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr std::uint64_t kMostRests = 64;
constexpr std::uint64_t kLeastRestDistance = std::uint64_t{4} << 20;

/// zlib's state between two bytes of output.
struct InflateState {
  z_stream stream{};
  std::uint64_t consumed = 0;  // compressed bytes
  std::uint64_t produced = 0;  // inflated bytes
  bool ended = false;

  InflateState() {
    // Negative window bits: the stream has no zlib header, as zip wants it.
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  InflateState(const InflateState& other) : consumed(other.consumed), produced(other.produced), ended(other.ended) {
    // zlib copies the state and does not change the original, which it takes as not const.
    if (inflateCopy(&stream, const_cast<z_stream*>(&other.stream)) != Z_OK) throw std::bad_alloc();
    stream.next_in = nullptr;
    stream.avail_in = 0;
  }
  InflateState& operator=(const InflateState&) = delete;
  ~InflateState() { inflateEnd(&stream); }
};

class InflatingSource final : public ByteSource {
 public:
  explicit InflatingSource(DeflatedBytes record)
      : record_(std::move(record)),
        compressed_size_(record_.compressed->size()),
        rest_distance_(std::max(kLeastRestDistance, record_.size / kMostRests + 1)) {}

  std::uint64_t size() const override { return record_.size; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), record_.size)) past_end(*this, offset, into.size());
    const std::scoped_lock lock(mutex_);
    go_to(offset);
    produce(into);
    if (state_->produced == record_.size) finish();
  }
  const std::string& name() const noexcept override { return record_.compressed->name(); }

 private:
  void go_to(std::uint64_t offset) const {
    if (!state_ || offset < state_->produced || nearest_rest(offset) > state_->produced) resume(offset);
    std::array<std::byte, 16384> skipped;
    while (state_->produced < offset)
      produce(std::span(skipped).first(std::min<std::uint64_t>(skipped.size(), offset - state_->produced)));
  }

  [[nodiscard]] std::uint64_t nearest_rest(std::uint64_t offset) const {
    const std::size_t index = std::min<std::uint64_t>(rests_.size(), offset / rest_distance_);
    return index == 0 ? 0 : rests_[index - 1]->produced;
  }

  /// Goes on from the last resting place before `offset`, or from the beginning.
  void resume(std::uint64_t offset) const {
    const std::size_t index = std::min<std::uint64_t>(rests_.size(), offset / rest_distance_);
    state_ = index == 0 ? std::make_unique<InflateState>() : std::make_unique<InflateState>(*rests_[index - 1]);
  }

  /// Inflates the next bytes, and rests at every multiple of the distance that it passes for the first time.
  void produce(std::span<std::byte> into) const {
    while (!into.empty()) {
      const std::uint64_t next_rest = (state_->produced / rest_distance_ + 1) * rest_distance_;
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), next_rest - state_->produced));
      if (step(into.first(part)) != part) wrong("inflates to fewer bytes than the directory says");
      into = into.subspan(part);
      if (state_->produced == next_rest && next_rest == (rests_.size() + 1) * rest_distance_)
        rests_.push_back(std::make_unique<InflateState>(*state_));
    }
  }

  /// Fills `into` as far as the stream goes; returns how far.
  std::size_t step(std::span<std::byte> into) const {
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
    z_stream& stream = state_->stream;
    std::size_t done = 0;
    while (done < into.size() && !state_->ended) {
      refill();
      const auto wanted = static_cast<uInt>(std::min(kMostAtOnce, into.size() - done));
      const uInt available = stream.avail_in;
      stream.next_out = reinterpret_cast<Bytef*>(into.data() + done);
      stream.avail_out = wanted;
      const int result = inflate(&stream, Z_NO_FLUSH);
      state_->consumed += available - stream.avail_in;
      state_->produced += wanted - stream.avail_out;
      done += wanted - stream.avail_out;
      if (result == Z_STREAM_END)
        state_->ended = true;
      else if (result == Z_BUF_ERROR)
        wrong("ends in the middle of its compressed stream");
      else if (result == Z_MEM_ERROR)
        throw std::bad_alloc();
      else if (result != Z_OK)
        wrong("has broken compressed bytes");
    }
    return done;
  }

  /// Gives zlib more compressed bytes when it has used up the last.
  void refill() const {
    z_stream& stream = state_->stream;
    if (stream.avail_in != 0) return;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, compressed_size_ - state_->consumed));
    if (!input_) input_ = std::make_unique_for_overwrite<std::byte[]>(kBuffer);
    record_.compressed->read_at(state_->consumed, {input_.get(), size});
    stream.next_in = reinterpret_cast<Bytef*>(input_.get());
    stream.avail_in = static_cast<uInt>(size);
  }

  /// All bytes are out: the stream must end here, and with it the record.
  void finish() const {
    std::byte more{};
    if (!state_->ended && step({&more, 1}) != 0) {
      state_.reset();
      wrong("inflates to more bytes than the directory says");
    }
    if (state_->consumed != compressed_size_)
      wrong("has " + std::to_string(compressed_size_ - state_->consumed) + " bytes behind its compressed stream");
  }

  [[noreturn]] void wrong(const std::string& what) const {
    fail(ErrorCode::damaged, "the record " + what, record_.place);
  }

  DeflatedBytes record_;
  std::uint64_t compressed_size_;
  std::uint64_t rest_distance_;
  mutable std::mutex mutex_;  // guards everything below
  mutable std::unique_ptr<InflateState> state_;
  mutable std::vector<std::unique_ptr<InflateState>> rests_;  // at 1, 2, 3 … times rest_distance_
  mutable std::unique_ptr<std::byte[]> input_;
};

}  // namespace

SourcePtr inflating_source(DeflatedBytes record) { return std::make_shared<InflatingSource>(std::move(record)); }

}  // namespace sconce::archive
