// The structures of DLPack 1.1, byte for byte. Only for files that include no dlpack.h.
#pragma once

#include <cstdint>

namespace sconce::device::dlpack {

inline constexpr std::uint32_t kMajor = 1;
inline constexpr std::uint32_t kMinor = 1;
inline constexpr std::uint64_t kReadOnly = 1U << 0;
inline constexpr std::uint64_t kCopied = 1U << 1;
inline constexpr std::uint64_t kSubBytePadded = 1U << 2;

// Device types.
inline constexpr std::int32_t kCpu = 1;
inline constexpr std::int32_t kCuda = 2;
inline constexpr std::int32_t kCudaHost = 3;
inline constexpr std::int32_t kOpenCl = 4;
inline constexpr std::int32_t kCudaManaged = 13;

// Type codes.
inline constexpr std::uint8_t kInt = 0;
inline constexpr std::uint8_t kUInt = 1;
inline constexpr std::uint8_t kFloat = 2;
inline constexpr std::uint8_t kBfloat = 4;
inline constexpr std::uint8_t kComplex = 5;
inline constexpr std::uint8_t kBool = 6;
inline constexpr std::uint8_t kFloat8E4M3Fn = 10;
inline constexpr std::uint8_t kFloat8E4M3Fnuz = 11;
inline constexpr std::uint8_t kFloat8E5M2 = 12;
inline constexpr std::uint8_t kFloat8E5M2Fnuz = 13;
inline constexpr std::uint8_t kFloat8E8M0Fnu = 14;
inline constexpr std::uint8_t kFloat4E2M1Fn = 17;

struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};
struct DeviceOf {
  std::int32_t type;
  std::int32_t id;
};
struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
  friend bool operator==(const DataType&, const DataType&) = default;
};
struct View {  // DLTensor
  void* data;
  DeviceOf device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};
static_assert(sizeof(void*) != 8 || sizeof(View) == 48);

}  // namespace sconce::device::dlpack

struct DLManagedTensor {
  sconce::device::dlpack::View dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

struct DLManagedTensorVersioned {
  sconce::device::dlpack::Version version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  sconce::device::dlpack::View dl_tensor;
};
