// From a producer of bytes to a sink, through a few large buffers.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include <sconce/byte_source.h>

namespace sconce::io {

/// Fills the span from its start with the next bytes and returns how many; fewer than fit only at the end.
using FillFunction = std::function<std::size_t(std::span<std::byte>)>;
/// That many bytes have reached the sink. What it throws ends the work.
using DoneFunction = std::function<void(std::size_t)>;

/// Alignment of what sinks get: enough for O_DIRECT everywhere.
inline constexpr std::size_t kBufferAlignment = 4096;

/// Buffers in flight between two threads.
inline constexpr std::size_t kBuffers = 4;

/// Fills and writes by turns, in this thread, until `fill` gives less than `buffer_size`.
void pump(const FillFunction& fill, ByteSink& sink, const DoneFunction& done, std::size_t buffer_size);

/// The same with a second thread that fills while this one writes and calls `done`. It has ended when this returns or
/// throws; what it threw is thrown here. Memory: kBuffers times `buffer_size`.
void pump_threaded(const FillFunction& fill, ByteSink& sink, const DoneFunction& done, std::size_t buffer_size);

}  // namespace sconce::io
