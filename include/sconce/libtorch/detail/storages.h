// Storages of libtorch over memory that somebody else owns, and over memory of its own.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/Storage.h>
#include <c10/util/Exception.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <sconce/dtype.h>
#include <sconce/error.h>

namespace sconce::inline v0::libtorch::detail {

inline bool is_aligned(const void* bytes, DType dtype) noexcept {
  return reinterpret_cast<std::uintptr_t>(bytes) % info(dtype).swap_unit == 0;
}

/// A storage over bytes that `owner` keeps: until the last tensor over it goes, in whatever thread.
template <typename Owner>
::c10::Storage storage_over(void* bytes, std::uint64_t nbytes, Owner owner, ::c10::Device device) {
  auto held = std::make_unique<Owner>(std::move(owner));
  ::c10::DataPtr pointer(
      bytes, held.get(), [](void* gone) { delete static_cast<Owner*>(gone); }, device);
  static_cast<void>(held.release());
  return ::c10::make_intrusive<::c10::StorageImpl>(
      ::c10::StorageImpl::use_byte_size_t(), static_cast<std::size_t>(nbytes), std::move(pointer), nullptr, false);
}

/// Memory of libtorch's own on the CPU, filled by `fill(span)`.
template <typename Fill>
::c10::Storage filled_storage(std::uint64_t nbytes, const Fill& fill) {
  ::c10::Storage storage = ::c10::make_intrusive<::c10::StorageImpl>(
      ::c10::StorageImpl::use_byte_size_t(), static_cast<std::size_t>(nbytes), ::c10::GetCPUAllocator(), true);
  // const_cast: data() gives const void* from 2.1 on.
  auto* const bytes = static_cast<std::byte*>(const_cast<void*>(static_cast<const void*>(storage.data())));
  if (nbytes != 0) fill(std::span(bytes, static_cast<std::size_t>(nbytes)));
  return storage;
}

/// What libtorch refuses, as an Error in one line.
template <typename Body>
decltype(auto) in_libtorch(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const ::c10::Error& error) {
    throw Error(ErrorCode::unsupported, "libtorch: " + std::string(error.what_without_backtrace()));
  }
}

}  // namespace sconce::inline v0::libtorch::detail
