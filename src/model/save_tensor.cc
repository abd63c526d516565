// One tensor as a file of its own: `.npy`, or its bare elements.
#include <string>

#include <sconce/save.h>

#include "formats/numpy/writer.h"
#include "formats/tensor_payload.h"
#include "io/run_plan.h"
#include "model/run_options.h"

namespace sconce {
inline namespace v0 {

void save_npy(const Tensor& tensor, const std::string& path, const SaveOptions& options) {
  io::run_plan(formats::numpy::plan_npy(tensor), path, model::run_options(options));
}

void save_raw(const Tensor& tensor, const std::string& path, const SaveOptions& options) {
  io::WritePlan plan;
  formats::add_elements(plan, tensor);
  io::run_plan(plan, path, model::run_options(options));
}

}  // namespace v0
}  // namespace sconce
