// DLPack: tensors in and out without a copy, to and from PyTorch, NumPy, CuPy, JAX (docs/dlpack.md).
//
// The two types are those of dlpack.h, version 1.1, by their ABI; no header of DLPack is needed, and one that is there
// does no harm.
#pragma once

#include <cstdint>

#include <sconce/device.h>
#include <sconce/export.h>
#include <sconce/tensor.h>

struct DLManagedTensor;           // capsules named "dltensor"
struct DLManagedTensorVersioned;  // capsules named "dltensor_versioned"

namespace sconce {
inline namespace v0 SCONCE_API {

/// What a structure that cannot say "read-only" does with memory that must not be written.
enum class DlpackReadOnly : std::uint8_t {
  refuse,  ///< an Error
  trust,   ///< give it: the caller knows that the consumer only reads. A write to a mapped file would end the process
};

/// The tensor for somebody else, who shares its memory and ends with the structure's deleter, from whatever thread;
/// until then the memory stays. Marked read-only where the bytes lie in a mapped file, or came from DLPack marked so;
/// other memory is written at the consumer's own risk: all tensors over it change.
///
/// The bytes are ready: every move ends synchronised, so that a consumer's stream need not wait for anything. (What
/// came in by from_dlpack() with a stream is ready on that stream.)
///
/// Errors: `wrong_type` where the bytes are not what DLPack could describe (another byte order, a conj or neg bit,
/// unaligned, not in memory, no storage), `unsupported` for dtypes that it does not have (quantised, sub-byte). The
/// message names the call that helps: contiguous().
[[nodiscard]] DLManagedTensorVersioned* to_dlpack(const Tensor& tensor);
/// The same as the older structure, which PyTorch before 2.9 and NumPy before 2.1 read. It cannot say that memory is
/// read-only. Errors: as to_dlpack(), and `unsupported` for memory that must not be written, unless `trust`.
[[nodiscard]] DLManagedTensor* to_dlpack_unversioned(const Tensor& tensor,
                                                     DlpackReadOnly read_only = DlpackReadOnly::refuse);

/// Somebody else's tensor, without a copy. Takes it over in every case: its deleter is called once, when the last
/// handle of the storage goes, or before an Error leaves. `devices` must know the device; `stream` is where the
/// producer's work was queued, or made to be waited for (CUstream, cl_command_queue): reads are ordered behind it. Null
/// where the bytes are ready. The producer must not write while Sconce uses the tensor.
///
/// Errors: `invalid_argument` for what contradicts itself (sizes, null pointers, overflow); `unsupported` for a
/// version, device or dtype that is not known, negative strides, and a device that is not here.
[[nodiscard]] Tensor from_dlpack(DLManagedTensorVersioned* tensor, const Devices& devices, void* stream = nullptr);
[[nodiscard]] Tensor from_dlpack(DLManagedTensor* tensor, const Devices& devices, void* stream = nullptr);

}  // namespace SCONCE_API
}  // namespace sconce
