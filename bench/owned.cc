#include "owned.h"

namespace bench {

#ifdef SCONCE_BENCH_MOVES

sconce::Checkpoint owned(const std::string& path, const sconce::MoveOptions& options) {
  sconce::Checkpoint checkpoint = sconce::load(path);
  checkpoint.to(options);
  return checkpoint;
}

#else

sconce::Checkpoint owned(const std::string& path, const sconce::MoveOptions&) {
  const sconce::Checkpoint file = sconce::load(path);
  sconce::Checkpoint checkpoint;
  for (const auto& [name, tensor] : file.tensors()) {
    const auto bytes = std::make_shared<std::vector<std::byte> >(tensor.nbytes());
    tensor.copy_to(*bytes);
    checkpoint[name] = sconce::Tensor::view(tensor.dtype(), *bytes, tensor.shape(), bytes);
  }
  return checkpoint;
}

#endif

}  // namespace bench
