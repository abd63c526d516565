// What every test includes; tests/CMakeLists.txt has it compiled once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
