// The version of the library. Sconce follows semantic versioning; before 1.0 a minor release may change the API (see
// docs/versioning.md).
#pragma once

#define SCONCE_VERSION_MAJOR 0
#define SCONCE_VERSION_MINOR 1
#define SCONCE_VERSION_PATCH 0
#define SCONCE_VERSION "0.1.0"
