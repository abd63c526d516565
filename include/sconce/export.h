// SCONCE_API: what a shared library of Sconce shows. Everything else is compiled with hidden visibility.
//
// It stands once in each header, on the namespace, so that a new class or function of the API cannot be forgotten.
#pragma once

#if defined(__GNUC__)
#define SCONCE_API __attribute__((visibility("default")))
#else
#define SCONCE_API
#endif
