// What a consumer does with loaded bytes, the same for every peer: one byte of every page is looked at.
#pragma once

#include <cstdint>

/// The sum of the bytes at every 4096th place, and of the last one, of `count` ranges.
extern "C" __attribute__((visibility("default"))) std::uint64_t bench_touch(const std::uintptr_t* addresses,
                                                                            const std::uint64_t* sizes,
                                                                            std::uint64_t count);
