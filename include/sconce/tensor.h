// Storages and tensors: handles of views on bytes that may still lie in a file.
//
// A Storage is a run of bytes; a Tensor views it with a dtype, a shape, strides and an offset. Several tensors can
// share a storage (tied weights, slices); the handles keep that. Both are immutable and cheap to copy, hold whatever
// their bytes need (a mapped file stays mapped), and may be used from many threads at once.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/dtype.h>
#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

struct StorageData;  // not public
struct TensorData;   // not public
class Tensor;

enum class DeviceType : std::uint8_t { cpu, cuda, opencl, meta };

/// A place of this machine for bytes. Plain value; that it can be named does not mean that it is there (Devices).
struct Device {
  DeviceType type = DeviceType::cpu;
  std::uint32_t index = 0;   ///< of several of a type; 0 for cpu and meta

  /// "cpu", "cuda", "cuda:1", "opencl:0", "meta". Errors: `invalid_argument`, with the forms that exist.
  [[nodiscard]] static Device parse(std::string_view text);
  /// Nothing where the text names no type of ours: "mps", "npu:0" …
  [[nodiscard]] static std::optional<Device> find(std::string_view text) noexcept;
  /// As PyTorch spells it: "cpu", "cuda:0", "opencl:1", "meta".
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Device&, const Device&) = default;
  friend auto operator<=>(const Device&, const Device&) = default;
};

/// A checksum that a file records for the bytes of a whole storage.
struct RecordedChecksum {
  std::uint32_t crc32 = 0;  ///< zero means "not recorded" to PyTorch, which may be told not to compute it
};

/// An immutable run of bytes, wherever it is.
class Storage {
 public:
  /// An empty storage on the CPU.
  Storage();
  explicit Storage(std::shared_ptr<const StorageData> data) noexcept : data_(std::move(data)) {}

  [[nodiscard]] std::uint64_t nbytes() const noexcept;
  /// The dtype that the file gives the storage itself; nothing for an untyped one. Tensors decide for themselves.
  [[nodiscard]] std::optional<DType> dtype() const noexcept;
  /// Order of the bytes as they lie in the source.
  [[nodiscard]] std::endian byte_order() const noexcept;
  /// Device tag as saved: "cpu", "cuda:0", "npu:0" … Data, never a demand: the bytes are where the file is.
  [[nodiscard]] const std::string& location() const noexcept;
  /// Where the bytes are: the CPU for memory and files, else the device that they were moved to.
  [[nodiscard]] Device device() const noexcept;
  /// Where on that device: a CUdeviceptr or, for OpenCL, a cl_mem (device_offset() bytes into which the storage begins).
  /// 0 on the CPU.
  [[nodiscard]] std::uintptr_t device_address() const noexcept;
  [[nodiscard]] std::uint64_t device_offset() const noexcept;
  /// Entry of the archive that holds the bytes ("archive/data/0"), or empty.
  [[nodiscard]] std::string record() const;
  /// Position of the first byte in the file, where it lies there as it is.
  [[nodiscard]] std::optional<std::uint64_t> file_offset() const;
  [[nodiscard]] std::optional<RecordedChecksum> checksum() const noexcept;

  /// Copy bytes from `offset` on into memory of the caller. Errors: `truncated`, `io`, `damaged`.
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  /// All bytes without a copy, where the source can give them; empty otherwise (owned access, compressed records).
  [[nodiscard]] std::span<const std::byte> view() const;

  /// Whether both are the same storage, not only equal bytes.
  [[nodiscard]] bool is(const Storage& other) const noexcept { return data_ == other.data_; }
  [[nodiscard]] const std::shared_ptr<const StorageData>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<const StorageData> data_;
};

/// How a tensor's elements are arranged. `wrapper` is a tensor subclass without a storage of its own (DTensor …).
enum class Layout : std::uint8_t {
  strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, nested, mkldnn, wrapper,
};

/// PyTorch's name without `torch.`: "strided", "sparse_coo" …
[[nodiscard]] std::string_view to_string(Layout layout) noexcept;

/// How integers of a quantised tensor stand for real numbers: value = (q - zero_point) * scale.
enum class QScheme : std::uint8_t { none, per_tensor_affine, per_channel_affine };

/// One of the tensors that a sparse, quantised or nested tensor is made of. The name is the last component of its path:
/// "indices", "values", "crow_indices", "col_indices", "scales", "zero_points", "buffer", "sizes" …
struct TensorPart;

/// A tensor: a typed, strided view of a Storage, or something made of several of them.
class Tensor {
 public:
  /// An undefined tensor; `defined()` is false and everything else throws.
  Tensor() = default;
  explicit Tensor(std::shared_ptr<const TensorData> data) noexcept : data_(std::move(data)) {}

  /// Copy `values` (row-major) into a new tensor. Errors: `invalid_argument` where the shape has another element count.
  template <typename T>
  [[nodiscard]] static Tensor from(std::span<const T> values, std::span<const std::int64_t> shape) {
    return copy_of(dtype_of<T>, std::as_bytes(values), shape);
  }
  template <typename T>
  [[nodiscard]] static Tensor from(std::span<const T> values, std::initializer_list<std::int64_t> shape) {
    return copy_of(dtype_of<T>, std::as_bytes(values), std::span(shape.begin(), shape.size()));
  }
  template <typename T>
  [[nodiscard]] static Tensor from(const std::vector<T>& values, std::initializer_list<std::int64_t> shape) {
    return from(std::span<const T>(values), shape);
  }
  /// Copy raw bytes (row-major, native byte order) into a new tensor of any dtype.
  [[nodiscard]] static Tensor copy_of(DType dtype, std::span<const std::byte> bytes,
                                      std::span<const std::int64_t> shape);
  /// Borrow memory (row-major, native byte order) without a copy. `owner` is held by the tensor; without one the caller
  /// keeps the memory alive and unchanged for as long as any tensor, storage or checkpoint over it.
  [[nodiscard]] static Tensor view(DType dtype, std::span<const std::byte> bytes, std::span<const std::int64_t> shape,
                                   std::shared_ptr<const void> owner = {});
  template <typename T>
  [[nodiscard]] static Tensor view(std::span<const T> values, std::initializer_list<std::int64_t> shape,
                                   std::shared_ptr<const void> owner = {}) {
    return view(dtype_of<T>, std::as_bytes(values), std::span(shape.begin(), shape.size()), std::move(owner));
  }
  /// A view of a storage; `strides` and `storage_offset` in elements. Proven inside the storage, else `invalid_argument`.
  [[nodiscard]] static Tensor over(Storage storage, DType dtype, std::span<const std::int64_t> shape,
                                   std::span<const std::int64_t> strides, std::int64_t storage_offset);

  [[nodiscard]] bool defined() const noexcept { return data_ != nullptr; }
  [[nodiscard]] DType dtype() const;
  [[nodiscard]] Layout layout() const;
  [[nodiscard]] std::span<const std::int64_t> shape() const;    ///< lives as long as the tensor
  [[nodiscard]] std::span<const std::int64_t> strides() const;  ///< in elements; empty unless strided
  [[nodiscard]] std::int64_t storage_offset() const;            ///< in elements
  [[nodiscard]] std::int64_t dim() const { return static_cast<std::int64_t>(shape().size()); }
  [[nodiscard]] std::uint64_t numel() const;
  [[nodiscard]] std::uint64_t nbytes() const;                   ///< numel times element size
  /// Device tag as saved ("cpu", "cuda:0", "meta").
  [[nodiscard]] const std::string& device() const;
  /// The storage that is viewed. Errors: `wrong_type` where there is none (sparse, meta, wrapper).
  [[nodiscard]] const Storage& storage() const;
  [[nodiscard]] bool has_storage() const;

  [[nodiscard]] bool requires_grad() const;
  [[nodiscard]] bool is_parameter() const;   ///< saved as torch.nn.Parameter
  [[nodiscard]] bool is_conj() const;        ///< elements are to be conjugated when read
  [[nodiscard]] bool is_neg() const;         ///< elements are to be negated when read
  [[nodiscard]] bool is_numpy() const;       ///< saved as a numpy.ndarray
  [[nodiscard]] bool is_meta() const;        ///< has no bytes at all
  [[nodiscard]] bool is_contiguous() const;  ///< strides are those of row-major order
  [[nodiscard]] bool is_coalesced() const;   ///< sparse_coo: indices are sorted and unique, as the file says
  [[nodiscard]] QScheme qscheme() const;
  [[nodiscard]] double q_scale() const;             ///< per_tensor_affine
  [[nodiscard]] std::int64_t q_zero_point() const;  ///< per_tensor_affine
  [[nodiscard]] std::int64_t q_axis() const;        ///< per_channel_affine
  /// What a sparse, nested or per-channel quantised tensor is made of; empty for a plain one.
  [[nodiscard]] std::span<const TensorPart> parts() const;

  /// The elements without a copy, row-major. Lives as long as this tensor (or any handle of its storage).
  ///
  /// Errors: `wrong_type` where T is not the dtype, where the byte order is not this machine's, the strides are not
  /// row-major, a conj/neg bit is set, or the bytes are not mapped or lie unaligned. Each message names the call that
  /// works: `contiguous()`, which copies, or `copy_to()`. `data<std::byte>()` takes every dtype.
  template <typename T>
  [[nodiscard]] std::span<const T> data() const {
    const std::span<const std::byte> bytes = checked_bytes(dtype_of<T>, sizeof(T), alignof(T));
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// This tensor if `data()` can view it, else a copy in memory: row-major, this machine's byte order, conj/neg
  /// resolved, bools 0 or 1. Errors: `wrong_type` for tensors without elements of their own (sparse, meta), `limit`
  /// where an expanded tensor would need absurd memory, and those of reading.
  [[nodiscard]] Tensor contiguous() const;
  /// Copy the elements, as `contiguous()` arranges them, into memory of the caller: exactly `nbytes()` bytes; where
  /// elements share bytes (quint4x2, quint2x4, float6), exactly `bytes_of(dtype(), numel())`.
  void copy_to(std::span<std::byte> into) const;
  template <typename T>
  [[nodiscard]] std::vector<T> to_vector() const {
    check_dtype(dtype_of<T>);
    std::vector<T> values(static_cast<std::size_t>(numel()));
    copy_to(std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// The only element. Errors: `wrong_type`.
  template <typename T>
  [[nodiscard]] T item() const {
    check_dtype(dtype_of<T>);
    check_single();
    T value{};
    copy_to(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }

  /// SHA-256 of the elements in row-major order, little-endian, conj/neg bits resolved, as lower-case hex: the same
  /// for the same tensor in every format. Reads all of them. Errors: as contiguous().
  [[nodiscard]] std::string sha256() const;

  [[nodiscard]] const std::shared_ptr<const TensorData>& data_handle() const noexcept { return data_; }

 private:
  [[nodiscard]] const TensorData& get() const;
  [[nodiscard]] std::span<const std::byte> checked_bytes(DType dtype, std::size_t size, std::size_t alignment) const;
  void check_dtype(DType dtype) const;
  void check_single() const;

  std::shared_ptr<const TensorData> data_;
};

struct TensorPart {
  std::string name;
  Tensor tensor;
};

template <>
[[nodiscard]] std::span<const std::byte> Tensor::data<std::byte>() const;
template <>
[[nodiscard]] std::span<const bool> Tensor::data<bool>() const;  // also proves that every byte is 0 or 1

/// A tensor and the name that leads to it.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace v0
}  // namespace sconce
