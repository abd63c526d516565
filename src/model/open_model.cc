#include "model/open_model.h"

#include <sconce/error.h>

#include "formats/foreign/foreign.h"

namespace sconce::model {

SourcePtr open_model(const std::string& path, FileAccess access) {
  try {
    return open_file(path, access);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) formats::foreign::refuse_folder(path);
    throw;
  }
}

}  // namespace sconce::model
